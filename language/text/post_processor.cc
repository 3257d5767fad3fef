#include "language/text/post_processor.h"

#include "absl/strings/str_cat.h"
#include "language/text/json_fields.h"

namespace sightline::language {
namespace {

using nlohmann::json;

constexpr int kMaxNesting = 8;
constexpr size_t kMaxIds = 1024;

Status AppendIds(const json& table, const std::string& name, std::vector<int32_t>* out) {
  const json& ids = Field(Field(table, name), "ids");
  if (!ids.is_array() || ids.size() > kMaxIds)
    return absl::InvalidArgumentError(
        absl::StrCat("tokenizer.json: post_processor lacks the special token ", name));
  for (const json& id : ids) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX)
      return absl::InvalidArgumentError("tokenizer.json: post_processor has a bad id");
    out->push_back(id.get<int32_t>());
  }
  return absl::OkStatus();
}

Status Template(const json& spec, PostProcessor* out) {
  PostProcessor t;
  int sequences = 0;
  const json& single = Field(spec, "single");
  if (!single.is_array() || single.size() > kMaxIds)
    return absl::InvalidArgumentError("tokenizer.json: post_processor.single must be a list");
  for (const json& item : single) {
    if (const json& token = Field(item, "SpecialToken"); token.is_object()) {
      SL_RETURN_IF_ERROR(AppendIds(Field(spec, "special_tokens"), StringField(token, "id"),
                                   sequences ? &t.after : &t.before));
    } else if (StringField(Field(item, "Sequence"), "id") == "A") {
      ++sequences;
    } else {
      return absl::InvalidArgumentError("tokenizer.json: post_processor.single has a bad item");
    }
  }
  if (sequences != 1)
    return absl::UnimplementedError("tokenizer.json: post_processor.single needs the text once");
  // Steps wrap what those before them made.
  out->before.insert(out->before.begin(), t.before.begin(), t.before.end());
  out->after.insert(out->after.end(), t.after.begin(), t.after.end());
  return out->before.size() + out->after.size() <= kMaxIds
             ? absl::OkStatus()
             : absl::InvalidArgumentError("tokenizer.json: post_processor adds too many tokens");
}

Status Add(const json& spec, int depth, PostProcessor* out) {
  if (depth > kMaxNesting)
    return absl::InvalidArgumentError("tokenizer.json: post-processors nest too deep");
  std::string type = StringField(spec, "type");
  if (spec.is_null() || type == "ByteLevel") return absl::OkStatus();
  if (type == "TemplateProcessing") return Template(spec, out);
  if (type != "Sequence")
    return absl::UnimplementedError(
        absl::StrCat("tokenizer.json: post-processor type '", type, "' is not supported"));
  const json& items = Field(spec, "processors");
  if (!items.is_array())
    return absl::InvalidArgumentError("tokenizer.json: processors must be a list");
  for (const json& item : items) SL_RETURN_IF_ERROR(Add(item, depth + 1, out));
  return absl::OkStatus();
}

}  // namespace

StatusOr<PostProcessor> ParsePostProcessor(const json& spec) {
  PostProcessor out;
  SL_RETURN_IF_ERROR(Add(spec, 0, &out));
  return out;
}

}  // namespace sightline::language

#include "language/text/normalizer.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "language/text/json_fields.h"
#include "language/text/regex.h"
#include "language/text/unicode.h"

namespace sightline::language {
namespace {

using nlohmann::json;
using NormalizerPtr = std::unique_ptr<Normalizer>;

constexpr int kMaxNesting = 8;

class Sequence final : public Normalizer {
 public:
  explicit Sequence(std::vector<NormalizerPtr> parts) : parts_(std::move(parts)) {}
  StatusOr<std::string> Apply(std::string text) const override {
    for (const NormalizerPtr& part : parts_) {
      SL_ASSIGN_OR_RETURN(text, part->Apply(std::move(text)));
    }
    return text;
  }

 private:
  std::vector<NormalizerPtr> parts_;
};

class UnicodeForm final : public Normalizer {
 public:
  explicit UnicodeForm(NormalForm form) : form_(form) {}
  StatusOr<std::string> Apply(std::string text) const override {
    return Normalize(form_, std::move(text));
  }

 private:
  NormalForm form_;
};

class Lowercase final : public Normalizer {
 public:
  StatusOr<std::string> Apply(std::string text) const override { return ToLower(text); }
};

// Empty text stays empty: a piece between two added tokens gains nothing.
class Affix final : public Normalizer {
 public:
  Affix(std::string prefix, std::string suffix)
      : prefix_(std::move(prefix)), suffix_(std::move(suffix)) {}
  StatusOr<std::string> Apply(std::string text) const override {
    return text.empty() ? text : absl::StrCat(prefix_, text, suffix_);
  }

 private:
  std::string prefix_, suffix_;
};

class ReplaceString final : public Normalizer {
 public:
  ReplaceString(std::string from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}
  StatusOr<std::string> Apply(std::string text) const override {
    return absl::StrReplaceAll(text, {{from_, to_}});
  }

 private:
  std::string from_, to_;
};

class ReplaceRegex final : public Normalizer {
 public:
  ReplaceRegex(std::unique_ptr<Regex> from, std::string to)
      : from_(std::move(from)), to_(std::move(to)) {}
  StatusOr<std::string> Apply(std::string text) const override {
    SL_ASSIGN_OR_RETURN(std::vector<ByteRange> matches, from_->FindAll(text));
    std::string out;
    size_t last = 0;
    for (const auto& [begin, end] : matches) {
      out.append(text, last, begin - last);
      out += to_;
      last = end;
    }
    out.append(text, last);
    return out;
  }

 private:
  std::unique_ptr<Regex> from_;
  std::string to_;
};

class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}
  StatusOr<std::string> Apply(std::string text) const override {
    size_t begin = text.size(), end = 0;
    for (size_t pos = 0; pos < text.size();) {
      CodePoint c = DecodeUtf8(text, pos);
      if (!IsSpace(c.value)) {
        begin = std::min(begin, pos);
        end = pos + c.bytes;
      }
      pos += c.bytes;
    }
    if (begin >= end) return std::string();
    if (!left_) begin = 0;
    if (!right_) end = text.size();
    return text.substr(begin, end - begin);
  }

 private:
  bool left_, right_;
};

StatusOr<NormalizerPtr> Parse(const json& spec, int depth);

StatusOr<NormalizerPtr> ParseSequence(const json& spec, int depth) {
  std::vector<NormalizerPtr> parts;
  const json& items = Field(spec, "normalizers");
  if (!items.is_array())
    return absl::InvalidArgumentError("tokenizer.json: normalizers must be a list");
  for (const json& item : items) {
    SL_ASSIGN_OR_RETURN(NormalizerPtr part, Parse(item, depth + 1));
    if (part) parts.push_back(std::move(part));
  }
  return NormalizerPtr(new Sequence(std::move(parts)));
}

StatusOr<NormalizerPtr> ParseReplace(const json& spec) {
  TextPattern pattern = PatternField(spec);
  if (pattern.text.empty())
    return absl::InvalidArgumentError("tokenizer.json: Replace needs a pattern");
  if (!pattern.is_regex)
    return NormalizerPtr(new ReplaceString(pattern.text, StringField(spec, "content")));
  SL_ASSIGN_OR_RETURN(std::unique_ptr<Regex> regex, Regex::Compile(pattern.text));
  return NormalizerPtr(new ReplaceRegex(std::move(regex), StringField(spec, "content")));
}

StatusOr<NormalizerPtr> Parse(const json& spec, int depth) {
  if (depth > kMaxNesting)
    return absl::InvalidArgumentError("tokenizer.json: normalizers nest too deep");
  if (spec.is_null()) return NormalizerPtr();
  std::string type = StringField(spec, "type");
  if (type == "Sequence") return ParseSequence(spec, depth);
  if (type == "NFC") return NormalizerPtr(new UnicodeForm(NormalForm::kNfc));
  if (type == "NFD") return NormalizerPtr(new UnicodeForm(NormalForm::kNfd));
  if (type == "NFKC") return NormalizerPtr(new UnicodeForm(NormalForm::kNfkc));
  if (type == "NFKD") return NormalizerPtr(new UnicodeForm(NormalForm::kNfkd));
  if (type == "Lowercase") return NormalizerPtr(new Lowercase());
  if (type == "Prepend") return NormalizerPtr(new Affix(StringField(spec, "prepend"), ""));
  if (type == "Append") return NormalizerPtr(new Affix("", StringField(spec, "append")));
  if (type == "Replace") return ParseReplace(spec);
  if (type == "Strip") {
    return NormalizerPtr(
        new Strip(BoolField(spec, "strip_left", true), BoolField(spec, "strip_right", true)));
  }
  return absl::UnimplementedError(
      absl::StrCat("tokenizer.json: normalizer type '", type, "' is not supported"));
}

}  // namespace

StatusOr<std::unique_ptr<Normalizer>> ParseNormalizer(const json& spec) { return Parse(spec, 0); }

}  // namespace sightline::language

#include "language/jinja/template.h"

#include "language/jinja/interpreter.h"
#include "language/jinja/parser.h"
#include "language/text/unicode.h"

namespace sightline::language::jinja {
namespace {

constexpr size_t kMostOfMessage = 400;

Status ToStatus(const Error& e) {
  std::string what = "chat template";
  if (e.line) what += " line " + std::to_string(e.line);
  // What a template says in raise_exception may hold any amount of a caller's text.
  std::string said = SanitizeUtf8(std::string_view(e.what()).substr(0, kMostOfMessage));
  what += ": " + said;
  switch (e.kind) {
    case Error::Kind::kUnsupported:
      return ErrorWithReason(absl::StatusCode::kUnimplemented, "TEMPLATE_UNSUPPORTED", what);
    case Error::Kind::kRefused:
      return ErrorWithReason(absl::StatusCode::kInvalidArgument, "TEMPLATE_REFUSED", what);
    case Error::Kind::kLimit:
      return ErrorWithReason(absl::StatusCode::kResourceExhausted, "TEMPLATE_LIMIT", what);
    default:
      return ErrorWithReason(absl::StatusCode::kInvalidArgument, "TEMPLATE_INVALID", what);
  }
}

}  // namespace

Template::~Template() = default;

StatusOr<std::unique_ptr<Template>> Template::Parse(std::string_view source, const Limits& limits) {
  try {
    if (source.size() > limits.template_bytes)
      throw Error(Error::Kind::kLimit, "the template is too long");
    if (!IsValidUtf8(source)) Fail("the template is not UTF-8");
    std::unique_ptr<Template> t(new Template());
    t->limits_ = limits;
    t->root_ = jinja::Parse(source);
    return t;
  } catch (const Error& e) {
    return ToStatus(e);
  }
}

StatusOr<RenderedText> Template::Render(const Inputs& inputs) const {
  try {
    Text out = Interpreter(inputs, limits_).Run(*root_);
    return RenderedText{out.str(), out.spans()};
  } catch (const Error& e) {
    return ToStatus(e);
  }
}

}  // namespace sightline::language::jinja

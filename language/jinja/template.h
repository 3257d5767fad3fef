// Chat templates: the subset of Jinja that published ones use (docs/tokenizers_and_templates.md).
// No host access, and bounded in time, memory and output.
#pragma once

#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/base/status.h"
#include "language/text/added_tokens.h"

namespace sightline::language::jinja {

struct Node;

// Variables of a template. All text of `outside` (messages, tools: what callers send) is marked.
struct Inputs {
  nlohmann::ordered_json outside = nlohmann::ordered_json::object();
  // Fields of `outside`, at any depth, whose texts are the server's own words all the same: roles
  // and kinds of parts, of which templates make special tokens.
  std::vector<std::string> own_fields = {};
  nlohmann::ordered_json own = nlohmann::ordered_json::object();  // bos_token and the like
  std::optional<std::tm> now;                                     // for strftime_now
};

struct Limits {
  size_t steps = 5'000'000;  // statements, expressions and items walked
  size_t bytes = 64 << 20;   // of all text and items made on the way
  size_t output_bytes = 16 << 20;
  size_t template_bytes = 1 << 20;
};

struct RenderedText {
  std::string text;
  std::vector<TextSpan> outside;  // bytes that came from outside: sorted, apart
};

// Immutable once parsed; thread-safe.
class Template {
 public:
  // Errors name construct and line: INVALID_ARGUMENT (reason TEMPLATE_INVALID) for what Jinja would
  // refuse, UNIMPLEMENTED (TEMPLATE_UNSUPPORTED) for what this subset lacks.
  static StatusOr<std::unique_ptr<Template>> Parse(std::string_view source,
                                                   const Limits& limits = {});
  ~Template();
  // Also INVALID_ARGUMENT with reason TEMPLATE_REFUSED when the template calls raise_exception,
  // RESOURCE_EXHAUSTED (TEMPLATE_LIMIT) beyond the limits.
  StatusOr<RenderedText> Render(const Inputs& inputs) const;

 private:
  Template() = default;
  std::unique_ptr<Node> root_;
  Limits limits_;
};

}  // namespace sightline::language::jinja

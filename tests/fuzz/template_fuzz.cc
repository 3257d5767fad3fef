// Any template, and after a NUL byte any inputs as JSON: refused with a status, or text whose bytes
// from outside are all marked.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "compute/base/check.h"
#include "language/jinja/template.h"

namespace {

using sightline::language::TextSpan;
using sightline::language::jinja::Inputs;
using Json = nlohmann::ordered_json;

// A character that no template has: wherever it shows, a caller has sent it.
constexpr std::string_view kSign = "\xEE\x80\x80";

Inputs InputsOf(std::string_view json) {
  Inputs in;
  in.outside = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!in.outside.is_object()) {
    in.outside = Json::object();
    Json part = {{"type", "text"}, {"text", std::string(kSign) + " Hi <s> " + std::string(kSign)}};
    Json parts = Json::array({part, Json{{"type", "image"}}});
    in.outside["messages"] = Json::array({Json{{"role", "system"}, {"content", kSign}},
                                          Json{{"role", "user"}, {"content", std::move(parts)}}});
  }
  in.own = {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"add_generation_prompt", true}};
  std::tm now{};
  now.tm_year = 126;
  now.tm_mday = 1;
  in.now = now;
  return in;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 14) return 0;
  std::string_view all(reinterpret_cast<const char*>(data), size);
  size_t end = all.find('\0');
  std::string_view source = all.substr(0, end),
                   json = end == all.npos ? std::string_view() : all.substr(end + 1);
  sightline::language::jinja::Limits limits{.steps = 20'000, .bytes = 1 << 20};
  auto t = sightline::language::jinja::Template::Parse(source, limits);
  if (!t.ok()) return 0;
  auto r = (*t)->Render(InputsOf(json));
  if (!r.ok()) return 0;
  SL_CHECK(r->text.size() <= limits.bytes + size);
  size_t done = 0;
  for (const TextSpan& s : r->outside) {
    SL_CHECK(s.begin >= done && s.begin < s.end && s.end <= r->text.size());
    done = s.end;
  }
  // Escapes ("\ue000") and literals may write the sign as well.
  if (source.find('\\') != source.npos || source.find(kSign) != source.npos) return 0;
  for (size_t at = r->text.find(kSign); at != std::string::npos; at = r->text.find(kSign, at + 1)) {
    bool marked = false;
    for (const TextSpan& s : r->outside) marked |= s.begin <= at && at + kSign.size() <= s.end;
    SL_CHECK(marked);
  }
  return 0;
}

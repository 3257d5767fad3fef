// Any tokenizer.json, and after a zero byte any text: refused with a status, or ids within the
// vocabulary, none of them special, that decode.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "compute/base/check.h"
#include "language/text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using sightline::language::TextSpan;
  if (size > 1 << 16) return 0;
  std::string_view all(reinterpret_cast<const char*>(data), size);
  size_t end = all.find('\0');
  std::string_view text = end == all.npos ? "" : all.substr(end + 1);
  auto tokenizer = sightline::language::Tokenizer::Parse(all.substr(0, end));
  if (!tokenizer.ok()) return 0;
  const sightline::language::Tokenizer& t = **tokenizer;
  auto check = [&](const sightline::StatusOr<std::vector<int32_t>>& ids, bool user) {
    if (!ids.ok()) return;
    for (int32_t id : *ids) {
      SL_CHECK(id >= 0 && id < t.vocab_size());
      // The unknown token is often marked special; a text may well be unknown.
      SL_CHECK(!user || !t.IsSpecial(id) || id == t.unknown_id());
    }
    t.Decode(*ids);
    sightline::language::StreamDecoder stream(&t);
    for (int32_t id : *ids) stream.Push(id);
    stream.Flush();
  };
  check(t.EncodeUserText(text), true);
  check(t.EncodeTemplate(text), false);
  const TextSpan everything{0, text.size()};
  check(t.EncodeTemplate(text, {&everything, text.empty() ? size_t{0} : size_t{1}}), true);
  return 0;
}

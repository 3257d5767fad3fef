#include "language/text/byte_level.h"

#include <array>

#include "language/text/unicode.h"

namespace sightline::language {
namespace {

constexpr size_t kAlphabetEnd = 256 + 68;  // 68 bytes do not print and move above U+0100

bool PrintsAsItself(size_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Tables {
  std::array<std::string, 256> to_char;
  std::array<int, kAlphabetEnd> to_byte;
  Tables() {
    to_byte.fill(-1);
    size_t moved = 256;
    for (size_t byte = 0; byte < 256; ++byte) {
      size_t code = PrintsAsItself(byte) ? byte : moved++;
      AppendUtf8(static_cast<char32_t>(code), &to_char[byte]);
      to_byte[code] = static_cast<int>(byte);
    }
  }
};

const Tables& GetTables() {
  static const Tables* const tables = new Tables;
  return *tables;
}

}  // namespace

std::string BytesToAlphabet(std::string_view text) {
  const Tables& tables = GetTables();
  std::string out;
  out.reserve(text.size() * 2);
  for (char c : text) out += tables.to_char[static_cast<uint8_t>(c)];
  return out;
}

std::optional<std::string> AlphabetToBytes(std::string_view token) {
  const Tables& tables = GetTables();
  std::string out;
  for (size_t pos = 0; pos < token.size();) {
    CodePoint c = DecodeUtf8(token, pos);
    if (!c.valid || c.value >= kAlphabetEnd || tables.to_byte[c.value] < 0) return std::nullopt;
    out.push_back(static_cast<char>(tables.to_byte[c.value]));
    pos += c.bytes;
  }
  return out;
}

}  // namespace sightline::language

// UTF-8 walking and the Unicode facts that tokenizers ask for (ICU's data). Pure and thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "compute/base/status.h"

namespace sightline::language {

struct CodePoint {
  char32_t value = 0;    // U+FFFD where the bytes are ill-formed
  uint8_t bytes = 0;     // consumed, at least 1
  bool valid = true;     // false: ill-formed
  bool partial = false;  // ill-formed only because the text ends inside the character
};

// Reads the character that starts at `pos` < text.size(). Ill-formed input consumes its maximal
// subpart, as the Unicode standard recommends: decoding never depends on how text was cut.
CodePoint DecodeUtf8(std::string_view text, size_t pos);
void AppendUtf8(char32_t value, std::string* out);

// Replaces each ill-formed part by U+FFFD; valid text comes back unchanged.
std::string SanitizeUtf8(std::string_view text);
bool IsValidUtf8(std::string_view text);
bool IsAscii(std::string_view text);

// What pre-tokenizer patterns tell apart: \p{L}, \p{N}, \s, anything else.
enum class CharClass : uint8_t { kOther, kLetter, kNumber, kSpace };
CharClass ClassOf(char32_t c);
inline bool IsLetter(char32_t c) { return ClassOf(c) == CharClass::kLetter; }
inline bool IsNumber(char32_t c) { return ClassOf(c) == CharClass::kNumber; }
inline bool IsSpace(char32_t c) { return ClassOf(c) == CharClass::kSpace; }  // White_Space
bool IsPunctuation(char32_t c);  // \p{P}, or an ASCII mark of any kind
bool IsWordChar(char32_t c);     // \w

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };
StatusOr<std::string> Normalize(NormalForm form, std::string text);
std::string ToLower(std::string_view text);
std::string ToUpper(std::string_view text);

}  // namespace sightline::language

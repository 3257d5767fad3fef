// The byte-level alphabet of GPT-2: every byte as one printable character, so that vocabularies are
// text. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sightline::language {

// Each byte of `text` as its character, in UTF-8.
std::string BytesToAlphabet(std::string_view text);

// The bytes that `token` stands for, or nothing when a character is outside the alphabet.
std::optional<std::string> AlphabetToBytes(std::string_view token);

}  // namespace sightline::language

#include "language/text/unicode.h"

#include <unicode/bytestream.h>
#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <cstring>
#include <vector>

namespace sightline::language {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

// Length of a sequence by its lead byte and the range allowed for the second byte; 0 for a byte
// that cannot lead.
struct Lead {
  uint8_t length, low, high;
};

Lead LeadOf(uint8_t b) {
  if (b >= 0xC2 && b <= 0xDF) return {2, 0x80, 0xBF};
  if (b == 0xE0) return {3, 0xA0, 0xBF};
  if (b == 0xED) return {3, 0x80, 0x9F};
  if (b >= 0xE1 && b <= 0xEF) return {3, 0x80, 0xBF};
  if (b == 0xF0) return {4, 0x90, 0xBF};
  if (b >= 0xF1 && b <= 0xF3) return {4, 0x80, 0xBF};
  if (b == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

const icu::Normalizer2* Instance(NormalForm form, UErrorCode& error) {
  switch (form) {
    case NormalForm::kNfc:
      return icu::Normalizer2::getNFCInstance(error);
    case NormalForm::kNfd:
      return icu::Normalizer2::getNFDInstance(error);
    case NormalForm::kNfkc:
      return icu::Normalizer2::getNFKCInstance(error);
    case NormalForm::kNfkd:
      return icu::Normalizer2::getNFKDInstance(error);
  }
  return nullptr;
}

icu::StringPiece Piece(std::string_view text) {
  return icu::StringPiece(text.data(), static_cast<int32_t>(text.size()));
}

CharClass SlowClass(char32_t c) {
  auto u = static_cast<UChar32>(c);
  if (u_isUWhiteSpace(u)) return CharClass::kSpace;
  uint32_t mask = U_GET_GC_MASK(u);
  if (mask & U_GC_L_MASK) return CharClass::kLetter;
  return mask & U_GC_N_MASK ? CharClass::kNumber : CharClass::kOther;
}

// ICU's lookups are calls; most text lies in the basic plane.
constexpr char32_t kPlane = 0x10000;
const CharClass* BasicPlane() {
  static const std::vector<CharClass>* const table = [] {
    auto* t = new std::vector<CharClass>(kPlane);
    for (char32_t c = 0; c < kPlane; ++c) (*t)[c] = SlowClass(c);
    return t;
  }();
  return table->data();
}

}  // namespace

CodePoint DecodeUtf8(std::string_view text, size_t pos) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t first = byte(pos);
  if (first < 0x80) return {first, 1, true, false};
  Lead lead = LeadOf(first);
  if (lead.length == 0) return {kReplacement, 1, false, false};
  char32_t value = first & (0xFFu >> (lead.length + 1));
  for (uint8_t i = 1; i < lead.length; ++i) {
    if (pos + i >= text.size()) return {kReplacement, i, false, true};
    uint8_t low = i == 1 ? lead.low : 0x80, high = i == 1 ? lead.high : 0xBF, b = byte(pos + i);
    if (b < low || b > high) return {kReplacement, i, false, false};
    value = value << 6 | (b & 0x3Fu);
  }
  return {value, lead.length, true, false};
}

void AppendUtf8(char32_t c, std::string* out) {
  auto put = [out](char32_t b) { out->push_back(static_cast<char>(b)); };
  if (c < 0x80) {
    put(c);
    return;
  }
  if (c < 0x800) {
    put(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xE0 | c >> 12);
    } else {
      put(0xF0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3F));
    }
    put(0x80 | (c >> 6 & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

std::string SanitizeUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t pos = 0; pos < text.size();) {
    CodePoint c = DecodeUtf8(text, pos);
    if (c.valid) {
      out.append(text.substr(pos, c.bytes));
    } else {
      AppendUtf8(kReplacement, &out);
    }
    pos += c.bytes;
  }
  return out;
}

bool IsValidUtf8(std::string_view text) {
  if (IsAscii(text)) return true;
  for (size_t pos = 0; pos < text.size();) {
    CodePoint c = DecodeUtf8(text, pos);
    if (!c.valid) return false;
    pos += c.bytes;
  }
  return true;
}

bool IsAscii(std::string_view text) {
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t eight;
    std::memcpy(&eight, text.data() + i, 8);
    if (eight & 0x8080808080808080ull) return false;
  }
  for (; i < text.size(); ++i) {
    if (static_cast<uint8_t>(text[i]) >= 0x80) return false;
  }
  return true;
}

CharClass ClassOf(char32_t c) {
  static const CharClass* const plane = BasicPlane();
  return c < kPlane ? plane[c] : SlowClass(c);
}

bool IsPunctuation(char32_t c) {
  if (c < 0x80) return c > ' ' && c < 0x7F && ClassOf(c) == CharClass::kOther;
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_P_MASK) != 0;
}

bool IsWordChar(char32_t c) {
  auto u = static_cast<UChar32>(c);
  return u_isUAlphabetic(u) || c == 0x200C || c == 0x200D ||
         (U_GET_GC_MASK(u) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0;
}

StatusOr<std::string> Normalize(NormalForm form, std::string text) {
  if (IsAscii(text)) return text;
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = Instance(form, error);
  if (U_FAILURE(error) || !normalizer)
    return absl::InternalError("Unicode normalization data is missing");
  if (normalizer->isNormalizedUTF8(Piece(text), error) && U_SUCCESS(error)) return text;
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  error = U_ZERO_ERROR;
  normalizer->normalizeUTF8(0, Piece(text), sink, nullptr, error);
  if (U_FAILURE(error)) return absl::InvalidArgumentError("text cannot be normalized");
  return out;
}

std::string ToLower(std::string_view text) {
  std::string out;
  icu::UnicodeString::fromUTF8(Piece(text)).toLower(icu::Locale::getRoot()).toUTF8String(out);
  return out;
}

std::string ToUpper(std::string_view text) {
  std::string out;
  icu::UnicodeString::fromUTF8(Piece(text)).toUpper(icu::Locale::getRoot()).toUTF8String(out);
  return out;
}

}  // namespace sightline::language

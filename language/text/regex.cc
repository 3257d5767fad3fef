#include "language/text/regex.h"

#include <unicode/regex.h>
#include <unicode/utext.h>

#include "absl/time/clock.h"

namespace sightline::language {
namespace {

constexpr int32_t kMatchLimit = 1000;  // ICU's unit: some thousand engine steps, about a ms
constexpr int32_t kStackBytes = 8 << 20;
constexpr size_t kMatchesPerClock = 256;
constexpr absl::Duration kTextLimit = absl::Seconds(10);
constexpr size_t kMaxPatternBytes = 16384;

Status TooLong() {
  return ErrorWithReason(absl::StatusCode::kResourceExhausted, "TOKENIZER_PATTERN_TOO_SLOW",
                         "a tokenizer pattern takes too long on this text");
}

// Oniguruma's \s is the White_Space property (ICU leaves out U+000B and U+0085) and \h is a
// hexadecimal digit. Both stand inside and outside of brackets.
std::string ForIcu(std::string_view pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      out += pattern[i];
      continue;
    }
    switch (char c = pattern[++i]) {
      case 's':
        out += "\\p{White_Space}";
        break;
      case 'S':
        out += "\\P{White_Space}";
        break;
      case 'h':
        out += "\\p{ASCII_Hex_Digit}";
        break;
      case 'H':
        out += "\\P{ASCII_Hex_Digit}";
        break;
      default:
        out += '\\';
        out += c;
    }
  }
  return out;
}

class IcuRegex final : public Regex {
 public:
  explicit IcuRegex(std::unique_ptr<icu::RegexPattern> pattern) : pattern_(std::move(pattern)) {}

  StatusOr<std::vector<ByteRange>> FindAll(std::string_view text) const override {
    UErrorCode error = U_ZERO_ERROR;
    UText utext = UTEXT_INITIALIZER;
    utext_openUTF8(&utext, text.data(), static_cast<int64_t>(text.size()), &error);
    if (U_FAILURE(error)) return absl::InternalError("text cannot be opened for matching");
    auto result = Walk(&utext);
    utext_close(&utext);
    return result;
  }

 private:
  StatusOr<std::vector<ByteRange>> Walk(UText* text) const {
    UErrorCode error = U_ZERO_ERROR;
    std::unique_ptr<icu::RegexMatcher> matcher(pattern_->matcher(error));
    if (U_FAILURE(error)) return absl::InternalError("no matcher for a tokenizer pattern");
    matcher->setTimeLimit(kMatchLimit, error);
    matcher->setStackLimit(kStackBytes, error);
    matcher->reset(text);
    std::vector<ByteRange> out;
    absl::Time end = absl::Now() + kTextLimit;
    while (matcher->find(error) && U_SUCCESS(error)) {
      auto from = static_cast<size_t>(matcher->start64(error));
      auto to = static_cast<size_t>(matcher->end64(error));
      if (to > from) out.emplace_back(from, to);
      if (out.size() % kMatchesPerClock == 0 && absl::Now() > end) return TooLong();
    }
    if (U_FAILURE(error)) return TooLong();
    return out;
  }
  std::unique_ptr<icu::RegexPattern> pattern_;
};

}  // namespace

StatusOr<std::unique_ptr<Regex>> Regex::Compile(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes)
    return absl::InvalidArgumentError("tokenizer.json: a pattern is too long");
  UErrorCode error = U_ZERO_ERROR;
  UParseError where;
  std::string text = ForIcu(pattern);
  auto source = icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  // Ruby's rules: ^ and $ are ends of lines.
  std::unique_ptr<icu::RegexPattern> compiled(
      icu::RegexPattern::compile(source, UREGEX_MULTILINE, where, error));
  if (U_FAILURE(error) || !compiled)
    return absl::InvalidArgumentError(
        "tokenizer.json: a pattern is not a valid regular expression");
  return std::unique_ptr<Regex>(new IcuRegex(std::move(compiled)));
}

}  // namespace sightline::language

#include "language/text/pretokenizer.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "language/text/byte_level.h"
#include "language/text/cuts.h"
#include "language/text/json_fields.h"
#include "language/text/regex.h"
#include "language/text/splitter.h"
#include "language/text/unicode.h"

namespace sightline::language {
namespace {

using nlohmann::json;
using Steps = std::vector<std::unique_ptr<PreTokenizer>>;

constexpr int kMaxNesting = 8;
constexpr size_t kMaxSteps = 64;

// Hands the range [begin, end) of a piece on.
Status Emit(const TextPiece& piece, size_t begin, size_t end, PieceSink sink) {
  return sink({piece.text.substr(begin, end - begin), piece.opens && begin == 0});
}

class Sequence final : public PreTokenizer {
 public:
  explicit Sequence(Steps steps) : steps_(std::move(steps)) {}
  Status Split(TextPiece piece, PieceSink sink) const override { return From(0, piece, sink); }

 private:
  Status From(size_t i, TextPiece piece, PieceSink sink) const {
    if (i == steps_.size()) return sink(piece);
    return steps_[i]->Split(piece, [&](TextPiece p) { return From(i + 1, p, sink); });
  }
  Steps steps_;
};

// One of the published patterns; its pieces are the matches.
class KnownSplit final : public PreTokenizer {
 public:
  explicit KnownSplit(const SplitRule& rule) : rule_(rule) {}
  Status Split(TextPiece piece, PieceSink sink) const override {
    for (size_t pos = 0; pos < piece.text.size();) {
      size_t end = NextCut(rule_, piece.text, pos);
      SL_RETURN_IF_ERROR(Emit(piece, pos, end, sink));
      pos = end;
    }
    return absl::OkStatus();
  }

 private:
  SplitRule rule_;
};

// Finds where to cut.
using Finder = std::function<StatusOr<std::vector<ByteRange>>(std::string_view)>;

class FoundSplit final : public PreTokenizer {
 public:
  FoundSplit(Finder find, SplitBehavior behavior, bool invert)
      : find_(std::move(find)), behavior_(behavior), invert_(invert) {}
  Status Split(TextPiece piece, PieceSink sink) const override {
    SL_ASSIGN_OR_RETURN(std::vector<ByteRange> matches, find_(piece.text));
    for (auto [begin, end] : Pieces(matches, piece.text.size(), behavior_, invert_))
      SL_RETURN_IF_ERROR(Emit(piece, begin, end, sink));
    return absl::OkStatus();
  }

 private:
  Finder find_;
  SplitBehavior behavior_;
  bool invert_;
};

class ByteLevel final : public PreTokenizer {
 public:
  ByteLevel(bool prefix_space, bool use_regex, bool alphabet)
      : prefix_space_(prefix_space), use_regex_(use_regex), alphabet_(alphabet) {}
  Status Split(TextPiece piece, PieceSink sink) const override {
    if (!prefix_space_ || piece.text.empty() || piece.text[0] == ' ') return Cut(piece, sink);
    std::string text = " " + std::string(piece.text);
    return Cut({text, piece.opens}, sink);
  }

 private:
  Status Cut(TextPiece piece, PieceSink sink) const {
    if (!use_regex_) return Out(piece, sink);
    return KnownSplit(SplitRule{.gpt2 = true}).Split(piece, [&](TextPiece p) {
      return Out(p, sink);
    });
  }
  Status Out(TextPiece piece, PieceSink sink) const {
    if (!alphabet_) return sink(piece);
    std::string text = BytesToAlphabet(piece.text);
    return sink({text, piece.opens});
  }
  bool prefix_space_, use_regex_, alphabet_;
};

class Metaspace final : public PreTokenizer {
 public:
  enum class Prepend { kNever, kFirst, kAlways };
  Metaspace(std::string mark, Prepend prepend, bool split)
      : mark_(std::move(mark)), prepend_(prepend), split_(split) {}
  Status Split(TextPiece piece, PieceSink sink) const override {
    std::string text;
    text.reserve(piece.text.size() * 3 / 2);
    for (char c : piece.text) c == ' ' ? text += mark_ : text += c;
    bool here = prepend_ == Prepend::kAlways || (prepend_ == Prepend::kFirst && piece.opens);
    if (here && !text.empty() && !text.starts_with(mark_)) text.insert(0, mark_);
    TextPiece marked{text, piece.opens};
    size_t begin = 0;
    for (size_t next;
         split_ && !text.empty() && (next = text.find(mark_, begin + 1)) != std::string::npos;
         begin = next)
      SL_RETURN_IF_ERROR(Emit(marked, begin, next, sink));
    return Emit(marked, begin, text.size(), sink);
  }

 private:
  std::string mark_;
  Prepend prepend_;
  bool split_;
};

// Runs of characters for which `test` holds; each character its own match if `single`.
template <typename Test>
Finder FindChars(Test test, bool single) {
  return [test, single](std::string_view text) -> StatusOr<std::vector<ByteRange>> {
    std::vector<ByteRange> out;
    for (size_t pos = 0; pos < text.size();) {
      CodePoint c = DecodeUtf8(text, pos);
      size_t end = pos + c.bytes;
      if (test(c.value)) {
        if (!single && !out.empty() && out.back().second == pos) {
          out.back().second = end;
        } else {
          out.emplace_back(pos, end);
        }
      }
      pos = end;
    }
    return out;
  };
}

// \w+|[^\w\s]+
StatusOr<std::vector<ByteRange>> FindWords(std::string_view text) {
  std::vector<ByteRange> out;
  int last = 0;  // 1 word, 2 other
  for (size_t pos = 0; pos < text.size();) {
    CodePoint c = DecodeUtf8(text, pos);
    int kind = IsSpace(c.value) ? 0 : IsWordChar(c.value) ? 1 : 2;
    if (kind && kind == last) {
      out.back().second = pos + c.bytes;
    } else if (kind) {
      out.emplace_back(pos, pos + c.bytes);
    }
    last = kind;
    pos += c.bytes;
  }
  return out;
}

Finder FindLiteral(std::string literal) {
  return [literal = std::move(literal)](std::string_view text) -> StatusOr<std::vector<ByteRange>> {
    std::vector<ByteRange> out;
    for (size_t pos = 0; (pos = text.find(literal, pos)) != std::string_view::npos;
         pos += literal.size())
      out.emplace_back(pos, pos + literal.size());
    return out;
  };
}

class Parser {
 public:
  StatusOr<PreTokenizerSpec> Parse(const json& spec) {
    SL_RETURN_IF_ERROR(Flatten(spec, 0));
    for (size_t i = 0; i < flat_.size(); ++i) {
      bool last = i + 1 == flat_.size();
      SL_RETURN_IF_ERROR(Step(*flat_[i], last));
    }
    if (steps_.size() == 1) out_.split = std::move(steps_[0]);
    if (steps_.size() > 1) out_.split = std::make_unique<Sequence>(std::move(steps_));
    return std::move(out_);
  }

 private:
  Status Flatten(const json& spec, int depth) {
    if (depth > kMaxNesting)
      return absl::InvalidArgumentError("tokenizer.json: pre-tokenizers nest too deep");
    if (spec.is_null()) return absl::OkStatus();
    if (StringField(spec, "type") != "Sequence") {
      flat_.push_back(&spec);
      return flat_.size() <= kMaxSteps
                 ? absl::OkStatus()
                 : absl::InvalidArgumentError("tokenizer.json: too many pre-tokenizers");
    }
    const json& items = Field(spec, "pretokenizers");
    if (!items.is_array())
      return absl::InvalidArgumentError("tokenizer.json: pretokenizers must be a list");
    for (const json& item : items) SL_RETURN_IF_ERROR(Flatten(item, depth + 1));
    return absl::OkStatus();
  }

  Status Step(const json& spec, bool last) {
    std::string type = StringField(spec, "type");
    if (type == "ByteLevel") return ByteLevelStep(spec, last);
    if (type == "Metaspace") return MetaspaceStep(spec);
    if (type == "Split") return SplitStep(spec);
    SplitBehavior behavior = SplitBehavior::kIsolated;
    Finder find;
    if (type == "Digits") {
      find = FindChars(IsNumber, BoolField(spec, "individual_digits", false));
    } else if (type == "Punctuation") {
      SL_ASSIGN_OR_RETURN(behavior, ParseSplitBehavior(StringField(spec, "behavior", "Isolated")));
      find = FindChars(IsPunctuation, true);
    } else if (type == "WhitespaceSplit") {
      behavior = SplitBehavior::kRemoved;
      find = FindChars(IsSpace, true);
    } else if (type == "Whitespace") {
      behavior = SplitBehavior::kRemoved;
      find = FindWords;
    } else {
      return absl::UnimplementedError(
          absl::StrCat("tokenizer.json: pre-tokenizer type '", type, "' is not supported"));
    }
    Add(new FoundSplit(std::move(find), behavior, /*invert=*/type == "Whitespace"));
    return absl::OkStatus();
  }

  Status ByteLevelStep(const json& spec, bool last) {
    if (out_.byte_level)
      return absl::UnimplementedError("tokenizer.json: two ByteLevel pre-tokenizers");
    out_.byte_level = true;
    out_.alphabet = !last;
    bool use_regex = BoolField(spec, "use_regex", true);
    bool prefix_space = BoolField(spec, "add_prefix_space", true);
    Add(new ByteLevel(prefix_space, use_regex, out_.alphabet));
    return absl::OkStatus();
  }

  Status MetaspaceStep(const json& spec) {
    std::string scheme = StringField(
        spec, "prepend_scheme", BoolField(spec, "add_prefix_space", true) ? "always" : "never");
    auto prepend = scheme == "never"   ? Metaspace::Prepend::kNever
                   : scheme == "first" ? Metaspace::Prepend::kFirst
                                       : Metaspace::Prepend::kAlways;
    std::string mark = StringField(spec, "replacement", "\xE2\x96\x81");
    if (mark.empty())
      return absl::InvalidArgumentError("tokenizer.json: Metaspace needs a replacement");
    Add(new Metaspace(mark, prepend, BoolField(spec, "split", true)));
    return absl::OkStatus();
  }

  Status SplitStep(const json& spec) {
    TextPattern pattern = PatternField(spec);
    if (pattern.text.empty())
      return absl::InvalidArgumentError("tokenizer.json: Split needs a pattern");
    SL_ASSIGN_OR_RETURN(SplitBehavior behavior,
                        ParseSplitBehavior(StringField(spec, "behavior", "Isolated")));
    bool invert = BoolField(spec, "invert", false);
    // The known patterns match everything: all pieces are matches.
    bool keeps_all =
        behavior == SplitBehavior::kIsolated || (behavior == SplitBehavior::kRemoved && invert);
    std::optional<SplitRule> known = pattern.is_regex ? KnownPattern(pattern.text) : std::nullopt;
    if (known && keeps_all) {
      Add(new KnownSplit(*known));
      return absl::OkStatus();
    }
    Finder find;
    if (pattern.is_regex) {
      SL_ASSIGN_OR_RETURN(std::unique_ptr<Regex> regex, Regex::Compile(pattern.text));
      find = [regex = std::shared_ptr<Regex>(std::move(regex))](std::string_view text) {
        return regex->FindAll(text);
      };
    } else {
      find = FindLiteral(pattern.text);
    }
    Add(new FoundSplit(std::move(find), behavior, invert));
    return absl::OkStatus();
  }

  void Add(PreTokenizer* step) { steps_.emplace_back(step); }

  std::vector<const json*> flat_;
  Steps steps_;
  PreTokenizerSpec out_;
};

}  // namespace

StatusOr<PreTokenizerSpec> ParsePreTokenizer(const json& spec) { return Parser().Parse(spec); }

}  // namespace sightline::language

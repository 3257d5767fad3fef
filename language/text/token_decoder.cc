#include "language/text/token_decoder.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "language/text/byte_level.h"
#include "language/text/json_fields.h"
#include "language/text/regex.h"
#include "language/text/unicode.h"

namespace sightline::language {
namespace {

using nlohmann::json;
using Tokens = std::vector<std::string>;
using Steps = std::vector<std::unique_ptr<DecoderStep>>;

constexpr int kMaxNesting = 8;
constexpr size_t kMaxSteps = 64;

// A step that treats tokens one by one.
class Each : public DecoderStep {
 public:
  Tokens Apply(Tokens tokens) const override {
    bool first = true;
    for (std::string& t : tokens) {
      t = Single(std::move(t), first);
      first = false;
    }
    return tokens;
  }
};

class ByteLevel final : public DecoderStep {
 public:
  Tokens Apply(Tokens tokens) const override {
    std::string bytes;
    for (std::string& t : tokens) bytes += Single(std::move(t), false);
    return {SanitizeUtf8(bytes)};
  }
  std::string Single(std::string token, bool) const override {
    auto bytes = AlphabetToBytes(token);
    return bytes ? *std::move(bytes) : token;
  }
};

// "<0x41>" is a byte; a run of them that isn't well-formed is one U+FFFD a byte.
class ByteFallback final : public DecoderStep {
 public:
  Tokens Apply(Tokens tokens) const override {
    Tokens out;
    std::string run;
    auto flush = [&] {
      if (run.empty()) return;
      if (IsValidUtf8(run)) {
        out.push_back(run);
      } else {
        out.insert(out.end(), run.size(), "\xEF\xBF\xBD");
      }
      run.clear();
    };
    for (std::string& t : tokens) {
      int byte = ByteOf(t);
      if (byte >= 0) {
        run += static_cast<char>(byte);
        continue;
      }
      flush();
      out.push_back(std::move(t));
    }
    flush();
    return out;
  }
  std::string Single(std::string token, bool) const override {
    int byte = ByteOf(token);
    return byte >= 0 ? std::string(1, static_cast<char>(byte)) : token;
  }

 private:
  static int Hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = static_cast<char>(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  }
  static int ByteOf(const std::string& t) {
    if (t.size() != 6 || !t.starts_with("<0x") || t[5] != '>') return -1;
    int high = Hex(t[3]), low = Hex(t[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
  }
};

class Fuse final : public DecoderStep {
 public:
  Tokens Apply(Tokens tokens) const override { return {absl::StrJoin(tokens, "")}; }
  std::string Single(std::string token, bool) const override { return token; }
};

class Replace final : public Each {
 public:
  Replace(std::string from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}
  std::string Single(std::string token, bool) const override {
    return absl::StrReplaceAll(token, {{from_, to_}});
  }

 private:
  std::string from_, to_;
};

// At most `start` and `stop` times `content` from the ends of each token; after Fuse, of the text.
class Strip final : public Each {
 public:
  Strip(std::string content, int64_t start, int64_t stop, bool fused)
      : content_(std::move(content)), start_(start), stop_(stop), fused_(fused) {}
  Tokens Apply(Tokens tokens) const override {
    for (std::string& t : tokens) t = Cut(std::move(t), true, true);
    return tokens;
  }
  std::string Single(std::string token, bool first) const override {
    return Cut(std::move(token), !fused_ || first, !fused_);
  }

 private:
  std::string Cut(std::string t, bool left, bool right) const {
    for (int64_t i = 0; left && i < start_ && t.starts_with(content_); ++i)
      t.erase(0, content_.size());
    for (int64_t i = 0; right && i < stop_ && t.ends_with(content_); ++i)
      t.resize(t.size() - content_.size());
    return t;
  }
  std::string content_;
  int64_t start_, stop_;
  bool fused_;
};

class Metaspace final : public Each {
 public:
  Metaspace(std::string mark, bool drop_first) : mark_(std::move(mark)), drop_first_(drop_first) {}
  std::string Single(std::string token, bool first) const override {
    return absl::StrReplaceAll(token, {{mark_, first && drop_first_ ? "" : " "}});
  }

 private:
  std::string mark_;
  bool drop_first_;
};

// The suffix of a word's last token is a space, but for the last word.
class WordEnds final : public DecoderStep {
 public:
  explicit WordEnds(std::string suffix) : suffix_(std::move(suffix)) {}
  Tokens Apply(Tokens tokens) const override {
    for (size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = absl::StrReplaceAll(tokens[i], {{suffix_, i + 1 == tokens.size() ? "" : " "}});
    return tokens;
  }
  std::string Single(std::string token, bool) const override {
    return absl::StrReplaceAll(token, {{suffix_, " "}});
  }

 private:
  std::string suffix_;
};

StatusOr<std::unique_ptr<DecoderStep>> ParseReplace(const json& spec) {
  TextPattern pattern = PatternField(spec);
  if (pattern.is_regex)
    return absl::UnimplementedError("tokenizer.json: a Replace decoder with a regex");
  if (pattern.text.empty())
    return absl::InvalidArgumentError("tokenizer.json: a Replace decoder needs a pattern");
  return std::make_unique<Replace>(pattern.text, StringField(spec, "content"));
}

StatusOr<std::unique_ptr<DecoderStep>> ParseStep(const json& spec, bool fused) {
  std::string type = StringField(spec, "type");
  if (type == "ByteLevel") return std::make_unique<ByteLevel>();
  if (type == "ByteFallback") return std::make_unique<ByteFallback>();
  if (type == "Fuse") return std::make_unique<Fuse>();
  if (type == "Replace") return ParseReplace(spec);
  if (type == "Strip" || type == "BPEDecoder" || type == "Metaspace") {
    const char* key = type == "Strip" ? "content" : type == "Metaspace" ? "replacement" : "suffix";
    std::string text = StringField(spec, key);
    if (text.empty())
      return absl::InvalidArgumentError(absl::StrCat("tokenizer.json: ", type, " needs ", key));
    if (type == "BPEDecoder") return std::make_unique<WordEnds>(text);
    if (type == "Strip")
      return std::make_unique<Strip>(text, IntField(spec, "start", 0), IntField(spec, "stop", 0),
                                     fused);
    std::string scheme = StringField(
        spec, "prepend_scheme", BoolField(spec, "add_prefix_space", true) ? "always" : "never");
    return std::make_unique<Metaspace>(text, scheme != "never");
  }
  return absl::UnimplementedError(
      absl::StrCat("tokenizer.json: decoder type '", type, "' is not supported"));
}

Status Flatten(const json& spec, int depth, Steps* steps, bool* fused) {
  if (depth > kMaxNesting || steps->size() >= kMaxSteps)
    return absl::InvalidArgumentError("tokenizer.json: too many or too deep decoders");
  if (StringField(spec, "type") != "Sequence") {
    SL_ASSIGN_OR_RETURN(auto step, ParseStep(spec, *fused));
    std::string type = StringField(spec, "type");
    *fused |= type == "Fuse" || type == "ByteLevel";
    steps->push_back(std::move(step));
    return absl::OkStatus();
  }
  const json& items = Field(spec, "decoders");
  if (!items.is_array())
    return absl::InvalidArgumentError("tokenizer.json: decoders must be a list");
  for (const json& item : items) SL_RETURN_IF_ERROR(Flatten(item, depth + 1, steps, fused));
  return absl::OkStatus();
}

}  // namespace

StatusOr<TokenDecoder> TokenDecoder::Parse(const json& spec) {
  TokenDecoder d;
  d.none_ = spec.is_null();
  bool fused = false;
  if (!d.none_) SL_RETURN_IF_ERROR(Flatten(spec, 0, &d.steps_, &fused));
  return d;
}

std::string TokenDecoder::Decode(std::vector<std::string> tokens) const {
  for (const auto& step : steps_) tokens = step->Apply(std::move(tokens));
  return absl::StrJoin(tokens, none_ ? " " : "");
}

std::string TokenDecoder::Bytes(std::string token, bool first) const {
  for (const auto& step : steps_) token = step->Single(std::move(token), first);
  return none_ && !first ? absl::StrCat(" ", token) : token;
}

}  // namespace sightline::language

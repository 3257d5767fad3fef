// Metadata becomes the document that a tokenizer.json would be: one tokenizer reads both.
#include "fusion/gguf/tokenizer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "fusion/gguf/fields.h"
#include "fusion/gguf/piece_merges.h"
#include "language/text/unicode.h"

namespace sightline {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostTokens = 1 << 22, kLongestToken = 65536;

// Patterns as the tokenizer.json files state them from which llama.cpp took its own
// (src/llama-vocab.cpp).
constexpr const char* kLlama3 =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
constexpr const char* kQwen2 =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

// How the byte-level tokenizers split text, by tokenizer.ggml.pre.
struct Splits {
  std::vector<const char*> names;
  const char* pattern;       // null: GPT-2's own
  bool digits = false;       // each digit a piece
  bool nfc = false;          // the published file normalises
  bool whole_words = false;  // a word that is a token needs no merges
  bool bos = false;          // unless the file says
};

const std::vector<Splits>& KnownSplits() {
  static const std::vector<Splits> known = {
      {{"gpt-2"}, nullptr},
      {{"smollm", "starcoder", "refact"}, nullptr, true},
      {{"qwen2", "deepseek-r1-qwen"}, kQwen2, false, true},
      {{"llama-bpe", "llama3", "llama-v3"}, kLlama3, false, false, true, true},
  };
  return known;
}

enum TokenType { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };

class Reader {
 public:
  explicit Reader(const GgufFile& file) : file_(file), f_(file, "tokenizer.ggml.", &status_) {}

  StatusOr<Json> Read() {
    std::string model = f_.Text("model", "");
    doc_["model"] = {{"type", "BPE"}};
    if (!Tokens()) return status_;
    if (model == "gpt2") {
      ByteLevel();
    } else if (model == "llama") {
      Pieces();
    } else if (!f_.Has("model")) {
      f_.Fail("model", "is missing");
    } else {
      f_.Refuse("model", "is '" + model.substr(0, 40) + "'; gpt2 and llama are known");
    }
    SL_RETURN_IF_ERROR(status_);
    return std::move(doc_);
  }

 private:
  bool Tokens() {
    auto tokens = file_.Strings("tokenizer.ggml.tokens");
    if (!tokens.ok()) {
      if (status_.ok()) status_ = tokens.status();
      return false;
    }
    tokens_ = *tokens;
    if (tokens_->empty() || tokens_->size() > kMostTokens)
      f_.Fail("tokens", absl::StrCat("must be 1 to ", kMostTokens, " texts"));
    types_ = f_.Ints("token_type", kMostTokens, 0, 64);
    if (f_.Has("token_type") && status_.ok() && types_.size() != tokens_->size())
      f_.Fail("token_type", "must be as many as the tokens");
    types_.resize(tokens_->size(), kNormal);
    Json vocab = Json::object(), added = Json::array();
    for (size_t i = 0; i < tokens_->size() && status_.ok(); ++i) {
      std::string text((*tokens_)[i]);
      if (text.size() > kLongestToken || !language::IsValidUtf8(text))
        f_.Fail("tokens", absl::StrCat("token ", i, " is too long or no UTF-8"));
      if (types_[i] == kUnused || text.empty() || !status_.ok()) continue;  // names of padding
      bool special = types_[i] == kControl || types_[i] == kUnknown;
      if (special || types_[i] == kUserDefined)
        added.push_back(
            {{"id", i}, {"content", text}, {"special", special}, {"normalized", false}});
      vocab.emplace(std::move(text), i);  // of two tokens with one text the first counts
    }
    doc_["model"]["vocab"] = std::move(vocab);
    doc_["added_tokens"] = std::move(added);
    return status_.ok();
  }

  void Bos(bool otherwise) {
    if (!f_.Bool("add_bos_token", otherwise) || !f_.Has("bos_token_id")) return;
    int64_t id = f_.Int("bos_token_id", 0, static_cast<int64_t>(tokens_->size()) - 1);
    std::string text((*tokens_)[static_cast<size_t>(id)]);
    Json before = {{"SpecialToken", {{"id", text}, {"type_id", 0}}}};
    Json sequence = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
    Json& post = doc_["post_processor"];
    post["type"] = "TemplateProcessing";
    post["single"] = Json::array({std::move(before), std::move(sequence)});
    post["special_tokens"][text] = {
        {"id", text}, {"ids", Json::array({id})}, {"tokens", Json::array({text})}};
  }

  const Splits* FindSplits() const {
    std::string name = f_.Text("pre", "default");
    if (name == "default") {  // written before the key was: the architecture tells
      auto architecture = file_.String("general.architecture");
      name = architecture.ok() && architecture->starts_with("qwen") ? "qwen2" : "llama-bpe";
    }
    for (const Splits& s : KnownSplits()) {
      if (std::find(s.names.begin(), s.names.end(), name) != s.names.end()) return &s;
    }
    std::string known;
    for (const Splits& s : KnownSplits())
      absl::StrAppend(&known, known.empty() ? "" : ", ", s.names[0]);
    f_.Refuse("pre", absl::StrCat("is '", name.substr(0, 40), "'; ", known, " are known"));
    return nullptr;
  }

  void ByteLevel() {
    const Splits* s = FindSplits();
    if (!s) return;
    auto merges = file_.Strings("tokenizer.ggml.merges");
    if (!merges.ok()) {
      if (status_.ok()) status_ = merges.status();
      return;
    }
    Json list = Json::array();
    for (std::string_view merge : **merges) {
      // The halves are cut at the first blank that is not the first byte.
      size_t gap = merge.find(' ', 1);
      if (gap == std::string_view::npos || !language::IsValidUtf8(merge)) {
        f_.Fail("merges", absl::StrCat("entry ", list.size(), " is not two texts"));
        return;
      }
      list.push_back(
          Json::array({std::string(merge.substr(0, gap)), std::string(merge.substr(gap + 1))}));
    }
    doc_["model"]["merges"] = std::move(list);
    doc_["model"]["ignore_merges"] = s->whole_words;
    if (s->nfc) doc_["normalizer"] = {{"type", "NFC"}};
    Json steps = Json::array();
    if (s->digits) steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
    if (s->pattern)
      steps.push_back(
          {{"type", "Split"}, {"pattern", {{"Regex", s->pattern}}}, {"behavior", "Isolated"}});
    steps.push_back(
        {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", s->pattern == nullptr}});
    doc_["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
    doc_["decoder"] = {{"type", "ByteLevel"}};
    Bos(s->bos);
  }

  // SentencePiece: blanks become a mark, pieces join by score, what is no piece becomes bytes.
  void Pieces() {
    std::vector<double> scores = f_.Reals("scores", kMostTokens, -1e30, 1e30);
    if (status_.ok() && scores.size() != tokens_->size())
      f_.Fail("scores", "must be as many as the tokens");
    int64_t unknown = f_.Int("unknown_token_id", 0, static_cast<int64_t>(tokens_->size()) - 1, 0);
    bool prefix = f_.Bool("add_space_prefix", true);
    if (!status_.ok()) return;
    std::vector<ScoredPiece> pieces;
    for (size_t i = 0; i < tokens_->size(); ++i) {
      if (types_[i] == kNormal) pieces.push_back({(*tokens_)[i], scores[i]});
    }
    auto merges = MergesOfPieces(pieces);
    if (!merges.ok()) {
      f_.Refuse("scores", std::string(merges.status().message()));
      return;
    }
    Json& model = doc_["model"];
    model["merges"] = Json::array();
    for (const auto& [left, right] : *merges) model["merges"].push_back(Json::array({left, right}));
    model["unk_token"] = std::string((*tokens_)[static_cast<size_t>(unknown)]);
    model["byte_fallback"] = model["fuse_unk"] = true;
    constexpr const char* kMark = "\xE2\x96\x81";
    Json replace = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kMark}};
    Json steps = Json::array();
    if (prefix) steps.push_back({{"type", "Prepend"}, {"prepend", kMark}});
    steps.push_back(std::move(replace));
    doc_["normalizer"] = {{"type", "Sequence"}, {"normalizers", std::move(steps)}};
    Json back = {{{"type", "Replace"}, {"pattern", {{"String", kMark}}}, {"content", " "}},
                 {{"type", "ByteFallback"}},
                 {{"type", "Fuse"}}};
    if (prefix) back.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
    doc_["decoder"] = {{"type", "Sequence"}, {"decoders", std::move(back)}};
    Bos(true);
  }

  const GgufFile& file_;
  Status status_;
  GgufFields f_;
  const std::vector<std::string_view>* tokens_ = nullptr;
  std::vector<int64_t> types_;
  Json doc_ = Json::object();
};

}  // namespace

StatusOr<std::unique_ptr<language::Tokenizer>> ReadGgufTokenizer(const GgufFile& file) {
  SL_ASSIGN_OR_RETURN(Json doc, Reader(file).Read());
  auto tokenizer = language::Tokenizer::FromJson(doc);
  if (tokenizer.ok()) return tokenizer;
  std::string what(tokenizer.status().message());
  constexpr std::string_view kOther = "tokenizer.json";
  for (size_t at; (at = what.find(kOther)) != std::string::npos;)
    what.replace(at, kOther.size(), "tokenizer.ggml");
  return ErrorWithReason(tokenizer.status().code(), "TOKENIZER_INVALID", "gguf: " + what,
                         "tokenizer.ggml");
}

}  // namespace sightline

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "language/text/bpe_model.h"
#include "language/text/byte_level.h"
#include "language/text/json_fields.h"
#include "language/text/unicode.h"

namespace sightline::language {
namespace {

using nlohmann::json;

constexpr int64_t kMaxId = 4'000'000;
constexpr size_t kMaxTokenBytes = 65536;
constexpr std::string_view kMark = "\xE2\x96\x81";

Status Bad(const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("tokenizer.json: ", what));
}

// "left right", or [left, right].
std::optional<std::pair<std::string, std::string>> Halves(const json& merge) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
    return std::make_pair(merge[0].get<std::string>(), merge[1].get<std::string>());
  if (!merge.is_string()) return std::nullopt;
  const auto& text = merge.get_ref<const std::string&>();
  size_t gap = text.find(' ');
  if (gap == std::string::npos) return std::nullopt;
  return std::make_pair(text.substr(0, gap), text.substr(gap + 1));
}

}  // namespace

class BpeModel::Loader {
 public:
  Loader(const json& model, const StringSet& special, BpeModel* to)
      : model_(model), special_(special), m_(*to) {}

  Status Load() {
    SL_RETURN_IF_ERROR(Options());
    SL_RETURN_IF_ERROR(Vocabulary());
    SL_RETURN_IF_ERROR(Merges());
    SymbolTables();
    if (m_.ignore_merges_) WholeWords();
    return absl::OkStatus();
  }

 private:
  Status Options() {
    if (std::string type = StringField(model_, "type", "BPE"); type != "BPE")
      return absl::UnimplementedError(
          absl::StrCat("tokenizer.json: model type '", type, "' is not supported, only BPE"));
    if (NumberField(model_, "dropout", 0) != 0)
      return absl::UnimplementedError("tokenizer.json: model.dropout is not supported");
    if (!StringField(model_, "continuing_subword_prefix").empty())
      return absl::UnimplementedError(
          "tokenizer.json: model.continuing_subword_prefix is not supported");
    m_.suffix_ = StringField(model_, "end_of_word_suffix");
    m_.byte_fallback_ = BoolField(model_, "byte_fallback", false);
    m_.fuse_unknown_ = BoolField(model_, "fuse_unk", false);
    m_.ignore_merges_ = BoolField(model_, "ignore_merges", false);
    return absl::OkStatus();
  }

  Status Vocabulary() {
    const json& vocab = Field(model_, "vocab");
    if (!vocab.is_object()) return Bad("model.vocab must be an object");
    m_.ids_.reserve(vocab.size());
    for (const auto& [text, value] : vocab.items()) {
      int64_t id = value.is_number_integer() ? value.get<int64_t>() : -1;
      if (id < 0 || id > kMaxId || text.size() > kMaxTokenBytes)
        return Bad("model.vocab has a bad id or token");
      if (m_.texts_.size() <= static_cast<size_t>(id))
        m_.texts_.resize(static_cast<size_t>(id) + 1);
      m_.texts_[static_cast<size_t>(id)] = text;
      m_.ids_[text] = static_cast<int32_t>(id);
    }
    std::string unknown = StringField(model_, "unk_token");
    if (!unknown.empty()) m_.unknown_ = IdOf(unknown);  // some files name one that is not there
    return absl::OkStatus();
  }

  Status Merges() {
    const json& merges = Field(model_, "merges");
    if (!merges.is_array()) return Bad("model.merges must be a list");
    m_.merges_.reserve(merges.size());
    bool joins_marks = false;
    for (size_t i = 0; i < merges.size(); ++i) {
      auto halves = Halves(merges[i]);
      if (!halves) return Bad(absl::StrCat("model.merges[", i, "] is not a pair"));
      const auto& [left, right] = *halves;
      int32_t a = IdOf(left), b = IdOf(right), id = IdOf(left + right);
      if (a < 0 || b < 0 || id < 0)
        return Bad(absl::StrCat("model.merges[", i, "] names tokens that vocab lacks"));
      if (special_.contains(left + right)) continue;
      joins_marks |= right.starts_with(kMark) && !left.ends_with(kMark);
      // A pair listed twice counts at its last place, as in the reference.
      m_.merges_[static_cast<uint64_t>(static_cast<uint32_t>(a)) << 32 | static_cast<uint32_t>(b)] =
          {static_cast<uint32_t>(i), id};
    }
    m_.cut_at_marks_ = !m_.byte_level_ && !joins_marks && !m_.ignore_merges_ &&
                       m_.suffix_.empty() && IdOf(kMark) >= 0;
    return absl::OkStatus();
  }

  // The symbols that words begin as: single bytes or characters, with and without the suffix.
  void SymbolTables() {
    for (const auto& [text, id] : m_.ids_) {
      if (special_.contains(text)) continue;
      std::optional<std::string> raw = Raw(text);
      if (!raw || raw->empty()) continue;
      if (IsOne(*raw)) Place(*raw, id);
      if (m_.suffix_.empty() || !raw->ends_with(m_.suffix_)) continue;
      std::string stem = raw->substr(0, raw->size() - m_.suffix_.size());
      if (IsOne(stem)) m_.last_ids_[stem] = id;
    }
    if (m_.byte_level_ || !m_.byte_fallback_) return;
    for (size_t b = 0; b < 256; ++b) m_.byte_ids_[b] = IdOf(absl::StrFormat("<0x%02X>", b));
  }

  void Place(const std::string& symbol, int32_t id) {
    if (m_.byte_level_) {
      m_.byte_ids_[static_cast<uint8_t>(symbol[0])] = id;
    } else {
      m_.char_ids_[DecodeUtf8(symbol, 0).value] = id;
    }
  }

  void WholeWords() {
    for (const auto& [text, id] : m_.ids_) {
      if (special_.contains(text)) continue;
      if (std::optional<std::string> raw = Raw(text)) m_.words_[*raw] = id;
    }
  }

  // A token as words hold it.
  std::optional<std::string> Raw(const std::string& text) const {
    return m_.byte_level_ ? AlphabetToBytes(text) : text;
  }
  bool IsOne(const std::string& raw) const {
    if (m_.byte_level_ || raw.empty()) return raw.size() == 1;
    CodePoint c = DecodeUtf8(raw, 0);
    return c.valid && c.bytes == raw.size();
  }
  int32_t IdOf(std::string_view text) const {
    auto it = m_.ids_.find(text);
    return it == m_.ids_.end() ? -1 : it->second;
  }

  const json& model_;
  const StringSet& special_;
  BpeModel& m_;
};

StatusOr<std::unique_ptr<BpeModel>> BpeModel::Parse(const json& model, bool byte_level,
                                                    const StringSet& special) {
  if (!model.is_object()) return Bad("model must be an object");
  std::unique_ptr<BpeModel> m(new BpeModel());
  m->byte_level_ = byte_level;
  SL_RETURN_IF_ERROR(Loader(model, special, m.get()).Load());
  return m;
}

}  // namespace sightline::language

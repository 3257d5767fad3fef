#include "language/text/tokenizer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "language/text/bpe_model.h"
#include "language/text/byte_level.h"
#include "language/text/json_fields.h"
#include "language/text/post_processor.h"
#include "language/text/pretokenizer.h"
#include "language/text/string_map.h"
#include "language/text/token_decoder.h"
#include "language/text/unicode.h"

namespace sightline::language {
namespace {

constexpr size_t kMaxTextBytes = size_t{256} << 20;
constexpr size_t kMaxFileBytes = size_t{256} << 20;

Status Invalid(const Status& s) {
  return ErrorWithReason(s.code(), "TOKENIZER_INVALID", s.message());
}

// A text cut at the borders of its spans; parts may be empty.
struct Segment {
  std::string_view text;
  bool outside;  // within a span
};

std::vector<Segment> Segments(std::string_view text, absl::Span<const TextSpan> spans) {
  std::vector<Segment> out;
  size_t done = 0;
  for (const TextSpan& s : spans) {
    out.push_back({text.substr(done, s.begin - done), false});
    out.push_back({text.substr(s.begin, s.end - s.begin), true});
    done = s.end;
  }
  out.push_back({text.substr(done), false});
  return out;
}

// Makes broken UTF-8 whole and moves the spans along.
std::string Sanitize(std::string_view text, std::vector<TextSpan>* spans) {
  std::string out;
  std::vector<TextSpan> moved;
  for (const Segment& s : Segments(text, *spans)) {
    size_t begin = out.size();
    out += SanitizeUtf8(s.text);
    if (s.outside) moved.push_back({begin, out.size()});
  }
  *spans = std::move(moved);
  return out;
}

// The part of `spans` that lies in [begin, end), counted from `begin`.
std::vector<TextSpan> Within(absl::Span<const TextSpan> spans, size_t begin, size_t end) {
  std::vector<TextSpan> out;
  for (const TextSpan& s : spans) {
    size_t from = std::max(s.begin, begin), to = std::min(s.end, end);
    if (from < to) out.push_back({from - begin, to - begin});
  }
  return out;
}

}  // namespace

struct Tokenizer::Impl {
  // One set of tokens to look for, before and after the normalizer.
  struct Matchers {
    TokenMatcher raw, normalized;
  };

  std::unique_ptr<BpeModel> model;
  std::unique_ptr<Normalizer> normalizer;
  PreTokenizerSpec pre;
  PostProcessor post;
  TokenDecoder decoder;
  std::vector<AddedToken> added;
  StringMap<int32_t> added_ids;
  Matchers all, ordinary;  // ordinary: without special tokens
  std::vector<std::string> texts, bytes;
  std::vector<bool> special;
  bool has_normalized_special = false;

  Status Load(const nlohmann::json& doc);
  Status LoadAdded(const nlohmann::json& list, StringSet* special_texts);
  Status BuildMatchers();
  Status LoadTexts();
  Status Encode(std::string_view text, const Matchers& matchers, absl::Span<const TextSpan> spans,
                std::vector<int32_t>* out) const;
  // A part without raw added tokens.
  Status EncodePart(TextPiece part, const TokenMatcher& matcher, std::vector<int32_t>* out) const;
  Status EncodeMixedPart(TextPiece part, absl::Span<const TextSpan> spans,
                         std::vector<int32_t>* out) const;
  StatusOr<size_t> CountSpecial(std::string_view text) const;
  Status EncodePlain(TextPiece piece, std::vector<int32_t>* out) const;
};

Status Tokenizer::Impl::LoadAdded(const nlohmann::json& list, StringSet* special_texts) {
  SL_ASSIGN_OR_RETURN(added, ParseAddedTokens(list));
  for (const AddedToken& t : added) {
    if (t.special) special_texts->insert(t.text);
  }
  return absl::OkStatus();
}

Status Tokenizer::Impl::Load(const nlohmann::json& doc) {
  StringSet special_texts;
  SL_RETURN_IF_ERROR(LoadAdded(Field(doc, "added_tokens"), &special_texts));
  SL_ASSIGN_OR_RETURN(normalizer, ParseNormalizer(Field(doc, "normalizer")));
  SL_ASSIGN_OR_RETURN(pre, ParsePreTokenizer(Field(doc, "pre_tokenizer")));
  SL_ASSIGN_OR_RETURN(post, ParsePostProcessor(Field(doc, "post_processor")));
  SL_ASSIGN_OR_RETURN(decoder, TokenDecoder::Parse(Field(doc, "decoder")));
  SL_ASSIGN_OR_RETURN(model, BpeModel::Parse(Field(doc, "model"), pre.byte_level, special_texts));
  for (AddedToken& t : added) {  // the vocabulary's id goes first, as in the reference
    auto it = model->ids().find(t.text);
    if (it != model->ids().end()) t.id = it->second;
    added_ids[t.text] = t.id;
  }
  SL_RETURN_IF_ERROR(BuildMatchers());
  return LoadTexts();
}

Status Tokenizer::Impl::BuildMatchers() {
  // [special tokens too?][after the normalizer?]
  std::vector<const AddedToken*> sets[2][2];
  for (const AddedToken& t : added) {
    sets[1][t.normalized].push_back(&t);
    has_normalized_special |= t.normalized && t.special;
    if (!t.special) sets[0][t.normalized].push_back(&t);
  }
  for (int with_special = 0; with_special < 2; ++with_special) {
    Matchers& m = with_special ? all : ordinary;
    SL_ASSIGN_OR_RETURN(m.raw, TokenMatcher::Build(sets[with_special][0], nullptr));
    SL_ASSIGN_OR_RETURN(m.normalized, TokenMatcher::Build(sets[with_special][1], normalizer.get()));
  }
  return absl::OkStatus();
}

Status Tokenizer::Impl::LoadTexts() {
  texts = model->texts();
  for (const AddedToken& t : added) {
    if (texts.size() <= static_cast<size_t>(t.id)) texts.resize(static_cast<size_t>(t.id) + 1);
    std::string text = t.text;
    if (t.normalized && normalizer) {  // the reference decodes them as they are matched
      SL_ASSIGN_OR_RETURN(text, normalizer->Apply(std::move(text)));
    }
    texts[static_cast<size_t>(t.id)] = std::move(text);
  }
  special.assign(texts.size(), false);
  for (const AddedToken& t : added) special[static_cast<size_t>(t.id)] = t.special;
  bytes.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i)
    bytes.push_back(special[i] || texts[i].empty() ? "" : decoder.Bytes(texts[i], false));
  return absl::OkStatus();
}

Status Tokenizer::Impl::EncodePlain(TextPiece piece, std::vector<int32_t>* out) const {
  auto sink = [&](TextPiece word) {
    if (pre.alphabet) {
      if (auto raw = AlphabetToBytes(word.text)) model->EncodeWord(*raw, out);
    } else {
      model->EncodeWord(word.text, out);
    }
    return absl::OkStatus();
  };
  return pre.split ? pre.split->Split(piece, sink) : sink(piece);
}

Status Tokenizer::Impl::EncodePart(TextPiece part, const TokenMatcher& matcher,
                                   std::vector<int32_t>* out) const {
  std::string_view text = part.text;
  std::string changed;
  if (normalizer) {
    SL_ASSIGN_OR_RETURN(changed, normalizer->Apply(std::string(text)));
    text = changed;
  }
  for (const TextPart& p : matcher.Split(text, {})) {
    if (p.token) {
      out->push_back(p.token->id);
    } else {
      bool opens = part.opens && p.text.data() == text.data();
      SL_RETURN_IF_ERROR(EncodePlain({p.text, opens}, out));
    }
  }
  return absl::OkStatus();
}

StatusOr<size_t> Tokenizer::Impl::CountSpecial(std::string_view text) const {
  std::string changed(text);
  if (normalizer) {
    SL_ASSIGN_OR_RETURN(changed, normalizer->Apply(std::move(changed)));
  }
  size_t n = 0;
  for (const TextPart& p : all.normalized.Split(changed, {})) n += p.token && p.token->special;
  return n;
}

// Tokens that are matched after the normalizer have lost their place in the text. When there are
// more of them than the template alone has, a span forged one: then its bytes are encoded apart.
Status Tokenizer::Impl::EncodeMixedPart(TextPiece part, absl::Span<const TextSpan> spans,
                                        std::vector<int32_t>* out) const {
  SL_ASSIGN_OR_RETURN(size_t found, CountSpecial(part.text));
  std::vector<Segment> segments = Segments(part.text, spans);
  size_t written = 0;
  for (const Segment& s : segments) {
    if (s.outside) continue;
    SL_ASSIGN_OR_RETURN(size_t n, CountSpecial(s.text));
    written += n;
  }
  if (found == written) return EncodePart(part, all.normalized, out);
  for (const Segment& s : segments) {
    bool opens = part.opens && s.text.data() == part.text.data();
    SL_RETURN_IF_ERROR(EncodePart({s.text, opens}, (s.outside ? ordinary : all).normalized, out));
  }
  return absl::OkStatus();
}

Status Tokenizer::Impl::Encode(std::string_view text, const Matchers& matchers,
                               absl::Span<const TextSpan> spans, std::vector<int32_t>* out) const {
  if (text.size() > kMaxTextBytes)
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "TEXT_TOO_LONG",
                           "a text is too long to encode");
  out->reserve(text.size() / 3 + 8);
  for (const TextPart& p : matchers.raw.Split(text, spans)) {
    auto begin = static_cast<size_t>(p.text.data() - text.data());
    if (p.token) {
      out->push_back(p.token->id);
      continue;
    }
    TextPiece part{p.text, begin == 0};
    std::vector<TextSpan> inside;
    if (has_normalized_special) inside = Within(spans, begin, begin + p.text.size());
    SL_RETURN_IF_ERROR(inside.empty() ? EncodePart(part, matchers.normalized, out)
                                      : EncodeMixedPart(part, inside, out));
  }
  return absl::OkStatus();
}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;

StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Parse(std::string_view json) {
  if (json.size() > kMaxFileBytes)
    return Invalid(absl::InvalidArgumentError("tokenizer.json is too large"));
  return FromJson(nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false));
}

StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::FromJson(const nlohmann::json& doc) {
  if (!doc.is_object())
    return Invalid(absl::InvalidArgumentError("tokenizer.json is not a JSON object"));
  auto impl = std::make_unique<Impl>();
  if (Status s = impl->Load(doc); !s.ok()) return Invalid(s);
  return std::unique_ptr<Tokenizer>(new Tokenizer(std::move(impl)));
}

StatusOr<std::vector<int32_t>> Tokenizer::EncodeUserText(std::string_view text) const {
  std::vector<int32_t> ids;
  std::string clean;
  if (!IsValidUtf8(text)) text = clean = SanitizeUtf8(text);
  SL_RETURN_IF_ERROR(impl_->Encode(text, impl_->ordinary, {}, &ids));
  return ids;
}

StatusOr<std::vector<int32_t>> Tokenizer::EncodeTemplate(std::string_view text,
                                                         absl::Span<const TextSpan> spans) const {
  size_t done = 0;
  for (const TextSpan& s : spans) {
    if (s.begin < done || s.end < s.begin || s.end > text.size())
      return absl::InternalError("spans of outside text must be sorted, apart and within the text");
    done = s.end;
  }
  std::vector<int32_t> ids;
  if (IsValidUtf8(text)) {
    SL_RETURN_IF_ERROR(impl_->Encode(text, impl_->all, spans, &ids));
    return ids;
  }
  std::vector<TextSpan> moved(spans.begin(), spans.end());
  std::string clean = Sanitize(text, &moved);
  SL_RETURN_IF_ERROR(impl_->Encode(clean, impl_->all, moved, &ids));
  return ids;
}

std::vector<int32_t> Tokenizer::WithSpecialTokens(std::vector<int32_t> ids) const {
  ids.insert(ids.begin(), impl_->post.before.begin(), impl_->post.before.end());
  ids.insert(ids.end(), impl_->post.after.begin(), impl_->post.after.end());
  return ids;
}

std::string Tokenizer::Decode(absl::Span<const int32_t> ids, bool skip_special) const {
  std::vector<std::string> tokens;
  for (int32_t id : ids) {
    if (Text(id).empty() || (skip_special && IsSpecial(id))) continue;
    tokens.emplace_back(Text(id));
  }
  return impl_->decoder.Decode(std::move(tokens));
}

std::string_view Tokenizer::Bytes(int32_t id) const {
  bool known = id >= 0 && id < vocab_size();
  return known ? std::string_view(impl_->bytes[static_cast<size_t>(id)]) : std::string_view();
}

std::string Tokenizer::FirstBytes(int32_t id) const {
  if (Text(id).empty() || IsSpecial(id)) return "";
  return impl_->decoder.Bytes(std::string(Text(id)), true);
}

int32_t Tokenizer::Special(std::string_view text) const {
  auto it = impl_->added_ids.find(text);
  return it == impl_->added_ids.end() ? -1 : it->second;
}

int32_t Tokenizer::IdOf(std::string_view text) const {
  int32_t id = Special(text);
  if (id >= 0) return id;
  auto it = impl_->model->ids().find(text);
  return it == impl_->model->ids().end() ? -1 : it->second;
}

std::string_view Tokenizer::Text(int32_t id) const {
  bool known = id >= 0 && id < vocab_size();
  return known ? std::string_view(impl_->texts[static_cast<size_t>(id)]) : std::string_view();
}

bool Tokenizer::IsSpecial(int32_t id) const {
  return id >= 0 && id < vocab_size() && impl_->special[static_cast<size_t>(id)];
}

int32_t Tokenizer::unknown_id() const { return impl_->model->unknown_id(); }
int32_t Tokenizer::vocab_size() const { return static_cast<int32_t>(impl_->texts.size()); }

std::string StreamDecoder::Push(int32_t id) {
  if (tokenizer_->IsSpecial(id)) return "";
  if (!first_) return utf8_.Push(tokenizer_->Bytes(id));
  first_ = tokenizer_->Text(id).empty();
  return utf8_.Push(tokenizer_->FirstBytes(id));
}

}  // namespace sightline::language

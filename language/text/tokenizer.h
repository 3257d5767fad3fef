// Text to ids and back, as a model's tokenizer.json states it (docs/tokenizers_and_templates.md).
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "compute/base/status.h"
#include "language/text/added_tokens.h"
#include "language/text/utf8_stream.h"

namespace sightline::language {

// Thread-safe: all methods are const. Broken UTF-8 is read as U+FFFD.
class Tokenizer {
 public:
  // `json`: the bytes of tokenizer.json. INVALID_ARGUMENT names what is wrong, UNIMPLEMENTED what
  // is not supported; reason TOKENIZER_INVALID.
  static StatusOr<std::unique_ptr<Tokenizer>> Parse(std::string_view json);
  // The same of a document at hand. Its texts must be valid UTF-8.
  static StatusOr<std::unique_ptr<Tokenizer>> FromJson(const nlohmann::json& doc);
  ~Tokenizer();

  // Text from outside: no part of it becomes a special token, whatever it says. Fails only when a
  // pattern of the file takes too long, or on texts above 256 MiB.
  StatusOr<std::vector<int32_t>> EncodeUserText(std::string_view text) const;
  // Text that a chat template wrote: its special tokens are found, but never where they touch bytes
  // from outside, `user_spans` (sorted, apart). Without spans these are the reference's ids.
  StatusOr<std::vector<int32_t>> EncodeTemplate(std::string_view text,
                                                absl::Span<const TextSpan> user_spans = {}) const;
  // What the file's post-processor sets around a text (BOS and the like).
  std::vector<int32_t> WithSpecialTokens(std::vector<int32_t> ids) const;

  // The text of ids; unknown ids are left out, special tokens too when `skip_special`.
  std::string Decode(absl::Span<const int32_t> ids, bool skip_special = false) const;
  // The bytes that a token adds to a text that goes on; empty for special and unknown tokens.
  std::string_view Bytes(int32_t id) const;
  // The same where it is the first of a text.
  std::string FirstBytes(int32_t id) const;

  int32_t Special(std::string_view text) const;  // id of an added token, -1 when there is none
  int32_t IdOf(std::string_view text) const;     // id of any token by its text in the file, or -1
  std::string_view Text(int32_t id) const;       // as in the file; "" for unknown ids
  bool IsSpecial(int32_t id) const;
  int32_t unknown_id() const;  // what unknown characters become, or -1
  int32_t vocab_size() const;  // one more than the largest id

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The text of a growing answer, piece by piece: whole characters only. One per answer.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer* tokenizer) : tokenizer_(tokenizer) {}
  std::string Push(int32_t id);  // what can be shown now; nothing for special tokens
  std::string Flush() { return utf8_.Flush(); }

 private:
  const Tokenizer* tokenizer_;
  Utf8Stream utf8_;
  bool first_ = true;
};

}  // namespace sightline::language

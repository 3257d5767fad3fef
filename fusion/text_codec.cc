#include "fusion/text_codec.h"

#include "fusion/families/scenes.h"
#include "language/bpe_tokenizer.h"

namespace sightline {
namespace {

class BpeCodec : public TextCodec {
 public:
  explicit BpeCodec(std::unique_ptr<language::BpeTokenizer> t) : t_(std::move(t)) {}
  std::vector<int32_t> Encode(std::string_view text) const override { return t_->Encode(text); }
  std::string_view Bytes(int32_t id) const override { return t_->Bytes(id); }
  int32_t Special(std::string_view text) const override { return t_->Special(text); }
  int32_t vocab_size() const override { return t_->vocab_size(); }

 private:
  std::unique_ptr<language::BpeTokenizer> t_;
};

}  // namespace

StatusOr<std::unique_ptr<TextCodec>> LoadTextCodec(const std::string& directory) {
  SL_ASSIGN_OR_RETURN(std::string json, ReadSmallFile(directory + "/tokenizer.json"));
  SL_ASSIGN_OR_RETURN(auto tokenizer, language::BpeTokenizer::Parse(json));
  return std::make_unique<BpeCodec>(std::move(tokenizer));
}

}  // namespace sightline

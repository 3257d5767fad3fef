#include "fusion/digest.h"

#include <openssl/evp.h>

#include "compute/base/check.h"

namespace sightline {

struct Digest::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free};
};

Digest::Digest() : state_(std::make_unique<State>()) {
  SL_CHECK(state_->context && EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}

Digest::~Digest() = default;

void Digest::Update(const void* bytes, size_t n) {
  SL_CHECK(EVP_DigestUpdate(state_->context.get(), bytes, n) == 1);
}

void Digest::Text(std::string_view text) {
  Number(static_cast<uint64_t>(text.size()));
  Update(text.data(), text.size());
}

std::string Digest::Take() {
  std::string out(static_cast<size_t>(EVP_MD_size(EVP_sha256())), '\0');
  SL_CHECK(EVP_DigestFinal_ex(state_->context.get(), reinterpret_cast<unsigned char*>(out.data()),
                              nullptr) == 1);
  return out;
}

}  // namespace sightline

#include "services/pull/checksum.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "compute/base/check.h"

namespace sightline::pull {

struct Hasher::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free};
};

bool IsHex(std::string_view text, size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Hasher::Hasher(Checksum::Kind kind, int64_t size) : state_(std::make_unique<State>()) {
  const EVP_MD* digest = kind == Checksum::Kind::kSha256 ? EVP_sha256() : EVP_sha1();
  SL_CHECK(state_->context && EVP_DigestInit_ex(state_->context.get(), digest, nullptr) == 1);
  if (kind == Checksum::Kind::kGitSha1) {
    std::string header = "blob " + std::to_string(size);
    header.push_back('\0');
    Update(header);
  }
}

Hasher::~Hasher() = default;

void Hasher::Update(std::string_view bytes) {
  SL_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

std::string Hasher::Hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  SL_CHECK(EVP_DigestFinal_ex(state_->context.get(), digest.data(), &length) == 1);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) {
    hex.push_back(kDigits[digest[i] >> 4]);
    hex.push_back(kDigits[digest[i] & 15]);
  }
  return hex;
}

}  // namespace sightline::pull

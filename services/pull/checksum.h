// The two digests a hub publishes: SHA-256 of large files (Git LFS), Git's blob SHA-1 of small
// ones.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "compute/base/status.h"

namespace sightline::pull {

struct Checksum {
  enum class Kind { kSha256, kGitSha1 };
  Kind kind = Kind::kSha256;
  std::string hex;  // lower case, 64 or 40 digits
  const char* name() const { return kind == Kind::kSha256 ? "sha256" : "git_sha1"; }
};

// Whether `text` is `digits` lower-case hexadecimal digits.
bool IsHex(std::string_view text, size_t digits);

// Digests bytes as they arrive. Not thread-safe.
class Hasher {
 public:
  // `size`: the length in bytes of the whole content, which Git digests before the content itself.
  Hasher(Checksum::Kind kind, int64_t size);
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  void Update(std::string_view bytes);
  std::string Hex();  // once, after the last byte

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sightline::pull

// SHA-256 of what identifies a thing: names for caches that strangers share, so no two inputs may
// be made to meet.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace sightline {

// Not thread-safe.
class Digest {
 public:
  Digest();
  ~Digest();
  void Update(const void* bytes, size_t n);
  void Text(std::string_view text);  // with its length
  template <class T>
  requires std::is_arithmetic_v<T>
  void Number(T value) { Update(&value, sizeof value); }
  template <class T>
  requires std::is_arithmetic_v<T>
  void Numbers(std::span<const T> values) { Update(values.data(), values.size_bytes()); }
  std::string Take();  // 32 bytes; ends the digest

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sightline

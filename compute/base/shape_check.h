// Checks of named dimensions at the entry of ops. A mismatch is our own mistake and ends the
// process, with a message that names the tensor, the dimension, both sizes and the caller:
//   check failed: q: H * D is 96, expected 128; found [5, 96], expected [T, H * D = 128] (x.cc:7)
// A check that holds allocates nothing.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "compute/base/tensor.h"

namespace sightline {

inline constexpr int64_t kAnySize = -1;

// std::source_location, which some compilers of the linters lack.
struct CallSite {
  const char* file;
  int line;
  static constexpr CallSite Here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

struct NamedDim {
  std::string_view name;    // in our letters (docs/shapes.md): "T", "H * D"
  int64_t size = kAnySize;  // kAnySize: whatever there is

  bool Takes(int64_t found) const { return size == kAnySize || size == found; }
};

// What a failed check ends with.
[[noreturn]] void ShapeMismatch(const std::vector<int64_t>& found, std::string_view name,
                                std::initializer_list<NamedDim> expected, CallSite at);
[[noreturn]] void SizeMismatch(int64_t found, std::string_view name, NamedDim expected,
                               std::string_view how, CallSite at);
[[noreturn]] void RangeMismatch(int64_t first, int64_t count, std::string_view name, NamedDim all,
                                CallSite at);

// As many dimensions, and each of its size.
inline void CheckShape(const std::vector<int64_t>& found, std::string_view name,
                       std::initializer_list<NamedDim> expected, CallSite at = CallSite::Here()) {
  bool same = found.size() == expected.size();
  size_t i = 0;
  for (const NamedDim& dim : expected) same = same && dim.Takes(found[i++]);
  if (!same) ShapeMismatch(found, name, expected, at);
}
inline void CheckShape(const Tensor& found, std::string_view name,
                       std::initializer_list<NamedDim> expected, CallSite at = CallSite::Here()) {
  CheckShape(found.shape, name, expected, at);
}

// One dimension: a length, or the columns of a tensor [..., C] with any others before them.
inline void CheckSize(int64_t found, std::string_view name, NamedDim expected,
                      CallSite at = CallSite::Here()) {
  if (!expected.Takes(found)) SizeMismatch(found, name, expected, "", at);
}
// One dimension that is cut into pieces of `expected`.
inline void CheckMultiple(int64_t found, std::string_view name, NamedDim expected,
                          CallSite at = CallSite::Here()) {
  if (expected.size <= 0 || found % expected.size != 0)
    SizeMismatch(found, name, expected, "a multiple of ", at);
}
// [first, first + count) of a dimension.
inline void CheckRange(int64_t first, int64_t count, std::string_view name, NamedDim all,
                       CallSite at = CallSite::Here()) {
  if (first < 0 || count < 0 || first > all.size - count)
    RangeMismatch(first, count, name, all, at);
}

}  // namespace sightline

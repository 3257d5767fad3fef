#include "compute/base/shape_check.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace sightline {
namespace {

[[noreturn]] void End(const std::string& message, CallSite at) {
  std::fprintf(stderr, "check failed: %s (%s:%d)\n", message.c_str(), at.file, at.line);
  std::abort();
}

std::string Expected(std::initializer_list<NamedDim> dims) {
  std::string text;
  for (const NamedDim& dim : dims) {
    text += (text.empty() ? "" : ", ") + std::string(dim.name);
    if (dim.size != kAnySize) text += " = " + std::to_string(dim.size);
  }
  return "[" + text + "]";
}

// "H * D is 96, expected 128": the first dimension at fault, or their number.
std::string Difference(const std::vector<int64_t>& found, std::initializer_list<NamedDim> dims) {
  if (found.size() != dims.size()) {
    return std::to_string(found.size()) + " dimensions, expected " + std::to_string(dims.size());
  }
  size_t i = 0;
  for (const NamedDim& dim : dims) {
    int64_t size = found[i++];
    if (dim.Takes(size)) continue;
    return std::string(dim.name) + " is " + std::to_string(size) + ", expected " +
           std::to_string(dim.size);
  }
  return "as expected";
}

}  // namespace

void ShapeMismatch(const std::vector<int64_t>& found, std::string_view name,
                   std::initializer_list<NamedDim> expected, CallSite at) {
  End(std::string(name) + ": " + Difference(found, expected) + "; found " + ShapeText(found) +
          ", expected " + Expected(expected),
      at);
}

void SizeMismatch(int64_t found, std::string_view name, NamedDim expected, std::string_view how,
                  CallSite at) {
  End(std::string(name) + ": " + std::string(expected.name) + " is " + std::to_string(found) +
          ", expected " + std::string(how) + std::to_string(expected.size),
      at);
}

void RangeMismatch(int64_t first, int64_t count, std::string_view name, NamedDim all, CallSite at) {
  End(std::string(name) + ": [" + std::to_string(first) + ", " + std::to_string(first + count) +
          ") of " + std::string(all.name) + ", which is " + std::to_string(all.size),
      at);
}

}  // namespace sightline

#include "language/sequence.h"

#include <algorithm>

#include "compute/base/check.h"

namespace sightline::language {

void Sequence::Adopt(const std::vector<std::byte*>& pages, int32_t next_position) {
  SL_CHECK(length_ == pages_.size() * kPageRows);
  for (std::byte* page : pages) pages_.Append(page);
  length_ += static_cast<int32_t>(pages.size()) * kPageRows;
  next_position_ = std::max(next_position_, next_position);
}

}  // namespace sightline::language

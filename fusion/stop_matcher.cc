#include "fusion/stop_matcher.h"

#include <algorithm>

namespace sightline {

std::string StopMatcher::Push(const std::string& text) {
  held_ += text;
  size_t first = std::string::npos;
  for (const auto& s : stops_) {
    if (!s.empty()) first = std::min(first, held_.find(s));
  }
  if (first != std::string::npos) {
    done_ = true;
    std::string out = held_.substr(0, first);
    held_.clear();
    return out;
  }
  size_t keep = 0;  // longest tail that could grow into a stop string
  for (const auto& s : stops_) {
    for (size_t n = std::min(s.size(), held_.size()); n > keep; --n) {
      if (n < s.size() && held_.compare(held_.size() - n, n, s, 0, n) == 0) keep = n;
    }
  }
  std::string out = held_.substr(0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return out;
}

std::string StopMatcher::Flush() {
  std::string out;
  out.swap(held_);
  return out;
}

}  // namespace sightline

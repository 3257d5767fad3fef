// Ends a text before a stop string, also when it arrives in pieces.
#pragma once

#include <string>
#include <vector>

namespace sightline {

class StopMatcher {
 public:
  explicit StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {}
  // Text that can be shown; keeps back what may be the start of a stop string. Sets done() at a
  // match.
  std::string Push(const std::string& text);
  std::string Flush();  // what was held back, when the text ended otherwise
  bool done() const { return done_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool done_ = false;
};

}  // namespace sightline

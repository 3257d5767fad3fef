#pragma once

#include <mutex>
#include <string>

namespace sightline::cli {

// One line on standard error that is redrawn; silent where that is no terminal. Thread-safe.
class ProgressBar {
 public:
  explicit ProgressBar(std::string title);
  ~ProgressBar();  // ends the line
  void Set(double share, const std::string& note = "");

 private:
  std::mutex mu_;
  std::string title_;
  bool terminal_, drawn_ = false;
  int last_percent_ = -1;
  std::string last_note_;
};

}  // namespace sightline::cli

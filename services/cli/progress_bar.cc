#include "services/cli/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace sightline::cli {

ProgressBar::ProgressBar(std::string title)
    : title_(std::move(title)), terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (drawn_) std::fprintf(stderr, "\r\033[K");
}

void ProgressBar::Set(double share, const std::string& note) {
  if (!terminal_) return;
  std::lock_guard<std::mutex> lock(mu_);
  const int percent = static_cast<int>(std::clamp(share, 0.0, 1.0) * 100);
  if (percent == last_percent_ && note == last_note_) return;
  last_percent_ = percent;
  last_note_ = note;
  std::string bar(static_cast<size_t>(percent * 30 / 100), '#');
  bar.resize(30, '.');
  std::fprintf(stderr, "\r\033[K%s [%s] %3d%% %s", title_.c_str(), bar.c_str(), percent,
               note.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace sightline::cli

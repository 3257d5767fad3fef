#include "tools/parity/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace sightline::parity {

bool Report::ok() const {
  return !rows.empty() &&
         std::all_of(rows.begin(), rows.end(), [](const Row& r) { return r.ok(); });
}

std::string Report::Table() const {
  std::string out;
  char line[512];
  std::snprintf(line, sizeof(line), "%-18s %-24s %11s %9s  %s\n", "case", "tap", "error", "bound",
                "");
  out += line;
  for (const Row& r : rows) {
    std::snprintf(line, sizeof(line), "%-18s %-24s %11.3e %9.1e  %s%s%s\n", r.name.c_str(),
                  r.tap.c_str(), r.error, r.bound, r.ok() ? "ok" : "BEYOND",
                  r.note.empty() ? "" : "  ", r.note.c_str());
    out += line;
  }
  return out;
}

double RelativeError(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size() || b.empty()) return std::numeric_limits<double>::infinity();
  double diff = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    double x = a[i], y = b[i];
    diff += (x - y) * (x - y);
    norm += y * y;
  }
  return norm > 0 ? std::sqrt(diff / norm) : std::sqrt(diff);
}

double Mismatches(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  if (a.size() != b.size() || b.empty()) return 1;
  size_t n = 0;
  for (size_t i = 0; i < a.size(); ++i) n += a[i] != b[i];
  return static_cast<double>(n) / static_cast<double>(a.size());
}

}  // namespace sightline::parity

// Errors by tap, against their bounds.
#pragma once

#include <string>
#include <vector>

#include "compute/base/tensor.h"

namespace sightline::parity {

struct Row {
  std::string name, tap;  // case and what was compared
  double error = 0, bound = 0;
  std::string note;
  bool ok() const { return error <= bound; }  // false for NaN
};

struct Report {
  std::vector<Row> rows;
  bool ok() const;  // at least one row, and none beyond its bound
  void Add(Row row) { rows.push_back(std::move(row)); }
  std::string Table() const;
};

// ||a - b|| / ||b|| in float64; infinity when the sizes differ.
double RelativeError(const std::vector<float>& a, const std::vector<float>& b);
// Share of places where the two differ; 1 when the sizes differ.
double Mismatches(const std::vector<int32_t>& a, const std::vector<int32_t>& b);

}  // namespace sightline::parity

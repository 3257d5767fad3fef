// Every op of a backend on random inputs, against plain loops in double precision.
#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "compute/backend/backend.h"
#include "tests/compute/random.h"

namespace sightline {

// Host numbers on a device and back. Outputs start as NaN, so that what nobody wrote is seen.
class Lab {
 public:
  explicit Lab(const Device& device) : device_(device) {}
  Backend& backend() const { return device_.backend(); }
  const Device& device() const { return device_; }
  const float* In(const std::vector<float>& values) { return Put(values); }
  float* InOut(const std::vector<float>& values) { return Put(values); }
  float* Out(int64_t n) { return Put(std::vector<float>(static_cast<size_t>(n), NAN)); }
  // Largest error of what `at` points to, over the largest number that was wanted; infinity for
  // numbers that are none.
  double Error(const float* at, const std::vector<double>& want) const;
  Linear Layer(const std::vector<float>& w, const std::vector<float>& bias, int64_t n, int64_t k);

 private:
  float* Put(const std::vector<float>& values);
  Device device_;
  std::vector<Buffer> held_;
};

struct OpCase {
  std::string name;
  // One random case: the error, or what the backend says instead.
  std::function<StatusOr<double>(Lab& lab, Rng& rng)> run;
};

std::vector<OpCase> RowCases();        // tests/compute/op_cases_rows.cc
std::vector<OpCase> MapCases();        // tests/compute/op_cases_maps.cc
std::vector<OpCase> AttentionCases();  // likewise

}  // namespace sightline

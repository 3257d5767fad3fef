// Runs a test once for each SIMD target that this CPU offers.
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <string>
#include <vector>

namespace sightline {

inline std::vector<int64_t> SimdTargets() {
  std::vector<int64_t> targets;
  // Those that compute/CMakeLists.txt compiles.
  for (int64_t t : {HWY_AVX3_DL, HWY_AVX3, HWY_AVX2, HWY_SSE4}) {
    if (hwy::SupportedTargets() & t) targets.push_back(t);
  }
  return targets;
}

inline std::string SimdTargetName(const testing::TestParamInfo<int64_t>& info) {
  return hwy::TargetName(info.param);
}

class SimdTargetTest : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override {
    hwy::SetSupportedTargetsForTest(GetParam());
    hwy::GetChosenTarget().Update(GetParam());
  }
  void TearDown() override {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

}  // namespace sightline

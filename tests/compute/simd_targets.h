// Runs a test once for each SIMD target that this CPU offers.
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <string>
#include <vector>

#include "compute/cpu/amx.h"

namespace sightline {

constexpr int64_t kAmxTarget = int64_t{1} << 61;  // beside HWY_AVX3_DL: with matrix tiles

inline std::vector<int64_t> SimdTargets() {
  std::vector<int64_t> targets;
  // Those that compute/CMakeLists.txt compiles.
  for (int64_t t : {HWY_AVX3_DL, HWY_AVX3, HWY_AVX2, HWY_SSE4}) {
    if (hwy::SupportedTargets() & t) targets.push_back(t);
  }
  return targets;
}

// And once more with matrix tiles, for what has a path of its own on them.
inline std::vector<int64_t> SimdTargetsAndAmx() {
  std::vector<int64_t> targets = SimdTargets();
  if (HasAmx()) targets.insert(targets.begin(), HWY_AVX3_DL | kAmxTarget);
  return targets;
}

inline std::string SimdTargetName(const testing::TestParamInfo<int64_t>& info) {
  if (info.param & kAmxTarget) return "AMX";
  return hwy::TargetName(info.param);
}

class SimdTargetTest : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override {
    int64_t target = GetParam() & ~kAmxTarget;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    AllowAmx(target != GetParam());
  }
  void TearDown() override {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    AllowAmx(true);
  }
};

}  // namespace sightline

// Plans of a decoder step's plain lists: all keys so far, or a window of them. Layers of a step ask
// for the same ones, so each is made once.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>

#include "compute/attention/attention_plan.h"
#include "compute/device/device.h"

namespace sightline {

// Of one device. Not thread-safe. What it gives lives as long as it does.
class CausalPlans {
 public:
  explicit CausalPlans(const Device& device) : device_(device) {}
  CausalPlans(CausalPlans&&) = default;
  // The plan of WindowedCausalList(queries, length, window); made when first asked for.
  const AttentionPlan& For(int32_t queries, int32_t length, int32_t window);

 private:
  struct Planned {
    Planned(const Device& device, BlockList list);
    BlockList list;  // which the plan points to
    AttentionPlan plan;
  };
  Device device_;
  std::map<std::tuple<int32_t, int32_t, int32_t>, Planned> made_;  // nodes stay where they are
};

}  // namespace sightline

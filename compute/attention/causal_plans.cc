#include "compute/attention/causal_plans.h"

#include <utility>

#include "compute/attention/windowed_list.h"

namespace sightline {

CausalPlans::Planned::Planned(const Device& device, BlockList made)
    : list(std::move(made)), plan(device, list) {}

const AttentionPlan& CausalPlans::For(int32_t queries, int32_t length, int32_t window) {
  auto at = std::tuple(queries, length, window);
  auto found = made_.find(at);
  if (found == made_.end())
    found = made_.try_emplace(at, device_, WindowedCausalList(queries, length, window)).first;
  return found->second.plan;
}

}  // namespace sightline

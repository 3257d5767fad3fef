#include "compute/attention/attention_plan.h"

#include "compute/backend/backend.h"

namespace sightline {

AttentionPlan::AttentionPlan(const Device& device, const BlockList& lists, const BiasPlaces* places)
    : device_(device), lists_(&lists), places_(places) {
  auto made = device.backend().PlanAttention(lists, places);
  MustRun(made.status());
  uploaded_ = *std::move(made);
}

void AttentionPlan::Run(AttentionArgs args) const {
  args.lists = lists_;
  args.bias.places = args.bias.table ? places_ : nullptr;
  MustRun(device_.backend().Attend(*this, args));
}

}  // namespace sightline

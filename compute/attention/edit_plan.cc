#include "compute/attention/edit_plan.h"

#include <algorithm>

namespace sightline {

bool EditPlan::neutral() const {
  auto only = [](const std::vector<float>& table, float value) {
    return std::all_of(table.begin(), table.end(), [&](float x) { return x == value; });
  };
  return only(bias, 0) && only(gain, 1) && only(rescale, 1) && only(head_gain, 1);
}

}  // namespace sightline

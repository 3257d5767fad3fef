#include "fusion/step_plan.h"

#include <algorithm>

namespace sightline {

std::vector<int64_t> PlanStep(const std::vector<int64_t>& prompt_left, const StepLimits& limits) {
  std::vector<int64_t> rows(prompt_left.size());
  int64_t budget = limits.step_tokens, prompts = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i] = prompt_left[i] == 0 ? 1 : 0;
    budget -= rows[i];
    prompts += prompt_left[i] > 0 ? 1 : 0;
  }
  if (prompts == 0) return rows;
  int64_t share = std::max<int64_t>(1, budget / 4 / prompts);
  auto give = [&](size_t i, int64_t most) {
    int64_t room = std::min<int64_t>(limits.prefill_chunk, prompt_left[i]) - rows[i];
    int64_t n = std::max<int64_t>(0, std::min(room, most));
    rows[i] += n;
    budget -= n;
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    if (prompt_left[i] > 0) give(i, share);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    if (prompt_left[i] > 0) give(i, budget);
  }
  return rows;
}

}  // namespace sightline

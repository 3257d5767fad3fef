// Which rows one step of the engine computes.
#pragma once

#include <cstdint>
#include <vector>

namespace sightline {

struct StepLimits {
  int step_tokens = 256;    // rows of one step, of all sequences together
  int prefill_chunk = 256;  // of one sequence's prompt
};

// `prompt_left` holds, for each active sequence in order of arrival, the rows of its prompt that
// are still to come; 0: it generates. Returns the rows that each gets:
// - one for every sequence that generates, whatever the budget;
// - what the budget leaves goes to prompts: a quarter of it in equal shares, so that a short prompt
//   never waits for a long one to end, and the rest in order of arrival.
// Every sequence gets at least one row.
std::vector<int64_t> PlanStep(const std::vector<int64_t>& prompt_left, const StepLimits& limits);

}  // namespace sightline

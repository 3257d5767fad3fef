// Direct questions turned into indirect ones: "how many {s} are there?" becomes "can you tell me
// how many {s} there are?". Works on words with their slots unfilled, where a slot shows what the
// subject is.
#pragma once

#include <string>
#include <vector>

#include "tools/world/rng.h"

namespace sightline::world {

// The clause alone, "how many {s} there are" or "if there is {a}"; empty where word order can't be
// told.
std::string IndirectClause(const std::string& question);
// As an indirect question; as it is where there is no clause.
std::string Indirect(Rng* rng, const std::string& question);
// What may stand before a clause.
const std::vector<const char*>& IndirectLeads();

}  // namespace sightline::world

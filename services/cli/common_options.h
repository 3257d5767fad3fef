#pragma once

#include <CLI/CLI.hpp>
#include <optional>

#include "services/cli/client.h"

namespace sightline::cli {

void AddTarget(CLI::App* cmd, Target* target);

// Flags of v1::GenerationOptions; what is not given is left to the model.
struct GenerationFlags {
  std::optional<int> max_output_tokens, top_k;
  std::optional<double> temperature, top_p, repetition_penalty;
  std::optional<uint64_t> seed;
  std::vector<std::string> stop;

  void Add(CLI::App* cmd);
  void Apply(v1::GenerationOptions* out) const;
};

}  // namespace sightline::cli

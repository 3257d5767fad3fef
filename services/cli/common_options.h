#pragma once

#include <CLI/CLI.hpp>
#include <optional>

#include "services/cli/client.h"

namespace sightline::cli {

// --server, or --local with the settings of a local server. `target` must live as long as `cmd`.
void AddTarget(CLI::App* cmd, Target* target);
// --as, for files of which the first bytes do not say enough.
void AddMediaKind(CLI::App* cmd, MediaKind* kind);

// Flags of v1::GenerationOptions; what is not given is left to the model.
struct GenerationFlags {
  std::optional<int> max_output_tokens, top_k;
  std::optional<double> temperature, top_p;
  std::optional<double> repetition_penalty, presence_penalty, frequency_penalty;
  std::optional<uint64_t> seed;
  std::vector<std::string> stop;

  void Add(CLI::App* cmd);
  void Apply(v1::GenerationOptions* out) const;
};

}  // namespace sightline::cli

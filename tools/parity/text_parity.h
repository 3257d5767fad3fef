// Runs the text side of a golden case: logits, hidden states, attention and greedy tokens.
#pragma once

#include <functional>
#include <string>

#include "language/decoder.h"
#include "tools/parity/golden_file.h"
#include "tools/parity/report.h"

namespace sightline::parity {

constexpr double kFloatBound = 1e-4;  // relative error allowed in float32

// The prompt as the decoder reads it: rows, positions, deepstack.
using PromptRows = std::function<StatusOr<language::StepInput>(const std::vector<int32_t>& ids)>;

// How a case is run. The references never end an answer early: they pick the best token that isn't
// in end_ids.
struct TextCase {
  std::string name;
  PromptRows rows;
  std::vector<int32_t> end_ids;
  KvFormat kv = KvFormat::kF32;
};

// Embedded ids alone.
PromptRows TextRows(const language::Decoder& decoder);

// Compares whatever out.* the golden holds; adds rows to the report. An error means that the case
// could not be run.
Status CompareText(const language::Decoder& decoder, const GoldenFile& golden,
                   const TextCase& text_case, Report* report);

}  // namespace sightline::parity

// Times a decoder: prompts and generation, beside what this machine could do at best in the same
// minute.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "language/decoder.h"

namespace sightline::bench {

struct ModelBenchOptions {
  int64_t prompt = 512;               // tokens; 0: none
  int64_t generate = 64;              // tokens
  std::vector<int64_t> depths = {0};  // tokens that stand before the generated ones
  int runs = 3;
  KvChoice kv = KvChoice::kAuto;
  bool ceilings = true;  // measure them too, between our own runs
  // Of the process before it loaded anything: libraries, mostly. Reported, and taken off one ratio.
  int64_t process_bytes = 0;
};

// Resident memory of this process, bytes.
struct ResidentMemory {
  int64_t now = 0;
  int64_t peak = 0;  // so far, or since ForgetPeak
};
ResidentMemory Resident();
bool ForgetPeak();  // false where the system keeps it

// Medians over the runs; a share is the median of the runs' shares, each of a run against the
// ceilings right before and after it. Rates by "cpu" count the process's CPU time, spread evenly
// over the threads, instead of the clock on the wall: what is left of them on a machine that others
// use too. Fails as Decoder::Run does.
StatusOr<nlohmann::ordered_json> BenchDecoder(const language::Decoder& decoder,
                                              const ModelBenchOptions& options);
// That report as text for people.
std::string DescribeBench(const nlohmann::ordered_json& report);

}  // namespace sightline::bench

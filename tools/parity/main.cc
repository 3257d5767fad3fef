// parity DIR: how far this build is from the reference outputs in a golden folder. 0 within
// tolerance, 1 beyond it, 2 when the folder can't be run.
#include <cstdio>
#include <filesystem>
#include <string>

#include "fusion/families/registry.h"
#include "tools/parity/text_parity.h"

namespace sightline::parity {
namespace {

namespace fs = std::filesystem;

StatusOr<Report> RunFolder(const std::string& directory) {
  Report report;
  SL_ASSIGN_OR_RETURN(CheckpointSpec spec, ReadCheckpointSpec(directory));
  SL_ASSIGN_OR_RETURN(auto weights, Checkpoint::Open(directory));
  SL_RETURN_IF_ERROR(weights->Map(spec.parts));
  SL_ASSIGN_OR_RETURN(auto decoder, LoadDecoder(spec, weights.get()));
  SL_RETURN_IF_ERROR(weights->CheckAllRead(spec.unused));
  std::printf("%s: %lld parameters in the decoder\n", spec.family.c_str(),
              static_cast<long long>(decoder->parameter_count()));
  if (fs::exists(directory + "/golden.safetensors")) {
    SL_ASSIGN_OR_RETURN(auto golden, GoldenFile::Open(directory + "/golden.safetensors"));
    SL_RETURN_IF_ERROR(
        CompareText(*decoder, *golden, {"decoder", TextRows(*decoder), spec.end_ids}, &report));
    return report;
  }
  for (const auto& entry : fs::directory_iterator(directory + "/golden")) {
    if (!entry.is_directory()) continue;
    SL_ASSIGN_OR_RETURN(auto golden,
                        GoldenFile::Open(entry.path().string() + "/golden.safetensors"));
    SL_RETURN_IF_ERROR(
        CompareText(*decoder, *golden,
                    {entry.path().filename().string(), TextRows(*decoder), spec.end_ids}, &report));
  }
  return report;
}

}  // namespace
}  // namespace sightline::parity

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr,
                 "usage: parity DIR (a model, decoder or encoder folder with reference outputs)\n");
    return 2;
  }
  auto report = sightline::parity::RunFolder(argv[1]);
  if (!report.ok()) {
    std::fprintf(stderr, "parity: %s\n", std::string(report.status().message()).c_str());
    return 2;
  }
  std::fputs(report->Table().c_str(), stdout);
  return report->ok() ? 0 : 1;
}

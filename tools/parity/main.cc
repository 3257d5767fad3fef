// parity DIR [WEIGHTS]: how far this build is from the reference outputs in a golden folder, with
// the decoder's weights stored (the default), f32, bf16, q8 or q4. 0 within the tolerance of
// float32, 1 beyond it, 2 when the folder can't be run.
#include <cstdio>
#include <string>

#include "tools/parity/encoder_parity.h"
#include "tools/parity/model_parity.h"

int main(int argc, char** argv) {
  auto weights = sightline::ParseWeightChoice(argc == 3 ? argv[2] : "stored");
  if (argc < 2 || argc > 3 || !weights.ok()) {
    std::fprintf(stderr,
                 "usage: parity DIR [stored|f32|bf16|q8|q4] (a model, decoder or encoder folder "
                 "with reference outputs)\n");
    return 2;
  }
  auto report = sightline::parity::IsEncoderFolder(argv[1])
                    ? sightline::parity::CompareEncoderFolder(argv[1])
                    : sightline::parity::CompareFolder(argv[1], *weights);
  if (!report.ok()) {
    std::fprintf(stderr, "parity: %s\n", std::string(report.status().message()).c_str());
    return 2;
  }
  std::fputs(report->Table().c_str(), stdout);
  return report->ok() ? 0 : 1;
}

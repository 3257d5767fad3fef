// parity DIR [--device D]: how far this build is from the reference outputs in a golden folder. 0
// within tolerance, 1 beyond it, 2 when the folder can't be run.
#include <cstdio>
#include <string>

#include "tools/parity/encoder_parity.h"
#include "tools/parity/model_parity.h"

int main(int argc, char** argv) {
  bool elsewhere = argc == 4 && std::string(argv[2]) == "--device";
  if (argc != 2 && !elsewhere) {
    std::fprintf(stderr,
                 "usage: parity DIR [--device cpu|cuda:N] (a model, decoder or encoder folder with "
                 "reference outputs)\n");
    return 2;
  }
  auto device = sightline::Device::Open(elsewhere ? argv[3] : "cpu");
  if (!device.ok()) {
    std::fprintf(stderr, "parity: %s\n", std::string(device.status().message()).c_str());
    return 2;
  }
  auto report = sightline::parity::IsEncoderFolder(argv[1])
                    ? sightline::parity::CompareEncoderFolder(argv[1], *device)
                    : sightline::parity::CompareFolder(argv[1], *device);
  if (!report.ok()) {
    std::fprintf(stderr, "parity: %s\n", std::string(report.status().message()).c_str());
    return 2;
  }
  std::fputs(report->Table().c_str(), stdout);
  return report->ok() ? 0 : 1;
}

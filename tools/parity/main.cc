// parity DIR [--weights W] [--kv K] [--device D] [--model M]: how far this build is from the
// reference outputs in a golden folder, with the decoder's weights stored (the default), f32, bf16,
// q8 or q4 and its keys and values f32 (the default) or f16, on a device, or with another model
// than the folder's own (a GGUF file of it). 0 within the tolerance of float32, 1 beyond it, 2 when
// the folder can't be run.
#include <cstdio>
#include <string>

#include "compute/cpu/heap.h"
#include "tools/parity/encoder_parity.h"
#include "tools/parity/model_parity.h"

int main(int argc, char** argv) {
  sightline::KeepTensorsInHeap();
  std::string weights_name = "stored", kv_name = "f32", device_name = "cpu", model;
  bool understood = argc >= 2;
  for (int i = 2; i < argc; ++i) {
    std::string flag = argv[i];
    bool valued = i + 1 < argc;
    if (flag == "--weights" && valued) {
      weights_name = argv[++i];
    } else if (flag == "--kv" && valued) {
      kv_name = argv[++i];
    } else if (flag == "--device" && valued) {
      device_name = argv[++i];
    } else if (flag == "--model" && valued) {
      model = argv[++i];
    } else if (argc == 3) {
      weights_name = flag;
    } else {
      understood = false;
    }
  }
  auto weights = sightline::ParseWeightChoice(weights_name);
  auto kv = sightline::ParseKvChoice(kv_name);
  if (!understood || !weights.ok() || !kv.ok() || *kv == sightline::KvChoice::kAuto) {
    std::fprintf(stderr,
                 "usage: parity DIR [--weights stored|f32|bf16|q8|q4] [--kv f32|f16] "
                 "[--device cpu|cuda:N] [--model MODEL] (a model, decoder or encoder folder with "
                 "reference outputs)\n");
    return 2;
  }
  auto device = sightline::Device::Open(device_name);
  if (!device.ok()) {
    std::fprintf(stderr, "parity: %s\n", std::string(device.status().message()).c_str());
    return 2;
  }
  auto report = model.empty() && sightline::parity::IsEncoderFolder(argv[1])
                    ? sightline::parity::CompareEncoderFolder(argv[1], *device)
                    : sightline::parity::CompareFolder(argv[1], *weights, *device, model,
                                                       *kv == sightline::KvChoice::kF16
                                                           ? sightline::KvFormat::kF16
                                                           : sightline::KvFormat::kF32);
  if (!report.ok()) {
    std::fprintf(stderr, "parity: %s\n", std::string(report.status().message()).c_str());
    return 2;
  }
  std::fputs(report->Table().c_str(), stdout);
  return report->ok() ? 0 : 1;
}

// Any GGUF file, alone or after four bytes with its length and before an mmproj file: refused with
// a status that names a key or tensor, or configs within bounds, a tokenizer that works, and
// tensors of the shapes they say.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "compute/base/check.h"
#include "fusion/families/registry.h"
#include "fusion/gguf/config.h"
#include "fusion/gguf/tokenizer.h"
#include "fusion/gguf/weights.h"

namespace {

using sightline::Status;

// What a person would look for in the file.
void ExpectNamed(const Status& status) {
  SL_CHECK(status.code() == absl::StatusCode::kInvalidArgument ||
           status.code() == absl::StatusCode::kUnimplemented);
  SL_CHECK(status.message().find("config.json") == std::string::npos);
  SL_CHECK(status.message().find("tokenizer.json") == std::string::npos);
  SL_CHECK(status.message().size() < 4096);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sightline;
  std::string text(reinterpret_cast<const char*>(data), size), visual;
  if (size > 4 && !text.starts_with("GGUF")) {
    uint32_t first = 0;
    std::memcpy(&first, data, 4);
    first = std::min(first, static_cast<uint32_t>(size - 4));
    visual = text.substr(4 + first);
    text = text.substr(4, first);
  }
  auto file = GgufFile::FromBytes(std::move(text));
  if (!file.ok()) return 0;
  std::shared_ptr<GgufFile> vision;
  if (!visual.empty()) {
    auto opened = GgufFile::FromBytes(std::move(visual));
    if (!opened.ok()) return 0;
    vision = *opened;
  }
  auto tokenizer = ReadGgufTokenizer(**file);
  if (tokenizer.ok()) {
    auto ids = (*tokenizer)->EncodeUserText("Two 12's  \xE2\x96\x81<s>\n");
    if (ids.ok()) (*tokenizer)->Decode(*ids);
  } else {
    ExpectNamed(tokenizer.status());
  }
  auto model = MakeGgufModel({*file}, vision);
  if (!model.ok()) {
    ExpectNamed(model.status());
    return 0;
  }
  auto spec = ReadCheckpointSpec(*model);
  if (!spec.ok()) {
    ExpectNamed(spec.status());
    return 0;
  }
  SL_CHECK(spec->text.layers >= 1 && spec->text.layers <= 1024 && spec->text.vocab > 0);
  auto weights = GgufWeights::Open(*model);
  if (!weights.ok()) {
    ExpectNamed(weights.status());
    return 0;
  }
  for (const auto& [name, info] : (*weights)->tensors()) {
    auto tensor = (*weights)->Stored(name, info.shape);
    SL_CHECK(tensor.ok() && tensor->shape == info.shape);
    SL_CHECK(static_cast<int64_t>(FloatsOf(*tensor).size()) == Tensor::Count(info.shape));
  }
  return 0;
}

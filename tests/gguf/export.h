// A published directory written as the GGUF files that a converter would make of it. The names and
// layouts stand here a second time, on purpose: a mistake in the reader's tables is not repeated by
// them.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "compute/weights/gguf_writer.h"

namespace sightline {

struct GgufExport {
  // Of matrices whose rows fit the format; all else is float32.
  BlockFormat format = BlockFormat::kF32;
  // Leaves out or renames a tensor ("" leaves it out); empty changes nothing.
  std::function<std::string(const std::string&)> rename;
  bool swapped_mlp =
      false;  // ffn_up and ffn_down of the visual half as older converters named them
};

// Writes folder/model.gguf and, of a visual model, folder/mmproj-model.gguf. Returns the former.
std::string ExportGguf(const std::string& directory, const std::string& folder,
                       const GgufExport& options = {});

// tokenizer.ggml.* of a tokenizer.json; `vocab` tokens in all.
void ExportTokenizer(const nlohmann::json& tokenizer, size_t vocab, GgufWriter* w);

// One tensor of float32 values in a format; [rows of `last`].
void ExportTensor(const std::string& name, BlockFormat format, const std::vector<int64_t>& shape,
                  std::vector<float> values, GgufWriter* w);

}  // namespace sightline

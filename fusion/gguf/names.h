// What GGUF files call the tensors that families know by the names of published checkpoints.
#pragma once

#include <string>
#include <vector>

#include "fusion/gguf/model.h"

namespace sightline {

// How a tensor of a family is made of those in the file.
enum class GgufAssembly {
  kAsIs,
  kUnpermute,  // rows of each head lie for interleaved rotations; the family turns halves of a head
  kStack,      // pieces one below the other: q, k, v
  kInterleave  // convolution taps of the first frame, then of the second, in every channel
};

struct GgufTensorName {
  std::string name;  // of the family: "model.layers.0.self_attn.q_proj.weight"
  GgufAssembly assembly = GgufAssembly::kAsIs;
  size_t piece = 0, pieces = 1;
};

// The names of one model. Const; thread-safe.
class GgufNames {
 public:
  // INVALID_ARGUMENT or UNIMPLEMENTED where the family is not known (config.h).
  static StatusOr<GgufNames> Of(const GgufModel& model);

  // A tensor of the text file or of the mmproj; its own name where no family knows it.
  GgufTensorName FromFile(const std::string& tensor, bool vision) const;
  // The other way: "blk.0.attn_q.weight", or all pieces with " + " between them; the same name
  // where there is none.
  std::string ToFile(const std::string& name) const;

 private:
  std::string family_;
  bool unpermute_ = false;          // the llama architecture
  bool swapped_mlp_ = false;        // older mmproj files call the first layer of the MLP ffn_down
  std::vector<int64_t> deepstack_;  // the layer of each merger
};

}  // namespace sightline

// The towers of Qwen2.5-VL (arXiv 2502.13923) and Qwen3-VL: patches of two frames at any grid, 2-D
// rotations, merge units of M x M patches stored together. The first attends inside windows except
// in some layers; the second adds interpolated positions and hands features of some layers to the
// decoder (deepstack).
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "vision/encoders/transformer_parts.h"

namespace sightline::vision {

struct QwenTowerSpec {
  int64_t hidden = 0, ffn = 0, layers = 0, heads = 0, patch = 14, frames = 2, merge = 2, out = 0;
  bool patch_bias = false;
  bool gated_mlp = true;      // gate, up, down with SiLU; else fc1, fc2 with tanh GELU
  bool layer_norm = false;    // LayerNorm instead of RMSNorm
  int64_t position_grid = 0;  // > 0: learned positions on a square grid of this side, interpolated
  int64_t window = 0;         // merge units a side; 0: whole frames in every layer
  std::vector<int64_t> full_layers;  // attend to whole frames although there is a window
  std::vector<int64_t> deepstack;    // layers whose features go to the decoder
  float eps = 1e-6f, theta = 10000;

  int64_t patch_floats() const { return 3 * frames * patch * patch; }
};

using Grid = std::array<int32_t, 3>;  // (t, h, w) in patches; h and w are multiples of merge

struct TowerFeatures {
  Tensor rows;                    // [units, out]; units frame by frame in raster order
  std::vector<Tensor> deepstack;  // as rows, one a deepstack layer
};

class QwenTower {
 public:
  // `weights`: the form of the linear layers on the host.
  static StatusOr<std::unique_ptr<QwenTower>> Load(const QwenTowerSpec& spec,
                                                   const TensorReader& read,
                                                   const Device& device = {},
                                                   WeightChoice weights = WeightChoice::kF32);
  ~QwenTower();
  // One picture or clip: patches [t * h * w, patch_floats], normalised, on the host, units in
  // raster order and inside a unit row by row. Const and thread-safe.
  TowerFeatures Encode(const Tensor& patches, const Grid& grid) const;
  const QwenTowerSpec& spec() const { return spec_; }

 private:
  struct Weights;
  struct Merger;
  QwenTower();
  void Norm(const Tensor& x, const NormWeights& norm, Tensor* y) const;
  void AddPositions(const Grid& grid, Tensor* x) const;
  std::array<Tensor, 2> Turns(const Grid& grid) const;  // cosines and sines [t * h * w, D/2]
  Tensor Merge(const Tensor& x, const Merger& merger) const;
  QwenTowerSpec spec_;
  Device device_;
  std::unique_ptr<Weights> w_;
};

}  // namespace sightline::vision

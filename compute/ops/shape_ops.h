// Rows, columns and elements of whole tensors: what the encoders' forward passes are written in.
// They run on the device that their tensors share, and results lie there.
// Rows are those of Tensor::rows(): every index but the last.
#pragma once

#include <cstdint>
#include <vector>

#include "compute/ops/ops.h"
#include "compute/ops/pointwise.h"

namespace sightline {

// The same values under another shape of as many.
Tensor Reshaped(Tensor x, std::vector<int64_t> shape);
Tensor Columns(const Tensor& x, int64_t first, int64_t count);  // [..., count]
Tensor JoinColumns(const Tensor& a, const Tensor& b);           // [..., Ca + Cb]
Tensor Rows(const Tensor& x, int64_t first, int64_t count);     // [count, C]
Tensor JoinRows(const Tensor& a, const Tensor& b);              // [Ra + Rb, C]
Tensor JoinRows(const std::vector<Tensor>& parts);              // at least one, in order
// [rows.size(), C]; -1 gives a row of zeros.
Tensor GatherRows(const Tensor& x, const std::vector<int32_t>& rows);
// Row i of `from` into row rows[i] of x.
void ScatterRows(const Tensor& from, const std::vector<int32_t>& rows, Tensor* x);
// Row i is the sum over j < k of weights[i * k + j] times row rows[i * k + j].
Tensor MixRows(const Tensor& x, int64_t k, const std::vector<int32_t>& rows,
               const std::vector<float>& weights);
Tensor Transposed(const Tensor& x);  // [R, C] -> [C, R]

// Maps [H, W, C]: zeros to the right and below up to h x w, or what stands in the first h x w.
Tensor PadMap(const Tensor& x, int64_t h, int64_t w);
Tensor CropMap(const Tensor& x, int64_t h, int64_t w);
// Planes [C, H, W] to a map and back.
Tensor PlanesToMap(const Tensor& planes);
Tensor MapToPlanes(const Tensor& map);

// x += y, or x += gain * y by channel where gain [C] isn't empty.
void Add(Tensor* x, const Tensor& y, const Tensor& gain = {});
void ScaleColumns(Tensor* x, const Tensor& gain);  // x *= gain by channel; gain has C values
void Scale(Tensor* x, float gain);
void Gelu(Tensor* x);  // exact, erf
void Relu(Tensor* x);
void Sigmoid(Tensor* x);

// Layer norm of each row; weight and bias [C].
struct NormWeights {
  Tensor weight, bias;
  float eps = 1e-5f;
};
Tensor Normalise(const Tensor& x, const NormWeights& norm);
void Normalise(const Tensor& x, const NormWeights& norm, Tensor* y);  // y as in Apply
// Root mean square of each run of weight.size() channels (RMSNorm, arXiv 1910.07467); no bias.
Tensor NormaliseRms(const Tensor& x, const NormWeights& norm);
void NormaliseRms(const Tensor& x, const NormWeights& norm, Tensor* y);
// Over all values of x together, then weight and bias by channel (a group norm of one group).
Tensor NormaliseTogether(const Tensor& x, const NormWeights& norm);

// Turns pairs (i, i + D/2) of the first `heads` heads of D channels of each row by angles whose
// cosine and sine are [rows, D/2].
void RotateHeads(const Tensor& cosine, const Tensor& sine, int64_t heads, Tensor* x);
NormWeights ToDevice(const NormWeights& norm, const Device& device);

Tensor MeanRows(const Tensor& x);                  // [1, C]
Tensor ColumnMoments(const Tensor& x);             // [2, C]: mean and variance of each column
Tensor Product(const Tensor& a, const Tensor& b);  // a [M, K], b [N, K] -> a b^T [M, N]
Tensor FromHost(std::vector<float> values, std::vector<int64_t> shape, const Device& device = {});
std::vector<float> HostValues(const Tensor& x);  // a copy that the host may read

}  // namespace sightline

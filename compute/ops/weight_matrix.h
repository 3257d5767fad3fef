// Weights [N, K] of a linear layer in the form that the CPU multiplies by: packed panels of floats
// or of integers. Letters: M rows, N outputs, K inputs.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <variant>

#include "compute/cpu/float_matrix.h"
#include "compute/cpu/packed_matrix.h"
#include "compute/cpu/word_matrix.h"
#include "compute/weights/stored_tensor.h"

namespace sightline {

// What loading makes of weights: the numbers as stored, or all of one kind. kQ16 is for many rows
// at a time only, so it is no choice of a user's.
enum class WeightChoice { kStored, kF32, kBF16, kQ16, kQ8, kQ4 };
// "stored", "f32", "bf16", "q8" or "q4"; INVALID_ARGUMENT lists them.
StatusOr<WeightChoice> ParseWeightChoice(std::string_view text);
// What becomes of an embedding and a head, where an error weighs most: kQ8 in place of kQ4.
constexpr WeightChoice EndsOf(WeightChoice choice) {
  return choice == WeightChoice::kQ4 ? WeightChoice::kQ8 : choice;
}

// What a vision tower's linear layers become where `asked` is said of the model: kQ16 where fewer
// bits than halves have are asked for, else kF32. In bytes (blocks of 32, both sides) the features
// of towers of published shapes erred by 1.3 to 3.9 %, and every kind of product had a part in it:
// no few of them could be kept apart. Words err by at most 0.14 %, and towers in them ran 1.4
// to 1.8 times as fast as in float32 with VNNI, 1.2 to 1.3 times on AVX2.
WeightChoice TowerWeights(WeightChoice asked);

enum class WeightFormat { kF32, kF16, kBF16, kQ16, kQ8, kQ4, kQ4K, kQ6K };
std::string_view NameOf(WeightFormat format);  // "q4k"

// Immutable once made; thread-safe.
class WeightMatrix {
 public:
  // From two-dimensional rows as stored; memory beside the result is a few rows. kQ8 and kQ4 (which
  // becomes kQ4K) want K to be a multiple of 32: other widths are kept as stored. INVALID_ARGUMENT
  // for a weight that is not finite where it has to be quantised. Uses ParallelFor.
  static StatusOr<std::shared_ptr<const WeightMatrix>> Pack(const StoredTensor& rows,
                                                            WeightChoice choice);
  // Rows [n, k] of float32.
  static StatusOr<std::shared_ptr<const WeightMatrix>> Pack(const float* rows, int64_t n, int64_t k,
                                                            WeightChoice choice);
  // bytes() of what Pack would make of rows [n, k] stored as `stored`.
  static int64_t PackedBytes(BlockFormat stored, int64_t n, int64_t k, WeightChoice choice);
  explicit WeightMatrix(FloatMatrix w) : w_(std::move(w)) {}
  explicit WeightMatrix(PackedMatrix w) : w_(std::move(w)) {}
  explicit WeightMatrix(WordMatrix w) : w_(std::move(w)) {}

  WeightFormat format() const;
  int64_t n() const;
  int64_t k() const;
  int64_t bytes() const;
  // Row i as float32, [k]: an embedding.
  void Row(int64_t i, float* out) const;

  const FloatMatrix* floats() const { return std::get_if<FloatMatrix>(&w_); }
  const PackedMatrix* integers() const { return std::get_if<PackedMatrix>(&w_); }
  const WordMatrix* words() const { return std::get_if<WordMatrix>(&w_); }

 private:
  std::variant<FloatMatrix, PackedMatrix, WordMatrix> w_;
};

struct WeightJob {
  const WeightMatrix* w = nullptr;
  const float* bias = nullptr;  // [N] or null
  float* out = nullptr;         // [M, N], row m at out + m * out_stride
  int64_t out_stride = 0;
};

// out = x w^T + bias for jobs that share x [m, k], row i at x + i * x_stride. Integer weights meet
// activations quantised as finely, once for all jobs. A row's result depends neither on m, nor on
// the threads, nor on which jobs share a call. Uses ParallelFor.
void MatMul(const float* x, int64_t x_stride, int64_t m, std::span<const WeightJob> jobs);

}  // namespace sightline

#include "compute/ops/weight_matrix.h"

#include <string>
#include <vector>

#include "compute/base/check.h"
#include "compute/base/shape_check.h"
#include "compute/cpu/float_matmul.h"
#include "compute/cpu/quant_matmul.h"
#include "compute/cpu/word_matmul.h"

namespace sightline {
namespace {

constexpr std::pair<std::string_view, WeightChoice> kChoices[] = {{"stored", WeightChoice::kStored},
                                                                  {"f32", WeightChoice::kF32},
                                                                  {"bf16", WeightChoice::kBF16},
                                                                  {"q8", WeightChoice::kQ8},
                                                                  {"q4", WeightChoice::kQ4}};

WeightFormat FormatOf(const WordMatrix&) { return WeightFormat::kQ16; }

WeightFormat FormatOf(const FloatMatrix& w) {
  BlockFormat f = w.format;
  return f == BlockFormat::kF32   ? WeightFormat::kF32
         : f == BlockFormat::kF16 ? WeightFormat::kF16
                                  : WeightFormat::kBF16;
}

WeightFormat FormatOf(const PackedMatrix& w) {
  switch (w.format) {
    case PackedFormat::kQ8:
      return WeightFormat::kQ8;
    case PackedFormat::kQ4:
      return WeightFormat::kQ4;
    case PackedFormat::kQ4K:
      return WeightFormat::kQ4K;
    case PackedFormat::kQ6K:
      return WeightFormat::kQ6K;
  }
  return WeightFormat::kQ8;
}

// Weights that stay in the format they are stored in.
bool Unchanged(BlockFormat stored, int64_t k, WeightChoice choice) {
  return choice == WeightChoice::kStored || k % kBlock != 0 ||
         (choice == WeightChoice::kQ8 && stored == BlockFormat::kQ8_0) ||
         (choice == WeightChoice::kQ4 &&
          (stored == BlockFormat::kQ4_K || stored == BlockFormat::kQ4_0));
}

using Form = std::variant<BlockFormat, PackedFormat>;  // floats or integers

Form FormFor(BlockFormat stored, int64_t k, WeightChoice choice) {
  if (choice == WeightChoice::kF32) return BlockFormat::kF32;
  if (choice == WeightChoice::kBF16) return BlockFormat::kBF16;
  if (!Unchanged(stored, k, choice)) {
    return choice == WeightChoice::kQ8 ? PackedFormat::kQ8 : PackedFormat::kQ4K;
  }
  switch (stored) {
    case BlockFormat::kQ8_0:
      return PackedFormat::kQ8;
    case BlockFormat::kQ4_0:
      return PackedFormat::kQ4;
    case BlockFormat::kQ4_K:
      return PackedFormat::kQ4K;
    case BlockFormat::kQ6_K:
      return PackedFormat::kQ6K;
    default:
      return stored;
  }
}

template <class Matrix>
StatusOr<std::shared_ptr<const WeightMatrix>> Made(StatusOr<Matrix> matrix) {
  if (!matrix.ok()) return matrix.status();
  return std::make_shared<const WeightMatrix>(*std::move(matrix));
}

}  // namespace

StatusOr<WeightChoice> ParseWeightChoice(std::string_view text) {
  for (const auto& [name, choice] : kChoices) {
    if (name == text) return choice;
  }
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "WEIGHTS_UNKNOWN",
                         "weights are one of stored, f32, bf16, q8 and q4");
}

WeightChoice TowerWeights(WeightChoice asked) {
  bool integers =
      asked == WeightChoice::kQ16 || asked == WeightChoice::kQ8 || asked == WeightChoice::kQ4;
  return integers ? WeightChoice::kQ16 : WeightChoice::kF32;
}

std::string_view NameOf(WeightFormat format) {
  constexpr std::string_view kNames[] = {"f32", "f16", "bf16", "q16", "q8", "q4", "q4k", "q6k"};
  return kNames[static_cast<size_t>(format)];
}

StatusOr<std::shared_ptr<const WeightMatrix>> WeightMatrix::Pack(const StoredTensor& rows,
                                                                 WeightChoice choice) {
  SL_CHECK(rows.shape.size() == 2);
  int64_t n = rows.shape[0], k = rows.shape[1];
  if (choice == WeightChoice::kQ16) return Made(PackWords(rows.format, rows.data, n, k));
  Form form = FormFor(rows.format, k, choice);
  if (auto floats = std::get_if<BlockFormat>(&form)) {
    return Made(PackFloats(rows.format, rows.data, n, k, *floats));
  }
  if (Unchanged(rows.format, k, choice)) return Made(PackBlocks(rows.format, rows.data, n, k));
  return Made(QuantizeAndPack(rows.format, rows.data, n, k, std::get<PackedFormat>(form)));
}

int64_t WeightMatrix::PackedBytes(BlockFormat stored, int64_t n, int64_t k, WeightChoice choice) {
  if (choice == WeightChoice::kQ16) return PackedWordBytes(n, k);
  return std::visit([&](auto form) { return sightline::PackedBytes(form, n, k); },
                    FormFor(stored, k, choice));
}

StatusOr<std::shared_ptr<const WeightMatrix>> WeightMatrix::Pack(const float* rows, int64_t n,
                                                                 int64_t k, WeightChoice choice) {
  return Pack(StoredTensor{BlockFormat::kF32, {n, k}, rows, nullptr}, choice);
}

WeightFormat WeightMatrix::format() const {
  return std::visit([](const auto& w) { return FormatOf(w); }, w_);
}
int64_t WeightMatrix::n() const {
  return std::visit([](const auto& w) { return w.n; }, w_);
}
int64_t WeightMatrix::k() const {
  return std::visit([](const auto& w) { return w.k; }, w_);
}
int64_t WeightMatrix::bytes() const {
  return std::visit([](const auto& w) { return w.bytes(); }, w_);
}
void WeightMatrix::Row(int64_t i, float* out) const {
  std::visit([&](const auto& w) { UnpackRow(w, i, out); }, w_);
}

void MatMul(const float* x, int64_t x_stride, int64_t m, std::span<const WeightJob> jobs) {
  static thread_local QuantRows quantised;  // grows, never shrinks
  static thread_local std::vector<FloatJob> floats;
  static thread_local std::vector<MatMulJob> integers;
  static thread_local std::vector<WordJob> words;
  floats.clear();
  integers.clear();
  words.clear();
  if (jobs.empty()) return;
  int64_t k = jobs[0].w->k();
  for (const WeightJob& job : jobs) {
    CheckSize(job.w->k(), "w", {"K", k});
    if (const FloatMatrix* w = job.w->floats()) {
      floats.push_back({w, job.out, job.out_stride, job.bias});
    } else if (const WordMatrix* fine = job.w->words()) {
      words.push_back({fine, job.out, job.out_stride, job.bias});
    } else {
      integers.push_back({job.w->integers(), job.out, job.out_stride, job.bias});
    }
  }
  if (!floats.empty()) FloatMatMul(x, x_stride, m, k, floats);
  if (!words.empty()) WordMatMul(x, x_stride, m, k, words);
  if (integers.empty()) return;
  QuantizeRows(x, x_stride, m, k, &quantised);
  QuantMatMul(quantised, integers);
}

}  // namespace sightline

#include "vision/encoders/position_tables.h"

#include <cmath>

namespace sightline::vision {
namespace {

constexpr int64_t kHidden = 512;

// Points [N, 2] -> [N, out].
Tensor Run(const std::string& name, std::vector<float> points, int64_t out, EncoderWeights* w) {
  Linear first = w->Dense(name + "0", kHidden, 2);
  Linear second = w->Dense(name + "2", out, kHidden, false);
  if (!w->usable()) return Tensor();
  auto n = static_cast<int64_t>(points.size() / 2);
  Tensor h = Apply(FromHost(std::move(points), {n, 2}, w->device()), first);
  Relu(&h);
  return Apply(h, second);
}

}  // namespace

Tensor ReadEmbedding(const std::string& name, int64_t side, int64_t c, EncoderWeights* w) {
  std::vector<float> points;
  const int64_t middle = side / 2;  // whole numbers: an even side isn't centred
  const auto half = static_cast<float>(middle);
  for (int64_t i = 0; i < side * side; ++i) {
    const int64_t row = i / side, column = i % side;
    points.push_back((static_cast<float>(row) - half) / half);
    points.push_back((static_cast<float>(column) - half) / half);
  }
  return Run(name, std::move(points), c, w);
}

Tensor ReadBiasTable(const std::string& name, int64_t side, int64_t heads, EncoderWeights* w) {
  std::vector<float> points;
  auto add = [&](int64_t offset) {
    double u = 8.0 * static_cast<double>(offset) / static_cast<double>(side - 1);
    points.push_back(
        static_cast<float>(std::copysign(std::log2(std::fabs(u) + 1) / std::log2(8.0), u)));
  };
  int64_t span = 2 * side - 1;
  for (int64_t i = 0; i < span * span; ++i) {
    add(i / span - (side - 1));
    add(i % span - (side - 1));
  }
  Tensor table = Run(name, std::move(points), heads, w);
  if (!w->usable()) return Tensor();
  Sigmoid(&table);
  Scale(&table, 16);
  return Transposed(table);
}

}  // namespace sightline::vision

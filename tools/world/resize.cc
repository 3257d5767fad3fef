// Bilinear resizing with a triangle filter as wide as the shrink, as the engine's preprocessing
// does it.
#include <algorithm>
#include <cmath>

#include "tools/world/canvas.h"

namespace sightline::world {
namespace {

struct Taps {
  std::vector<int> first, count;
  std::vector<float> weight;  // [out][most]
  int most = 0;
};

Taps MakeTaps(int in, int out) {
  Taps t;
  double scale = static_cast<double>(in) / out, support = std::max(1.0, scale);
  t.most = static_cast<int>(std::ceil(support)) * 2 + 1;
  t.weight.resize(static_cast<size_t>(out) * t.most);
  for (int i = 0; i < out; ++i) {
    double centre = (i + 0.5) * scale;
    int lo = std::max(0, static_cast<int>(std::floor(centre - support + 0.5))),
        hi = std::min(in, static_cast<int>(std::floor(centre + support + 0.5)));
    double sum = 0;
    for (int k = lo; k < hi; ++k) sum += std::max(0.0, 1 - std::fabs(k + 0.5 - centre) / support);
    for (int k = lo; k < hi; ++k) {
      t.weight[static_cast<size_t>(i) * t.most + (k - lo)] =
          static_cast<float>(std::max(0.0, 1 - std::fabs(k + 0.5 - centre) / support) / sum);
    }
    t.first.push_back(lo);
    t.count.push_back(hi - lo);
  }
  return t;
}

}  // namespace

Picture Resize(const Picture& p, int width, int height) {
  if (p.width == width && p.height == height) return p;
  Taps tx = MakeTaps(p.width, width), ty = MakeTaps(p.height, height);
  std::vector<float> rows(static_cast<size_t>(p.height) * width * 3);
  for (int y = 0; y < p.height; ++y) {
    for (int x = 0; x < width; ++x) {
      float s[3] = {};
      for (int k = 0; k < tx.count[x]; ++k) {
        const uint8_t* q = &p.rgb[(static_cast<size_t>(y) * p.width + tx.first[x] + k) * 3];
        float w = tx.weight[static_cast<size_t>(x) * tx.most + k];
        for (int c = 0; c < 3; ++c) s[c] += w * q[c];
      }
      for (int c = 0; c < 3; ++c)
        rows[(static_cast<size_t>(y) * width + x) * 3 + c] = std::nearbyint(s[c]);
    }
  }
  Picture out{width, height, std::vector<uint8_t>(static_cast<size_t>(width) * height * 3)};
  size_t line = static_cast<size_t>(width) * 3;
  std::vector<float> sum(line);
  for (int y = 0; y < height; ++y) {
    std::fill(sum.begin(), sum.end(), 0.0f);
    for (int k = 0; k < ty.count[y]; ++k) {
      float w = ty.weight[static_cast<size_t>(y) * ty.most + k];
      const float* r = &rows[static_cast<size_t>(ty.first[y] + k) * line];
      for (size_t i = 0; i < line; ++i) sum[i] += w * r[i];
    }
    for (size_t i = 0; i < line; ++i)
      out.rgb[static_cast<size_t>(y) * line + i] =
          static_cast<uint8_t>(std::clamp(sum[i] + 0.5f, 0.0f, 255.0f));
  }
  return out;
}

}  // namespace sightline::world

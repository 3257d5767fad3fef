#include "vision/preprocess/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "compute/base/check.h"

namespace sightline::vision {
namespace {

double Sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double Support(Filter f) { return f == Filter::kBilinear ? 1 : f == Filter::kBicubic ? 2 : 3; }

double Kernel(Filter f, double x) {
  x = std::fabs(x);
  if (x >= Support(f)) return 0;
  if (f == Filter::kBilinear) return 1 - x;
  if (f == Filter::kLanczos) return Sinc(x) * Sinc(x / 3);
  constexpr double a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return (((x - 5) * x + 8) * x - 4) * a;
}

struct Tap {
  int first = 0;
  std::vector<float> weights;
};

std::vector<Tap> MakeTaps(int in, int out, Filter f) {
  std::vector<Tap> taps(static_cast<size_t>(out));
  double scale = static_cast<double>(in) / out, widen = std::max(1.0, scale),
         support = Support(f) * widen;
  for (int i = 0; i < out; ++i) {
    Tap& t = taps[static_cast<size_t>(i)];
    double centre = (i + 0.5) * scale, sum = 0;
    t.first = std::max(0, static_cast<int>(centre - support + 0.5));
    int end = std::min(in, static_cast<int>(centre + support + 0.5));
    std::vector<double> w;
    for (int k = t.first; k < end; ++k)
      sum += w.emplace_back(Kernel(f, (k + 0.5 - centre) / widen));
    for (double v : w) t.weights.push_back(static_cast<float>(v / sum));
  }
  return taps;
}

uint8_t ToByte(float v) { return static_cast<uint8_t>(std::clamp(v + 0.5f, 0.0f, 255.0f)); }

Image ResizeColumns(const Image& image, int width_px, Filter f) {
  auto taps = MakeTaps(image.width_px, width_px, f);
  Image out = MakeImage(width_px, image.height_px);
  for (int y = 0; y < image.height_px; ++y) {
    for (int x = 0; x < width_px; ++x) {
      const Tap& t = taps[static_cast<size_t>(x)];
      const uint8_t* p = image.row(y) + t.first * 3;
      float s[3] = {};
      for (size_t k = 0; k < t.weights.size(); ++k, p += 3) {
        for (int c = 0; c < 3; ++c) s[c] += t.weights[k] * p[c];
      }
      for (int c = 0; c < 3; ++c) out.row(y)[x * 3 + c] = ToByte(s[c]);
    }
  }
  return out;
}

Image ResizeRows(const Image& image, int height_px, Filter f) {
  auto taps = MakeTaps(image.height_px, height_px, f);
  Image out = MakeImage(image.width_px, height_px);
  std::vector<float> sum(out.row_bytes());
  for (int y = 0; y < height_px; ++y) {
    const Tap& t = taps[static_cast<size_t>(y)];
    std::fill(sum.begin(), sum.end(), 0.0f);
    for (size_t k = 0; k < t.weights.size(); ++k) {
      const uint8_t* p = image.row(t.first + static_cast<int>(k));
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += t.weights[k] * p[i];
    }
    for (size_t i = 0; i < sum.size(); ++i) out.row(y)[i] = ToByte(sum[i]);
  }
  return out;
}

float Normal(uint8_t v, const Normalisation& n, size_t c) {
  return (static_cast<float>(v) * (1.0f / 255) - n.mean[c]) / n.std[c];
}

}  // namespace

Image Resize(const Image& image, int width_px, int height_px, Filter f) {
  SL_CHECK(width_px > 0 && height_px > 0 && image.width_px > 0 && image.height_px > 0);
  const Image narrow = image.width_px == width_px ? image : ResizeColumns(image, width_px, f);
  return narrow.height_px == height_px ? narrow : ResizeRows(narrow, height_px, f);
}

Image Crop(const Image& image, int x, int y, int width_px, int height_px) {
  Image out = MakeImage(width_px, height_px);
  int left = std::max(0, x), right = std::min(image.width_px, x + width_px);
  for (int r = 0; r < height_px && left < right; ++r) {
    if (y + r < 0 || y + r >= image.height_px) continue;
    std::memcpy(out.row(r) + (left - x) * 3, image.row(y + r) + left * 3,
                static_cast<size_t>(right - left) * 3);
  }
  return out;
}

void ToPlanes(const Image& image, const Normalisation& n, float* out) {
  for (size_t c = 0; c < 3; ++c) {
    for (int y = 0; y < image.height_px; ++y) {
      const uint8_t* p = image.row(y) + c;
      for (int x = 0; x < image.width_px; ++x) *out++ = Normal(p[x * 3], n, c);
    }
  }
}

Tensor ToMergedPatches(const std::vector<Image>& frames, int patch, int merge, int per,
                       const Normalisation& n) {
  int h = frames[0].height_px / patch, w = frames[0].width_px / patch, units = merge * merge;
  int t = static_cast<int>(frames.size()) / per;
  SL_CHECK(t > 0 && h % merge == 0 && w % merge == 0);
  Tensor out({static_cast<int64_t>(t) * h * w, int64_t{3} * per * patch * patch});
  for (int64_t i = 0; i < out.rows(); ++i) {
    int inside = static_cast<int>(i % units),
        unit = static_cast<int>(i % (static_cast<int64_t>(h) * w) / units);
    int row = unit / (w / merge) * merge + inside / merge,
        col = unit % (w / merge) * merge + inside % merge;
    auto first = static_cast<size_t>(i / (static_cast<int64_t>(h) * w) * per);
    float* o = out.row(i);
    for (size_t c = 0; c < 3; ++c) {
      for (size_t f = 0; f < static_cast<size_t>(per); ++f) {
        for (int y = 0; y < patch; ++y) {
          const uint8_t* p = frames[first + f].row(row * patch + y) + col * patch * 3 + c;
          for (int x = 0; x < patch; ++x) *o++ = Normal(p[x * 3], n, c);
        }
      }
    }
  }
  return out;
}

}  // namespace sightline::vision

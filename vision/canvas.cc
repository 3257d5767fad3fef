#include "vision/canvas.h"

#include <algorithm>
#include <cmath>

namespace sightline::vision {

Canvas NearestCanvas(const std::vector<Canvas>& canvases, int width_px, int height_px) {
  auto distance = [&](const Canvas& c) {
    return std::fabs(
        std::log(static_cast<double>(c.width_px) / c.height_px * height_px / width_px));
  };
  return *std::min_element(canvases.begin(), canvases.end(), [&](const Canvas& a, const Canvas& b) {
    return distance(a) < distance(b);
  });
}

namespace {

struct Tap {
  int first = 0;
  std::vector<float> weights;
};

std::vector<Tap> MakeTaps(int in, int out) {
  std::vector<Tap> taps(static_cast<size_t>(out));
  double scale = static_cast<double>(in) / out, support = std::max(1.0, scale);
  for (int i = 0; i < out; ++i) {
    Tap& t = taps[static_cast<size_t>(i)];
    double centre = (i + 0.5) * scale, sum = 0;
    // Truncated towards 0, as the resizing it follows does.
    const double from = centre - support + 0.5, to = centre + support + 0.5;
    t.first = std::max(0, static_cast<int>(from));
    int end = std::min(in, static_cast<int>(to));
    for (int k = t.first; k < end; ++k) {
      double w = std::max(0.0, 1 - std::fabs(k + 0.5 - centre) / support);
      t.weights.push_back(static_cast<float>(w));
      sum += w;
    }
    for (float& w : t.weights) w = static_cast<float>(w / sum);
  }
  return taps;
}

uint8_t ToByte(float v) { return static_cast<uint8_t>(std::clamp(v + 0.5f, 0.0f, 255.0f)); }

}  // namespace

Image ResizeTriangle(const Image& image, int width_px, int height_px) {
  if (image.width_px == width_px && image.height_px == height_px) return image;
  auto columns = MakeTaps(image.width_px, width_px), rows = MakeTaps(image.height_px, height_px);
  Image narrow = MakeImage(width_px, image.height_px), out = MakeImage(width_px, height_px);
  for (int y = 0; y < image.height_px; ++y) {
    for (int x = 0; x < width_px; ++x) {
      const Tap& t = columns[static_cast<size_t>(x)];
      float s[3] = {};
      const uint8_t* p = image.row(y) + t.first * 3;
      for (size_t k = 0; k < t.weights.size(); ++k, p += 3) {
        for (int c = 0; c < 3; ++c) s[c] += t.weights[k] * p[c];
      }
      for (int c = 0; c < 3; ++c) narrow.row(y)[x * 3 + c] = ToByte(s[c]);
    }
  }
  std::vector<float> sum(out.row_bytes());
  for (int y = 0; y < height_px; ++y) {
    const Tap& t = rows[static_cast<size_t>(y)];
    std::fill(sum.begin(), sum.end(), 0.0f);
    for (size_t k = 0; k < t.weights.size(); ++k) {
      const uint8_t* p = narrow.row(t.first + static_cast<int>(k));
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += t.weights[k] * p[i];
    }
    for (size_t i = 0; i < sum.size(); ++i) out.row(y)[i] = ToByte(sum[i]);
  }
  return out;
}

}  // namespace sightline::vision

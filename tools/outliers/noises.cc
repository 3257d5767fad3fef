// Noise: white, pink, Perlin, chroma, salt and pepper, torn scan lines.
#include <algorithm>
#include <cmath>

#include "tools/outliers/pen.h"

namespace sightline::outliers {
namespace {

Rgb Grey(double v) {
  int g = static_cast<int>(std::clamp(v, 0.0, 255.0));
  return {g, g, g};
}

void White(Rng* rng, Canvas* c) {
  double sigma = rng->Range(45, 110);
  Each(c, [&](int, int) { return Grey(128 + sigma * rng->Normal()); });
}

// A sum of cosines of random directions whose power falls as one over the squared frequency.
void Pink(Rng* rng, Canvas* c) {
  struct Wave {
    double kx, ky, phase, amp;
  };
  std::vector<Wave> waves;
  for (int i = 0; i < 90; ++i) {
    double f = std::exp(rng->Range(std::log(1.0), std::log(60.0))) * 6.283 / c->width,
           a = rng->Range(0, 6.283);
    waves.push_back({f * std::cos(a), f * std::sin(a), rng->Range(0, 6.283),
                     std::pow(f * c->width / 6.283, -0.5)});
  }
  bool tint = rng->Chance(0.5);
  double hue = rng->Uniform();
  Each(c, [&](int x, int y) {
    double v = 0;
    for (const Wave& w : waves) v += w.amp * std::cos(w.kx * x + w.ky * y + w.phase);
    v = std::clamp(0.5 + v * 0.13, 0.0, 1.0);
    return tint ? Hue(hue + 0.2 * v, 0.7, v) : Grey(255 * v);
  });
}

void PerlinNoise(Rng* rng, Canvas* c) {
  uint64_t seed = rng->Next();
  double base = rng->Range(3, 12) / c->width, hue = rng->Uniform();
  int octaves = rng->Int(1, 5);
  bool ridged = rng->Chance(0.5);
  Each(c, [&](int x, int y) {
    double v = 0, amp = 0.6, f = base;
    for (int o = 0; o < octaves; ++o, amp *= 0.5, f *= 2) {
      double n = Perlin(seed + static_cast<uint64_t>(o), x * f, y * f);
      v += amp * (ridged ? 1 - 2 * std::fabs(n) : n);
    }
    double t = std::clamp(0.5 + 0.5 * v, 0.0, 1.0);
    return Hue(hue + 0.3 * t, 0.5, 0.1 + 0.9 * t);
  });
}

void Chroma(Rng* rng, Canvas* c) {
  double s = rng->Range(0.5, 1);
  int cell = rng->Int(1, 3);
  std::vector<Rgb> row(static_cast<size_t>(c->width));
  for (int y = 0; y < c->height; ++y) {
    if (y % cell == 0)
      for (Rgb& p : row) p = Hue(rng->Uniform(), s, rng->Range(0.3, 1));
    for (int x = 0; x < c->width; ++x) c->Blend(x, y, row[static_cast<size_t>(x - x % cell)], 1);
  }
}

void SaltAndPepper(Rng* rng, Canvas* c) {
  double rate = rng->Range(0.15, 0.5), level = rng->Range(70, 190), tilt = rng->Range(-60, 60);
  Each(c, [&](int x, int) {
    return rng->Chance(rate) ? Grey(rng->Chance(0.5) ? 255 : 0) : Grey(level + tilt * x / c->width);
  });
}

void ScanLines(Rng* rng, Canvas* c) {  // a lost analogue signal
  double value = 128, shift = 0;
  uint64_t seed = rng->Next();
  for (int y = 0; y < c->height; ++y) {
    value = std::clamp(value + 40 * rng->Normal(), 20.0, 235.0);
    shift += rng->Chance(0.05) ? rng->Range(-40, 40) : 0;
    for (int x = 0; x < c->width; ++x) {
      double v = value * 0.4 + 128 * (1 + Perlin(seed, (x + shift) * 0.05, y * 0.4)) * 0.6 +
                 30 * rng->Normal();
      c->Blend(x, y, Grey(v), 1);
    }
  }
}

}  // namespace

const std::vector<Kind> kNoises = {
    {"noise", "white", White},        {"noise", "pink", Pink},
    {"noise", "perlin", PerlinNoise}, {"noise", "chroma", Chroma},
    {"noise", "salt", SaltAndPepper}, {"noise", "scan_lines", ScanLines}};

}  // namespace sightline::outliers

// Smooth fields and interference: moire, a zone plate, conic sweeps, waves of several sources, a
// Julia set.
#include <algorithm>
#include <array>
#include <cmath>
#include <complex>

#include "tools/outliers/pen.h"

namespace sightline::outliers {
namespace {

void Moire(Rng* rng, Canvas* c) {
  double f = rng->Range(0.6, 1.6), g = f * rng->Range(1.02, 1.12), a = rng->Range(0, 3),
         b = a + rng->Range(0.02, 0.2), hue = rng->Uniform();
  Each(c, [&](int x, int y) {
    double u = std::cos(f * (x * std::cos(a) + y * std::sin(a))),
           v = std::cos(g * (x * std::cos(b) + y * std::sin(b)));
    double base = 0.6 + 0.3 * x / c->width;
    return Hue(hue + 0.3 * y / c->height, 0.5, std::clamp(base * (0.5 + 0.25 * (u + v)), 0.0, 1.0));
  });
}

void ZonePlate(Rng* rng, Canvas* c) {
  double cx = c->width * rng->Range(0.2, 0.8), cy = c->height * rng->Range(0.2, 0.8),
         k = 3.1 / std::max(c->width, c->height) * rng->Range(0.4, 1);
  Each(c, [&](int x, int y) {
    int v = static_cast<int>(127.5 +
                             127 * std::cos(k * ((x - cx) * (x - cx) + (y - cy) * (y - cy)) / 2));
    return Rgb{v, v, v};
  });
}

void Conic(Rng* rng, Canvas* c) {
  double cx = c->width * rng->Range(0.3, 0.7), cy = c->height * rng->Range(0.3, 0.7),
         turns = rng->Int(1, 4), twist = rng->Range(0, 0.02), ripple = rng->Range(0, 0.3);
  Each(c, [&](int x, int y) {
    double r = std::hypot(x - cx, y - cy), a = std::atan2(y - cy, x - cx) / 6.283185;
    return Hue(a * turns + r * twist, 0.8,
               std::clamp(0.75 + ripple * std::sin(r * 0.25), 0.0, 1.0));
  });
}

void Waves(Rng* rng, Canvas* c) {
  std::vector<std::array<double, 3>> sources;
  for (int i = rng->Int(2, 5); i > 0; --i)
    sources.push_back({rng->Range(0, c->width), rng->Range(0, c->height), rng->Range(0.15, 0.5)});
  double hue = rng->Uniform();
  Each(c, [&](int x, int y) {
    double v = 0;
    for (const auto& s : sources) v += std::sin(std::hypot(x - s[0], y - s[1]) * s[2]);
    v = 0.5 + 0.5 * v / static_cast<double>(sources.size());
    return Mix(Hue(hue, 0.7, 0.25), Hue(hue + 0.15, 0.3, 1), v);
  });
}

void Julia(Rng* rng, Canvas* c) {
  double a = rng->Range(0, 6.283), hue = rng->Uniform();
  std::complex<double> k = 0.7885 * std::exp(std::complex<double>(0, a));
  Each(c, [&](int x, int y) {
    std::complex<double> z((x - c->width / 2.0) * 3 / c->width,
                           (y - c->height / 2.0) * 2.4 / c->height);
    int n = 0;
    while (n < 80 && std::norm(z) < 4) z = z * z + k, ++n;
    return Hue(hue + n * 0.03, 0.8, n == 80 ? 0.05 : 0.3 + 0.7 * n / 80);
  });
}

void Sky(Rng* rng, Canvas* c) {  // horizon, haze and layered hills
  Rgb top = Hue(rng->Range(0.52, 0.7), 0.6, rng->Range(0.5, 1)),
      low = Hue(rng->Range(0.02, 0.15), 0.4, 0.95);
  uint64_t seed = rng->Next();
  int layers = rng->Int(3, 6);
  Each(c, [&](int x, int y) {
    double v = static_cast<double>(y) / c->height;
    Rgb out = Mix(Mix(top, low, v * 1.6), {255, 255, 255},
                  0.4 * std::max(0.0, Perlin(seed, x * 0.012, y * 0.03)));
    for (int i = 0; i < layers; ++i) {
      double ridge = 0.45 + 0.5 * i / layers, f = 0.006 * (1 + i);
      ridge += 0.09 * Perlin(seed + 7 + static_cast<uint64_t>(i), x * f, 0.5) +
               0.03 * Perlin(seed + 17, x * f * 4, i);
      double shade = (i + 1.0) / layers;
      if (v > ridge)
        out = Mix(Mix(low, Hue(0.35, 0.5, 0.2), shade), {0, 0, 0},
                  0.15 * (1 + Perlin(seed + 3, x * 0.2, y * 0.2)));
    }
    return out;
  });
}

}  // namespace

const std::vector<Kind> kGradients = {
    {"gradient", "moire", Moire}, {"gradient", "zone_plate", ZonePlate},
    {"gradient", "conic", Conic}, {"gradient", "waves", Waves},
    {"gradient", "julia", Julia}, {"gradient", "hills", Sky}};

}  // namespace sightline::outliers

// Surfaces: bricks, wood, marble, weave, cells, fur, pebbles.
#include <algorithm>
#include <cmath>

#include "tools/outliers/pen.h"

namespace sightline::outliers {
namespace {

void Bricks(Rng* rng, Canvas* c) {
  double h = rng->Range(12, 30), w = h * rng->Range(2, 3), gap = h * 0.1;
  uint64_t seed = rng->Next();
  Rgb base = Hue(rng->Range(0.0, 0.07), 0.6, 0.65), mortar = {190, 185, 175};
  Each(c, [&](int x, int y) {
    auto row = static_cast<int>(y / h);
    double u = x + (row % 2) * w / 2, fx = std::fmod(u, w), fy = std::fmod(y, h);
    double grain = 0.12 * Perlin(seed, x * 0.3, y * 0.3);
    if (fx < gap || fy < gap) return Mix(mortar, {120, 115, 110}, 0.3 + grain);
    uint64_t id = world::Mix(seed ^ static_cast<uint64_t>(row * 1000 + static_cast<int>(u / w)));
    return Mix(base, {60, 30, 25}, 0.1 + 0.4 * static_cast<double>(id >> 40) / 16777216.0 + grain);
  });
}

void Wood(Rng* rng, Canvas* c) {
  uint64_t seed = rng->Next();
  double rings = rng->Range(0.05, 0.2), knot = c->width * rng->Range(0.2, 0.8),
         plank = c->height / rng->Range(2, 6);
  Each(c, [&](int x, int y) {
    auto board = static_cast<uint64_t>(y / plank);
    double d = std::hypot((x - knot) * 0.12, y - c->height * 0.4) +
               9 * Perlin(seed + board, x * 0.01, y * 0.05);
    double v = 0.5 + 0.35 * std::sin(d * rings * 6) + 0.2 * Perlin(seed + 9, x * 0.03, y * 0.9);
    Rgb out = Mix({96, 56, 26}, {205, 150, 95}, v);
    return std::fmod(y, plank) < 1.5 ? Rgb{40, 24, 14} : out;
  });
}

void Marble(Rng* rng, Canvas* c) {
  uint64_t seed = rng->Next();
  double f = rng->Range(3, 8) / c->width, hue = rng->Uniform();
  Each(c, [&](int x, int y) {
    double t = 0, amp = 1, k = f;
    for (uint64_t o = 0; o < 5; ++o, amp *= 0.55, k *= 2)
      t += amp * std::fabs(Perlin(seed + o, x * k, y * k));
    double v = std::pow(0.5 + 0.5 * std::sin((x + y) * f * 2 + 7 * t), 0.4);
    return Mix(Hue(hue, 0.5, 0.25), {238, 236, 230}, v);
  });
}

void Weave(Rng* rng, Canvas* c) {
  int n = rng->Int(5, 12);
  Rgb a = Hue(rng->Uniform(), 0.6, 0.7), b = Hue(rng->Uniform(), 0.5, 0.5);
  uint64_t seed = rng->Next();
  Each(c, [&](int x, int y) {
    bool over = (x / n + y / n) % 2 == 0;
    double t = (over ? x % n : y % n) / static_cast<double>(n),
           round = 1 - 2.4 * (t - 0.5) * (t - 0.5);
    double fibre = 0.12 * Perlin(seed, x * (over ? 0.9 : 0.15), y * (over ? 0.15 : 0.9));
    return Mix({15, 12, 10}, over ? a : b, std::clamp(round - 0.15 + fibre, 0.0, 1.0));
  });
}

// Distance to the border between nearest seeds of a jittered grid: cracks, cells, pebbles.
double CellEdge(uint64_t seed, double x, double y, uint64_t* id) {
  double first = 9, second = 9;
  int ix = static_cast<int>(std::floor(x)), iy = static_cast<int>(std::floor(y));
  for (int j = iy - 1; j <= iy + 1; ++j) {
    for (int i = ix - 1; i <= ix + 1; ++i) {
      uint64_t h = world::Mix(seed ^ (static_cast<uint64_t>(i + 4096) << 20) ^
                              static_cast<uint64_t>(j + 4096));
      double px = i + static_cast<double>(h & 0xFFFF) / 65536,
             py = j + static_cast<double>(h >> 16 & 0xFFFF) / 65536, d = std::hypot(px - x, py - y);
      if (d < first)
        second = first, first = d, *id = h;
      else
        second = std::min(second, d);
    }
  }
  return second - first;
}

void Pebbles(Rng* rng, Canvas* c) {
  uint64_t seed = rng->Next();
  double f = rng->Range(0.03, 0.08), hue = rng->Range(0.02, 0.15);
  Each(c, [&](int x, int y) {
    uint64_t id = 0;
    double e = CellEdge(seed, x * f, y * f, &id), light = std::clamp(e * 2.5, 0.0, 1.0);
    double own = static_cast<double>(id >> 40) / 16777216.0,
           grain = 0.1 * Perlin(seed, x * 0.4, y * 0.4);
    return Mix({25, 22, 20}, Hue(hue + 0.1 * own, 0.25, 0.4 + 0.55 * own),
               std::sqrt(light) * 0.9 + grain);
  });
}

void Cracks(Rng* rng, Canvas* c) {
  uint64_t seed = rng->Next();
  double f = rng->Range(0.012, 0.04);
  Each(c, [&](int x, int y) {
    uint64_t id = 0;
    double u = x * f + 0.3 * Perlin(seed + 1, x * 0.03, y * 0.03),
           v = y * f + 0.3 * Perlin(seed + 2, x * 0.03, y * 0.03);
    double e = CellEdge(seed, u, v, &id);
    return Mix(
        {50, 35, 25},
        Mix({200, 170, 130}, {170, 140, 105}, 0.5 + 0.5 * Perlin(seed + 3, x * 0.2, y * 0.2)),
        e * 14);
  });
}

void Fur(Rng* rng, Canvas* c) {
  Paint(c, {60, 42, 28});
  uint64_t seed = rng->Next();
  for (int i = c->width * c->height / 14; i > 0; --i) {
    double x = rng->Range(0, c->width), y = rng->Range(0, c->height),
           a = 1.2 + 2 * Perlin(seed, x * 0.01, y * 0.01), n = rng->Range(5, 14);
    Rgb tone = Mix({70, 45, 25}, {225, 190, 140},
                   0.5 + 0.5 * Perlin(seed + 1, x * 0.02, y * 0.02) + rng->Range(-0.25, 0.25));
    Line(c, x, y, x + n * std::cos(a), y + n * std::sin(a), 1, tone);
  }
}

}  // namespace

const std::vector<Kind> kTextures = {{"texture", "bricks", Bricks},   {"texture", "wood", Wood},
                                     {"texture", "marble", Marble},   {"texture", "weave", Weave},
                                     {"texture", "pebbles", Pebbles}, {"texture", "cracks", Cracks},
                                     {"texture", "fur", Fur}};

}  // namespace sightline::outliers

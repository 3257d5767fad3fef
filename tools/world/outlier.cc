// Pictures that are no scenes, of many kinds: training material for saying "this is outside my
// world".
#include <algorithm>
#include <cmath>

#include "tools/world/render.h"

namespace sightline::world {
namespace {

Rgb AnyRgb(Rng* rng) { return {rng->Int(256), rng->Int(256), rng->Int(256)}; }

double Lattice(uint64_t seed, int x, int y) {
  return static_cast<double>(Mix(seed + static_cast<uint64_t>(x) * 0x9E3779B1u +
                                 static_cast<uint64_t>(y) * 0x85EBCA77u) >>
                             40) /
         16777216.0;
}

double Smooth(uint64_t seed, double x, double y) {
  int ix = static_cast<int>(std::floor(x)), iy = static_cast<int>(std::floor(y));
  double tx = x - ix, ty = y - iy;
  tx = tx * tx * (3 - 2 * tx);
  ty = ty * ty * (3 - 2 * ty);
  double a = Lattice(seed, ix, iy) * (1 - tx) + Lattice(seed, ix + 1, iy) * tx;
  double b = Lattice(seed, ix, iy + 1) * (1 - tx) + Lattice(seed, ix + 1, iy + 1) * tx;
  return a * (1 - ty) + b * ty;
}

// Colour fields with a falling spectrum, like the statistics of photographs.
void Fractal(Rng* rng, Canvas* c) {
  uint64_t seed = rng->Next();
  double base = rng->Range(2, 8) / c->width, fall = rng->Range(0.4, 0.75),
         contrast = rng->Range(0.8, 2.5), own = rng->Range(0, 0.6);
  int octaves = rng->Int(3, 7);
  Rgb lo = AnyRgb(rng), hi = AnyRgb(rng);
  for (int y = 0; y < c->height; ++y) {
    for (int x = 0; x < c->width; ++x) {
      double v[4] = {};
      double amp = 1, f = base, total = 0;
      for (int o = 0; o < octaves; ++o, f *= 2, total += amp, amp *= fall) {
        v[3] += amp * Smooth(seed + static_cast<uint64_t>(o), x * f, y * f);
        if (o < 3)
          for (int k = 0; k < 3; ++k)
            v[k] += amp * Smooth(seed + 100 + static_cast<uint64_t>(o * 3 + k), x * f, y * f);
      }
      for (size_t k = 0; k < 3; ++k) {
        double t = std::clamp(0.5 + contrast * ((v[3] / total - 0.5) + own * (v[k] / total - 0.3)),
                              0.0, 1.0);
        c->At(x, y)[k] = static_cast<float>(lo[k] + t * (hi[k] - lo[k]));
      }
    }
  }
}

// Random occluders with power-law sizes, each shaded and textured.
void DeadLeaves(Rng* rng, Canvas* c) {
  int n = rng->Int(60, 400);
  for (int i = 0; i < n; ++i) {
    double r = c->width * 0.012 / std::pow(1 - rng->Uniform() * 0.98, rng->Range(0.7, 1.0));
    r = std::min(r, c->width * 0.45);
    double x0 = rng->Range(0, c->width), y0 = rng->Range(0, c->height), e = rng->Range(0.4, 1),
           a = rng->Range(0, 3.14159);
    Rgb lo = AnyRgb(rng), hi = lo;
    for (int& v : hi) v = std::clamp(v + rng->Int(-90, 90), 0, 255);
    double ca = std::cos(a), sa = std::sin(a), tex = rng->Range(0, 40);
    uint64_t seed = rng->Next();
    for (int y = std::max(0, static_cast<int>(y0 - r)); y < std::min<double>(c->height, y0 + r);
         ++y) {
      for (int x = std::max(0, static_cast<int>(x0 - r)); x < std::min<double>(c->width, x0 + r);
           ++x) {
        double lx = ((x - x0) * ca + (y - y0) * sa) / r,
               ly = (-(x - x0) * sa + (y - y0) * ca) / (r * e);
        if (lx * lx + ly * ly > 1) continue;
        double t = (lx + 1) / 2, n2 = (Smooth(seed, x * 0.3, y * 0.3) - 0.5) * tex;
        for (size_t k = 0; k < 3; ++k)
          c->At(x, y)[k] = static_cast<float>(lo[k] + t * (hi[k] - lo[k]) + n2);
      }
    }
  }
}

void PhotoCrop(Rng* rng, Canvas* c) {
  Scene s;
  s.backdrop = Backdrop::kPhoto;
  s.back_seed = rng->Next();
  DrawBackdrop(s, c);
  if (rng->Chance(0.5)) {  // part of the crop again, elsewhere and mirrored: new pictures from two
    int w = c->width / 2;
    for (int y = 0; y < c->height; ++y) {
      for (int x = 0; x < w; ++x)
        for (size_t k = 0; k < 3; ++k)
          c->At(x, y)[k] = 255 - c->At(c->width - 1 - x, c->height - 1 - y)[(k + 1) % 3];
    }
  }
}

void Voronoi(Rng* rng, Canvas* c) {
  int n = rng->Int(10, 120);
  std::vector<double> px, py;
  std::vector<Rgb> colour;
  for (int i = 0; i < n; ++i)
    px.push_back(rng->Range(0, c->width)), py.push_back(rng->Range(0, c->height)),
        colour.push_back(AnyRgb(rng));
  bool shade = rng->Chance(0.5);
  for (int y = 0; y < c->height; ++y) {
    for (int x = 0; x < c->width; ++x) {
      double best = 1e18;
      size_t at = 0;
      for (size_t i = 0; i < px.size(); ++i) {
        double d = (x - px[i]) * (x - px[i]) + (y - py[i]) * (y - py[i]);
        if (d < best) best = d, at = i;
      }
      double f = shade ? std::exp(-best / (c->width * 4.0)) : 1;
      for (size_t k = 0; k < 3; ++k) c->At(x, y)[k] = static_cast<float>(colour[at][k] * f);
    }
  }
}

void Flat(Canvas* c, const Rgb& colour) {
  for (size_t i = 0; i < c->rgb.size(); ++i) c->rgb[i] = static_cast<float>(colour[i % 3]);
}

// A page: many short lines of small text, perhaps with columns and a heading.
void Page(Rng* rng, Canvas* c) {
  bool dark = rng->Chance(0.2);
  Flat(c, dark ? Rgb{25, 25, 28} : Rgb{rng->Int(225, 255), rng->Int(225, 255), rng->Int(215, 255)});
  Rgb ink = dark ? Rgb{220, 220, 220} : Rgb{rng->Int(70), rng->Int(70), rng->Int(80)};
  double unit = rng->Range(0.6, 2.2), step = unit * rng->Range(9, 13);
  int columns = rng->Int(1, 2), angle_skew = rng->Int(-1, 1);
  for (int col = 0; col < columns; ++col) {
    double left = (col + 0.05) * c->width / columns, right = (col + 0.95) * c->width / columns;
    for (double y = rng->Range(2, 20); y < c->height; y += step) {
      if (rng->Chance(0.08)) continue;
      double x = left, stop = rng->Chance(0.2) ? left + (right - left) * rng->Uniform() : right;
      while (x < stop) {
        std::string word;
        for (int i = rng->Int(1, 9); i > 0; --i) word += static_cast<char>('A' + rng->Int(26));
        DrawText(c, word, x, y + angle_skew * x * 0.01, unit, ink);
        x += TextWidth(word, unit) + 5 * unit;
      }
    }
  }
}

void Plot(Rng* rng, Canvas* c) {
  Flat(c, rng->Chance(0.8) ? Rgb{252, 252, 252} : Rgb{30, 32, 40});
  double x0 = c->width * 0.12, y1 = c->height * 0.88, w = c->width * 0.82, h = c->height * 0.8;
  Rgb axis = {90, 90, 90};
  DrawRect(c, x0 - 1, y1 - h, x0 + 1, y1, 0, 0, axis, -1);
  DrawRect(c, x0, y1 - 1, x0 + w, y1 + 1, 0, 0, axis, -1);
  for (int i = 1; i < 6 && rng->Chance(0.9); ++i)
    DrawRect(c, x0, y1 - h * i / 6, x0 + w, y1 - h * i / 6 + 1, 0, 0, {200, 200, 200}, -1);
  if (rng->Chance(0.4)) {
    int bars = rng->Int(3, 14);
    Rgb colour = AnyRgb(rng);
    for (int i = 0; i < bars; ++i)
      DrawRect(c, x0 + w * (i + 0.15) / bars, y1 - h * rng->Uniform(), x0 + w * (i + 0.85) / bars,
               y1, 0, 0, rng->Chance(0.7) ? colour : AnyRgb(rng), -1);
    return;
  }
  int series = rng->Int(1, 4);
  bool points = rng->Chance(0.35);
  for (int s = 0; s < series; ++s) {
    Rgb colour = AnyRgb(rng);
    double v = rng->Uniform(), drift = rng->Range(-0.002, 0.002), jump = rng->Range(0.002, 0.05);
    for (double t = 0; t < 1; t += points ? 0.02 : 0.4 / w) {
      v = std::clamp(v + drift + jump * rng->Normal() * (points ? 1 : 0.4), 0.0, 1.0);
      double r = points ? 2.0 : 0.9;
      DrawRect(c, x0 + t * w - r, y1 - v * h - r, x0 + t * w + r, y1 - v * h + r, r, 0, colour, -1);
    }
  }
}

void Blobs(Rng* rng, Canvas* c) {  // soft lights and shades, out-of-focus like
  Rgb a = AnyRgb(rng), b = AnyRgb(rng);
  struct Spot {
    double x, y, s;
    Rgb rgb;
  };
  std::vector<Spot> spots;
  for (int i = rng->Int(3, 25); i > 0; --i)
    spots.push_back({rng->Range(0, c->width), rng->Range(0, c->height),
                     rng->Range(0.02, 0.25) * c->width, AnyRgb(rng)});
  for (int y = 0; y < c->height; ++y) {
    for (int x = 0; x < c->width; ++x) {
      double t = static_cast<double>(y) / c->height;
      float* p = c->At(x, y);
      for (size_t k = 0; k < 3; ++k) p[k] = static_cast<float>(a[k] + t * (b[k] - a[k]));
      for (const Spot& s : spots) {
        double d = ((x - s.x) * (x - s.x) + (y - s.y) * (y - s.y)) / (s.s * s.s);
        if (d < 6) c->Blend(x, y, s.rgb, std::exp(-d) * 0.8);
      }
    }
  }
}

void Static(Rng* rng, Canvas* c) {  // noise of any grain; checks and grids
  int cell = 1 << rng->Int(6);
  bool grey = rng->Chance(0.4), checks = rng->Chance(0.3);
  uint64_t seed = rng->Next();
  Rgb a = AnyRgb(rng), b = AnyRgb(rng);
  for (int y = 0; y < c->height; ++y) {
    for (int x = 0; x < c->width; ++x) {
      for (size_t k = 0; k < 3; ++k) {
        double v = Lattice(seed + (grey ? 0 : k), x / cell, y / cell);
        c->At(x, y)[k] =
            static_cast<float>(checks ? ((x / cell + y / cell) % 2 ? a[k] : b[k]) : v * 255);
      }
    }
  }
}

}  // namespace

Picture RenderOutlier(Rng* rng, int width, int height) {
  Canvas c(width, height);
  using Draw = void (*)(Rng*, Canvas*);
  static constexpr Draw kDraws[] = {Fractal, DeadLeaves, PhotoCrop, Voronoi,
                                    Page,    Plot,       Blobs,     Static};
  int kind = rng->Weighted({1.2, 2, 2.2, 0.8, 1.2, 1.2, 1, 0.8});
  kDraws[kind](rng, &c);
  if (kind < 2 && rng->Chance(0.5)) {  // a second layer
    Rng other(rng->Next());
    if (rng->Chance(0.5)) Blur(&c, rng->Range(0.6, 2));
    for (int i = other.Int(0, 6); i > 0; --i) {
      double x = other.Range(0, width), y = other.Range(0, height), w = other.Range(3, width * 0.4),
             h = other.Range(3, height * 0.5);
      DrawRect(&c, x, y, x + w, y + h, other.Range(0, std::min(w, h) / 2), 0, AnyRgb(&other), -1);
    }
  }
  if (rng->Chance(0.4)) Blur(&c, rng->Range(0.3, 1.5));
  if (rng->Chance(0.5)) AddNoise(&c, rng->Range(1, 14), rng);
  if (rng->Chance(0.5)) JpegArtefacts(&c, rng->Int(25, 95));
  return ToPicture(c);
}

}  // namespace sightline::world

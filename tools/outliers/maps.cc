// Plans: a maze, streets, contour lines, circuit traces, a matrix code, a board with stones.
#include <algorithm>
#include <array>
#include <cmath>

#include "tools/outliers/pen.h"

namespace sightline::outliers {
namespace {

// Of cell (x, y) in rows of w.
size_t At(int x, int y, int w) {
  return static_cast<size_t>(y) * static_cast<size_t>(w) + static_cast<size_t>(x);
}

void Maze(Rng* rng, Canvas* c) {
  int cell = rng->Int(10, 24), w = std::max(3, c->width / cell), h = std::max(3, c->height / cell);
  std::vector<uint8_t> seen(static_cast<size_t>(w * h)),
      open(static_cast<size_t>(w * h));  // 1: right, 2: down
  std::vector<int> path = {0};
  seen[0] = 1;
  while (!path.empty()) {  // depth first, random turns
    int at = path.back(), x = at % w, y = at / w;
    std::vector<std::array<int, 2>> next;
    constexpr int kSteps[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
    for (int d = 0; d < 4; ++d) {
      int nx = x + kSteps[d][0], ny = y + kSteps[d][1];
      if (nx >= 0 && ny >= 0 && nx < w && ny < h && !seen[At(nx, ny, w)])
        next.push_back({d, ny * w + nx});
    }
    if (next.empty()) {
      path.pop_back();
      continue;
    }
    auto [d, to] = rng->Pick(next);
    open[static_cast<size_t>(d % 2 ? to : at)] |= d < 2 ? 1 : 2;
    seen[static_cast<size_t>(to)] = 1;
    path.push_back(to);
  }
  bool dark = rng->Chance(0.3);
  Rgb floor = dark ? Rgb{20, 24, 30} : Rgb{250, 250, 246},
      wall = dark ? Rgb{90, 220, 130} : Hue(rng->Uniform(), 0.6, 0.35);
  Paint(c, floor);
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      uint8_t o = open[At(x, y, w)];
      if (!(o & 1))
        Line(c, (x + 1) * cell, y * cell, (x + 1) * cell, (y + 1) * cell, cell * 0.16, wall);
      if (!(o & 2))
        Line(c, x * cell, (y + 1) * cell, (x + 1) * cell, (y + 1) * cell, cell * 0.16, wall);
    }
  }
}

void Streets(Rng* rng, Canvas* c) {
  Paint(c, {242, 239, 233});
  uint64_t seed = rng->Next();
  for (int i = rng->Int(2, 6); i > 0; --i) {  // parks and water
    double x = rng->Range(0, c->width), y = rng->Range(0, c->height), r = rng->Range(15, 60);
    Rgb colour = rng->Chance(0.6) ? Rgb{200, 225, 180} : Rgb{170, 205, 225};
    for (int k = 0; k < 12; ++k)
      Disc(c, x + rng->Range(-r, r), y + rng->Range(-r, r), r * 0.5, colour);
  }
  for (int pass = 0; pass < 2; ++pass) {  // casing, then roads
    Rng again(seed);
    for (int i = 0; i < 26; ++i) {
      bool major = i % 8 == 0;
      double x = again.Range(0, c->width), y = again.Range(0, c->height),
             a = again.Chance(0.5) ? 0.2 : 1.77, w = major ? 9 : 4.5;
      a += again.Range(-0.2, 0.2);
      for (int s = 0; s < 40; ++s) {
        double nx = x + 14 * std::cos(a), ny = y + 14 * std::sin(a);
        Line(c, x, y, nx, ny, pass ? w - 2 : w,
             pass ? (major ? Rgb{250, 214, 130} : Rgb{255, 255, 255}) : Rgb{190, 185, 178});
        x = nx, y = ny, a += again.Range(-0.1, 0.1);
      }
    }
  }
  for (int i = 0; i < 14; ++i)
    Write(c, Word(rng), rng->Range(0, c->width * 0.85), rng->Range(0, c->height * 0.95), 1.1,
          {70, 70, 80});
}

void Contours(Rng* rng, Canvas* c) {
  uint64_t seed = rng->Next();
  double f = rng->Range(2, 5) / c->width, levels = rng->Range(8, 18);
  Each(c, [&](int x, int y) {
    auto height = [&](double px, double py) {
      return (Perlin(seed, px * f, py * f) + 0.5 * Perlin(seed + 1, px * f * 2, py * f * 2)) *
             levels / 2;
    };
    double v = height(x, y), slope = std::hypot(height(x + 1, y) - v, height(x, y + 1) - v);
    double edge = std::fabs(v - std::round(v)) / std::max(slope, 1e-4);
    bool index = static_cast<int>(std::lround(v)) % 5 == 0;
    Rgb land = Mix({214, 230, 190}, {236, 214, 170}, 0.5 + v / levels);
    return Mix({140, 95, 50}, land, edge - (index ? 0.9 : 0.3));
  });
}

void Circuit(Rng* rng, Canvas* c) {
  Rgb board = Hue(rng->Range(0.3, 0.42), 0.75, rng->Range(0.25, 0.45)),
      copper = Mix(board, {200, 220, 120}, 0.45);
  Paint(c, board);
  for (int i = 0; i < 45; ++i) {
    double x = rng->Range(0, c->width), y = rng->Range(0, c->height);
    Disc(c, x, y, 3.4, {205, 190, 120});
    for (int s = rng->Int(2, 6); s > 0; --s) {
      double a = rng->Int(8) * 0.785398, n = rng->Range(10, 60), nx = x + n * std::cos(a),
             ny = y + n * std::sin(a);
      Line(c, x, y, nx, ny, 1.8, copper);
      x = nx, y = ny;
    }
    Disc(c, x, y, 3.4, {205, 190, 120});
    Disc(c, x, y, 1.4, {30, 30, 30});
  }
  for (int i = rng->Int(2, 6); i > 0; --i) {  // packages with pins
    double x = rng->Range(0, c->width * 0.8), y = rng->Range(0, c->height * 0.8),
           w = rng->Range(25, 80), h = rng->Range(20, 60);
    for (double p = 3; p < w; p += 6) Line(c, x + p, y - 5, x + p, y + h + 5, 2, {210, 210, 205});
    FillBox(c, x, y, x + w, y + h, {25, 25, 28});
    Write(c, Word(rng), x + 4, y + h / 2 - 3, 1.1, {190, 190, 190});
  }
}

void MatrixCode(Rng* rng, Canvas* c) {
  Paint(c, {255, 255, 255});
  int n = rng->Int(21, 45);
  double cell = 0.9 * std::min(c->width, c->height) / n, x0 = (c->width - cell * n) / 2,
         y0 = (c->height - cell * n) / 2;
  auto finder = [n](int x, int y) {
    for (auto [fx, fy] : {std::array<int, 2>{0, 0}, {n - 7, 0}, {0, n - 7}}) {
      int u = x - fx, v = y - fy;
      if (u >= -1 && v >= -1 && u < 8 && v < 8) {
        int ring = std::max(std::abs(u - 3), std::abs(v - 3));
        return ring == 3 || ring <= 1 ? 1 : 0;
      }
    }
    return -1;
  };
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      int f = finder(x, y);
      if (f == 1 || (f < 0 && rng->Chance(0.5)))
        FillBox(c, x0 + x * cell, y0 + y * cell, x0 + (x + 1) * cell, y0 + (y + 1) * cell,
                {0, 0, 0});
    }
  }
}

void Board(Rng* rng, Canvas* c) {  // a game of go
  Each(c, [&, seed = rng->Next()](int x, int y) {
    return Mix({222, 180, 110}, {190, 140, 80}, 0.5 + 0.5 * Perlin(seed, x * 0.01, y * 0.15));
  });
  int n = rng->Pick(std::vector<int>{9, 13, 19});
  double cell = 0.94 * std::min(c->width, c->height) / n, x0 = (c->width - cell * (n - 1)) / 2,
         y0 = (c->height - cell * (n - 1)) / 2;
  for (int i = 0; i < n; ++i) {
    Line(c, x0 + i * cell, y0, x0 + i * cell, y0 + (n - 1) * cell, 1, {40, 30, 20});
    Line(c, x0, y0 + i * cell, x0 + (n - 1) * cell, y0 + i * cell, 1, {40, 30, 20});
  }
  for (int i = 0; i < n * n; ++i) {
    if (!rng->Chance(0.4)) continue;
    bool black = rng->Chance(0.5);
    int column = i % n, row = i / n;
    double x = x0 + column * cell, y = y0 + row * cell;
    Disc(c, x + 1, y + 1, cell * 0.46, {60, 45, 30});
    Disc(c, x, y, cell * 0.46, black ? Rgb{20, 20, 22} : Rgb{240, 240, 236});
    Disc(c, x - cell * 0.15, y - cell * 0.15, cell * 0.1,
         black ? Rgb{90, 90, 95} : Rgb{255, 255, 255});
  }
}

}  // namespace

const std::vector<Kind> kMaps = {
    {"map", "maze", Maze},       {"map", "streets", Streets},        {"map", "contours", Contours},
    {"map", "circuit", Circuit}, {"map", "matrix_code", MatrixCode}, {"map", "board", Board}};

}  // namespace sightline::outliers

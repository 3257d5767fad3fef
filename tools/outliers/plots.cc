// Charts: lines, stacked bars, scatter, pie, heat map, histogram, flow chart.
#include <algorithm>
#include <cmath>

#include "tools/outliers/pen.h"

namespace sightline::outliers {
namespace {

struct Frame {
  double x0, y0, x1, y1, dot;
};

// White ground, axes with ticks and numbers, a title.
Frame Axes(Rng* rng, Canvas* c, bool grid) {
  Paint(c, rng->Chance(0.75) ? Rgb{255, 255, 255} : Rgb{234, 234, 242});
  Frame f{c->width * 0.14, c->height * 0.12, c->width * 0.95, c->height * 0.86,
          std::max(0.9, c->width / 330.0)};
  Rgb ink = {50, 50, 50};
  int ticks = rng->Int(4, 8);
  for (int i = 0; i <= ticks; ++i) {
    double x = f.x0 + (f.x1 - f.x0) * i / ticks, y = f.y1 - (f.y1 - f.y0) * i / ticks;
    if (grid)
      Line(c, x, f.y0, x, f.y1, 0.7, {205, 205, 210}),
          Line(c, f.x0, y, f.x1, y, 0.7, {205, 205, 210});
    Line(c, x, f.y1, x, f.y1 + 4, 1, ink);
    Line(c, f.x0 - 4, y, f.x0, y, 1, ink);
    Write(c, std::to_string(i * 20), x - 4 * f.dot, f.y1 + 7, f.dot, ink);
    Write(c, std::to_string(i * 5), f.x0 - 16 * f.dot, y - 2 * f.dot, f.dot, ink);
  }
  Line(c, f.x0, f.y1, f.x1, f.y1, 1.3, ink);
  Line(c, f.x0, f.y0, f.x0, f.y1, 1.3, ink);
  Write(c, Word(rng) + " " + Word(rng) + " " + Word(rng), f.x0 + 20, c->height * 0.04, f.dot * 1.4,
        ink);
  return f;
}

Rgb Series(int i) { return Hue(0.57 + i * 0.381966, 0.7, 0.8); }

void Curves(Rng* rng, Canvas* c) {
  Frame f = Axes(rng, c, rng->Chance(0.6));
  for (int s = 0, n = rng->Int(2, 5); s < n; ++s) {
    double a = rng->Range(0.1, 0.3), b = rng->Range(0.02, 0.1), p = rng->Range(0.5, 3),
           q = rng->Range(4, 11), m = rng->Range(0.35, 0.65), ph = rng->Range(0, 6);
    double px = 0, py = 0;
    for (int i = 0; i <= 120; ++i) {
      double t = i / 120.0, v = m + a * std::sin(6.283 * p * t + ph) + b * std::sin(6.283 * q * t),
             x = f.x0 + t * (f.x1 - f.x0), y = f.y1 - v * (f.y1 - f.y0);
      if (i) Line(c, px, py, x, y, 1.8, Series(s));
      px = x, py = y;
    }
    Line(c, f.x1 - 60, f.y0 + 6 + s * 10, f.x1 - 44, f.y0 + 6 + s * 10, 2, Series(s));
    Write(c, Word(rng), f.x1 - 40, f.y0 + 3 + s * 10, f.dot, {50, 50, 50});
  }
}

void StackedBars(Rng* rng, Canvas* c) {
  Frame f = Axes(rng, c, true);
  int bars = rng->Int(4, 9), parts = rng->Int(2, 5);
  for (int i = 0; i < bars; ++i) {
    double x0 = f.x0 + (f.x1 - f.x0) * (i + 0.2) / bars,
           x1 = f.x0 + (f.x1 - f.x0) * (i + 0.8) / bars, y = f.y1;
    for (int p = 0; p < parts; ++p) {
      double h = (f.y1 - f.y0) * rng->Range(0.04, 0.95 / parts);
      FillBox(c, x0, y - h, x1, y, Series(p));
      y -= h;
    }
  }
}

void Scatter(Rng* rng, Canvas* c) {
  Frame f = Axes(rng, c, rng->Chance(0.5));
  for (int s = 0, n = rng->Int(1, 4); s < n; ++s) {
    double mx = rng->Range(0.25, 0.75), my = rng->Range(0.25, 0.75), sx = rng->Range(0.03, 0.15),
           slope = rng->Range(-1, 1), sy = rng->Range(0.02, 0.1);
    for (int i = rng->Int(40, 160); i > 0; --i) {
      double u = rng->Normal() * sx, v = slope * u + rng->Normal() * sy;
      double x = f.x0 + std::clamp(mx + u, 0.0, 1.0) * (f.x1 - f.x0),
             y = f.y1 - std::clamp(my + v, 0.0, 1.0) * (f.y1 - f.y0);
      if (s % 2) {
        Line(c, x - 2.5, y, x + 2.5, y, 1, Series(s)),
            Line(c, x, y - 2.5, x, y + 2.5, 1, Series(s));
      } else {
        Disc(c, x, y, 2.2, Series(s));
      }
    }
  }
}

void Pie(Rng* rng, Canvas* c) {
  Paint(c, {255, 255, 255});
  std::vector<double> ends;
  double sum = 0;
  for (int i = rng->Int(4, 8); i > 0; --i) ends.push_back(sum += rng->Range(0.3, 2));
  double r = 0.36 * std::min(c->width, c->height), cx = c->width * 0.42, cy = c->height * 0.52,
         hole = rng->Chance(0.4) ? r * 0.5 : 0;
  for (int y = 0; y < c->height; ++y) {
    for (int x = 0; x < c->width; ++x) {
      double d = std::hypot(x - cx, y - cy),
             t = (std::atan2(y - cy, x - cx) / 6.283185307 + 0.5) * sum;
      if (d > r || d < hole) continue;
      auto i = std::upper_bound(ends.begin(), ends.end() - 1, t) - ends.begin();
      c->Blend(x, y, Series(static_cast<int>(i)), std::clamp(r - d, 0.0, 1.0));
    }
  }
  double dot = std::max(1.0, c->width / 280.0);
  for (size_t i = 0; i < ends.size(); ++i) {
    double a = ((i ? ends[i - 1] : 0) + ends[i]) / 2 / sum * 6.283185307 - 3.14159265;
    Line(c, cx + std::cos(a) * r, cy + std::sin(a) * r, cx + std::cos(a) * r * 1.12,
         cy + std::sin(a) * r * 1.12, 1, {60, 60, 60});
    Write(c, Word(rng), cx + std::cos(a) * r * 1.15 - (std::cos(a) < 0 ? 20 * dot : 0),
          cy + std::sin(a) * r * 1.15, dot, {60, 60, 60});
  }
}

void HeatMap(Rng* rng, Canvas* c) {
  Frame f = Axes(rng, c, false);
  int cols = rng->Int(8, 22), rows = rng->Int(6, 18);
  uint64_t seed = rng->Next();
  double hue = rng->Uniform();
  for (int r = 0; r < rows; ++r) {
    for (int k = 0; k < cols; ++k) {
      double v = std::clamp(0.5 + 0.5 * Perlin(seed, k * 0.31, r * 0.31) + rng->Range(-0.2, 0.2),
                            0.0, 1.0);
      double x = f.x0 + (f.x1 - f.x0) * k / cols, y = f.y0 + (f.y1 - f.y0) * r / rows;
      FillBox(c, x, y, x + (f.x1 - f.x0) / cols, y + (f.y1 - f.y0) / rows,
              Hue(hue + v * 0.45, 0.9 - 0.6 * v, 0.25 + 0.75 * v));
    }
  }
}

void Candles(Rng* rng, Canvas* c) {
  Frame f = Axes(rng, c, true);
  double v = 0.5;
  int n = rng->Int(25, 60);
  for (int i = 0; i < n; ++i) {
    double open = v, close = std::clamp(v + rng->Normal() * 0.05, 0.08, 0.92),
           lo = std::min(open, close) - rng->Uniform() * 0.05,
           hi = std::max(open, close) + rng->Uniform() * 0.05;
    double x = f.x0 + (f.x1 - f.x0) * (i + 0.5) / n, w = (f.x1 - f.x0) / n * 0.32, h = f.y1 - f.y0;
    Rgb colour = close > open ? Rgb{30, 150, 90} : Rgb{205, 50, 50};
    Line(c, x, f.y1 - lo * h, x, f.y1 - hi * h, 1, colour);
    FillBox(c, x - w, f.y1 - std::max(open, close) * h, x + w, f.y1 - std::min(open, close) * h,
            colour);
    v = close;
  }
}

void FlowChart(Rng* rng, Canvas* c) {
  Paint(c, {255, 255, 255});
  int rows = rng->Int(3, 5), cols = rng->Int(2, 4);
  double w = static_cast<double>(c->width) / cols, h = static_cast<double>(c->height) / rows,
         dot = w / 60;
  for (int r = 0; r < rows; ++r) {
    for (int k = 0; k < cols; ++k) {
      double x = (k + 0.5) * w, y = (r + 0.5) * h;
      if (r + 1 < rows) Line(c, x, y, (k + 0.5 + rng->Int(-1, 1)) * w, y + h, 1.2, {70, 70, 70});
      if (k + 1 < cols && rng->Chance(0.5)) Line(c, x, y, x + w, y, 1.2, {70, 70, 70});
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int k = 0; k < cols; ++k) {
      double x = (k + 0.5) * w, y = (r + 0.5) * h;
      FillBox(c, x - w * 0.36, y - h * 0.25, x + w * 0.36, y + h * 0.25, {70, 70, 70});
      FillBox(c, x - w * 0.36 + 1.5, y - h * 0.25 + 1.5, x + w * 0.36 - 1.5, y + h * 0.25 - 1.5,
              {250, 250, 240});
      Write(c, Word(rng), x - w * 0.3, y - 5 * dot, dot, {30, 30, 30});
      Write(c, Word(rng), x - w * 0.3, y + 2 * dot, dot, {30, 30, 30});
    }
  }
}

}  // namespace

const std::vector<Kind> kPlots = {
    {"plot", "curves", Curves},       {"plot", "stacked_bars", StackedBars},
    {"plot", "scatter", Scatter},     {"plot", "pie", Pie},
    {"plot", "heat_map", HeatMap},    {"plot", "candles", Candles},
    {"plot", "flow_chart", FlowChart}};

}  // namespace sightline::outliers

#include <algorithm>
#include <cmath>

#include "tools/world/canvas.h"

namespace sightline::world {
namespace {

struct Polygon {
  std::vector<double> x, y;
};

Polygon Make(std::initializer_list<double> xy) {
  Polygon p;
  int i = 0;
  for (double v : xy) (i++ % 2 ? p.y : p.x).push_back(v);
  return p;
}

Polygon Star() {
  Polygon p;
  for (int i = 0; i < 10; ++i) {
    double a = -1.5707963 + i * 0.62831853, r = i % 2 ? 0.45 : 1.08;
    p.x.push_back(r * std::cos(a));
    p.y.push_back(r * std::sin(a));
  }
  return p;
}

Polygon Heart() {
  Polygon p;
  for (int i = 0; i < 28; ++i) {
    double t = i * 6.2831853 / 28, s = std::sin(t);
    p.x.push_back(s * s * s);
    p.y.push_back(
        -(13 * std::cos(t) - 5 * std::cos(2 * t) - 2 * std::cos(3 * t) - std::cos(4 * t)) / 16 -
        0.05);
  }
  return p;
}

double PolygonDistance(const Polygon& p, double x, double y) {
  double best = 1e9;
  bool inside = false;
  for (size_t i = 0, j = p.x.size() - 1; i < p.x.size(); j = i++) {
    double ex = p.x[j] - p.x[i], ey = p.y[j] - p.y[i], wx = x - p.x[i], wy = y - p.y[i];
    double t = std::clamp((wx * ex + wy * ey) / (ex * ex + ey * ey), 0.0, 1.0);
    double dx = wx - t * ex, dy = wy - t * ey;
    best = std::min(best, dx * dx + dy * dy);
    if ((p.y[i] > y) != (p.y[j] > y) && x < ex * (y - p.y[i]) / ey + p.x[i]) inside = !inside;
  }
  return inside ? std::sqrt(best) : -std::sqrt(best);
}

const Polygon& PolygonOf(int shape) {
  static const Polygon kSquare = Make({-.85, -.85, .85, -.85, .85, .85, -.85, .85});
  static const Polygon kTriangle = Make({0, -1, .95, .8, -.95, .8});
  static const Polygon kStar = Star();
  static const Polygon kCross =
      Make({-.33, -1, .33,  -1, .33,  -.33, 1,  -.33, 1,  .33,  .33,  .33,
            .33,  1,  -.33, 1,  -.33, .33,  -1, .33,  -1, -.33, -.33, -.33});
  static const Polygon kHeart = Heart();
  static const Polygon kDiamond = Make({0, -1.05, .66, 0, 0, 1.05, -.66, 0});
  static const Polygon kArrow =
      Make({-1, -.32, .1, -.32, .1, -.85, 1.05, 0, .1, .85, .1, .32, -1, .32});
  switch (shape) {
    case 1:
      return kSquare;
    case 2:
      return kTriangle;
    case 3:
      return kStar;
    case 4:
      return kCross;
    case 5:
      return kHeart;
    case 8:
      return kDiamond;
    default:
      return kArrow;
  }
}

Rgb Shade(const Rgb& c, double f) {
  Rgb out{};
  for (size_t i = 0; i < 3; ++i) out[i] = static_cast<int>(std::clamp(c[i] * f, 0.0, 255.0));
  return out;
}

Rgb Lighten(const Rgb& c) {
  Rgb out{};
  for (size_t i = 0; i < 3; ++i) out[i] = c[i] + (255 - c[i]) * 4 / 5;
  return out;
}

}  // namespace

double ShapeDistance(int shape, double x, double y) {
  double d = std::hypot(x, y);
  if (shape == 0) return 1 - d;
  if (shape == 6) return std::min(1 - d, d - 0.52);
  if (shape == 7) return std::min(1 - d, std::hypot(x - 0.48, y + 0.12) - 0.82);
  return PolygonDistance(PolygonOf(shape), x, y);
}

void DrawShape(Canvas* canvas, const ShapeStyle& s) {
  double reach = s.r_px * 1.12 + 2, ca = std::cos(s.angle), sa = std::sin(s.angle);
  int x0 = std::max(0, static_cast<int>(s.cx_px - reach)),
      x1 = std::min(canvas->width - 1, static_cast<int>(s.cx_px + reach));
  int y0 = std::max(0, static_cast<int>(s.cy_px - reach)),
      y1 = std::min(canvas->height - 1, static_cast<int>(s.cy_px + reach));
  double stroke = std::max(2.0, 0.15 * s.r_px), border = std::max(1.0, 0.05 * s.r_px);
  double period = std::max(6.0, 0.42 * s.r_px), dot = std::max(6.0, 0.46 * s.r_px),
         dot_r = dot * 0.27;
  Rgb edge = Shade(s.colour, 0.62), light = Lighten(s.colour);
  for (int y = y0; y <= y1; ++y) {
    for (int x = x0; x <= x1; ++x) {
      double dx = x + 0.5 - s.cx_px, dy = y + 0.5 - s.cy_px;
      double lx = dx * ca + dy * sa, ly = -dx * sa + dy * ca;
      double d =
          ShapeDistance(s.shape, lx / s.r_px, ly / s.r_px) * s.r_px;  // pixels, positive inside
      double cover = std::clamp(d + 0.5, 0.0, 1.0);
      if (cover <= 0) continue;
      if (s.id >= 0 && cover > 0.5) canvas->Claim(x, y, s.id);
      if (s.fill == 1) {  // outlined: only a band along the border
        canvas->Blend(x, y, s.colour, cover * std::clamp(stroke - d + 0.5, 0.0, 1.0));
        continue;
      }
      double second = 0;
      if (s.fill == 2) {
        double phase = std::fabs(std::remainder(lx + ly, period));  // diagonal stripes
        second = std::clamp((phase - period / 4) * 0.9 + 0.5, 0.0, 1.0);
      } else if (s.fill == 3) {
        double gx = std::remainder(lx, dot), gy = std::remainder(ly, dot);
        second = std::clamp(dot_r - std::hypot(gx, gy) + 0.5, 0.0, 1.0);
      }
      canvas->Blend(x, y, s.colour, cover);
      if (second > 0) canvas->Blend(x, y, light, cover * second);
      canvas->Blend(x, y, edge, cover * std::clamp(border - d + 0.5, 0.0, 1.0));
    }
  }
}

void DrawRect(Canvas* canvas, double x0, double y0, double x1, double y1, double corner_px,
              double stroke_px, const Rgb& colour, int id) {
  double cx = (x0 + x1) / 2, cy = (y0 + y1) / 2, hx = (x1 - x0) / 2 - corner_px,
         hy = (y1 - y0) / 2 - corner_px;
  for (int y = std::max(0, static_cast<int>(y0) - 1);
       y <= std::min(canvas->height - 1, static_cast<int>(y1) + 1); ++y) {
    for (int x = std::max(0, static_cast<int>(x0) - 1);
         x <= std::min(canvas->width - 1, static_cast<int>(x1) + 1); ++x) {
      double qx = std::fabs(x + 0.5 - cx) - hx, qy = std::fabs(y + 0.5 - cy) - hy;
      double out = std::hypot(std::max(qx, 0.0), std::max(qy, 0.0)) +
                   std::min(std::max(qx, qy), 0.0) - corner_px;
      double cover = std::clamp(0.5 - out, 0.0, 1.0);
      if (cover <= 0) continue;
      if (id >= 0 && cover > 0.5) canvas->Claim(x, y, id);
      if (stroke_px > 0) cover *= std::clamp(stroke_px + out + 0.5, 0.0, 1.0);
      canvas->Blend(x, y, colour, cover);
    }
  }
}

}  // namespace sightline::world

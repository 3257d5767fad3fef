// A float RGB canvas, an owner map for visibility, and the few things drawn on it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/world/rng.h"

namespace sightline::world {

using Rgb = std::array<int, 3>;

struct Picture {  // 8-bit RGB, row-major [height][width][3]
  int width = 0, height = 0;
  std::vector<uint8_t> rgb;
};

struct Canvas {
  int width, height;
  std::vector<float> rgb;      // [height][width][3], 0..255
  std::vector<int16_t> owner;  // object that is seen at each pixel, -1 none
  std::vector<int> taken;      // pixels that the object being drawn takes from each earlier one
  int claimed = 0;             // pixels that the object being drawn covers

  Canvas(int w, int h)
      : width(w),
        height(h),
        rgb(static_cast<size_t>(w) * h * 3),
        owner(static_cast<size_t>(w) * h, -1) {}
  float* At(int x, int y) { return &rgb[(static_cast<size_t>(y) * width + x) * 3]; }
  // Pixel (x, y) now shows object `id`.
  void Claim(int x, int y, int id) {
    int16_t& now = owner[static_cast<size_t>(y) * width + x];
    if (now >= 0 && now != id && static_cast<size_t>(now) < taken.size())
      ++taken[static_cast<size_t>(now)];
    if (now != id) ++claimed;
    now = static_cast<int16_t>(id);
  }
  void Blend(int x, int y, const Rgb& c, double alpha) {
    float* p = At(x, y);
    for (size_t i = 0; i < 3; ++i) p[i] += static_cast<float>(alpha * (c[i] - p[i]));
  }
};

// Signed distance to a shape's border in units of its radius, positive inside; (x, y) in the
// shape's frame.
double ShapeDistance(int shape, double x, double y);

// Draws a filled shape; `id` marks ownership where it covers more than half of a pixel (id < 0:
// none).
struct ShapeStyle {
  int shape = 0, fill = 0, id = -1;
  double cx_px = 0, cy_px = 0, r_px = 0, angle = 0;
  Rgb colour{};
};
void DrawShape(Canvas* canvas, const ShapeStyle& style);
// Axis-aligned rectangle with rounded corners; `stroke_px` 0 fills it.
void DrawRect(Canvas* canvas, double x0, double y0, double x1, double y1, double corner_px,
              double stroke_px, const Rgb& colour, int id);

// Text in a 5x7 font; a character cell is 6 x 7 units of `unit_px`.
void DrawText(Canvas* canvas, const std::string& text, double x_px, double y_px, double unit_px,
              const Rgb& colour);
double TextWidth(const std::string& text, double unit_px);
// Column bits of a glyph (A-Z, 0-9), five bytes; used by tests to tell glyphs apart.
const std::array<uint8_t, 5>& Glyph(char c);

// Camera faults.
void Blur(Canvas* canvas, double sigma_px);
void AddNoise(Canvas* canvas, double sigma, Rng* rng);
void JpegArtefacts(Canvas* canvas, int quality);
Picture ToPicture(const Canvas& canvas);
Picture Resize(const Picture& picture, int width, int height);

// A 160 x 120 photograph, 8-bit RGB; index 0 or 1.
const uint8_t* Photo(int index);

}  // namespace sightline::world

// Lines, discs and a tiny 3x5 font of this folder's own, so that pictures do not look like the
// world's drawing.
#pragma once

#include <string>

#include "tools/outliers/foreign.h"

namespace sightline::outliers {

void Paint(Canvas* canvas, const Rgb& colour);
void FillBox(Canvas* canvas, double x0, double y0, double x1, double y1, const Rgb& colour);
// Anti-aliased, round ends.
void Line(Canvas* canvas, double x0, double y0, double x1, double y1, double width_px,
          const Rgb& colour);
void Disc(Canvas* canvas, double x, double y, double r_px, const Rgb& colour);
void Ring(Canvas* canvas, double x, double y, double r_px, double width_px, const Rgb& colour);
// Letters a-z and digits; others leave a gap. A cell is 4 x 5 dots of `dot_px`. Returns the x after
// the text.
double Write(Canvas* canvas, const std::string& text, double x, double y, double dot_px,
             const Rgb& colour);
std::string Word(Rng* rng);
Rgb Hue(double turn, double saturation, double value);
Rgb Mix(const Rgb& a, const Rgb& b, double t);
// Gradient noise in -1..1 (Perlin 2002), periodic in nothing.
double Perlin(uint64_t seed, double x, double y);
// Calls shade(x, y) -> Rgb for every pixel.
template <typename Shade>
void Each(Canvas* canvas, Shade shade) {
  for (int y = 0; y < canvas->height; ++y) {
    for (int x = 0; x < canvas->width; ++x) {
      Rgb c = shade(x, y);
      for (size_t k = 0; k < 3; ++k) canvas->At(x, y)[k] = static_cast<float>(c[k]);
    }
  }
}

}  // namespace sightline::outliers

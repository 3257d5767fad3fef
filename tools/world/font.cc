// A 5x7 font drawn for this project; O and 0, I and 1 are kept apart.
#include <algorithm>
#include <cmath>

#include "tools/world/canvas.h"

namespace sightline::world {
namespace {

constexpr const char* kRows[36] = {
    ".###.#...##...#######...##...##...#", "####.#...##...#####.#...##...#####.",
    ".#####....#....#....#....#.....####", "####.#...##...##...##...##...#####.",
    "######....#....####.#....#....#####", "######....#....####.#....#....#....",
    ".#####....#....#..###...##...#.####", "#...##...##...#######...##...##...#",
    ".###...#....#....#....#....#...###.", "....#....#....#....##...##...#.###.",
    "#...##..#.#.#..##...#.#..#..#.#...#", "#....#....#....#....#....#....#####",
    "#...###.###.#.##.#.##...##...##...#", "#...###..##.#.##..###...##...##...#",
    ".###.#...##...##...##...##...#.###.", "####.#...##...#####.#....#....#....",
    ".###.#...##...##...##.#.##..#..##.#", "####.#...##...#####.#.#..#..#.#...#",
    ".#####....#.....###.....#....#####.", "#####..#....#....#....#....#....#..",
    "#...##...##...##...##...##...#.###.", "#...##...##...##...#.#.#..#.#...#..",
    "#...##...##...##.#.##.#.###.###...#", "#...##...#.#.#...#...#.#.#...##...#",
    "#...##...#.#.#...#....#....#....#..", "#####....#...#...#...#...#....#####",
    ".###.#..###.#.##.#.###..##...#.###.", "..#...##....#....#....#....#..#####",
    ".###.#...#....#..##..#...#....#####", "#####...#...#.....#.....##...#.###.",
    "...#...##..#.#.#..#.#####...#....#.", "######....####.....#....##...#.###.",
    "..##..#...#....####.#...##...#.###.", "#####....#...#...#...#....#....#...",
    ".###.#...##...#.###.#...##...#.###.", ".###.#...##...#.####....#...#..##.."};

std::array<std::array<uint8_t, 5>, 36> MakeGlyphs() {
  std::array<std::array<uint8_t, 5>, 36> glyphs{};
  for (size_t g = 0; g < 36; ++g) {
    std::string rows = kRows[g];
    rows.resize(35, '.');
    for (size_t y = 0; y < 7; ++y) {
      for (size_t x = 0; x < 5; ++x) {
        if (rows[y * 5 + x] == '#') glyphs[g][x] = static_cast<uint8_t>(glyphs[g][x] | (1u << y));
      }
    }
  }
  return glyphs;
}

}  // namespace

const std::array<uint8_t, 5>& Glyph(char c) {
  static const auto kGlyphs = MakeGlyphs();
  size_t i =
      c >= '0' && c <= '9' ? 26 + static_cast<size_t>(c - '0') : static_cast<size_t>(c - 'A');
  return kGlyphs[std::min<size_t>(i, 35)];
}

double TextWidth(const std::string& text, double unit_px) {
  return text.empty() ? 0 : (static_cast<double>(text.size()) * 6 - 1) * unit_px;
}

void DrawText(Canvas* canvas, const std::string& text, double x_px, double y_px, double unit_px,
              const Rgb& colour) {
  // Each pixel takes the share of its 3 x 3 sub-samples that fall on ink.
  int x0 = std::max(0, static_cast<int>(std::floor(x_px)));
  int x1 =
      std::min(canvas->width - 1, static_cast<int>(std::ceil(x_px + TextWidth(text, unit_px))));
  int y0 = std::max(0, static_cast<int>(std::floor(y_px)));
  int y1 = std::min(canvas->height - 1, static_cast<int>(std::ceil(y_px + 7 * unit_px)));
  for (int y = y0; y <= y1; ++y) {
    for (int x = x0; x <= x1; ++x) {
      int hits = 0;
      for (int sub = 0; sub < 9; ++sub) {
        int column_third = sub % 3, row_third = sub / 3;
        double fx = (x + (column_third * 2 + 1) / 6.0 - x_px) / unit_px,
               fy = (y + (row_third * 2 + 1) / 6.0 - y_px) / unit_px;
        if (fx < 0 || fy < 0 || fy >= 7) continue;
        auto cell = static_cast<size_t>(fx / 6);
        int column = static_cast<int>(fx) % 6;
        if (cell >= text.size() || column > 4 || text[cell] == ' ') continue;
        hits += Glyph(text[cell])[static_cast<size_t>(column)] >> static_cast<int>(fy) & 1;
      }
      if (hits) canvas->Blend(x, y, colour, hits / 9.0);
    }
  }
}

}  // namespace sightline::world

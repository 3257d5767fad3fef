#include "tools/outliers/pen.h"

#include <algorithm>
#include <cmath>

namespace sightline::outliers {
namespace {

// Five octal digits a glyph: rows from the top, three dots each.
constexpr const char* kLetters[26] = {"25755", "65656", "34443", "65556", "74647", "74644", "34553",
                                      "55755", "72227", "11152", "55655", "44447", "57755", "65555",
                                      "25552", "65644", "25563", "65655", "34216", "72222", "55557",
                                      "55552", "55775", "55255", "55222", "71247"};
constexpr const char* kDigits[10] = {"75557", "26227", "71747", "71717", "55711",
                                     "74717", "74757", "71111", "75757", "75717"};

// Blends by how far each pixel centre lies inside: distance(x, y) <= 0 is covered.
template <typename Distance>
void Cover(Canvas* c, double x0, double y0, double x1, double y1, const Rgb& colour,
           Distance distance) {
  int left = std::max(0, static_cast<int>(x0 - 1)),
      right = std::min(c->width - 1, static_cast<int>(x1 + 1));
  int top = std::max(0, static_cast<int>(y0 - 1)),
      bottom = std::min(c->height - 1, static_cast<int>(y1 + 1));
  for (int y = top; y <= bottom; ++y) {
    for (int x = left; x <= right; ++x) {
      double alpha = std::clamp(0.5 - distance(x + 0.5, y + 0.5), 0.0, 1.0);
      if (alpha > 0) c->Blend(x, y, colour, alpha);
    }
  }
}

}  // namespace

void Paint(Canvas* c, const Rgb& colour) {
  Each(c, [&](int, int) { return colour; });
}

void FillBox(Canvas* c, double x0, double y0, double x1, double y1, const Rgb& colour) {
  Cover(c, x0, y0, x1, y1, colour, [&](double x, double y) {
    return std::max({x0 - x, x - x1, y0 - y, y - y1});
  });
}

void Line(Canvas* c, double x0, double y0, double x1, double y1, double width, const Rgb& colour) {
  double dx = x1 - x0, dy = y1 - y0, n = std::max(1e-9, dx * dx + dy * dy), r = width / 2;
  Cover(c, std::min(x0, x1) - r, std::min(y0, y1) - r, std::max(x0, x1) + r, std::max(y0, y1) + r,
        colour, [&](double x, double y) {
          double t = std::clamp(((x - x0) * dx + (y - y0) * dy) / n, 0.0, 1.0);
          return std::hypot(x - x0 - t * dx, y - y0 - t * dy) - r;
        });
}

void Disc(Canvas* c, double x0, double y0, double r, const Rgb& colour) {
  Cover(c, x0 - r, y0 - r, x0 + r, y0 + r, colour,
        [&](double x, double y) { return std::hypot(x - x0, y - y0) - r; });
}

void Ring(Canvas* c, double x0, double y0, double r, double width, const Rgb& colour) {
  double o = r + width;
  Cover(c, x0 - o, y0 - o, x0 + o, y0 + o, colour,
        [&](double x, double y) { return std::fabs(std::hypot(x - x0, y - y0) - r) - width / 2; });
}

double Write(Canvas* c, const std::string& text, double x, double y, double dot,
             const Rgb& colour) {
  for (char ch : text) {
    const char* rows = ch >= 'a' && ch <= 'z'   ? kLetters[ch - 'a']
                       : ch >= '0' && ch <= '9' ? kDigits[ch - '0']
                                                : nullptr;
    for (int r = 0; rows && r < 5; ++r) {
      for (int k = 0; k < 3; ++k) {
        if ((rows[r] - '0') >> (2 - k) & 1)
          FillBox(c, x + k * dot, y + r * dot, x + (k + 1) * dot, y + (r + 1) * dot, colour);
      }
    }
    x += 4 * dot;
  }
  return x;
}

std::string Word(Rng* rng) {
  static const std::vector<std::string> kWords = {
      "the",     "of",   "and",     "harbour", "in",      "a",       "to",     "winter",  "which",
      "engine",  "were", "letters", "by",      "market",  "first",   "at",     "because", "stone",
      "valley",  "it",   "had",     "weather", "from",    "century", "people", "north",   "small",
      "between", "is",   "bridge",  "later",   "without", "trade",   "on",     "river",   "1847"};
  return rng->Pick(kWords);
}

Rgb Hue(double turn, double saturation, double value) {
  Rgb out{};
  for (size_t k = 0; k < 3; ++k) {
    double t = std::fmod(turn + 1 + static_cast<double>(k) / 3, 1.0) * 6;
    double ramp = std::clamp(std::fabs(t - 3) - 1, 0.0, 1.0);
    out[k] = static_cast<int>(255 * value * (1 - saturation * (1 - ramp)));
  }
  return out;
}

Rgb Mix(const Rgb& a, const Rgb& b, double t) {
  Rgb out{};
  for (size_t k = 0; k < 3; ++k)
    out[k] = static_cast<int>(std::lround(a[k] + std::clamp(t, 0.0, 1.0) * (b[k] - a[k])));
  return out;
}

double Perlin(uint64_t seed, double x, double y) {
  auto fade = [](double t) { return t * t * t * (t * (t * 6 - 15) + 10); };
  double fx = std::floor(x), fy = std::floor(y), u = x - fx, v = y - fy;
  auto corner = [&](int i, int j) {
    auto at = static_cast<uint64_t>(static_cast<int64_t>(fx) + i) * 0x1F123BB5u ^
              static_cast<uint64_t>(static_cast<int64_t>(fy) + j) * 0x5851F42Du;
    double angle =
        static_cast<double>(world::Mix(seed ^ at) >> 40) / 16777216.0 * 6.283185307179586;
    return std::cos(angle) * (u - i) + std::sin(angle) * (v - j);
  };
  double top = corner(0, 0) + fade(u) * (corner(1, 0) - corner(0, 0));
  double bottom = corner(0, 1) + fade(u) * (corner(1, 1) - corner(0, 1));
  return (top + fade(v) * (bottom - top)) * 1.41;
}

}  // namespace sightline::outliers

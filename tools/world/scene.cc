#include "tools/world/scene.h"

#include <algorithm>
#include <cmath>

namespace sightline::world {

const std::array<const char*, kShapes> kShapeNames = {"circle",  "square", "triangle", "star",
                                                      "cross",   "heart",  "ring",     "crescent",
                                                      "diamond", "arrow"};
const std::array<const char*, kColours> kColourNames = {
    "red", "green", "blue", "yellow", "orange", "purple", "pink", "brown", "cyan", "gray"};
const std::array<const char*, kSizes> kSizeNames = {"small", "medium", "large"};
const std::array<const char*, kFills> kFillNames = {"solid", "outlined", "striped", "dotted"};
const std::array<const char*, 5> kKindNames = {"object", "button", "field", "check box", "icon"};
const std::array<std::array<int, 2>, kPlantedPairCount> kPlantedPairs = {
    {{3, 7}, {5, 6}, {9, 1}, {8, 0}, {4, 2}}};
const std::array<int, kShapes> kFavouriteColour = {-1, -1, 2, 3, -1, 0, -1, 5, -1, 1};

std::string Plural(const std::string& noun) {
  if (noun == "cross" || noun == "check box") return noun + "es";
  return noun + "s";
}

double Iou(const Box& a, const Box& b) {
  double w = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  double h = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  if (w <= 0 || h <= 0) return 0;
  double inter = w * h;
  double area = (a.x1 - a.x0) * (a.y1 - a.y0) + (b.x1 - b.x0) * (b.y1 - b.y0) - inter;
  return area > 0 ? inter / area : 0;
}

bool IsHeldOut(int colour, int shape) {
  // One colour per shape, never its favourite: (shape * 3 + 7) mod 10 visits every colour once.
  int held = (shape * 3 + 7) % kColours;
  if (held == kFavouriteColour[static_cast<size_t>(shape)]) held = (held + 1) % kColours;
  return colour == held;
}

std::array<int, 3> ColourRgb(int colour, Rng* rng) {
  static constexpr int kRgb[kColours][3] = {
      {215, 40, 40},  {45, 160, 70},   {45, 85, 215}, {240, 215, 50}, {245, 140, 30},
      {130, 50, 170}, {245, 135, 185}, {122, 74, 38}, {60, 205, 215}, {132, 132, 132}};
  std::array<int, 3> out{};
  double shade = colour == 9 ? rng->Range(-14, 14) : rng->Range(-10, 10);
  for (size_t i = 0; i < 3; ++i) {
    double x = kRgb[colour][i] + shade + (colour == 9 ? 0 : rng->Range(-8, 8));
    out[i] = static_cast<int>(std::clamp(x, 0.0, 255.0));
  }
  return out;
}

std::string RandomLabel(Rng* rng) {
  static const char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string s;
  int n = rng->Int(1, 5);
  for (int i = 0; i < n; ++i) s += kAlphabet[rng->Int(36)];
  return s;
}

namespace {

std::array<int, 3> Soft(Rng* rng, bool dark) {
  std::array<int, 3> c{};
  double base = dark ? rng->Range(15, 70) : rng->Range(180, 245);
  for (int& x : c) x = static_cast<int>(std::clamp(base + rng->Range(-14, 14), 0.0, 255.0));
  return c;
}

int PickColour(Rng* rng, int shape, const SceneOptions& o) {
  int favourite = kFavouriteColour[static_cast<size_t>(shape)];
  if (favourite >= 0 && rng->Chance(o.colour_prior)) return favourite;
  for (;;) {
    int c = rng->Int(kColours);
    if (!IsHeldOut(c, shape)) return c;
  }
}

int HeldOutColour(int shape) {
  for (int c = 0; c < kColours; ++c) {
    if (IsHeldOut(c, shape)) return c;
  }
  return 0;
}

// The shapes of a scene with the planted prior: after a pair's first comes its second.
std::vector<int> PickShapes(Rng* rng, int n, const SceneOptions& o) {
  static const std::vector<double> kPopular = {1.6, 1.5, 1.2, 1.0, 0.8, 0.9, 0.7, 0.6, 0.8, 0.9};
  std::vector<int> shapes;
  std::array<bool, kShapes> barred{};
  while (static_cast<int>(shapes.size()) < n) {
    int s = rng->Weighted(kPopular);
    if (barred[static_cast<size_t>(s)]) continue;
    bool fits = true;
    for (const auto& pair : kPlantedPairs) {
      if (pair[0] != s || std::count(shapes.begin(), shapes.end(), s)) continue;
      bool have = std::count(shapes.begin(), shapes.end(), pair[1]) > 0;
      if (rng->Chance(o.prior)) {
        if (!have && static_cast<int>(shapes.size()) + 2 > n) fits = false;
        if (!have && fits) shapes.push_back(pair[1]);
      } else if (have) {
        fits = false;
      } else {
        barred[static_cast<size_t>(pair[1])] = true;
      }
    }
    if (fits) shapes.push_back(s);
    if (!fits && n == 1 && rng->Chance(0.2)) shapes.push_back(s);
  }
  return shapes;
}

double RadiusOf(Rng* rng, int size) {
  if (size == 0) return rng->Range(0.048, 0.060);
  if (size == 1) return rng->Range(0.080, 0.100);
  return rng->Range(0.135, 0.165);
}

// Leaves room so that every object keeps well over half of itself in sight.
bool Place(Rng* rng, Scene* s, Object* o, bool overlaps) {
  double kx = std::sqrt(s->aspect), ky = 1 / kx;  // picture is kx by ky in radius units
  for (int attempt = 0; attempt < 40; ++attempt) {
    double margin = o->r * 1.03;
    if (2 * margin >= kx || 2 * margin >= ky) return false;
    double x = rng->Range(margin, kx - margin), y = rng->Range(margin, ky - margin);
    bool ok = true;
    for (const Object& p : s->objects) {
      double d = std::hypot(x - p.u * kx, y - p.v * ky);
      double big = std::max(o->r, p.r), small = std::min(o->r, p.r);
      double need = overlaps ? big + 0.35 * small : (o->r + p.r) * 1.06;
      if (d < need) ok = false;
    }
    if (!ok) continue;
    o->u = x / kx;
    o->v = y / ky;
    return true;
  }
  return false;
}

// Keeps only labels whose plates stay in the picture and clear of everything else.
void SettleLabels(Rng* rng, Scene* s) {
  double kx = std::sqrt(s->aspect), ky = 1 / kx;
  std::vector<std::array<double, 4>> plates;
  for (Object& o : s->objects) {
    if (o.label.empty()) continue;
    double hw = (static_cast<double>(o.label.size()) * 6 + 2.2) * 0.0064 / 2, hh = 0.036;
    bool roomy = o.shape == 0 || o.shape == 1 || o.shape == 5;
    o.label_inside = roomy && hw < 0.62 * o.r && hh < 0.6 * o.r && rng->Chance(0.6);
    double x = std::clamp(o.u * kx, hw, std::max(hw, kx - hw));
    double y = o.v * ky + (o.label_inside ? 0 : o.r * 1.02 + hh);
    bool ok = y + hh < ky - 0.005 && 2 * hw < kx;
    for (const Object& p : s->objects) {
      if (&p == &o) continue;
      double dx = std::max(std::fabs(x - p.u * kx) - hw, 0.0),
             dy = std::max(std::fabs(y - p.v * ky) - hh, 0.0);
      if (std::hypot(dx, dy) < p.r * 1.08) ok = false;
    }
    for (const auto& q : plates) {
      if (std::fabs(x - q[0]) < hw + q[2] + 0.01 && std::fabs(y - q[1]) < hh + q[3] + 0.01)
        ok = false;
    }
    if (ok) {
      plates.push_back({x, y, hw, hh});
    } else {
      o.label.clear();
    }
  }
}

}  // namespace

void MakeBackdrop(Rng* rng, Scene* s) {
  static const std::vector<double> kWeights = {0.25, 0.2, 0.2, 0.15, 0.2};
  s->backdrop = static_cast<Backdrop>(rng->Weighted(kWeights));
  bool dark = rng->Chance(0.35);
  s->back_a = Soft(rng, dark);
  s->back_b = Soft(rng, dark);
  s->back_seed = rng->Next();
  if (rng->Chance(0.3)) s->blur = rng->Range(0.2, 0.8);
  if (rng->Chance(0.4)) s->noise = rng->Range(1, 9);
  if (rng->Chance(0.45)) s->jpeg = rng->Int(35, 95);
}

Scene MakeScene(Rng* rng, double aspect, const SceneOptions& options) {
  Scene s;
  s.aspect = aspect;
  MakeBackdrop(rng, &s);
  int n = rng->Int(options.min_objects, options.max_objects);
  bool overlaps = rng->Chance(0.4), labels = rng->Chance(options.label_rate * 1.7);
  std::vector<int> shapes = PickShapes(rng, n, options);
  int held = options.force_heldout ? rng->Int(static_cast<int>(shapes.size())) : -1;
  double share = n > 6 ? 0.5 : 1.0;  // crowded scenes hold smaller objects
  for (int i = 0; i < static_cast<int>(shapes.size()); ++i) {
    Object o;
    o.shape = shapes[static_cast<size_t>(i)];
    o.colour = i == held ? HeldOutColour(o.shape) : PickColour(rng, o.shape, options);
    o.rgb = ColourRgb(o.colour, rng);
    o.size = rng->Weighted({1.0, 1.0, 0.8 * share});
    o.fill = rng->Weighted({1.4, 1.0, 1.0, 1.0});
    o.angle = rng->Range(-0.2, 0.2);
    if (labels && rng->Chance(0.6)) o.label = RandomLabel(rng);
    o.label_dark = rng->Chance(0.5);
    bool placed = false;
    for (int size = o.size; size >= 0 && !placed; --size) {
      o.size = size;
      o.r = RadiusOf(rng, size);
      placed = Place(rng, &s, &o, overlaps);
    }
    if (placed) s.objects.push_back(o);
  }
  SettleLabels(rng, &s);
  return s;
}

Scene MakePanel(Rng* rng, double aspect) {
  Scene s;
  s.aspect = aspect;
  s.panel = true;
  s.backdrop = Backdrop::kPanel;
  bool dark = rng->Chance(0.4);
  s.back_a = Soft(rng, dark);
  s.back_b = Soft(rng, !dark);
  s.back_seed = rng->Next();
  s.title = RandomLabel(rng);
  if (rng->Chance(0.3)) s.noise = rng->Range(1, 5);
  if (rng->Chance(0.35)) s.jpeg = rng->Int(45, 95);
  // Rows of cells; heights in units of sqrt(area) so that text stays readable at any aspect.
  double kx = std::sqrt(aspect), ky = 1 / kx;
  double row_h = rng->Range(0.14, 0.19), top = 0.13;
  int rows = std::max(1, static_cast<int>((ky - top) / row_h)), left = rng->Int(3, 9);
  for (int row = 0; row < rows && left > 0; ++row) {
    int fit = std::max(1, static_cast<int>(kx / 0.36)), cols = rng->Int(1, std::min(3, fit));
    for (int col = 0; col < cols && left > 0; ++col) {
      if (rng->Chance(0.15)) continue;
      double cell = kx / cols, pad = std::min(0.02, cell * 0.05);
      Object o;
      o.kind = static_cast<Kind>(1 + rng->Weighted({1.6, 1.0, 1.0, 1.0}));
      double w =
          std::min(cell - 2 * pad, o.kind == Kind::kIcon ? row_h - 0.02 : rng->Range(0.30, 0.55));
      double h = o.kind == Kind::kIcon ? row_h - 0.02 : rng->Range(0.09, row_h - 0.03);
      if (o.kind == Kind::kCheckBox) h = rng->Range(0.07, 0.09);
      double x = col * cell + pad + rng->Uniform() * (cell - 2 * pad - w);
      double y = top + row * row_h + rng->Uniform() * (row_h - 0.01 - h);
      o.panel = {x / kx, y / ky, (x + w) / kx, (y + h) / ky};
      o.u = o.panel.cx();
      o.v = o.panel.cy();
      o.r = std::min(w, h) / 2;
      o.colour = rng->Int(kColours);
      o.shape = rng->Int(kShapes);
      if (o.kind == Kind::kIcon && IsHeldOut(o.colour, o.shape))
        o.colour = (o.colour + 1) % kColours;
      o.rgb = ColourRgb(o.colour, rng);
      o.checked = rng->Chance(0.5);
      o.label_dark = dark;
      if (o.kind != Kind::kIcon) o.label = RandomLabel(rng);
      s.objects.push_back(o);
      --left;
    }
  }
  return s;
}

}  // namespace sightline::world

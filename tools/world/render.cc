#include "tools/world/render.h"

#include <algorithm>
#include <cmath>

namespace sightline::world {
namespace {

// Smooth value noise on a lattice of `cell` pixels.
double ValueNoise(uint64_t seed, double x, double y) {
  auto cell = [&](double ix, double iy) {
    return static_cast<double>(
               Mix(seed ^ Mix(static_cast<uint64_t>(static_cast<int64_t>(ix) * 7919 +
                                                    static_cast<int64_t>(iy) * 104729))) >>
               40) /
           16777216.0;
  };
  double fx = std::floor(x), fy = std::floor(y), tx = x - fx, ty = y - fy;
  tx = tx * tx * (3 - 2 * tx);
  ty = ty * ty * (3 - 2 * ty);
  double a = cell(fx, fy) + tx * (cell(fx + 1, fy) - cell(fx, fy));
  double b = cell(fx, fy + 1) + tx * (cell(fx + 1, fy + 1) - cell(fx, fy + 1));
  return a + ty * (b - a);
}

void PhotoBackdrop(const Scene& s, Canvas* c) {
  Rng rng(s.back_seed);
  const uint8_t* photo = Photo(rng.Int(2));
  double zoom = rng.Range(0.15, 0.6), ox = rng.Range(0, 160 * (1 - zoom)),
         oy = rng.Range(0, 120 * (1 - zoom));
  double gain = rng.Range(0.5, 1.0), lift = rng.Range(0, 90);
  bool flip = rng.Chance(0.5);
  for (int y = 0; y < c->height; ++y) {
    for (int x = 0; x < c->width; ++x) {
      double fx = ox + (flip ? c->width - 1 - x : x) * 159.0 * zoom / c->width,
             fy = oy + y * 119.0 * zoom / c->height;
      int ix = std::min(158, static_cast<int>(fx)), iy = std::min(118, static_cast<int>(fy));
      double tx = fx - ix, ty = fy - iy;
      const uint8_t* p = photo + (iy * 160 + ix) * 3;
      float* out = c->At(x, y);
      for (int k = 0; k < 3; ++k) {
        double v = (p[k] * (1 - tx) + p[k + 3] * tx) * (1 - ty) +
                   (p[k + 480] * (1 - tx) + p[k + 483] * tx) * ty;
        out[k] = static_cast<float>(std::min(255.0, v * gain + lift));
      }
    }
  }
}

}  // namespace

void DrawBackdrop(const Scene& s, Canvas* c) {
  if (s.backdrop == Backdrop::kPhoto) return PhotoBackdrop(s, c);
  Rng rng(s.back_seed);
  double angle = rng.Range(0, 6.2831853), ca = std::cos(angle), sa = std::sin(angle);
  double period = rng.Range(8, 40), cell = rng.Range(2, 30), softness = rng.Range(0.3, 1);
  for (int y = 0; y < c->height; ++y) {
    for (int x = 0; x < c->width; ++x) {
      double t = 0, along = (x * ca + y * sa);
      if (s.backdrop == Backdrop::kGradient)
        t = 0.5 + (((x + 0.5) / c->width - 0.5) * ca + ((y + 0.5) / c->height - 0.5) * sa);
      if (s.backdrop == Backdrop::kNoise)
        t = ValueNoise(s.back_seed, x / cell, y / cell) * softness;
      if (s.backdrop == Backdrop::kStripes)
        t = std::clamp((std::fabs(std::remainder(along, period)) - period / 4) + 0.5, 0.0, 1.0) *
            softness;
      t = std::clamp(t, 0.0, 1.0);
      float* p = c->At(x, y);
      for (size_t k = 0; k < 3; ++k)
        p[k] = static_cast<float>(s.back_a[k] + t * (s.back_b[k] - s.back_a[k]));
    }
  }
}

namespace {

constexpr Rgb kBlack = {20, 20, 20}, kWhite = {245, 245, 245};

// Character unit: a glyph is 7 units tall; 1.5 px at least so that it stays readable.
double LabelUnit(double side_px) { return std::max(1.5, side_px * 0.0062); }

void DrawPlate(Canvas* c, const Object& o, int id, double cx, double cy, double r, double side_px) {
  double unit = LabelUnit(side_px), w = TextWidth(o.label, unit), h = 7 * unit, pad = 1.6 * unit;
  double x = std::clamp(cx - w / 2, pad, std::max(pad, c->width - w - pad));
  double y = o.label_inside ? cy - h / 2 : cy + r * 1.02 + pad;
  DrawRect(c, x - pad, y - pad, x + w + pad, y + h + pad, 1.5 * unit, 0,
           o.label_dark ? kBlack : kWhite, id);
  DrawText(c, o.label, x, y, unit, o.label_dark ? kWhite : kBlack);
}

void DrawPanelElement(Canvas* c, const Object& o, int id, const Scene& s, double side_px) {
  double x0 = o.panel.x0 * c->width, x1 = o.panel.x1 * c->width, y0 = o.panel.y0 * c->height,
         y1 = o.panel.y1 * c->height;
  double unit = LabelUnit(side_px), h = y1 - y0, tw = TextWidth(o.label, unit),
         ty = (y0 + y1) / 2 - 3.5 * unit;
  Rgb ink = s.back_a[0] < 128 ? kWhite : kBlack;
  int lum = (o.rgb[0] * 3 + o.rgb[1] * 6 + o.rgb[2]) / 10;
  switch (o.kind) {
    case Kind::kButton:
      DrawRect(c, x0, y0, x1, y1, h * 0.22, 0, o.rgb, id);
      DrawText(c, o.label, (x0 + x1 - tw) / 2, ty, unit, lum > 140 ? kBlack : kWhite);
      break;
    case Kind::kField:
      DrawRect(c, x0, y0, x1, y1, 2, 0, kWhite, id);
      DrawRect(c, x0, y0, x1, y1, 2, 2.4, o.rgb, -1);
      DrawText(c, o.label, x0 + 3 * unit, ty, unit, kBlack);
      break;
    case Kind::kCheckBox: {
      DrawRect(c, x0, y0, x0 + h, y1, 2, 0, kWhite, id);
      DrawRect(c, x0, y0, x0 + h, y1, 2, 2.2, o.rgb, -1);
      for (int i = 0; o.checked && i < static_cast<int>(h * 4); ++i) {  // a tick: two strokes
        double t = i / (h * 4), px = x0 + h * (0.2 + 0.6 * t),
               py = y0 + h * (t < 0.4 ? 0.5 + 0.7 * t : 0.78 - 0.95 * (t - 0.4));
        DrawRect(c, px - 1.1, py - 1.1, px + 1.1, py + 1.1, 1, 0, o.rgb, -1);
      }
      DrawText(c, o.label, x0 + h + 3 * unit, ty, unit, ink);
      break;
    }
    default:
      DrawRect(c, x0, y0, x1, y1, h * 0.15, 0,
               s.back_a[0] < 128 ? Rgb{70, 74, 82} : Rgb{205, 208, 214}, id);
      DrawShape(c, {o.shape, 0, -1, (x0 + x1) / 2, (y0 + y1) / 2, h * 0.36, 0, o.rgb});
  }
}

// Visible box and share from the owner map.
void Measure(Scene* s, const Canvas& c, const std::vector<int>& whole) {
  std::vector<Box> boxes(s->objects.size(), Box{1e9, 1e9, -1, -1});
  std::vector<int> seen(s->objects.size(), 0);
  for (int y = 0; y < c.height; ++y) {
    for (int x = 0; x < c.width; ++x) {
      int id = c.owner[static_cast<size_t>(y) * c.width + x];
      if (id < 0) continue;
      Box& b = boxes[static_cast<size_t>(id)];
      b = {std::min<double>(b.x0, x), std::min<double>(b.y0, y), std::max<double>(b.x1, x + 1),
           std::max<double>(b.y1, y + 1)};
      ++seen[static_cast<size_t>(id)];
    }
  }
  for (size_t i = 0; i < boxes.size(); ++i) {
    Object& o = s->objects[i];
    const Box& b = boxes[i];
    o.box = seen[i] ? Box{b.x0 / c.width, b.y0 / c.height, b.x1 / c.width, b.y1 / c.height} : Box{};
    o.visible = static_cast<double>(seen[i]) / std::max(1, whole[i]);
  }
}

// Labels of shapes, over all objects; returns whose label each pixel shows. The canvas keeps the
// objects' owner map.
std::vector<int16_t> DrawPlates(const Scene& s, double side_px, Canvas* c) {
  std::vector<int16_t> plates(c->owner.size(), -1);
  c->taken.clear();
  c->owner.swap(plates);
  for (size_t i = 0; i < s.objects.size(); ++i) {
    const Object& o = s.objects[i];
    if (o.kind == Kind::kShape && !o.label.empty())
      DrawPlate(c, o, static_cast<int>(i), o.u * c->width, o.v * c->height, o.r * side_px, side_px);
  }
  c->owner.swap(plates);
  return plates;
}

}  // namespace

std::vector<uint8_t> InstanceMap::Mask(int index) const {
  std::vector<uint8_t> mask(object.size());
  for (size_t i = 0; i < object.size(); ++i) mask[i] = index >= 0 && object[i] == index;
  return mask;
}

void DrawObjects(Scene* s, Canvas* c, InstanceMap* instances) {
  double side = std::sqrt(static_cast<double>(c->width) * c->height);
  if (s->panel) {
    double unit = LabelUnit(side);
    DrawRect(c, -9, -9, c->width + 9, 11 * unit, 0, 0, s->back_b, -1);
    DrawText(c, s->title, 3 * unit, 2 * unit, unit, s->back_b[0] < 128 ? kWhite : kBlack);
  }
  std::vector<int> whole;
  s->covers.clear();
  for (size_t i = 0; i < s->objects.size(); ++i) {
    const Object& o = s->objects[i];
    c->taken.assign(i, 0);
    c->claimed = 0;
    if (o.kind != Kind::kShape) {
      DrawPanelElement(c, o, static_cast<int>(i), *s, side);
    } else {
      DrawShape(c, {o.shape, o.fill, static_cast<int>(i), o.u * c->width, o.v * c->height,
                    o.r * side, o.angle, o.rgb});
    }
    whole.push_back(c->claimed);
    for (size_t k = 0; k < i;
         ++k) {  // an overlap that can be judged: 5% of the hidden one at least
      if (c->taken[k] * 20 > whole[k])
        s->covers.push_back({static_cast<int>(i), static_cast<int>(k)});
    }
  }
  Measure(s, *c, whole);
  std::vector<int16_t> plates = DrawPlates(*s, side, c);
  if (instances) *instances = {c->width, c->height, c->owner, std::move(plates)};
}

Picture Render(Scene* s, int width, int height, InstanceMap* instances) {
  Canvas c(width, height);
  DrawBackdrop(*s, &c);
  DrawObjects(s, &c, instances);
  double side = std::sqrt(static_cast<double>(width) * height);
  if (s->blur > 0) Blur(&c, s->blur * side / 256);
  Rng rng(s->back_seed ^ 0x5eed);
  if (s->noise > 0) AddNoise(&c, s->noise, &rng);
  if (s->jpeg > 0) JpegArtefacts(&c, s->jpeg);
  return ToPicture(c);
}

InstanceMap Instances(Scene* s, int width, int height) {
  Canvas c(width, height);
  InstanceMap instances;
  DrawObjects(s, &c, &instances);
  return instances;
}

}  // namespace sightline::world

// Windows over maps, and attention.
#include <algorithm>
#include <limits>

#include "tests/compute/op_cases.h"

namespace sightline {
namespace {

using Doubles = std::vector<double>;
using Floats = std::vector<float>;

size_t At(int64_t i) { return static_cast<size_t>(i); }

struct RandomMap {
  MapView view;
  Floats x;
  RandomMap(int64_t most_channels, Rng& rng) {
    view = {nullptr, Between(1, 14, rng), Between(1, 14, rng), Between(1, most_channels, rng)};
    x = Normal(view.h * view.w * view.c, rng);
  }
  double Pixel(int64_t y, int64_t xx, int64_t channel) const {
    if (y < 0 || y >= view.h || xx < 0 || xx >= view.w) return 0;
    return x[At((y * view.w + xx) * view.c + channel)];
  }
  MapView On(Lab& lab) const { return {lab.In(x), view.h, view.w, view.c}; }
};

ConvSteps RandomSteps(const RandomMap& map, Rng& rng) {
  ConvSteps s{Between(1, 5, rng), Between(1, 3, rng), Between(0, 2, rng)};
  s.padding = std::max(s.padding, (s.kernel - std::min(map.view.h, map.view.w) + 1) / 2);
  return s;
}

StatusOr<double> PatchesCase(Lab& lab, Rng& rng) {
  RandomMap map(9, rng);
  ConvSteps s = RandomSteps(map, rng);
  int64_t oh = OutSide(map.view.h, s), ow = OutSide(map.view.w, s), taps = s.kernel * s.kernel,
          first = Between(0, oh - 1, rng), count = Between(1, oh - first, rng), c = map.view.c;
  Doubles want;
  for (int64_t i = 0; i < count * ow * taps * c; ++i) {
    int64_t pixel = i / (taps * c), t = i / c % taps;
    want.push_back(map.Pixel((first + pixel / ow) * s.stride + t / s.kernel - s.padding,
                             pixel % ow * s.stride + t % s.kernel - s.padding, i % c));
  }
  float* y = lab.Out(count * ow * taps * c);
  SL_RETURN_IF_ERROR(lab.backend().Patches(map.On(lab), s, first, count, y));
  return lab.Error(y, want);
}

StatusOr<double> DepthwiseCase(Lab& lab, Rng& rng) {
  RandomMap map(40, rng);
  ConvSteps s = RandomSteps(map, rng);
  int64_t oh = OutSide(map.view.h, s), ow = OutSide(map.view.w, s), taps = s.kernel * s.kernel,
          c = map.view.c;
  Floats w = Normal(taps * c, rng), b = Normal(c, rng);
  bool biased = Between(0, 1, rng) == 1;
  Doubles want;
  for (int64_t i = 0; i < oh * ow * c; ++i) {
    double sum = biased ? b[At(i % c)] : 0;
    for (int64_t t = 0; t < taps; ++t) {
      sum +=
          w[At(t * c + i % c)] * map.Pixel(i / c / ow * s.stride + t / s.kernel - s.padding,
                                           i / c % ow * s.stride + t % s.kernel - s.padding, i % c);
    }
    want.push_back(sum);
  }
  float* y = lab.Out(oh * ow * c);
  SL_RETURN_IF_ERROR(
      lab.backend().Depthwise(map.On(lab), s, lab.In(w), biased ? lab.In(b) : nullptr, y));
  return lab.Error(y, want);
}

StatusOr<double> PoolCase(Lab& lab, Rng& rng) {
  RandomMap map(40, rng);
  PoolSteps p{Between(1, map.view.h, rng), Between(1, map.view.w, rng), Between(1, 4, rng),
              Between(1, 4, rng)};
  int64_t oh = (map.view.h - p.h) / p.step_h + 1, ow = (map.view.w - p.w) / p.step_w + 1,
          c = map.view.c;
  Doubles want;
  for (int64_t i = 0; i < oh * ow * c; ++i) {
    double sum = 0;
    for (int64_t t = 0; t < p.h * p.w; ++t) {
      sum += map.Pixel(i / c / ow * p.step_h + t / p.w, i / c % ow * p.step_w + t % p.w, i % c);
    }
    want.push_back(sum / static_cast<double>(p.h * p.w));
  }
  float* y = lab.Out(oh * ow * c);
  SL_RETURN_IF_ERROR(lab.backend().AveragePool(map.On(lab), p, y));
  return lab.Error(y, want);
}

// Paged attention of grouped heads over random or causal lists; each feature by the toss of a coin.
struct AttentionCase {
  int64_t t, s, g, h, d, page_rows, entries;
  Floats q, k, v, table;
  BlockList lists;
  BiasPlaces places;
  EditPlan edit;
  bool biased, edited, tapped;

  explicit AttentionCase(Rng& rng) {
    auto coin = [&] { return Between(0, 1, rng) == 1; };
    t = Between(1, 30, rng), s = t + Between(0, 300, rng), g = Between(1, 3, rng);
    h = g * Between(1, 4, rng), d = Between(1, 150, rng), page_rows = Between(1, 70, rng);
    entries = Between(1, 40, rng);
    q = Normal(t * h * d, rng), k = Normal(s * g * d, rng), v = Normal(s * g * d, rng);
    lists = coin() ? CausalList(static_cast<int32_t>(t), static_cast<int32_t>(s - t), 7)
                   : RandomLists(rng);
    biased = coin(), edited = coin(), tapped = edited && coin();
    table = Normal(h * entries, rng);
    for (int64_t i = 0; i < t; ++i) places.query.push_back(Place(rng, entries / 2));
    for (int64_t i = 0; i < s; ++i) places.key.push_back(Place(rng, (entries - 1) / 2));
    edit.classes = 3;
    for (int64_t i = 0; i < s; ++i) edit.key_class.push_back(static_cast<uint8_t>(i % 3));
    edit.bias = Normal(h * 3, rng);
    edit.gain = Normal(h * 3, rng);
    edit.rescale = Normal(h * 3, rng);
    edit.head_gain = Normal(h, rng);
  }
  static int32_t Place(Rng& rng, int64_t most) {
    return Between(0, 4, rng) ? static_cast<int32_t>(Between(0, most, rng)) : BiasPlaces::kNone;
  }
  BlockList RandomLists(Rng& rng) const {
    BlockList list;
    const bool by_head = Between(0, 1, rng) == 1;
    for (int32_t row = 0; row < t; row += 4) {
      for (int32_t head = 0; head < (by_head ? g : 1); ++head) {
        list.Query(row, static_cast<int32_t>(std::min<int64_t>(4, t - row)));
        list.Key(static_cast<int32_t>(Between(0, s - 1, rng)));
        auto first = list.keys.back().first;
        for (int32_t r = 0; r < s; ++r) {
          if (r != first && Between(0, 2, rng)) list.Key(r);
        }
        by_head ? list.EndTile({head, 1}) : list.EndTile();
      }
    }
    return list;
  }
  // Rows in pages of their own on the device; the last one is filled up with what is no number.
  std::vector<const float*> Pages(Lab& lab, const Floats& rows) const {
    std::vector<const float*> pages;
    for (int64_t first = 0; first < s; first += page_rows) {
      Floats page(At(page_rows * g * d), NAN);
      std::copy_n(rows.data() + first * g * d, std::min(page_rows, s - first) * g * d, page.data());
      pages.push_back(lab.In(page));
    }
    return pages;
  }
  AttentionArgs Args(const std::vector<const float*>& k_pages,
                     const std::vector<const float*>& v_pages, ScoreTap* tap) const {
    AttentionArgs a;
    a.q_stride = h * d, a.rows = t, a.heads = h, a.kv_heads = g, a.d = d;
    a.k = {k_pages.data(), static_cast<int32_t>(page_rows), g * d};
    a.v = {v_pages.data(), static_cast<int32_t>(page_rows), g * d};
    a.scale = 1 / std::sqrt(static_cast<float>(d));
    a.bias.entries = entries;
    a.edit = edited ? &edit : nullptr;
    a.tap = tapped ? tap : nullptr;
    return a;
  }
};

StatusOr<double> AttendCase(Lab& lab, Rng& rng) {
  AttentionCase c(rng);
  // The reference, on the host.
  Lab host{Device()};
  std::vector<const float*> k_host = c.Pages(host, c.k), v_host = c.Pages(host, c.v);
  ScoreTap want_tap, tap;
  Floats want(c.q.size());
  AttentionArgs r = c.Args(k_host, v_host, &want_tap);
  r.q = c.q.data();
  r.lists = &c.lists;
  if (c.biased) r.bias.table = c.table.data(), r.bias.places = &c.places;
  r.out = want.data();
  AttendReference(r);
  // The backend.
  std::vector<const float*> k_pages = c.Pages(lab, c.k), v_pages = c.Pages(lab, c.v);
  AttentionArgs a = c.Args(k_pages, v_pages, &tap);
  a.q = lab.In(c.q);
  if (c.biased) a.bias.table = lab.In(c.table);
  a.out = lab.Out(static_cast<int64_t>(want.size()));
  SL_RETURN_IF_ERROR(lab.backend().PlanAttention(c.lists, &c.places).status());
  AttentionPlan(lab.device(), c.lists, &c.places).Run(a);
  double error = lab.Error(a.out, {want.begin(), want.end()});
  if (!c.tapped) return error;
  if (tap.mass.size() != want_tap.mass.size()) return std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < tap.mass.size(); ++i) {
    double d = std::fabs(static_cast<double>(tap.mass[i]) - want_tap.mass[i]);
    error = d <= error ? error : std::isnan(d) ? std::numeric_limits<double>::infinity() : d;
  }
  return error;
}

}  // namespace

std::vector<OpCase> MapCases() {
  return {{"Patches", PatchesCase}, {"Depthwise", DepthwiseCase}, {"AveragePool", PoolCase}};
}

std::vector<OpCase> AttentionCases() { return {{"Attend", AttendCase}}; }

}  // namespace sightline

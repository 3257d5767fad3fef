#include "vision/select/carrier_selectors.h"

#include <cmath>

#include "compute/base/check.h"

namespace sightline::vision {

BlockList CarrierWindowList(const CarrierGrid& g) {
  SL_CHECK(g.window > 0 && g.side % g.window == 0);
  BlockList list;
  for (int32_t i = 0; i < g.windows() * g.windows(); ++i) {
    int32_t wy = i / g.windows(), wx = i % g.windows();
    auto add = [&](int32_t first, int32_t count) {
      list.Query(first, count);
      list.Key(first, count);
    };
    for (int32_t y = 0; y < g.carriers; ++y) {
      add((wy * g.carriers + y) * g.carrier_side() + wx * g.carriers, g.carriers);
    }
    for (int32_t y = 0; y < g.window; ++y) {
      add(g.carrier_rows() + (wy * g.window + y) * g.side + wx * g.window, g.window);
    }
    list.EndTile();
  }
  return list;
}

BiasPlaces CarrierWindowPlaces(const CarrierGrid& g) {
  int32_t span = 2 * g.window - 1;
  BiasPlaces places;
  places.query.assign(static_cast<size_t>(g.carrier_rows()), BiasPlaces::kNone);
  places.key = places.query;
  for (int32_t i = 0; i < g.side * g.side; ++i) {
    int32_t y = i / g.side % g.window, x = i % g.side % g.window;
    places.query.push_back(y * span + x);
    places.key.push_back((g.window - 1 - y) * span + g.window - 1 - x);
  }
  return places;
}

std::vector<int32_t> WindowCells(const CarrierGrid& g) {
  std::vector<int32_t> cells;
  for (int32_t i = 0; i < g.side * g.side; ++i) {
    cells.push_back(i / g.side % g.window * g.window + i % g.side % g.window);
  }
  return cells;
}

std::vector<int32_t> NearestCarriers(const CarrierGrid& g) {
  // In float32, as upsampling by nearest neighbour is published.
  float ratio = static_cast<float>(g.carriers) / static_cast<float>(g.window);
  auto along = [&](int32_t i) {
    auto inside = static_cast<int32_t>(std::floor(static_cast<float>(i % g.window) * ratio));
    return i / g.window * g.carriers + inside;
  };
  std::vector<int32_t> rows;
  for (int32_t i = 0; i < g.side * g.side; ++i) {
    rows.push_back(along(i / g.side) * g.carrier_side() + along(i % g.side));
  }
  return rows;
}

}  // namespace sightline::vision

#include "vision/select/grid_selectors.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace sightline::vision {

std::vector<int32_t> NeighbourhoodAxis(int32_t i, int32_t length, int32_t kernel,
                                       int32_t dilation) {
  int32_t r = i % dilation, p = i / dilation, group = (length - r + dilation - 1) / dilation;
  int32_t start = std::clamp(p - kernel / 2, 0, std::max(0, group - kernel));
  std::vector<int32_t> keys;
  for (int32_t t = 0; t < kernel; ++t) keys.push_back((start + t) * dilation + r);
  return keys;
}

namespace {

// Queries of one axis that read the same keys.
struct AxisGroup {
  std::vector<int32_t> keys, queries;
};

std::vector<AxisGroup> AxisGroups(int32_t length, int32_t kernel, int32_t dilation) {
  std::vector<AxisGroup> groups;
  std::map<int32_t, size_t> by_first;  // residue and start decide the keys
  for (int32_t i = 0; i < length; ++i) {
    std::vector<int32_t> keys = NeighbourhoodAxis(i, length, kernel, dilation);
    auto [it, fresh] = by_first.emplace(keys[0], groups.size());
    if (fresh) groups.push_back({keys, {}});
    groups[it->second].queries.push_back(i);
  }
  return groups;
}

}  // namespace

BlockList NeighbourhoodList(int32_t h, int32_t w, int32_t kernel, int32_t dilation) {
  std::vector<AxisGroup> rows = AxisGroups(h, kernel, dilation);
  std::vector<AxisGroup> cols = AxisGroups(w, kernel, dilation);
  BlockList list;
  for (const AxisGroup& r : rows) {
    for (const AxisGroup& c : cols) {
      for (int32_t y : r.queries) {
        for (int32_t x : c.queries) list.Query(y * w + x);
      }
      for (int32_t y : r.keys) {
        for (int32_t x : c.keys) list.Key(y * w + x);
      }
      list.EndTile();
    }
  }
  return list;
}

BiasPlaces NeighbourhoodPlaces(int32_t h, int32_t w, int32_t kernel, int32_t dilation) {
  int32_t span = 2 * kernel - 1;
  BiasPlaces places;
  for (int32_t i = 0; i < h * w; ++i) {
    int32_t y = i / w / dilation, x = i % w / dilation;
    places.key.push_back(y * span + x);
    places.query.push_back((kernel - 1 - y) * span + kernel - 1 - x);
  }
  return places;
}

BlockList RegionList(int32_t h, int32_t w, int32_t n_win,
                     const std::vector<std::vector<int32_t>>& routes) {
  int32_t rh = h / n_win, rw = w / n_win;
  BlockList list;
  for (int32_t r = 0; r < n_win * n_win; ++r) {
    for (int32_t y = 0; y < rh; ++y) list.Query((r / n_win * rh + y) * w + r % n_win * rw, rw);
    for (int32_t s : routes[static_cast<size_t>(r)]) {
      for (int32_t y = 0; y < rh; ++y) list.Key((s / n_win * rh + y) * w + s % n_win * rw, rw);
    }
    list.EndTile();
  }
  return list;
}

std::vector<std::vector<int32_t>> BestRoutes(const std::vector<float>& affinity, int32_t topk) {
  auto regions = static_cast<size_t>(std::lround(std::sqrt(static_cast<double>(affinity.size()))));
  std::vector<std::vector<int32_t>> routes;
  for (size_t r = 0; r < regions; ++r) {
    const float* row = &affinity[r * regions];
    std::vector<int32_t> order(regions);
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + topk, order.end(), [&](int32_t a, int32_t b) {
      return row[a] != row[b] ? row[a] > row[b] : a < b;
    });
    order.resize(static_cast<size_t>(topk));
    std::sort(order.begin(), order.end());
    routes.push_back(std::move(order));
  }
  return routes;
}

BlockList WindowList(int32_t windows, int32_t rows) {
  BlockList list;
  for (int32_t i = 0; i < windows; ++i) {
    list.Query(i * rows, rows);
    list.Key(i * rows, rows);
    list.EndTile();
  }
  return list;
}

}  // namespace sightline::vision

// Selectors of windows that share their keys with carrier tokens (FasterViT, specs/vision.md 1.3).
//
// Rows: the carriers of all windows in raster order of their own grid, then the map in raster
// order. A window's rows are runs of both, so nothing is cut out or put back.
#pragma once

#include <cstdint>
#include <vector>

#include "compute/attention/block_list.h"
#include "compute/attention/pair_bias.h"

namespace sightline::vision {

struct CarrierGrid {
  int32_t side = 14;     // of the square map; a multiple of window
  int32_t window = 7;    // of the windows, in pixels
  int32_t carriers = 0;  // of a window, a side; neutral: 0, plain windows

  int32_t windows() const { return side / window; }              // a side
  int32_t carrier_side() const { return windows() * carriers; }  // of the carriers' grid
  int32_t carrier_rows() const { return carrier_side() * carrier_side(); }
};

// Each window reads its carriers and itself.
BlockList CarrierWindowList(const CarrierGrid& grid);
// Places in a bias table [2 * window - 1, 2 * window - 1] of offsets query minus key; pairs with a
// carrier have no bias.
BiasPlaces CarrierWindowPlaces(const CarrierGrid& grid);
// Of each pixel of the map: its cell in its window, and its carrier by nearest neighbour.
std::vector<int32_t> WindowCells(const CarrierGrid& grid);
std::vector<int32_t> NearestCarriers(const CarrierGrid& grid);

}  // namespace sightline::vision

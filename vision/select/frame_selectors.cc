#include "vision/select/frame_selectors.h"

#include <algorithm>

namespace sightline::vision {

BlockList FrameList(int32_t frames, int32_t rows) {
  constexpr int32_t kMost = 256;  // queries that share a reading of the keys
  int32_t tiles = (rows + kMost - 1) / kMost, tile = (rows + tiles - 1) / std::max(tiles, 1);
  BlockList list;
  for (int32_t f = 0; f < frames; ++f) {
    for (int32_t q = 0; q < rows; q += tile) {
      list.Query(f * rows + q, std::min(tile, rows - q));
      list.Key(f * rows, rows);
      list.EndTile();
    }
  }
  return list;
}

BlockList UnitWindowList(int32_t t, int32_t h, int32_t w, int32_t window, int32_t unit_rows) {
  BlockList list;
  for (int32_t f = 0; f < t; ++f) {
    for (int32_t y = 0; y < h; y += window) {
      for (int32_t x = 0; x < w; x += window) {
        int32_t wide = std::min(window, w - x);
        for (int32_t r = y; r < std::min(h, y + window); ++r) {
          int32_t first = ((f * h + r) * w + x) * unit_rows;
          list.Query(first, wide * unit_rows);
          list.Key(first, wide * unit_rows);
        }
        list.EndTile();
      }
    }
  }
  return list;
}

}  // namespace sightline::vision

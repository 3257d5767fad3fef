// Selectors over a map of H x W tokens: each fills a BlockList and nothing else.
#pragma once

#include <cstdint>
#include <vector>

#include "compute/attention/block_list.h"
#include "compute/attention/pair_bias.h"

namespace sightline::vision {

// Dilated neighbourhood of one axis: the `kernel` keys of query i (specs/vision.md 1.2.2). Needs
// length >= kernel * dilation.
std::vector<int32_t> NeighbourhoodAxis(int32_t i, int32_t length, int32_t kernel, int32_t dilation);

// Rows in raster order. Neutral: a kernel that covers the map at dilation 1 is dense attention.
BlockList NeighbourhoodList(int32_t h, int32_t w, int32_t kernel, int32_t dilation);
// Places of those rows in a bias table [2 * kernel - 1, 2 * kernel - 1] of offsets key minus query,
// in steps of the dilation.
BiasPlaces NeighbourhoodPlaces(int32_t h, int32_t w, int32_t kernel, int32_t dilation);

// Bi-level routing (BiFormer): region r of n_win x n_win reads the regions routes[r]. Neutral: all
// regions.
BlockList RegionList(int32_t h, int32_t w, int32_t n_win,
                     const std::vector<std::vector<int32_t>>& routes);
// Top-k regions by affinity of mean query and mean key, [R, R]: row r's `topk` best, ascending; of
// equals the first. One list for all heads.
std::vector<std::vector<int32_t>> BestRoutes(const std::vector<float>& affinity, int32_t topk);

// Windows stored one after the other, `rows` rows each (carriers first): each reads itself alone.
BlockList WindowList(int32_t windows, int32_t rows);

}  // namespace sightline::vision

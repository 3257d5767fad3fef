// The selectors of the published encoders against their definitions and worked lists.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "vision/select/carrier_selectors.h"
#include "vision/select/grid_selectors.h"

namespace sightline::vision {
namespace {

using Keys = std::vector<int32_t>;

std::map<int32_t, Keys> KeysByQuery(const BlockList& list) {
  std::map<int32_t, Keys> keys;
  for (int t = 0; t < list.tiles(); ++t) {
    for (int32_t q : list.QueriesOf(t)) {
      EXPECT_TRUE(keys.emplace(q, list.KeysOf(t)).second) << "query " << q << " in two tiles";
    }
  }
  return keys;
}

TEST(Neighbourhood, WorkedLists) {
  EXPECT_EQ(NeighbourhoodAxis(65, 66, 7, 8), (Keys{17, 25, 33, 41, 49, 57, 65}));
  EXPECT_EQ(NeighbourhoodAxis(0, 33, 7, 4), (Keys{0, 4, 8, 12, 16, 20, 24}));
  EXPECT_EQ(NeighbourhoodAxis(31, 33, 7, 4), (Keys{7, 11, 15, 19, 23, 27, 31}));
  EXPECT_EQ(NeighbourhoodAxis(32, 33, 7, 4), (Keys{8, 12, 16, 20, 24, 28, 32}));
  EXPECT_EQ(NeighbourhoodAxis(49, 56, 7, 8), (Keys{1, 9, 17, 25, 33, 41, 49}));
  EXPECT_EQ(NeighbourhoodAxis(20, 56, 7, 1), (Keys{17, 18, 19, 20, 21, 22, 23}));
  EXPECT_EQ(NeighbourhoodAxis(1, 56, 7, 1), (Keys{0, 1, 2, 3, 4, 5, 6}));
}

TEST(Neighbourhood, ListsAreProductsAndPlacesAreOffsets) {
  std::mt19937 rng(std::random_device{}());
  for (int trial = 0; trial < 20; ++trial) {
    int32_t k = 2 * static_cast<int32_t>(rng() % 4) + 1, d = static_cast<int32_t>(rng() % 4) + 1;
    int32_t h = k * d + static_cast<int32_t>(rng() % 9),
            w = k * d + static_cast<int32_t>(rng() % 9);
    auto keys = KeysByQuery(NeighbourhoodList(h, w, k, d));
    BiasPlaces places = NeighbourhoodPlaces(h, w, k, d);
    PairBias bias{&places, nullptr, 0};
    ASSERT_EQ(keys.size(), static_cast<size_t>(h * w));
    for (const auto& [q, got] : keys) {
      Keys want;
      for (int32_t y : NeighbourhoodAxis(q / w, h, k, d)) {
        for (int32_t x : NeighbourhoodAxis(q % w, w, k, d)) want.push_back(y * w + x);
      }
      ASSERT_EQ(got, want);
      for (int32_t r : got) {
        int32_t dy = (r / w - q / w) / d, dx = (r % w - q % w) / d;
        ASSERT_EQ(bias.At(q, r), (dy + k - 1) * (2 * k - 1) + dx + k - 1);
      }
    }
  }
  // Where groups are as long as the kernel, a residue's queries share one tile.
  EXPECT_EQ(NeighbourhoodList(56, 56, 7, 8).tiles(), 64);
  EXPECT_EQ(NeighbourhoodList(7, 7, 7, 1).tiles(), 1);
}

TEST(Routes, BestRegionsOfEachRow) {
  std::vector<float> affinity = {0.5f, 2, 2, -1, 9, 8, 7, 6, 0, 0, 0, 0, 1, 2, 3, 4};
  auto routes = BestRoutes(affinity, 2);
  ASSERT_EQ(routes.size(), 4u);
  EXPECT_EQ(routes[0], (Keys{1, 2}));
  EXPECT_EQ(routes[1], (Keys{0, 1}));
  EXPECT_EQ(routes[2], (Keys{0, 1})) << "equals go to the first";
  EXPECT_EQ(routes[3], (Keys{2, 3}));
  EXPECT_EQ(BestRoutes(affinity, 4)[1], (Keys{0, 1, 2, 3}));
}

TEST(Routes, RegionsCoverTheMapOnce) {
  std::vector<Keys> all(49, Keys(49));
  for (Keys& k : all) std::iota(k.begin(), k.end(), 0);
  auto keys = KeysByQuery(RegionList(56, 70, 7, all));
  ASSERT_EQ(keys.size(), 56u * 70u);
  for (const auto& [q, k] : keys) ASSERT_EQ(k.size(), 56u * 70u) << "all regions: dense";
  std::vector<Keys> own(49);
  for (int32_t i = 0; i < 49; ++i) own[static_cast<size_t>(i)] = {i};
  EXPECT_EQ(KeysByQuery(RegionList(56, 70, 7, own))[55 * 70 + 69].front(), 48 * 70 + 60);
}

TEST(Carriers, EachWindowReadsItselfAndItsCarriers) {
  CarrierGrid g{14, 7, 2};
  auto keys = KeysByQuery(CarrierWindowList(g));
  ASSERT_EQ(keys.size(), 16u + 196u);
  // Window (0, 1): carriers 2, 3, 6, 7 of the 4 x 4 grid; pixels of columns 7 to 13.
  const Keys& k = keys[16 + 7];
  EXPECT_EQ(k.size(), 53u);
  EXPECT_EQ(Keys(k.begin(), k.begin() + 4), (Keys{2, 3, 6, 7}));
  EXPECT_EQ(keys[2], k);
  EXPECT_EQ(k.back(), 16 + 6 * 14 + 13);
  EXPECT_EQ(KeysByQuery(CarrierWindowList({14, 7, 0}))[0].size(), 49u);
  EXPECT_EQ(CarrierWindowList({14, 14, 0}).tiles(), 1) << "one window: dense";
}

TEST(Carriers, PlacesAreQueryMinusKeyAndCarriersHaveNone) {
  CarrierGrid g{14, 7, 2};
  BiasPlaces places = CarrierWindowPlaces(g);
  PairBias bias{&places, nullptr, 0};
  auto pixel = [](int32_t y, int32_t x) { return 16 + y * 14 + x; };
  EXPECT_EQ(bias.At(pixel(3, 1), pixel(2, 4)), 94);
  EXPECT_EQ(bias.At(pixel(10, 8), pixel(9, 11)), 94) << "the same in another window";
  EXPECT_EQ(bias.At(pixel(0, 0), pixel(6, 6)), 0);
  EXPECT_LT(bias.At(0, pixel(6, 6)), 0);
  EXPECT_LT(bias.At(pixel(6, 6), 0), 0);
  EXPECT_LT(bias.At(1, 0), 0);
}

TEST(Carriers, NearestCarrierOfAPixel) {
  auto near = NearestCarriers({14, 7, 2});
  EXPECT_EQ(near[0], 0);
  EXPECT_EQ(near[3 * 14 + 3], 0);    // rows 0 to 3 take the first of two
  EXPECT_EQ(near[4 * 14 + 3], 4);    // rows 4 to 6 the second
  EXPECT_EQ(near[7 * 14 + 13], 11);  // window (1, 1): carriers 10, 11, 14, 15
  EXPECT_EQ(WindowCells({14, 7, 2})[8 * 14 + 9], 7 + 2);
}

}  // namespace
}  // namespace sightline::vision

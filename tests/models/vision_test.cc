#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "fusion/families/qwen_side.h"
#include "vision/preprocess/pixel_rule.h"
#include "vision/preprocess/resample.h"
#include "vision/select/frame_selectors.h"

namespace sightline {
namespace {

TEST(UnitWindowList, RowsReadTheirWindowOfTheirFrame) {
  std::mt19937 rng(std::random_device{}());
  auto upto = [&](int32_t n) { return 1 + static_cast<int32_t>(rng() % static_cast<uint32_t>(n)); };
  for (int round = 0; round < 40; ++round) {
    int32_t t = upto(3), h = upto(7), w = upto(7), window = upto(5), rows = upto(4);
    BlockList list = vision::UnitWindowList(t, h, w, window, rows);
    auto place = [&](int32_t row) {
      int32_t unit = row / rows, y = unit / w % h, x = unit % w;
      return std::array<int32_t, 3>{unit / (h * w), y / window, x / window};
    };
    std::vector<int> seen(static_cast<size_t>(t * h * w * rows));
    for (int tile = 0; tile < list.tiles(); ++tile) {
      std::vector<int32_t> keys = list.KeysOf(tile);
      for (int32_t q : list.QueriesOf(tile)) {
        ++seen[static_cast<size_t>(q)];
        std::vector<int32_t> want;
        for (int32_t k = 0; k < t * h * w * rows; ++k) {
          if (place(k) == place(q)) want.push_back(k);
        }
        EXPECT_EQ(keys, want);
      }
    }
    EXPECT_THAT(seen, ::testing::Each(1));
    // A window that covers the frame is the whole frame.
    BlockList all = vision::UnitWindowList(t, h, w, 8, rows),
              frames = vision::FrameList(t, h * w * rows);
    EXPECT_EQ(all.KeysOf(0), frames.KeysOf(0));
  }
}

TEST(FrameList, RowsReadTheirFrame) {
  BlockList list = vision::FrameList(3, 150);
  int32_t rows = 0;
  for (int tile = 0; tile < list.tiles(); ++tile) {
    for (int32_t q : list.QueriesOf(tile)) {
      EXPECT_EQ(list.KeysOf(tile).front(), q / 150 * 150);
      EXPECT_EQ(list.KeysOf(tile).size(), 150u);
      ++rows;
    }
  }
  EXPECT_EQ(rows, 450);
}

QwenVision Clock() {
  QwenVision s;
  s.tower.merge = 2;
  s.tokens_per_second = 2;
  s.image_id = 100;
  s.video_id = 101;
  return s;
}

TEST(QwenPositions, SpansStartAfterTheTextAndTextAfterTheSpans) {
  VisualInput in;
  in.grids = {{1, 4, 6}};  // 2 x 3 units
  auto p = QwenPositions(Clock(), {1, 2, 100, 100, 100, 100, 100, 100, 3}, in);
  ASSERT_TRUE(p.ok()) << p.status();
  EXPECT_EQ(*p, (std::vector<int32_t>{0, 1, 2, 2, 2, 2, 2, 2, 5, 0, 1, 2, 2, 2,
                                      3, 3, 3, 5, 0, 1, 2, 3, 4, 2, 3, 4, 5}));
}

TEST(QwenPositions, TimeFollowsTheClock) {
  VisualInput in;
  in.video = true;
  in.grids = {{3, 2, 2}};
  in.seconds_per_grid = {1.5f};
  auto p = QwenPositions(Clock(), {1, 101, 101, 101, 2}, in);
  ASSERT_TRUE(p.ok()) << p.status();
  EXPECT_EQ(std::vector<int32_t>(p->begin(), p->begin() + 5),
            (std::vector<int32_t>{0, 1, 4, 7, 8}));
}

TEST(QwenPositions, PlacesMustMatchTheMedia) {
  VisualInput in;
  EXPECT_FALSE(QwenPositions(Clock(), {1, 100}, in).ok());
  in.grids = {{1, 2, 4}};
  EXPECT_FALSE(QwenPositions(Clock(), {1, 100}, in).ok());
  EXPECT_FALSE(QwenPositions(Clock(), {1, 100, 5}, in).ok());
  EXPECT_FALSE(QwenPositions(Clock(), {1, 2, 5}, in).ok());
  EXPECT_TRUE(QwenPositions(Clock(), {1, 100, 100}, in).ok());
}

TEST(SizeInBudget, KeepsToMultiplesAndBudget) {
  std::mt19937 rng(std::random_device{}());
  for (int round = 0; round < 300; ++round) {
    int64_t h = 20 + rng() % 3000, w = 20 + rng() % 3000;
    if (std::max(h, w) > 100 * std::min(h, w)) continue;
    auto s = vision::SizeInBudget(h, w, 1, 28, 3136, 1003520);
    ASSERT_TRUE(s.ok());
    EXPECT_EQ(s->height % 28, 0);
    EXPECT_EQ(s->width % 28, 0);
    EXPECT_GE(s->height * s->width, 3136);
    EXPECT_LE(s->height * s->width, std::max<int64_t>(1003520, 28 * std::max(h, w)));
  }
  EXPECT_FALSE(vision::SizeInBudget(10, 3000, 1, 28, 3136, 1003520).ok());
}

TEST(Resample, FlatStaysFlatAndSameSizeStaysSame) {
  std::mt19937 rng(std::random_device{}());
  Image flat = MakeImage(37, 23);
  std::fill(flat.rgb.begin(), flat.rgb.end(), static_cast<uint8_t>(rng() % 256));
  for (auto f : {vision::Filter::kBilinear, vision::Filter::kBicubic, vision::Filter::kLanczos}) {
    Image out = vision::Resize(flat, 50, 11, f);
    EXPECT_THAT(out.rgb, ::testing::Each(flat.rgb[0]));
  }
  Image noise = MakeImage(19, 17);
  for (uint8_t& v : noise.rgb) v = static_cast<uint8_t>(rng());
  EXPECT_EQ(vision::Resize(noise, 19, 17, vision::Filter::kBicubic).rgb, noise.rgb);
  Image part = vision::Crop(noise, -2, 3, 19, 17);
  EXPECT_EQ(part.row(0)[0], 0);
  EXPECT_EQ(part.row(0)[2 * 3 + 1], noise.row(3)[1]);
}

}  // namespace
}  // namespace sightline

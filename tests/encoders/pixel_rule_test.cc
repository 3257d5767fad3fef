#include "vision/preprocess/pixel_rule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sightline::vision {
namespace {

Image Ramp(int w, int h) {
  Image image = MakeImage(w, h);
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      image.row(y)[x * 3] = static_cast<uint8_t>(x);
      image.row(y)[x * 3 + 1] = static_cast<uint8_t>(y);
      image.row(y)[x * 3 + 2] = 128;
    }
  }
  return image;
}

PixelRule Plain(int side) {
  PixelRule r;
  r.height_px = r.width_px = side;
  r.crop_share = 1;
  r.norm = {{0, 0, 0}, {1, 1, 1}};
  return r;
}

TEST(PixelRule, TakesTheMiddleOfTheLongerSide) {
  auto p = PreparePixels(Ramp(41, 20), Plain(20));
  ASSERT_TRUE(p.ok()) << p.status();
  ASSERT_EQ(p->shape, (std::vector<int64_t>{3, 20, 20}));
  // (41 - 20) / 2 = 10.5: halves go to the even neighbour.
  EXPECT_NEAR(p->data[0] * 255, 10, 1e-3);
  EXPECT_NEAR(PreparePixels(Ramp(43, 20), Plain(20))->data[0] * 255, 12, 1e-3);
  PixelRule floor = Plain(20);
  floor.floor_offsets = true;
  EXPECT_NEAR(PreparePixels(Ramp(43, 20), floor)->data[0] * 255, 11, 1e-3);
  EXPECT_NEAR(PreparePixels(Ramp(20, 44), Plain(20))->data[400] * 255, 12, 1e-3);
}

TEST(PixelRule, CropsAShareOfTheResizedPicture) {
  PixelRule r = Plain(28);
  r.crop_share = 0.875;  // resized to 32
  auto p = PreparePixels(Ramp(32, 32), r);
  ASSERT_TRUE(p.ok());
  EXPECT_NEAR(p->data[0] * 255, 2, 1e-3);
  r.crop_share = 1;
  r.squash = true;
  EXPECT_NEAR(PreparePixels(Ramp(200, 100), r)->data[27] * 255, 196, 3);
}

TEST(PixelRule, NormalisesByChannel) {
  PixelRule r;
  auto p = PreparePixels(Ramp(256, 256), r);
  ASSERT_TRUE(p.ok());
  ASSERT_EQ(p->shape, (std::vector<int64_t>{3, 224, 224}));
  EXPECT_NEAR(p->data[2 * 224 * 224], (128 / 255.0 - 0.406) / 0.225, 1e-5);
}

TEST(PixelRule, RefusesPicturesThatResizingWouldBlowUp) {
  auto p = PreparePixels(MakeImage(1, 4000000), PixelRule());
  EXPECT_EQ(p.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(PreparePixels(MakeImage(1, 1), PixelRule()).ok());
}

}  // namespace
}  // namespace sightline::vision

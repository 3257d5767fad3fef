// Scenes: the planted prior, the held-out combinations, what the renderer measures, and the font.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tools/world/world.h"

namespace sightline::world {
namespace {

bool Holds(const Scene& s, int shape) {
  return std::any_of(s.objects.begin(), s.objects.end(),
                     [&](const Object& o) { return o.shape == shape; });
}

// Share of scenes with a pair's first shape that hold its second too.
double PairShare(double prior) {
  SceneOptions options = TrainingOptions();
  options.prior = prior;
  Rng rng(90210);
  int with_first = 0, with_both = 0;
  for (int i = 0; i < 6000; ++i) {
    Scene s = MakeScene(&rng, std::exp(rng.Range(-1, 1)), options);
    for (const auto& pair : kPlantedPairs) {
      if (!Holds(s, pair[0])) continue;
      ++with_first;
      with_both += Holds(s, pair[1]);
    }
  }
  return static_cast<double>(with_both) / with_first;
}

TEST(Scene, PlantedPairsCoOccurAsAsked) {
  EXPECT_NEAR(PairShare(0.9), 0.9, 0.05);
  EXPECT_NEAR(PairShare(0.1), 0.1, 0.06);
  for (const auto& pair : kPlantedPairs) {
    EXPECT_GT(CoOccurrence()[static_cast<size_t>(pair[0])][static_cast<size_t>(pair[1])], 0.8);
  }
}

TEST(Scene, HeldOutCombinationsNeverOccurInTraining) {
  Rng rng(4);
  int pairs = 0;
  for (int c = 0; c < kColours; ++c) {
    for (int s = 0; s < kShapes; ++s) pairs += IsHeldOut(c, s);
  }
  EXPECT_EQ(pairs, 10);
  for (int i = 0; i < 4000; ++i) {
    Scene s = MakeUsableScene(&rng, 1.2, TrainingOptions());
    for (const Object& o : s.objects) {
      if (o.kind == Kind::kShape || o.kind == Kind::kIcon) {
        EXPECT_FALSE(IsHeldOut(o.colour, o.shape));
      }
    }
    Clip clip = MakeClip(&rng, 1.0, 10);
    for (size_t k = 0; k < clip.actors.size(); ++k) {
      for (const auto& [t, colour] : clip.actors[k].colours)
        EXPECT_FALSE(IsHeldOut(colour, clip.base.objects[k].shape));
    }
  }
}

TEST(Scene, EverythingStaysMostlyInSight) {
  Rng rng(11);
  int hidden = 0, all = 0;
  for (int i = 0; i < 150; ++i) {
    double aspect = std::exp(rng.Range(-1.09, 1.09));
    Scene s = MakeScene(&rng, aspect, TrainingOptions());
    Render(&s, static_cast<int>(256 * std::sqrt(aspect)),
           static_cast<int>(256 / std::sqrt(aspect)));
    for (const Object& o : s.objects) {
      ++all;
      hidden += o.visible < 0.45;
      EXPECT_LE(o.visible, 1.0);
    }
  }
  EXPECT_LE(hidden, all / 100);
}

// The visible box equals the extent of the pixels that change when the object is taken away.
TEST(Scene, VisibleBoxIsWhatThePictureShows) {
  Rng rng(77);
  for (int i = 0; i < 40; ++i) {
    SceneOptions options = TrainingOptions();
    options.label_rate = 0;
    Scene s = MakeScene(&rng, 1.3, options);
    if (s.objects.empty()) continue;
    s.blur = s.noise = 0;
    s.jpeg = 0;
    size_t index = static_cast<size_t>(rng.Int(static_cast<int>(s.objects.size())));
    Picture with = Render(&s, 292, 224);
    Scene less = s;
    less.objects.erase(less.objects.begin() + static_cast<std::ptrdiff_t>(index));
    Picture without = Render(&less, 292, 224);
    double x0 = 1e9, y0 = 1e9, x1 = -1, y1 = -1;
    for (int y = 0; y < 224; ++y) {
      for (int x = 0; x < 292; ++x) {
        size_t p = (static_cast<size_t>(y) * 292 + static_cast<size_t>(x)) * 3;
        int change = 0;
        for (size_t k = 0; k < 3; ++k) change += std::abs(with.rgb[p + k] - without.rgb[p + k]);
        if (change < 24) continue;
        x0 = std::min<double>(x0, x), y0 = std::min<double>(y0, y),
        x1 = std::max<double>(x1, x + 1), y1 = std::max<double>(y1, y + 1);
      }
    }
    Box seen{x0 / 292, y0 / 224, x1 / 292, y1 / 224};
    EXPECT_GT(Iou(seen, s.objects[index].box), 0.75)
        << kShapeNames[static_cast<size_t>(s.objects[index].shape)];
  }
}

TEST(Scene, SameSeedSamePictureOtherSeedAnother) {
  for (const char* name : {"iid", "heldout", "pope_adversarial", "labels", "pairs", "clips"}) {
    Split split = *ParseSplit(name);
    EvalItem a = MakeEvalItem(split, 5, 9), b = MakeEvalItem(split, 5, 9),
             c = MakeEvalItem(split, 6, 9);
    ASSERT_EQ(a.images.size(), b.images.size());
    for (size_t i = 0; i < a.images.size(); ++i) EXPECT_EQ(a.images[i].rgb, b.images[i].rgb);
    ASSERT_EQ(a.questions.size(), b.questions.size());
    for (size_t i = 0; i < a.questions.size(); ++i)
      EXPECT_EQ(a.questions[i].question, b.questions[i].question);
    EXPECT_NE(a.images[0].rgb, c.images[0].rgb);
  }
}

TEST(Font, GlyphsAreFarApart) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  for (char a : alphabet) {
    for (char b : alphabet) {
      if (a >= b) continue;
      int differ = 0;
      for (size_t k = 0; k < 5; ++k) differ += __builtin_popcount(Glyph(a)[k] ^ Glyph(b)[k]);
      EXPECT_GE(differ, 2) << a << " " << b;
    }
  }
}

TEST(Shapes, AreFarApart) {
  // Share of the square that two shapes, at the same place and size, do not have in common.
  for (int a = 0; a < kShapes; ++a) {
    for (int b = a + 1; b < kShapes; ++b) {
      int both = 0, either = 0;
      for (double y = -1.1; y < 1.1; y += 0.05) {
        for (double x = -1.1; x < 1.1; x += 0.05) {
          bool in_a = ShapeDistance(a, x, y) > 0, in_b = ShapeDistance(b, x, y) > 0;
          both += in_a && in_b;
          either += in_a || in_b;
        }
      }
      EXPECT_LT(both, 0.9 * either)
          << kShapeNames[static_cast<size_t>(a)] << " " << kShapeNames[static_cast<size_t>(b)];
    }
  }
}

}  // namespace
}  // namespace sightline::world

// The out-of-domain warning: comes for pictures that are no scenes, stays away from scenes.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <set>
#include <string>

#include "fusion/vision_pipeline.h"
#include "tests/support/sanitizers.h"
#include "tools/outliers/foreign.h"
#include "tools/world/world.h"

namespace sightline {
namespace {

double Score(const VisionPipeline& vision, const world::Picture& p) {
  auto media = vision.EncodeFrames({Image{p.width, p.height, p.rgb}}, {}, {});
  EXPECT_TRUE(media.ok()) << media.status();
  return media.ok() ? media->out_of_domain_score.value_or(-1) : -1;
}

class Domain : public testing::Test {
 protected:
  void SetUp() override {
    auto vision = VisionPipeline::Load(SIGHTLINE_SOURCE_DIR "/models/scenes");
    ASSERT_TRUE(vision.ok()) << vision.status();
    vision_ = *std::move(vision);
    seed_ = std::random_device{}();
    std::printf("fresh seed %llu\n", static_cast<unsigned long long>(seed_));
    RecordProperty("seed", std::to_string(seed_));
  }
  // Two pictures of every kind; the part of them that is warned about must reach `least`.
  void ExpectWarned(uint64_t seed, double least) {
    const auto& kinds = outliers::Kinds();
    int warned = 0, n = 0, tried = 0;
    std::string missed;
    for (size_t k = 0; k < kinds.size(); ++k) {
      for (uint64_t i = 0; i < 2; ++i, ++n) {
        if (n % kFewerSamples != 0) continue;
        double score = Score(*vision_, outliers::Render(k, seed + i));
        ++tried;
        warned += score > 0.5;
        if (score <= 0.5) missed += std::string(" ") + kinds[k].name + "=" + std::to_string(score);
      }
    }
    ASSERT_GE(n, 60);
    std::printf("seed %llu: %d of %d warned about\n", static_cast<unsigned long long>(seed), warned,
                tried);
    // Of a few, one more may be missed by chance.
    EXPECT_GE(warned, least * tried - (kFewerSamples > 1 ? 1 : 0))
        << "seed " << seed << " missed:" << missed;
  }

  std::unique_ptr<VisionPipeline> vision_;
  uint64_t seed_ = 0;
};

// What is promised, on pictures that stay the same.
TEST_F(Domain, OutliersAreWarnedAbout) { ExpectWarned(20261128, 0.9); }

// On fresh ones a bound that chance alone does not miss: at 6 misses in 100, the most that was
// measured (docs/scenes.md), a run goes below it once in 70,000 times; below 90 % it would be once
// in ten.
TEST_F(Domain, FreshOutliersAreWarnedAbout) { ExpectWarned(seed_, 0.8); }

TEST_F(Domain, ScenesAreNot) {
  constexpr int kScenes = 200 / kFewerSamples;
  int warned = 0;
  for (uint64_t i = 0; i < kScenes; ++i) {
    warned += Score(*vision_, world::MakeEvalItem(world::Split::kIid, seed_, i).images[0]) > 0.5;
  }
  EXPECT_LE(warned, 0.02 * 200)  // of fewer, as many: chance allows more of a few
      << "seed " << seed_;
}

TEST_F(Domain, ClipsAreNot) {
  constexpr int kClips = 10 / kFewerSamples;
  int warned = 0;
  for (uint64_t i = 0; i < kClips; ++i) {
    auto item = world::MakeEvalItem(world::Split::kClips, seed_, i);
    std::vector<Image> frames;
    for (const auto& p : item.images) frames.push_back({p.width, p.height, p.rgb});
    auto media = vision_->EncodeFrames(frames, item.times_s, {});
    ASSERT_TRUE(media.ok()) << media.status();
    warned += media->out_of_domain_score.value_or(0) > 0.5;
  }
  EXPECT_EQ(warned, 0) << "seed " << seed_;
}

// Of a clip of sixteen frames the last few are of another kind: a quarter is warned of, one is not.
TEST_F(Domain, APieceOfSomethingElseIsNoticedInAClip) {
  const world::Picture page = outliers::Render(0, 5);
  ASSERT_GT(Score(*vision_, page), 0.5);
  auto item = world::MakeEvalItem(world::Split::kClips, 7, 0);
  for (int strange : {0, 1, 4, 8}) {
    std::vector<Image> frames;
    std::vector<double> times_s;
    for (int i = 0; i < 16; ++i) {
      const auto& p = i < 16 - strange ? item.images[0] : page;
      frames.push_back({p.width, p.height, p.rgb});
      times_s.push_back(i * 0.5);
    }
    auto media = vision_->EncodeFrames(frames, times_s, {});
    ASSERT_TRUE(media.ok()) << media.status();
    EXPECT_EQ(media->out_of_domain_score.value_or(-1) > 0.5, strange >= 4) << strange;
  }
}

TEST(Outliers, AreManyAndRepeatable) {
  const auto& kinds = outliers::Kinds();
  std::set<std::string> names;
  for (size_t k = 0; k < kinds.size(); ++k) {
    names.insert(std::string(kinds[k].family) + "/" + kinds[k].name);
    auto a = outliers::Render(k, 5), b = outliers::Render(k, 5), c = outliers::Render(k, 6);
    EXPECT_EQ(a.rgb, b.rgb) << kinds[k].name;
    EXPECT_NE(a.rgb, c.rgb) << kinds[k].name;
    EXPECT_GT(std::set<uint8_t>(a.rgb.begin(), a.rgb.end()).size(), 1u) << kinds[k].name;
  }
  EXPECT_EQ(names.size(), kinds.size());
  EXPECT_GE(kinds.size(), 30u);
}

}  // namespace
}  // namespace sightline

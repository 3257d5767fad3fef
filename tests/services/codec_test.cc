#include "services/roles/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace sightline {
namespace {

EncodedMedia RandomMedia(std::mt19937* rng) {
  std::normal_distribution<float> normal;
  EncodedMedia m;
  m.kind = MediaItem::Kind::kVideo;
  m.channels = 7;
  m.duration_s = 3.5;
  m.out_of_domain_score = 0.25;
  m.source_width_px = 640;
  m.source_height_px = 480;
  m.damage = {1.5, 2, 3};
  m.tile_rows = 1;
  m.tile_cols = 2;
  m.seconds_per_span = 0.75;
  for (int i = 0; i < 3; ++i) {
    VisualSpan span{2, 3 + i, 0.5 * i};
    span.features.resize(static_cast<size_t>(span.rows) * static_cast<size_t>(span.cols) *
                         static_cast<size_t>(m.channels));
    for (float& f : span.features) f = normal(*rng);
    span.deepstack.resize(2 * span.features.size());
    for (float& f : span.deepstack) f = normal(*rng);
    m.spans.push_back(span);
  }
  return m;
}

TEST(CodecTest, MediaComeBackBitForBit) {
  std::mt19937 rng(11);
  const EncodedMedia m = RandomMedia(&rng);
  internal::v1::EncodedMedia wire;
  EncodeMedia(m, &wire);
  auto back = DecodeMedia(wire);
  ASSERT_TRUE(back.ok()) << back.status();
  ASSERT_EQ((*back)->spans.size(), m.spans.size());
  for (size_t i = 0; i < m.spans.size(); ++i) {
    EXPECT_EQ((*back)->spans[i].features, m.spans[i].features);
    EXPECT_EQ((*back)->spans[i].deepstack, m.spans[i].deepstack);
    EXPECT_EQ((*back)->spans[i].time_s, m.spans[i].time_s);
  }
  wire.mutable_spans(0)->set_time_s(-1);  // a still's
  EXPECT_TRUE(DecodeMedia(wire).ok());
  EXPECT_EQ((*back)->damage.missing_s, 1.5);
  EXPECT_EQ((*back)->damage.lost_frames, 2);
  EXPECT_EQ((*back)->damage.damaged_frames, 3);
  EXPECT_EQ((*back)->out_of_domain_score, m.out_of_domain_score);
  EXPECT_EQ((*back)->tile_rows, 1);
  EXPECT_EQ((*back)->tile_cols, 2);
  EXPECT_EQ((*back)->seconds_per_span, 0.75);
  wire.clear_out_of_domain_score();
  wire.clear_damage();
  back = DecodeMedia(wire);
  ASSERT_TRUE(back.ok());
  EXPECT_FALSE((*back)->out_of_domain_score.has_value());
  EXPECT_FALSE((*back)->damage.any());
  internal::v1::EncodedMedia sound;
  EncodeMedia(**back, &sound);
  EXPECT_FALSE(sound.has_damage());
}

TEST(CodecTest, ImageFeaturesComeBackBitForBit) {
  std::mt19937 rng(13);
  std::normal_distribution<float> normal;
  ImageFeatures f;
  f.model = "m", f.rows = 3, f.cols = 2, f.channels = 5;
  for (int i = 0; i < 30; ++i) f.features.push_back(normal(rng));
  for (int i = 0; i < 4; ++i) f.pooled.push_back(normal(rng));
  f.classes = {{7, "cat", 0.5}, {1, "", 0.25}};
  f.source_width_px = 640;
  internal::v1::EncodeImageResponse sound;
  EncodeImageFeatures(f, &sound);
  auto back = DecodeImageFeatures(sound);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->features, f.features);
  EXPECT_EQ(back->pooled, f.pooled);
  EXPECT_EQ(back->classes[0].label, "cat");
  EXPECT_EQ(back->classes[1].index, 1);
  EXPECT_EQ(back->source_width_px, 640);
  auto refused = [&](auto change) {
    internal::v1::EncodeImageResponse wire = sound;
    change(&wire);
    return !DecodeImageFeatures(wire).ok();
  };
  EXPECT_TRUE(refused([](auto* w) { w->set_rows(4); }));
  EXPECT_TRUE(refused([](auto* w) { w->set_cols(-2); }));
  EXPECT_TRUE(refused([](auto* w) { w->set_channels(1 << 30); }));
  EXPECT_TRUE(refused([](auto* w) { w->mutable_pooled()->pop_back(); }));
  EXPECT_TRUE(refused([](auto* w) { w->mutable_classes(0)->set_probability(2); }));
}

TEST(CodecTest, LimitsComeBackAndWhatIsNotSaidIsNone) {
  const MediaLimits limits{1000, 1, 2.5, 0.5, 7};
  internal::v1::MediaLimits wire;
  EncodeLimits(limits, &wire);
  const MediaLimits back = DecodeLimits(wire), wide = DecodeLimits({});
  EXPECT_EQ(back.max_image_pixels, 1000);
  EXPECT_EQ(back.max_video_s, 2.5);
  EXPECT_EQ(back.max_decode_s, 0.5);
  EXPECT_EQ(back.max_frames, 7);
  const MediaLimits own;
  EXPECT_GT(wide.max_image_pixels, own.max_image_pixels);
  EXPECT_GT(wide.max_video_bytes, own.max_video_bytes);
  EXPECT_GT(wide.max_video_s, own.max_video_s);
  EXPECT_GT(wide.max_decode_s, own.max_decode_s);
  EXPECT_GT(wide.max_frames, own.max_frames);
}

TEST(CodecTest, ContradictionsAreRefused) {
  std::mt19937 rng(12);
  internal::v1::EncodedMedia sound;
  EncodeMedia(RandomMedia(&rng), &sound);
  auto refused = [&](auto change) {
    internal::v1::EncodedMedia wire = sound;
    change(&wire);
    return !DecodeMedia(wire).ok();
  };
  EXPECT_TRUE(refused([](auto* w) { w->set_channels(0); }));
  EXPECT_TRUE(refused([](auto* w) { w->set_channels(1 << 30); }));
  EXPECT_TRUE(refused([](auto* w) { w->mutable_spans(0)->set_rows(-1); }));
  EXPECT_TRUE(refused([](auto* w) { w->mutable_spans(0)->set_rows(1 << 30); }));
  EXPECT_TRUE(refused([](auto* w) { w->mutable_spans(1)->mutable_features()->pop_back(); }));
  EXPECT_TRUE(refused([](auto* w) { w->mutable_spans(1)->mutable_deepstack()->pop_back(); }));
  EXPECT_TRUE(refused([](auto* w) { w->set_tile_rows(4); }));
  EXPECT_TRUE(refused([](auto* w) { w->set_tile_rows(-1); }));
  EXPECT_TRUE(refused([](auto* w) { w->set_seconds_per_span(-1); }));
  EXPECT_TRUE(refused([](auto* w) { w->set_seconds_per_span(std::nan("")); }));
  EXPECT_TRUE(refused([](auto* w) { w->mutable_damage()->set_missing_s(-1); }));
  EXPECT_TRUE(refused([](auto* w) { w->mutable_damage()->set_missing_s(std::nan("")); }));
  EXPECT_TRUE(refused([](auto* w) { w->mutable_damage()->set_lost_frames(-1); }));
  EXPECT_TRUE(refused([](auto* w) { w->mutable_damage()->set_damaged_frames(-1); }));
  EXPECT_TRUE(refused([](auto* w) { w->set_duration_s(1e15); }));
  EXPECT_TRUE(refused([](auto* w) { w->set_source_height_px(-1); }));
  EXPECT_TRUE(refused([](auto* w) { w->set_out_of_domain_score(std::nan("")); }));
  EXPECT_TRUE(refused([](auto* w) { w->mutable_spans(0)->set_time_s(std::nan("")); }));
  EXPECT_TRUE(refused([](auto* w) { w->set_kind(internal::v1::MEDIA_KIND_UNSPECIFIED); }));
}

TEST(CodecTest, ImpossibleTimesAreRefused) {
  internal::v1::EncodeRequest wire;
  MediaItem item;
  item.kind = MediaItem::Kind::kVideo;
  EncodeMediaItem(item, &wire);
  EXPECT_TRUE(DecodeMediaItem(wire).ok());
  for (double impossible : {std::nan(""), -1.0, 1e300}) {
    internal::v1::EncodeRequest start = wire, end = wire, rate = wire;
    start.set_start_s(impossible);
    end.set_end_s(impossible);
    rate.set_frames_per_second(impossible);
    for (const auto& w : {start, end, rate}) EXPECT_FALSE(DecodeMediaItem(w).ok()) << impossible;
  }
}

TEST(CodecTest, GenerateComesBack) {
  std::mt19937 rng(13);
  GenerateRequest r;
  r.parts.push_back({std::make_shared<const EncodedMedia>(RandomMedia(&rng))});
  r.parts.push_back({std::string("what?")});
  r.sampling = {0.7, 40, 0.9, 1.1, 0.5, -0.5, 99};
  r.max_output_tokens = 17;
  r.stop = {"a", "b"};
  internal::v1::GenerateRequest wire;
  EncodeGenerate(r, &wire);
  auto back = DecodeGenerate(wire);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->parts.size(), 2u);
  EXPECT_EQ(std::get<std::string>(back->parts[1].content), "what?");
  EXPECT_EQ(back->sampling.seed, 99u);
  EXPECT_EQ(back->sampling.top_k, 40);
  EXPECT_EQ(back->stop, r.stop);
  EXPECT_EQ(back->max_output_tokens, 17);
}

}  // namespace
}  // namespace sightline

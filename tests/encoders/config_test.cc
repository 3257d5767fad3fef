// Published sizes by data alone, and configs that no encoder takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "fusion/encoders/encoder_registry.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace sightline {
namespace {

using ::testing::HasSubstr;

StatusOr<EncoderSpec> SpecOf(const Json& config, const std::string& name = "") {
  SL_ASSIGN_OR_RETURN(const EncoderArchitecture* row, FindEncoder(name, config));
  return row->read(WithPublishedSize(*row, config));
}

// Learned values, in millions: what a loader asks for, less the running statistics.
double Millions(const EncoderSpec& spec) {
  int64_t n = 0;
  vision::WeightSource census;
  census.read = [&](const std::string& name, const std::vector<int64_t>& s) -> StatusOr<Tensor> {
    if (name.find("running_") == std::string::npos) n += Tensor::Count(s);
    return Tensor();
  };
  census.has = [](const std::string&) { return false; };
  EXPECT_TRUE(spec.load(census).ok());
  return static_cast<double>(n) / 1e6;
}

struct Published {
  const char* name;
  double millions, within;
};

TEST(Sizes, HaveThePublishedNumberOfParameters) {
  for (const Published& p : std::initializer_list<Published>{{"biformer_tiny", 13.14, 0.01},
                                                             {"biformer_small", 25.54, 0.01},
                                                             {"biformer_base", 56.80, 0.01},
                                                             {"dinat_mini", 19.98, 0.01},
                                                             {"dinat_tiny", 27.90, 0.01},
                                                             {"dinat_small", 50.72, 0.01},
                                                             {"dinat_base", 89.77, 0.01},
                                                             {"dinat_large", 200.94, 0.01},
                                                             {"dinat_large_384", 200.94, 0.01},
                                                             {"faster_vit_0_224", 31.40, 0.01},
                                                             {"faster_vit_1_224", 53.37, 0.01},
                                                             {"faster_vit_2_224", 75.92, 0.01},
                                                             {"faster_vit_3_224", 159.55, 0.01},
                                                             {"faster_vit_4_224", 365.6, 0.1},
                                                             {"faster_vit_5_224", 957.5, 0.1},
                                                             {"faster_vit_6_224", 1360.3, 0.1},
                                                             {"faster_vit_4_21k_224", 271.9, 0.1},
                                                             {"faster_vit_4_21k_768", 271.9, 0.1},
                                                             {"shvit_s1", 6.3, 0.1},
                                                             {"shvit_s2", 11.4, 0.1},
                                                             {"shvit_s3", 14.2, 0.1},
                                                             {"shvit_s4", 16.5, 0.1}}) {
    auto spec = SpecOf({{"architecture", p.name}});
    ASSERT_TRUE(spec.ok()) << p.name << " " << spec.status();
    EXPECT_NEAR(Millions(*spec), p.millions, p.within) << p.name;
  }
}

TEST(Sizes, OwnFieldsWin) {
  auto spec = SpecOf({{"architecture", "shvit_s1"}, {"num_classes", 0}, {"resolution", 192}});
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->pixels.width_px, 192);
  EXPECT_NEAR(Millions(*SpecOf({{"architecture", "shvit_s1"}})) - Millions(*spec), 0.3216, 0.001);
  EXPECT_EQ(SpecOf({{"architecture", "faster_vit_4_21k_384"}})->pixels.width_px, 384);
  EXPECT_TRUE(SpecOf({{"architecture", "faster_vit_4_21k_384"}})->pixels.squash);
  EXPECT_EQ(SpecOf({{"architecture", "faster_vit_1_224"}})->pixels.crop_share, 1);
  EXPECT_EQ(SpecOf({{"architecture", "dinat_mini"}})->pixels.crop_share, 0.875);
}

TEST(Configs, NameWhatIsWrong) {
  auto error = [](const Json& config, const std::string& name) {
    auto spec = SpecOf(config, name);
    return spec.ok() ? std::string("none") : std::string(spec.status().message());
  };
  EXPECT_THAT(error({{"model_type", "resnet"}}, ""), HasSubstr("'resnet'"));
  EXPECT_THAT(error({}, "vgg"), HasSubstr("'vgg'"));
  EXPECT_THAT(error({{"architecture", 3}}, ""), HasSubstr("architecture"));
  EXPECT_THAT(error(Json::object(), ""), HasSubstr("neither"));
  EXPECT_THAT(error({{"kv_downsample_mode", "ada_avgpool"}}, "biformer"),
              HasSubstr("kv_downsample_mode"));
  EXPECT_THAT(error({{"architecture", "biformer_tiny"}, {"topks", {1, 50, 16, -2}}}, ""),
              HasSubstr("topks"));
  EXPECT_THAT(error({{"architecture", "biformer_tiny"}, {"head_dim", 48}}, ""),
              HasSubstr("embed_dim"));
  EXPECT_THAT(error({{"architecture", "dinat_mini"}, {"dilations", {{1}, {1}, {1}, {1}}}}, ""),
              HasSubstr("dilations"));
  EXPECT_THAT(error({{"architecture", "dinat_mini"}, {"kernel_size", 6}}, ""),
              HasSubstr("kernel_size"));
  EXPECT_THAT(error({{"architecture", "faster_vit_0_224"}, {"resolution", 256}}, ""),
              HasSubstr("window_size"));
  EXPECT_THAT(error({{"architecture", "faster_vit_0_224"}, {"hat", {1, 2}}}, ""), HasSubstr("hat"));
  EXPECT_THAT(error({{"architecture", "shvit_s1"}, {"types", {"i", "x", "s"}}}, ""),
              HasSubstr("types"));
  EXPECT_THAT(error({{"architecture", "shvit_s1"}, {"depth", {1, 2}}}, ""), HasSubstr("depth"));
}

TEST(Configs, SeedsOfTheFuzzerRun) {
  int n = 0;
  for (const auto& f : std::filesystem::directory_iterator(std::string(SIGHTLINE_SOURCE_DIR) +
                                                           "/tests/fuzz/corpus/encoder_config")) {
    std::ifstream in(f.path(), std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    ++n;
  }
  EXPECT_GE(n, 6);
}

}  // namespace
}  // namespace sightline

// Every family from random weights: both layouts of names are one model, and clips become rows as
// the published processors and models have it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "compute/ops/shape_ops.h"
#include "fusion/encoders/encoder_registry.h"
#include "fusion/families/vl_model.h"
#include "fusion/media_encoder.h"
#include "tests/models/model_files.h"
#include "tests/models/random_model.h"
#include "tools/parity/report.h"

namespace sightline {
namespace {

using ::testing::HasSubstr;

Image Noise(int width, int height, std::mt19937* rng) {
  Image image;
  image.width_px = width;
  image.height_px = height;
  image.rgb.resize(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  for (auto& v : image.rgb) v = static_cast<uint8_t>((*rng)());
  return image;
}

// `name` with the longest of the prefixes that it has replaced.
std::string Renamed(const std::string& name,
                    const std::vector<std::pair<std::string, std::string>>& prefixes) {
  for (const auto& [from, to] : prefixes) {
    if (name.starts_with(from)) return to + name.substr(from.size());
  }
  return name;
}

struct Layout {
  const char* family;
  std::vector<std::pair<std::string, std::string>> prefixes;
};

const Layout kLayouts[] = {
    {"llava15",
     {{"language_model.model.", "model.language_model."},
      {"language_model.lm_head.", "lm_head."},
      {"vision_tower.", "model.vision_tower.vision_model."},
      {"multi_modal_projector.", "model.multi_modal_projector."}}},
    {"llava15", {{"vision_tower.", "vision_tower.vision_model."}}},
    {"llava_onevision",
     {{"language_model.model.", "model.language_model."},
      {"language_model.lm_head.", "lm_head."},
      {"vision_tower.", "model.vision_tower.vision_model."},
      {"image_newline", "model.image_newline"},
      {"multi_modal_projector.", "model.multi_modal_projector."}}},
    {"llava_onevision", {{"vision_tower.", "vision_tower.vision_model."}}},
    {"smolvlm",
     {{"model.text_model.", "text_model.model."},
      {"model.vision_model.", "vision_model."},
      {"model.connector.", "connector."}}},
    {"qwen2_5_vl", {{"model.", "model.language_model."}, {"visual.", "model.visual."}}},
    {"qwen3_vl", {{"model.language_model.", "model."}, {"model.visual.", "visual."}}},
    {"qwen3_vl",
     {{"model.language_model.", "language_model.model."},
      {"lm_head.", "language_model.lm_head."},
      {"model.visual.", "visual."}}},
};

std::vector<float> LogitsOf(const VlModel& m, const std::vector<int32_t>& ids) {
  PagePool pool(m.decoder().page_numbers(), 1 << 28);
  language::Sequence seq(&pool, m.spec().text.layers);
  return *m.decoder().Forward(m.decoder().Embed(ids), &seq);
}

TEST(Family, BothLayoutsOfNamesAreOneModel) {
  std::mt19937 rng(std::random_device{}());
  uint32_t seed = rng();
  for (const Layout& layout : kLayouts) {
    SCOPED_TRACE(layout.family + std::string(" ") + layout.prefixes[0].second);
    ScratchFolder plain, renamed;
    WriteRandomModel(layout.family, plain.path(), seed);
    WriteRandomModel(layout.family, renamed.path(), seed,
                     [&](const std::string& n) { return Renamed(n, layout.prefixes); });
    auto a = VlModel::Load(plain.path()), b = VlModel::Load(renamed.path());
    ASSERT_TRUE(a.ok()) << a.status();
    ASSERT_TRUE(b.ok()) << b.status();
    std::vector<int32_t> ids;
    for (int i = 0; i < 9; ++i)
      ids.push_back(static_cast<int32_t>(rng() % static_cast<uint32_t>((*a)->spec().text.vocab)));
    EXPECT_EQ(LogitsOf(**a, ids), LogitsOf(**b, ids));
    auto in = (*a)->vision()->Preprocess({Noise(90, 70, &rng)}, false, 0);
    ASSERT_TRUE(in.ok()) << in.status();
    EXPECT_EQ(HostValues((*a)->vision()->Encode(*in)->rows),
              HostValues((*b)->vision()->Encode(*in)->rows));
  }
}

TEST(Family, StrayMissingAndMisshapedTensorsAreNamed) {
  for (const char* family : kVisionFamilies) {
    SCOPED_TRACE(family);
    ScratchFolder from, to;
    WriteRandomModel(family, from.path(), 7);
    for (const char* f : {"config.json", "processor_config.json"})
      WriteAll(to.path() + "/" + f, ReadAll(from.path() + "/" + f));
    auto load = [&](const std::function<void(nlohmann::json*)>& change) {
      RewriteSafetensors(from.path() + "/model.safetensors", to.path() + "/model.safetensors",
                         change);
      return std::string(VlModel::Load(to.path()).status().message());
    };
    const auto tensors = nlohmann::json::parse(ReadAll(FamilyDirectory(family) + "/tensors.json"));
    // One of the tower and one of the text, both in a layer.
    for (const char* part : {"layers.1.mlp.down_proj.weight", "fc1.weight", "mlp.linear_fc1.weight",
                             "mlp.gate_proj.weight"}) {
      std::string name;
      for (const auto& [n, shape] : tensors.items()) {
        if (n.ends_with(part)) name = n;
      }
      if (name.empty()) continue;
      // Published towers may run fewer layers than they hold: the last match is one that is used.
      std::string missing = load([&](nlohmann::json* h) { h->erase(name); });
      if (missing.empty()) continue;
      EXPECT_THAT(missing, HasSubstr(name));
      EXPECT_THAT(load([&](nlohmann::json* h) {
                    size_t n = 1;
                    for (const auto& d : (*h)[name]["shape"]) n *= d.get<size_t>();
                    (*h)[name]["shape"] = nlohmann::json::array({n});
                  }),
                  HasSubstr(name));
    }
    EXPECT_THAT(load([&](nlohmann::json* h) {
                  std::string stray = tensors.items().begin().key() + "_stray";
                  (*h)[stray] = {{"dtype", "F32"}, {"shape", {0}}, {"data_offsets", {0, 0}}};
                }),
                HasSubstr("_stray"));
  }
}

// By the definition: bilinear between pixel centres, clamped at the border, in double.
double Pooled(const Tensor& map, int64_t g, int64_t half, int64_t row, int64_t channel) {
  auto at = [&](int64_t y, int64_t x) {
    return static_cast<double>(
        map.row(std::clamp<int64_t>(y, 0, g - 1) * g + std::clamp<int64_t>(x, 0, g - 1))[channel]);
  };
  double scale = static_cast<double>(g) / static_cast<double>(half);
  int64_t line = row / half, column = row % half;
  double y = std::max(0.0, (static_cast<double>(line) + 0.5) * scale - 0.5);
  double x = std::max(0.0, (static_cast<double>(column) + 0.5) * scale - 0.5);
  auto y0 = static_cast<int64_t>(y), x0 = static_cast<int64_t>(x);
  double v = y - static_cast<double>(y0), u = x - static_cast<double>(x0);
  return (1 - v) * ((1 - u) * at(y0, x0) + u * at(y0, x0 + 1)) +
         v * ((1 - u) * at(y0 + 1, x0) + u * at(y0 + 1, x0 + 1));
}

TEST(Family, OneVisionPoolsFramesAndMarksTheEnd) {
  std::mt19937 rng(std::random_device{}());
  ScratchFolder folder;
  WriteRandomModel("llava_onevision", folder.path(), rng());
  auto m = VlModel::Load(folder.path());
  ASSERT_TRUE(m.ok()) << m.status();
  std::vector<Image> frames = {Noise(70, 40, &rng), Noise(70, 40, &rng), Noise(70, 40, &rng)};
  const VisionSide& side = *(*m)->vision();
  auto clip = side.Encode(*side.Preprocess(frames, true, 2));
  // Several stills are overviews alone: the same maps before pooling, each with the mark behind it.
  auto stills = side.Encode(*side.Preprocess(frames, false, 0));
  ASSERT_TRUE(clip.ok()) << clip.status();
  ASSERT_TRUE(stills.ok()) << stills.status();
  int64_t g = stills->spans[0][0], half = (g + 1) / 2, c = clip->rows.cols();
  ASSERT_EQ(clip->rows.rows(), 3 * half * half + 1);
  ASSERT_EQ(clip->spans.size(), 4u);
  EXPECT_EQ(clip->spans[3], (std::array<int32_t, 2>{1, 1}));
  for (int64_t f = 0; f < 3; ++f) {
    Tensor map({g * g, c});
    std::copy_n(stills->rows.row(f * (g * g + 1)), g * g * c, map.data.begin());
    for (int64_t r = 0; r < half * half; ++r) {
      for (int64_t k = 0; k < c; ++k)
        ASSERT_NEAR(clip->rows.row(f * half * half + r)[k], Pooled(map, g, half, r, k), 2e-5);
    }
  }
  for (int64_t k = 0; k < c; ++k)
    EXPECT_EQ(clip->rows.row(3 * half * half)[k], stills->rows.row(g * g)[k]);
}

// The tower alone is an image encoder: the rows that its decoder would read.
TEST(Family, QwenTowersEncodeImages) {
  std::mt19937 rng(std::random_device{}());
  for (const char* family : {"qwen2_5_vl", "qwen3_vl"}) {
    SCOPED_TRACE(family);
    ScratchFolder folder;
    WriteRandomModel(family, folder.path(), rng());
    auto encoder = LoadImageEncoder(folder.path());
    auto m = VlModel::Load(folder.path());
    ASSERT_TRUE(encoder.ok()) << encoder.status();
    ASSERT_TRUE(m.ok()) << m.status();
    Image image = Noise(130, 90, &rng);
    auto pixels = vision::PreparePixels(image, (*encoder)->info().pixels);
    ASSERT_TRUE(pixels.ok()) << pixels.status();
    auto got = (*encoder)->Encode(*pixels);
    ASSERT_TRUE(got.ok()) << got.status();
    auto want = (*m)->vision()->Encode(*(*m)->vision()->Preprocess({image}, false, 0));
    ASSERT_TRUE(want.ok()) << want.status();
    EXPECT_EQ(HostValues(got->features), HostValues(want->rows));
    EXPECT_EQ(got->maps.size(), want->deepstack.size() + 1);
    EXPECT_EQ(got->maps.back().map.shape[0], want->spans[0][0]);
    EXPECT_EQ(got->maps.back().map.shape[1], want->spans[0][1]);
    EXPECT_FALSE((*encoder)->Encode(Tensor({3, 57, 56})).ok());
  }
}

// What a picture becomes where the server loads the tower, with weights as asked for.
std::vector<float> RowsOf(const std::string& folder, const Image& image, WeightChoice weights) {
  auto media = LoadMediaEncoder(folder, {}, {}, weights);
  EXPECT_TRUE(media.ok()) << media.status();
  auto encoded = (*media)->Encode({image}, {}, {});
  EXPECT_TRUE(encoded.ok()) << encoded.status();
  std::vector<float> rows;
  for (const VisualSpan& span : encoded->spans) {
    rows.insert(rows.end(), span.features.begin(), span.features.end());
  }
  return rows;
}

void ExpectTowersComeNear(const std::string& folder, const Image& image) {
  std::vector<float> plain = RowsOf(folder, image, WeightChoice::kStored);
  for (WeightChoice floats : {WeightChoice::kF32, WeightChoice::kBF16}) {
    EXPECT_EQ(RowsOf(folder, image, floats), plain);
  }
  std::vector<float> words = RowsOf(folder, image, WeightChoice::kQ8);
  EXPECT_EQ(RowsOf(folder, image, WeightChoice::kQ4), words);
  double error = parity::RelativeError(words, plain);
  EXPECT_LT(error, 5e-3);
  EXPECT_GT(error, 1e-6) << "nothing was quantised";
}

TEST(Family, TowersInFewerBitsComeNear) {
  std::mt19937 rng(std::random_device{}());
  for (const char* family : kVisionFamilies) {
    SCOPED_TRACE(family);
    ScratchFolder folder;
    WriteRandomModel(family, folder.path(), rng());
    ExpectTowersComeNear(folder.path(), Noise(130, 90, &rng));
  }
  SCOPED_TRACE("golden");
  ExpectTowersComeNear(GoldenDirectory("qwen2_5_vl"), Noise(130, 90, &rng));
}

TEST(Family, SmolVlmFramesAreSquaresThatAreNeverCut) {
  std::mt19937 rng(std::random_device{}());
  ScratchFolder folder;
  WriteRandomModel("smolvlm", folder.path(), rng());
  auto m = VlModel::Load(folder.path());
  ASSERT_TRUE(m.ok()) << m.status();
  const VisionSide& side = *(*m)->vision();
  // At the tower's own size nothing is resampled: pixels are the frame's, [-1, 1].
  std::vector<Image> frames = {Noise(64, 64, &rng), Noise(64, 64, &rng)};
  auto in = side.Preprocess(frames, true, 1);
  ASSERT_TRUE(in.ok()) << in.status();
  ASSERT_EQ(in->pixels.shape, (std::vector<int64_t>{1, 2, 3, 64, 64}));
  for (size_t f = 0; f < 2; ++f) {
    for (size_t i = 0; i < 3 * 64 * 64; ++i) {
      size_t channel = i / (64 * 64), pixel = i % (64 * 64);
      ASSERT_NEAR(in->pixels.data[f * 3 * 64 * 64 + i],
                  frames[f].rgb[pixel * 3 + channel] / 127.5 - 1, 1e-5);
    }
  }
  auto rows = side.Encode(*in);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->spans.size(), 2u);
  // Any size of frame gives as many rows.
  auto wide = side.Encode(*side.Preprocess({Noise(200, 40, &rng)}, true, 1));
  ASSERT_TRUE(wide.ok()) << wide.status();
  EXPECT_EQ(wide->rows.rows() * 2, rows->rows.rows());
}

}  // namespace
}  // namespace sightline

// GGUF files made of the golden checkpoints meet the goldens; quantised ones stay within a stated
// error. More folders are read where SIGHTLINE_GOLDENS names a place that has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "fusion/engine.h"
#include "fusion/families/vl_model.h"
#include "fusion/vision_pipeline.h"
#include "tests/gguf/export.h"
#include "tools/parity/model_parity.h"

namespace sightline {
namespace {

namespace fs = std::filesystem;

const std::string kGoldens = SIGHTLINE_SOURCE_DIR "/tests/golden/models";

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "sightline_gguf_XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void ExpectGolden(const std::string& golden, const GgufExport& options = {}) {
  SCOPED_TRACE(golden);
  Folder to;
  std::string model = ExportGguf(golden, to.path(), options);
  auto report = parity::CompareFolder(golden, WeightChoice::kStored, {}, model);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->ok()) << report->Table();
}

TEST(GgufGolden, Float32MeetsTheReference) {
  ExpectGolden(kGoldens + "/llama3");
  ExpectGolden(kGoldens + "/qwen2_5_vl");
}

// The checkpoints are bf16, so nothing is lost.
TEST(GgufGolden, Bfloat16MeetsTheReference) {
  ExpectGolden(kGoldens + "/llama3", {.format = BlockFormat::kBF16});
  ExpectGolden(kGoldens + "/qwen2_5_vl", {.format = BlockFormat::kBF16});
}

TEST(GgufGolden, OlderNamesOfTheMlpAreRead) {
  ExpectGolden(kGoldens + "/qwen2_5_vl", {.swapped_mlp = true});
}

TEST(GgufGolden, OtherFoldersMeetTheReference) {
  const char* place = std::getenv("SIGHTLINE_GOLDENS");
  if (!place) GTEST_SKIP() << "SIGHTLINE_GOLDENS is not set";
  for (const char* model : {"decoders/llama3", "decoders/qwen2", "decoders/qwen3", "models/smolvlm",
                            "models/qwen2_5_vl", "models/qwen3_vl"})
    ExpectGolden(std::string(place) + "/" + model);
}

// Logits of 20 random tokens.
std::vector<float> Logits(const VlModel& m, uint32_t seed) {
  std::mt19937 rng(seed);
  std::vector<int32_t> ids;
  for (int i = 0; i < 20; ++i)
    ids.push_back(static_cast<int32_t>(rng() % static_cast<uint32_t>(m.spec().text.vocab)));
  PagePool pool(m.decoder().page_numbers(), 1 << 28);
  language::Sequence seq(&pool, m.spec().text.layers);
  auto logits = m.decoder().Forward(m.decoder().Embed(ids), &seq);
  EXPECT_TRUE(logits.ok()) << logits.status();
  return *logits;
}

// A random llama whose rows fit every format, written twice with the same numbers.
std::string RandomLlama(const std::string& path, BlockFormat format, uint32_t seed) {
  constexpr int64_t kHidden = 256, kFfn = 512, kVocab = 128, kKv = 128;
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  GgufWriter w;
  w.String("general.architecture", "llama");
  for (auto [key, value] : {std::pair{"block_count", 2u},
                            {"context_length", 256u},
                            {"embedding_length", 256u},
                            {"feed_forward_length", 512u},
                            {"attention.head_count", 4u},
                            {"attention.head_count_kv", 2u}})
    w.Uint(std::string("llama.") + key, value);
  w.Float("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  auto tensor = [&](const std::string& name, BlockFormat f, std::vector<int64_t> shape) {
    std::vector<float> v(static_cast<size_t>(Tensor::Count(shape)));
    float scale = shape.size() == 1 ? 0.1f : 1 / std::sqrt(static_cast<float>(shape.back()));
    for (float& x : v) x = (shape.size() == 1 ? 1 : 0) + scale * normal(rng);
    ExportTensor(name, f, shape, v, &w);
  };
  tensor("token_embd.weight", format, {kVocab, kHidden});
  tensor("output_norm.weight", BlockFormat::kF32, {kHidden});
  for (std::string b : {"blk.0.", "blk.1."}) {
    tensor(b + "attn_norm.weight", BlockFormat::kF32, {kHidden});
    tensor(b + "ffn_norm.weight", BlockFormat::kF32, {kHidden});
    tensor(b + "attn_q.weight", format, {kHidden, kHidden});
    tensor(b + "attn_k.weight", format, {kKv, kHidden});
    tensor(b + "attn_v.weight", format, {kKv, kHidden});
    tensor(b + "attn_output.weight", format, {kHidden, kHidden});
    tensor(b + "ffn_gate.weight", format, {kFfn, kHidden});
    tensor(b + "ffn_up.weight", format, {kFfn, kHidden});
    tensor(b + "ffn_down.weight", format, {kHidden, kFfn});
  }
  EXPECT_TRUE(w.Write(path).ok());
  return path;
}

struct Bound {
  BlockFormat format;
  double error;  // of logits, relative: about twice the median of random models, whose activations
                 // are int8 too
};

TEST(GgufFormats, LogitsStayWithinTheFormatsError) {
  // Of several random models, since a tiny one's logits may nearly vanish.
  constexpr int kModels = 7;
  Folder to;
  const std::vector<Bound> bounds = {{BlockFormat::kF16, 2.5e-3}, {BlockFormat::kBF16, 2e-2},
                                     {BlockFormat::kQ8_0, 0.06},  {BlockFormat::kQ6_K, 0.18},
                                     {BlockFormat::kQ4_K, 0.6},   {BlockFormat::kQ4_0, 0.9}};
  std::vector<std::vector<double>> errors(bounds.size());
  uint32_t seed = std::random_device{}();
  for (int m = 0; m < kModels; ++m, ++seed) {
    auto exact = VlModel::Load(RandomLlama(to.path() + "/exact.gguf", BlockFormat::kF32, seed));
    ASSERT_TRUE(exact.ok()) << exact.status();
    EXPECT_TRUE((*exact)->spec().text.tied);
    std::vector<float> want = Logits(**exact, seed);
    for (size_t i = 0; i < bounds.size(); ++i) {
      auto model = VlModel::Load(RandomLlama(to.path() + "/q.gguf", bounds[i].format, seed));
      ASSERT_TRUE(model.ok()) << model.status();
      errors[i].push_back(parity::RelativeError(Logits(**model, seed), want));
    }
  }
  for (size_t i = 0; i < bounds.size(); ++i) {
    std::sort(errors[i].begin(), errors[i].end());
    std::string name(TraitsOf(bounds[i].format).name);
    EXPECT_LT(errors[i][kModels / 2], bounds[i].error) << name << " last seed " << seed - 1;
    EXPECT_GT(errors[i][0], 1e-7) << name;
    RecordProperty(name, std::to_string(errors[i][kModels / 2]));
  }
}

TEST(GgufFiles, TheVisualHalfIsFoundNamedOrLeftOut) {
  Folder to, apart;
  std::string model = ExportGguf(kGoldens + "/qwen2_5_vl", to.path());
  auto found = VlModel::Load(model);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_NE((*found)->vision(), nullptr);

  std::string mmproj = apart.path() + "/visual.gguf";
  fs::rename(to.path() + "/mmproj-model.gguf", mmproj);
  auto text = VlModel::Load(model);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ((*text)->vision(), nullptr);
  EXPECT_EQ(Logits(**text, 7), Logits(**found, 7));

  auto named = VlModel::Load(model + "," + mmproj);
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_NE((*named)->vision(), nullptr);

  // Beside a model of another architecture it is passed over; named, it is refused.
  std::string llama = RandomLlama(apart.path() + "/llama.gguf", BlockFormat::kF32, 1);
  fs::rename(mmproj, apart.path() + "/mmproj.gguf");
  auto other = VlModel::Load(llama);
  ASSERT_TRUE(other.ok()) << other.status();
  auto refused = VlModel::Load(llama + "," + apart.path() + "/mmproj.gguf");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(refused.status().message(), ::testing::HasSubstr("clip.projector_type"));
  fs::copy(apart.path() + "/mmproj.gguf", apart.path() + "/mmproj-2.gguf");
  EXPECT_THAT(VlModel::Load(llama).status().message(), ::testing::HasSubstr("--mmproj"));
  auto visual = VlModel::Load(apart.path() + "/mmproj.gguf");
  EXPECT_THAT(visual.status().message(), ::testing::HasSubstr("mmproj"));
}

TEST(GgufFiles, PartsAreJoined) {
  Folder to;
  std::string whole = RandomLlama(to.path() + "/whole.gguf", BlockFormat::kQ8_0, 3);
  // The second part holds the second layer alone.
  auto file = GgufFile::Open(whole);
  ASSERT_TRUE(file.ok());
  std::string parts[2] = {to.path() + "/m-00001-of-00002.gguf",
                          to.path() + "/m-00002-of-00002.gguf"};
  for (uint32_t i = 0; i < 2; ++i) {
    GgufWriter w;
    w.Uint("split.no", i);
    w.Uint("split.count", 2);
    if (i == 0) {
      w.String("general.architecture", "llama");
      for (const auto& [key, value] : (*file)->table().metadata) {
        if (const auto* n = std::get_if<uint64_t>(&value)) w.Uint(key, static_cast<uint32_t>(*n));
        if (const auto* x = std::get_if<double>(&value)) w.Float(key, static_cast<float>(*x));
      }
    }
    for (const auto& [name, t] : (*file)->table().tensors) {
      if (name.starts_with("blk.1.") != (i == 1)) continue;
      std::string bytes(static_cast<const char*>((*file)->data(t)), t.bytes);
      w.Tensor(name, t.format, t.shape, [bytes] { return bytes; });
    }
    ASSERT_TRUE(w.Write(parts[i]).ok());
  }
  auto one = VlModel::Load(whole), two = VlModel::Load(parts[0]);
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_EQ(Logits(**two, 5), Logits(**one, 5));
  fs::rename(parts[1], to.path() + "/gone");
  EXPECT_THAT(VlModel::Load(parts[0]).status().message(), ::testing::HasSubstr("part 2 of 2"));
  fs::rename(parts[0], to.path() + "/alone.gguf");
  EXPECT_THAT(VlModel::Load(to.path() + "/alone.gguf").status().message(),
              ::testing::HasSubstr("split.count"));
}

// Text, ids and answers through the engine as the directory gives them.
TEST(GgufServe, AnswersAsTheDirectory) {
  Folder to;
  std::string directory = kGoldens + "/qwen2_5_vl", model = ExportGguf(directory, to.path());
  std::string texts[2];
  for (int i = 0; i < 2; ++i) {
    auto engine = Engine::Load(i == 0 ? directory : model);
    auto vision = VisionPipeline::Load(i == 0 ? directory : model);
    ASSERT_TRUE(engine.ok()) << engine.status();
    ASSERT_TRUE(vision.ok()) << vision.status();
    EXPECT_EQ((*engine)->model().name, i == 0 ? "qwen2_5_vl" : "model");
    EXPECT_EQ((*vision)->traits().model, (*engine)->model().name);
    EXPECT_TRUE((*vision)->traits().images && (*vision)->traits().clips);
    Image image{112, 84, std::vector<uint8_t>(size_t{112} * 84 * 3)};
    for (size_t k = 0; k < image.rgb.size(); ++k) image.rgb[k] = static_cast<uint8_t>(k * 7 % 251);
    auto media = (*vision)->EncodeFrames({image}, {}, {});
    ASSERT_TRUE(media.ok()) << media.status();
    GenerateRequest request;
    request.parts.emplace_back().content = std::make_shared<const EncodedMedia>(*std::move(media));
    request.parts.emplace_back().content = std::string("What is this? 12 <|im_end|>");
    request.max_output_tokens = 16;
    auto summary = (*engine)->Generate(request, {}, [&](const Delta& d) {
      texts[i] += d.text;
      return true;
    });
    ASSERT_TRUE(summary.ok()) << summary.status();
  }
  EXPECT_EQ(texts[1], texts[0]);
  EXPECT_FALSE(texts[0].empty());
}

}  // namespace
}  // namespace sightline

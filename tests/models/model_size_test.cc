#include "fusion/families/model_size.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "fusion/families/vl_model.h"
#include "tests/models/model_files.h"
#include "tests/models/random_model.h"

namespace sightline {
namespace {

constexpr WeightChoice kAll[] = {WeightChoice::kStored, WeightChoice::kF32, WeightChoice::kBF16,
                                 WeightChoice::kQ8, WeightChoice::kQ4};

// Numbers of a decoder that stand in no matrix: norms and biases.
int64_t Vectors(const language::Decoder& d) {
  const language::DecoderSpec& s = d.spec();
  int64_t heads = s.head_dim * (2 * s.heads + 2 * s.kv_heads);  // of q and o, of k and v
  int64_t ends = s.tied ? s.vocab : 2 * s.vocab;
  return d.parameter_count() - s.hidden * (s.layers * (heads + 3 * s.ffn) + ends);
}

void ExpectTextIsTheDecoders(const std::string& folder) {
  SCOPED_TRACE(folder);
  auto model = DescribeModel(folder);
  auto weights = Checkpoint::Open(folder);
  ASSERT_TRUE(model.ok()) << model.status();
  ASSERT_TRUE(weights.ok()) << weights.status();
  for (WeightChoice choice : kAll) {
    auto loaded = VlModel::Load(folder, {}, choice);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    const language::Decoder& decoder = (*loaded)->decoder();
    auto size = SizeOf(*model, choice, weights->get());
    ASSERT_TRUE(size.ok()) << size.status();
    EXPECT_EQ(size->text, decoder.weight_bytes() + 4 * Vectors(decoder));
    EXPECT_EQ(size->visual > 0, (*loaded)->vision() != nullptr);
  }
}

TEST(ModelSize, TextIsTheLoadedDecoders) {
  for (const char* name : {"gemma3", "llama3", "qwen2_5_vl"}) {
    ExpectTextIsTheDecoders(GoldenDirectory(name));
  }
  for (const char* family : kVisionFamilies) {
    ScratchFolder folder;
    WriteRandomModel(family, folder.path(), std::random_device{}());
    ExpectTextIsTheDecoders(folder.path());
  }
}

// Headers without data.
class Headers : public WeightSource {
 public:
  explicit Headers(std::map<std::string, TensorInfo> tensors) : tensors_(std::move(tensors)) {}
  const std::map<std::string, TensorInfo>& tensors() const override { return tensors_; }
  StatusOr<StoredTensor> Stored(const std::string&, const std::vector<int64_t>&) const override {
    return absl::UnimplementedError("headers alone");
  }

 private:
  std::map<std::string, TensorInfo> tensors_;
};

std::unique_ptr<Checkpoint> SmallFile() {
  return *Checkpoint::Of(std::make_unique<Headers>(std::map<std::string, TensorInfo>{
      {"model.embed_tokens.weight", {"BF16", {32, 64}}},
      {"model.layers.0.mlp.up_proj.weight", {"Q8_0", {16, 64}}},
      {"model.norm.weight", {"BF16", {64}}},
      {"lm_head.weight", {"BF16", {32, 64}}},  // a copy of the embedding table
      {"visual.patch.weight", {"BF16", {32, 3, 8, 8}}},
      {"visual.patch.bias", {"BF16", {32}}},
      {"visual.pos_embed.weight", {"BF16", {10, 32}}},
      {"projector.fc1.weight", {"BF16", {64, 32}}}}));
}

ModelDescription SmallModel() {
  ModelDescription m;
  m.parts = {{"text", "embed_tokens.weight", {"model."}},
             {"vision", "patch.weight", {"visual."}},
             {"projector", "fc1.weight", {"projector."}}};
  m.unused = {"lm_head.weight"};
  m.packs_tower = true;
  return m;
}

TEST(ModelSize, EveryTensorCountsAsItIsKept) {
  auto file = SmallFile();
  auto bytes = [&](WeightChoice choice) { return *SizeOf(SmallModel(), choice, file.get()); };
  constexpr int64_t kEmbedding = 32 * 64, kLayer = 16 * 64, kNorm = 4 * 64;
  constexpr int64_t kQ8Layer = kLayer / 32 * 34;
  EXPECT_EQ(bytes(WeightChoice::kStored).text, 2 * kEmbedding + kQ8Layer + kNorm);
  EXPECT_EQ(bytes(WeightChoice::kF32).text, 4 * kEmbedding + 4 * kLayer + kNorm);
  EXPECT_EQ(bytes(WeightChoice::kBF16).text, 2 * kEmbedding + 2 * kLayer + kNorm);
  EXPECT_EQ(bytes(WeightChoice::kQ8).text, kEmbedding / 32 * 34 + kQ8Layer + kNorm);

  constexpr int64_t kPatch = 32 * 3 * 8 * 8, kPlain = 4 * (32 + 10 * 32 + 64 * 32);
  for (WeightChoice floats : {WeightChoice::kStored, WeightChoice::kF32, WeightChoice::kBF16}) {
    EXPECT_EQ(bytes(floats).visual, 4 * kPatch + kPlain);
  }
  // Words with a float32 scale for each 64.
  for (WeightChoice integers : {WeightChoice::kQ8, WeightChoice::kQ4}) {
    EXPECT_EQ(bytes(integers).visual, 2 * kPatch + kPatch / 64 * 4 + kPlain);
  }
}

TEST(ModelSize, ATowerThatIsNotPackedStaysFloat) {
  auto file = SmallFile();
  ModelDescription model = SmallModel();
  model.packs_tower = false;
  EXPECT_EQ(SizeOf(model, WeightChoice::kQ4, file.get())->visual,
            SizeOf(model, WeightChoice::kF32, file.get())->visual);
}

TEST(ModelSize, APartThatIsMissingIsNamed) {
  auto file = SmallFile();
  ModelDescription model = SmallModel();
  model.parts.push_back({"newline", "image_newline", {""}});
  auto size = SizeOf(model, WeightChoice::kF32, file.get());
  ASSERT_FALSE(size.ok());
  EXPECT_NE(size.status().message().find("image_newline"), std::string::npos) << size.status();
}

}  // namespace
}  // namespace sightline

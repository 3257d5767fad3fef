// Files that lie: each is refused with a status that names the key or tensor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <variant>

#include "fusion/families/vl_model.h"
#include "fusion/gguf/config.h"
#include "fusion/gguf/weights.h"
#include "tests/gguf/export.h"

namespace sightline {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kGoldens = SIGHTLINE_SOURCE_DIR "/tests/golden/models";

using Value = std::variant<std::monostate, uint32_t, int32_t, float, bool, std::string,
                           std::vector<int32_t>, std::vector<float>, std::vector<std::string>>;

void Put(const std::string& key, const Value& value, GgufWriter* w) {
  std::visit(
      [&](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, uint32_t>) w->Uint(key, v);
        if constexpr (std::is_same_v<T, int32_t>) w->Int(key, v);
        if constexpr (std::is_same_v<T, float>) w->Float(key, v);
        if constexpr (std::is_same_v<T, bool>) w->Bool(key, v);
        if constexpr (std::is_same_v<T, std::string>) w->String(key, v);
        if constexpr (std::is_same_v<T, std::vector<int32_t>>) w->Ints(key, v);
        if constexpr (std::is_same_v<T, std::vector<float>>) w->Floats(key, v);
        if constexpr (std::is_same_v<T, std::vector<std::string>>) w->Strings(key, v);
      },
      value);
}

// A copy with one key of another value (or none) and one tensor of another shape (or none).
struct Change {
  std::string key;
  Value value;
  std::string tensor;
  std::vector<int64_t> shape;
};

std::shared_ptr<GgufFile> Changed(const GgufFile& file, const Change& change) {
  GgufWriter w;
  for (const auto& [key, value] : file.table().metadata) {
    if (key == change.key) continue;
    if (const auto* n = std::get_if<uint64_t>(&value)) w.Uint(key, static_cast<uint32_t>(*n));
    if (const auto* x = std::get_if<double>(&value)) w.Float(key, static_cast<float>(*x));
    if (const auto* b = std::get_if<bool>(&value)) w.Bool(key, *b);
    if (const auto* s = std::get_if<std::string_view>(&value)) w.String(key, *s);
    const auto* a = std::get_if<GgufArray>(&value);
    if (a && a->type == GgufType::kString) {
      w.Strings(key, std::vector<std::string>(a->strings.begin(), a->strings.end()));
    } else if (a && a->type == GgufType::kF32) {
      auto v = *file.Floats(key);
      w.Floats(key, std::vector<float>(v.begin(), v.end()));
    } else if (a) {
      auto v = *file.Ints(key);
      w.Ints(key, std::vector<int32_t>(v.begin(), v.end()));
    }
  }
  Put(change.key, change.value, &w);
  for (const auto& [name, t] : file.table().tensors) {
    bool other = name == change.tensor;
    if (other && change.shape.empty()) continue;
    std::vector<int64_t> shape = other ? change.shape : t.shape;
    std::string bytes(static_cast<const char*>(file.data(t)), t.bytes);
    bytes.resize(static_cast<size_t>(BytesOf(t.format, Tensor::Count(shape))));
    w.Tensor(name, t.format, shape, [bytes] { return bytes; });
  }
  if (!change.tensor.empty() && !file.table().tensors.contains(change.tensor)) {
    size_t bytes = static_cast<size_t>(4 * Tensor::Count(change.shape));
    w.Tensor(change.tensor, BlockFormat::kF32, change.shape,
             [bytes] { return std::string(bytes, '\0'); });
  }
  auto changed = GgufFile::FromBytes(w.Bytes());
  EXPECT_TRUE(changed.ok()) << changed.status();
  return *changed;
}

class Hostile : public ::testing::Test {
 protected:
  void SetUp() override {
    namespace fs = std::filesystem;
    std::string name = (fs::temp_directory_path() / "sightline_gguf_XXXXXX").string();
    folder_ = mkdtemp(name.data());
    ExportGguf(kGoldens + "/qwen2_5_vl", folder_);
    text_ = *GgufFile::Open(folder_ + "/model.gguf");
    vision_ = *GgufFile::Open(folder_ + "/mmproj-model.gguf");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Configs, names, and every tensor that the model reads.
  static Status Load(const std::shared_ptr<GgufFile>& text,
                     const std::shared_ptr<GgufFile>& vision) {
    SL_ASSIGN_OR_RETURN(GgufModel model, MakeGgufModel({text}, vision));
    SL_ASSIGN_OR_RETURN(CheckpointSpec spec, ReadCheckpointSpec(model));
    SL_ASSIGN_OR_RETURN(auto source, GgufWeights::Open(model));
    SL_ASSIGN_OR_RETURN(auto weights, Checkpoint::Of(std::move(source)));
    SL_RETURN_IF_ERROR(weights->Map(spec.parts));
    SL_RETURN_IF_ERROR(LoadDecoder(spec, weights.get()).status());
    if (spec.load_vision)
      SL_RETURN_IF_ERROR(spec.load_vision(weights.get(), WeightChoice::kF32).status());
    return weights->CheckAllRead(spec.unused);
  }
  void ExpectText(const Change& change, const std::string& said) {
    Expect(Load(Changed(*text_, change), vision_), change, said);
  }
  void ExpectVision(const Change& change, const std::string& said) {
    Expect(Load(text_, Changed(*vision_, change)), change, said);
  }
  static void Expect(const Status& status, const Change& change, const std::string& said) {
    SCOPED_TRACE(change.key + change.tensor);
    EXPECT_TRUE(status.code() == absl::StatusCode::kInvalidArgument ||
                status.code() == absl::StatusCode::kUnimplemented)
        << status;
    EXPECT_THAT(status.message(), AllOf(HasSubstr(change.key + change.tensor), HasSubstr(said),
                                        Not(HasSubstr("json"))));
  }

  std::string folder_;
  std::shared_ptr<GgufFile> text_, vision_;
};

TEST_F(Hostile, UnchangedCopiesLoad) {
  Status status = Load(Changed(*text_, {}), Changed(*vision_, {}));
  EXPECT_TRUE(status.ok()) << status;
  status = Load(text_, nullptr);
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(Hostile, KeysOfTheTextModel) {
  const std::string p = "qwen2vl.";
  for (const char* key :
       {"block_count", "context_length", "embedding_length", "feed_forward_length",
        "attention.head_count", "attention.layer_norm_rms_epsilon"}) {
    ExpectText({p + key, {}}, "is missing");
    ExpectText({p + key, std::string("many")}, "must be");
    ExpectText({p + key, -1}, "not from");
    ExpectText({p + key, uint32_t{4'000'000'000}}, "not from");
  }
  ExpectText({p + "attention.head_count", std::vector<int32_t>{8, 8}}, "must be an integer");
  ExpectText({p + "attention.head_count", 7u}, "must divide embedding_length");
  ExpectText({p + "attention.head_count_kv", 3u}, "must divide attention.head_count");
  ExpectText({p + "attention.head_count_kv", 0u}, "not from 1");
  ExpectText({p + "attention.key_length", 7u}, "must be even");
  ExpectText({p + "attention.value_length", 8u}, "differs");
  ExpectText({p + "rope.dimension_count", 8u}, "a part of a head");
  ExpectText({p + "rope.freq_base", NAN}, "is not from");
  ExpectText({p + "rope.scaling.type", std::string("yarn")}, "none and linear");
  ExpectText({p + "rope.dimension_sections", std::vector<int32_t>{1, 2, 3, 0}}, "half of a head");
  ExpectText({p + "rope.dimension_sections", std::vector<int32_t>{-8, 8, 8, 0}}, "holds -8");
  ExpectText({p + "rope.dimension_sections", std::vector<int32_t>(100, 1)}, "more than 4");
  ExpectText({p + "rope.dimension_sections", {}}, "is missing");
  ExpectText({p + "expert_count", 8u}, "mixtures");
  ExpectText({"tokenizer.ggml.eos_token_id", 1u << 20}, "not from 0 to 1023");
  ExpectText({"general.architecture", {}}, "is missing");
  ExpectText({"general.architecture", std::string("mamba")}, "'mamba'");
  ExpectText({"split.count", 3u}, "has 3 parts");
}

TEST_F(Hostile, KeysOfTheVisualHalf) {
  const std::string p = "clip.vision.";
  for (const char* key : {"block_count", "embedding_length", "feed_forward_length", "patch_size",
                          "attention.head_count"}) {
    ExpectVision({p + key, {}}, "is missing");
    ExpectVision({p + key, true}, "must be an integer");
    ExpectVision({p + key, 0u}, "not from");
    ExpectVision({p + key, 1u << 30}, "not from");
  }
  ExpectVision({p + "attention.head_count", 5u}, "must divide");
  ExpectVision({p + "projection_dim", 64u}, "embedding_length, 128");
  ExpectVision({p + "image_mean", std::vector<float>{0.5f}}, "three numbers");
  ExpectVision({p + "image_std", std::vector<float>{1, 0, 1}}, "must be positive");
  ExpectVision({p + "image_std", std::vector<float>{1, NAN, 1}}, "not from");
  ExpectVision({p + "image_std", {}}, "three numbers");
  ExpectVision({p + "window_size", 1u}, "smaller than a merge unit");
  ExpectVision({p + "n_wa_pattern", 1u << 20}, "not from");
  ExpectVision({"clip.projector_type", std::string("resampler")}, "'resampler'");
  ExpectVision({"clip.projector_type", {}}, "''");
  ExpectVision({"general.architecture", std::string("llama")}, "must be 'clip'");
}

TEST_F(Hostile, Tensors) {
  for (std::string tensor : {"token_embd.weight", "output_norm.weight", "blk.0.attn_norm.weight",
                             "blk.3.ffn_down.weight", "blk.1.attn_q.bias", "blk.2.attn_k.weight"}) {
    ExpectText({"", {}, tensor, {}}, "missing");
    ExpectText({"", {}, tensor, {1100, 5}}, "shape");
  }
  ExpectText({"", {}, "token_embd.weight", {64}}, "must be a table");
  ExpectText({"", {}, "blk.0.attn_q.weight", {128, 128, 1}}, "shape");
  ExpectText({"", {}, "blk.4.attn_q.weight", {128, 128}}, "does not have");
  ExpectText({"", {}, "blk.0.attn_sinks.weight", {8}}, "does not have");
  for (std::string tensor : {"v.patch_embd.weight", "v.post_ln.weight", "mm.2.bias",
                             "v.blk.0.ln1.weight", "v.blk.3.ffn_gate.weight"}) {
    ExpectVision({"", {}, tensor, {3, 5}}, "");
  }
  ExpectVision({"", {}, "v.blk.0.attn_qkv.weight", {192, 64}}, "beside a tensor");
  ExpectVision({"", {}, "v.blk.0.ffn_up.bias", {}}, "missing");
  ExpectVision({"", {}, "v.patch_embd.weight.2", {1}}, "does not have");
  // The whole is named by a piece that is there.
  for (std::string piece : {"attn_q", "attn_k", "attn_v"}) {
    Status status = Load(text_, Changed(*vision_, {"", {}, "v.blk.0." + piece + ".weight", {}}));
    EXPECT_THAT(status.message(), AllOf(HasSubstr("v.blk.0.attn_"), HasSubstr("missing")));
  }
}

TEST(HostileLlama, RowsAreHeldAgainstHeads) {
  namespace fs = std::filesystem;
  std::string name = (fs::temp_directory_path() / "sightline_gguf_XXXXXX").string();
  std::string folder = mkdtemp(name.data());
  auto file = GgufFile::Open(ExportGguf(kGoldens + "/llama3", folder));
  ASSERT_TRUE(file.ok());
  auto load = [&](const Change& change) {
    auto model = MakeGgufModel({Changed(**file, change)}, nullptr);
    if (!model.ok()) return model.status();
    auto spec = ReadCheckpointSpec(*model);
    if (!spec.ok()) return spec.status();
    return GgufWeights::Open(*model).status();
  };
  EXPECT_TRUE(load({}).ok()) << load({});
  EXPECT_THAT(load({"", {}, "blk.0.attn_q.weight", {24, 128}}).message(),
              AllOf(HasSubstr("blk.0.attn_q.weight"), HasSubstr("8 heads")));
  EXPECT_THAT(load({"", {}, "rope_freqs.weight", {7}}).message(), HasSubstr("rope_freqs.weight"));
  auto turned = Changed(**file, {"", {}, "rope_freqs.weight", {}});
  auto zeros = MakeGgufModel({Changed(*turned, {"", {}, "rope_freqs.weight", {8}})}, nullptr);
  EXPECT_THAT(ReadCheckpointSpec(*zeros).status().message(), HasSubstr("0.001"));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace sightline

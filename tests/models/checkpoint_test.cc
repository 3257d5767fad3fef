#include "fusion/families/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include "fusion/families/vl_model.h"
#include "tests/models/model_files.h"

namespace sightline {

ScratchFolder::ScratchFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "sightline_models_XXXXXX").string();
  path_ = mkdtemp(name.data());
}
ScratchFolder::~ScratchFolder() { std::filesystem::remove_all(path_); }

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void WriteAll(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

void RewriteSafetensors(const std::string& from, const std::string& to,
                        const std::function<void(nlohmann::json* header)>& change) {
  std::string bytes = ReadAll(from);
  uint64_t n = 0;
  std::memcpy(&n, bytes.data(), 8);
  auto header = nlohmann::json::parse(bytes.substr(8, n));
  change(&header);
  std::string data;  // every byte belongs to a tensor: what a change drops leaves no hole
  for (auto& [name, value] : header.items()) {
    if (name == "__metadata__") continue;
    auto span = value["data_offsets"].get<std::vector<size_t>>();
    size_t begin = data.size();
    data += bytes.substr(8 + n + span[0], span[1] - span[0]);
    value["data_offsets"] = {begin, data.size()};
  }
  std::string text = header.dump();
  uint64_t size = text.size();
  std::string out(reinterpret_cast<const char*>(&size), 8);
  WriteAll(to, out + text + data);
}

namespace {

using ::testing::HasSubstr;

void CopyConfigs(const std::string& from, const std::string& to) {
  for (const char* f : {"config.json", "generation_config.json", "processor_config.json"}) {
    if (std::filesystem::exists(from + "/" + f)) WriteAll(to + "/" + f, ReadAll(from + "/" + f));
  }
}

// The same logits, bit by bit, from two directories.
void ExpectSameModel(const std::string& a, const std::string& b) {
  auto x = VlModel::Load(a), y = VlModel::Load(b);
  ASSERT_TRUE(x.ok()) << x.status();
  ASSERT_TRUE(y.ok()) << y.status();
  std::mt19937 rng(std::random_device{}());
  std::vector<int32_t> ids;
  for (int i = 0; i < 20; ++i)
    ids.push_back(static_cast<int32_t>(rng() % static_cast<uint32_t>((*x)->spec().text.vocab)));
  std::vector<std::vector<float>> logits;
  for (const auto* m : {x->get(), y->get()}) {
    PagePool pool(m->decoder().page_numbers(), 1 << 28);
    language::Sequence seq(&pool, m->spec().text.layers);
    logits.push_back(*m->decoder().Forward(m->decoder().Embed(ids), &seq));
  }
  EXPECT_EQ(logits[0], logits[1]);
}

void Rename(nlohmann::json* header, const std::string& from, const std::string& to) {
  nlohmann::json out;
  for (auto& [name, value] : header->items())
    out[name.starts_with(from) ? to + name.substr(from.size()) : name] = value;
  *header = out;
}

TEST(Checkpoint, ShardsEqualOneFile) {
  std::string from = GoldenDirectory("llama3");
  ScratchFolder to;
  CopyConfigs(from, to.path());
  nlohmann::json index;
  for (size_t part = 0; part < 2; ++part) {
    std::string shard = "model-0000" + std::to_string(part + 1) + "-of-00002.safetensors";
    RewriteSafetensors(from + "/model.safetensors", to.path() + "/" + shard,
                       [&](nlohmann::json* h) {
                         nlohmann::json kept;
                         for (auto& [name, value] : h->items()) {
                           if (name == "__metadata__" || std::hash<std::string>()(name) % 2 != part)
                             continue;
                           kept[name] = value;
                           index["weight_map"][name] = shard;
                         }
                         *h = kept;
                       });
  }
  std::string path = to.path() + "/model.safetensors.index.json";
  WriteAll(path, index.dump());
  ExpectSameModel(from, to.path());

  nlohmann::json wrong = index;
  wrong["weight_map"]["model.layers.9.mlp.up_proj.weight"] = "model-00001-of-00002.safetensors";
  WriteAll(path, wrong.dump());
  EXPECT_THAT(VlModel::Load(to.path()).status().message(),
              HasSubstr("model.layers.9.mlp.up_proj.weight"));

  wrong = index;
  wrong["weight_map"]["model.norm.weight"] = "../model-00001-of-00002.safetensors";
  WriteAll(path, wrong.dump());
  EXPECT_THAT(VlModel::Load(to.path()).status().message(), HasSubstr("beside the index"));

  WriteAll(path, index.dump());
  std::filesystem::remove(to.path() + "/model-00002-of-00002.safetensors");
  auto gone = VlModel::Load(to.path());
  EXPECT_EQ(gone.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(gone.status().message(), HasSubstr("model-00002-of-00002.safetensors"));
}

TEST(Checkpoint, OlderAndNewerNamesAreOneModel) {
  std::string from = GoldenDirectory("qwen2_5_vl");
  ScratchFolder to;
  CopyConfigs(from, to.path());
  RewriteSafetensors(from + "/model.safetensors", to.path() + "/model.safetensors",
                     [](nlohmann::json* h) {
                       Rename(h, "model.", "model.language_model.");
                       Rename(h, "visual.", "model.visual.");
                     });
  ExpectSameModel(from, to.path());
}

TEST(Checkpoint, NamesWhatIsMissingExtraOrMisshaped) {
  std::string from = GoldenDirectory("llama3");
  ScratchFolder to;
  CopyConfigs(from, to.path());
  auto load = [&](const std::function<void(nlohmann::json*)>& change) {
    RewriteSafetensors(from + "/model.safetensors", to.path() + "/model.safetensors", change);
    return std::string(VlModel::Load(to.path()).status().message());
  };
  const std::string name = "model.layers.2.mlp.down_proj.weight";
  EXPECT_THAT(load([&](nlohmann::json* h) { h->erase(name); }),
              HasSubstr("'" + name + "' is missing"));
  EXPECT_THAT(load([&](nlohmann::json* h) { Rename(h, name, "model.layers.2.mlp.stray"); }),
              HasSubstr(name));
  EXPECT_THAT(load([&](nlohmann::json* h) { (*h)[name]["shape"] = {288, 128}; }), HasSubstr(name));
  std::string extra = load([&](nlohmann::json* h) {
    (*h)["model.layers.0.mlp.extra_proj"] = {
        {"dtype", "F32"}, {"shape", {0}}, {"data_offsets", {0, 0}}};
  });
  EXPECT_THAT(extra, HasSubstr("model.layers.0.mlp.extra_proj"));
  EXPECT_THAT(load([&](nlohmann::json* h) { h->erase("model.embed_tokens.weight"); }),
              HasSubstr("model.embed_tokens.weight"));
}

TEST(Registry, NamesWhatItCannotRun) {
  auto unknown = FindFamily(Json{{"model_type", "martian"}});
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(unknown.status().message(), HasSubstr("martian"));
  EXPECT_STREQ((*FindFamily(Json{{"architectures", {"Qwen3ForCausalLM"}}}))->name, "qwen3");
  Json config = Json::parse(ReadAll(GoldenDirectory("qwen2_5_vl") + "/config.json"));
  config["text_config"]["num_hidden_layers"] = "four";
  auto bad = (*FindFamily(config))->read({config, Json::object(), Json::object()});
  EXPECT_THAT(bad.status().message(), HasSubstr("config.json: text_config.num_hidden_layers"));
}

// Published LLaVA-1.5 configs leave out what their classes default to; published OneVision towers
// have a border.
TEST(Registry, ReadsPublishedConfigs) {
  Json llava = Json::parse(R"({"model_type": "llava", "image_token_index": 32000,
    "text_config": {"max_position_embeddings": 4096, "model_type": "llama", "rms_norm_eps": 1e-05, "vocab_size": 32064},
    "vision_config": {"hidden_size": 1024, "image_size": 336, "intermediate_size": 4096, "model_type": "clip_vision_model",
      "num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 14}})");
  auto spec = (*FindFamily(llava))->read({llava, Json::object(), Json::object()});
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->text.hidden, 4096);
  EXPECT_EQ(spec->text.ffn, 11008);
  EXPECT_EQ(spec->text.vocab, 32064);
  EXPECT_EQ(spec->text.kv_heads, 32);
  Json qwen =
      Json::parse(R"({"model_type": "qwen2_5_vl", "hidden_size": 2048, "intermediate_size": 11008,
    "num_hidden_layers": 36, "num_attention_heads": 16, "num_key_value_heads": 2, "vocab_size": 151936,
    "max_position_embeddings": 128000, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768,
    "use_sliding_window": false, "max_window_layers": 70, "tie_word_embeddings": true,
    "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
    "vision_config": {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16,
      "out_hidden_size": 2048, "patch_size": 14, "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31]}})");
  spec = (*FindFamily(qwen))->read({qwen, Json::object(), Json::object()});
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->text.mrope_sections, (std::vector<int64_t>{16, 24, 24}));
  EXPECT_TRUE(spec->text.windows.empty());
  EXPECT_TRUE(spec->text.tied);
  Json vision = {
      {"hidden_size", 1152}, {"image_size", 384}, {"num_attention_heads", 16}, {"patch_size", 14}};
  Json one = {{"model_type", "llava_onevision"},
              {"image_grid_pinpoints", {{384, 384}, {384, 768}}},
              {"text_config", llava["text_config"]},
              {"vision_config", vision}};
  one["text_config"].update(Json{{"hidden_size", 896},
                                 {"intermediate_size", 4864},
                                 {"num_hidden_layers", 24},
                                 {"num_attention_heads", 14},
                                 {"num_key_value_heads", 2}});
  spec = (*FindFamily(one))->read({one, Json::object(), Json::object()});
  EXPECT_TRUE(spec.ok()) << spec.status();
}

TEST(Registry, ReadsScaledRotations) {
  Json config = Json::parse(ReadAll(GoldenDirectory("llama3") + "/config.json"));
  config["max_position_embeddings"] = 32768;
  auto read = [&](const char* scaling) {
    config.erase("rope_parameters");
    config["rope_scaling"] = Json::parse(scaling);
    return (*FindFamily(config))->read({config, Json::object(), Json::object()});
  };
  auto yarn = read(R"({"factor": 4.0, "original_max_position_embeddings": 32768, "type": "yarn"})");
  ASSERT_TRUE(yarn.ok()) << yarn.status();
  EXPECT_EQ(yarn->text.rope_scaling.kind, language::RopeScaling::Kind::kYarn);
  EXPECT_NEAR(yarn->text.rope_scaling.attention_factor, 0.1 * std::log(4.0) + 1, 1e-12);
  EXPECT_EQ(yarn->text.context, 131072);
  auto dynamic = read(R"({"factor": 2.0, "rope_type": "dynamic"})");
  ASSERT_TRUE(dynamic.ok()) << dynamic.status();
  EXPECT_EQ(dynamic->text.rope_scaling.kind, language::RopeScaling::Kind::kNone);
  EXPECT_EQ(dynamic->text.context, 32768);
  auto other = read(R"({"rope_type": "longrope"})");
  EXPECT_THAT(other.status().message(), HasSubstr("longrope"));
}

// Fields replaced at random by hostile values: an error or a spec, never a crash.
TEST(Registry, SurvivesHostileConfigs) {
  std::mt19937 rng(20240917);
  std::vector<Json> values = {0,
                              -1,
                              1,
                              7,
                              1e300,
                              18446744073709551615ull,
                              "x",
                              nullptr,
                              true,
                              Json::array({1, -2}),
                              Json::object()};
  for (const char* folder : {"llama3", "gemma3", "qwen2_5_vl"}) {
    Json config = Json::parse(ReadAll(GoldenDirectory(folder) + "/config.json"));
    std::vector<Json::json_pointer> fields;
    const Json flat = config.flatten();
    for (const auto& [path, value] : flat.items()) fields.emplace_back(path);
    for (int round = 0; round < 400; ++round) {
      Json hostile = config;
      for (int k = 0; k < 2; ++k) {
        const auto& field = fields[rng() % fields.size()];
        if (hostile.contains(field)) hostile[field] = values[rng() % values.size()];
      }
      auto family = FindFamily(hostile);
      if (!family.ok()) continue;
      auto spec = (*family)->read({hostile, Json::object(), Json::object()});
      if (!spec.ok()) continue;
      auto none = [](const std::string&, const std::vector<int64_t>&) -> StatusOr<StoredTensor> {
        return absl::InvalidArgumentError("no weights");
      };
      EXPECT_FALSE(language::Decoder::Load(spec->text, none).ok());
    }
  }
}

TEST(Checkpoint, Patterns) {
  EXPECT_TRUE(MatchesPattern("a.b.position_ids", "*position_ids"));
  EXPECT_TRUE(MatchesPattern("x.encoder.layers.3.q", "*encoder.layers.3.*"));
  EXPECT_FALSE(MatchesPattern("x.encoder.layers.13.q", "*encoder.layers.3.*"));
  EXPECT_FALSE(MatchesPattern("lm_head.weights", "lm_head.weight"));
  EXPECT_TRUE(MatchesPattern("anything", "**"));
}

}  // namespace
}  // namespace sightline

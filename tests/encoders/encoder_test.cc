// Small checkpoints of every architecture against their references, and in the other layouts in
// use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <thread>

#include "compute/ops/shape_ops.h"
#include "fusion/encoders/encoder_registry.h"
#include "tools/parity/encoder_parity.h"

namespace sightline {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::string Golden(const std::string& name) {
  return std::string(SIGHTLINE_SOURCE_DIR) + "/tests/golden/encoders/" + name;
}

class Encoders : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, Encoders,
                         ::testing::Values("biformer", "dinat", "fastervit", "shvit", "clip",
                                           "siglip"));

TEST_P(Encoders, MeetTheReference) {
  ASSERT_TRUE(parity::IsEncoderFolder(Golden(GetParam())));
  auto report = parity::CompareEncoderFolder(Golden(GetParam()));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->ok()) << report->Table();
  EXPECT_GE(report->rows.size(), 2u);
}

// A folder that goes with the test: a golden's config, and its weights with another header.
class Copy {
 public:
  Copy(const std::string& golden, const std::function<void(Json* header)>& change,
       const std::string& name = "x") {
    std::string folder = (fs::temp_directory_path() / "sightline_encoder_XXXXXX").string();
    root_ = mkdtemp(folder.data());
    path_ = root_ + "/" + name;
    fs::create_directory(path_);
    fs::copy(Golden(golden) + "/config.json", path_ + "/config.json");
    std::ifstream in(Golden(golden) + "/model.safetensors", std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    uint64_t n = 0;
    std::memcpy(&n, bytes.data(), 8);
    Json header = Json::parse(bytes.substr(8, n));
    change(&header);
    std::string text = header.dump();
    uint64_t size = text.size();
    std::ofstream out(path_ + "/model.safetensors", std::ios::binary);
    out << std::string(reinterpret_cast<const char*>(&size), 8) << text << bytes.substr(8 + n);
  }
  ~Copy() { fs::remove_all(root_); }
  const std::string& path() const { return path_; }
  void WriteConfig(const Json& config) const {
    std::ofstream(path_ + "/config.json") << config.dump();
  }

 private:
  std::string root_, path_;
};

Tensor RandomPixels(int64_t h, int64_t w) {
  std::mt19937 rng(std::random_device{}());
  std::normal_distribution<float> draw;
  Tensor t({3, h, w});
  for (float& v : t.data) v = draw(rng);
  return t;
}

std::vector<float> Logits(const std::string& folder, const std::string& name, const Tensor& px) {
  auto e = LoadImageEncoder(folder, name);
  EXPECT_TRUE(e.ok()) << e.status();
  if (!e.ok()) return {};
  auto got = (*e)->Encode(px);
  EXPECT_TRUE(got.ok()) << got.status();
  return got.ok() ? HostValues(got->logits) : std::vector<float>();
}

std::string LoadError(const std::string& folder, const std::string& name) {
  auto e = LoadImageEncoder(folder, name);
  return e.ok() ? "none" : std::string(e.status().message());
}

TEST(Layouts, WeightsOfATrainingRunStandUnderAPrefix) {
  Copy copy("shvit", [](Json* header) {
    Json renamed;
    for (auto& [name, t] : header->items()) renamed["module." + name] = t;
    *header = renamed;
  });
  Tensor px = RandomPixels(64, 96);
  EXPECT_EQ(Logits(copy.path(), "shvit", px), Logits(Golden("shvit"), "", px));
}

TEST(Layouts, TheFolderOrTheConfigSaysTheArchitecture) {
  auto none = [](Json*) {};
  EXPECT_EQ(LoadError(Copy("biformer", none, "biformer").path() + "/", ""), "none");
  EXPECT_THAT(LoadError(Copy("biformer", none).path(), ""), HasSubstr("'x'"));
  EXPECT_EQ(LoadError(Copy("biformer", none).path(), "biformer"), "none");
}

void ReplaceAll(std::string* s, const std::string& from, const std::string& to) {
  for (size_t at = s->find(from); at != std::string::npos; at = s->find(from, at + to.size()))
    s->replace(at, from.size(), to);
}

// The authors' names of one DiNAT tensor as transformers has them.
std::string HubName(std::string name) {
  ReplaceAll(&name, "patch_embed.proj", "dinat.embeddings.patch_embeddings.projection");
  ReplaceAll(&name, "patch_embed.norm", "dinat.embeddings.norm");
  if (name.starts_with("norm.")) name = "dinat.layernorm" + name.substr(4);
  if (name.starts_with("head.")) name = "classifier" + name.substr(4);
  if (name.starts_with("levels.")) name = "dinat.encoder." + name;
  ReplaceAll(&name, ".blocks.", ".layers.");
  ReplaceAll(&name, ".norm1.", ".layernorm_before.");
  ReplaceAll(&name, ".norm2.", ".layernorm_after.");
  ReplaceAll(&name, "attn.rpb", "attention.self.rpb");
  ReplaceAll(&name, "attn.proj", "attention.output.dense");
  ReplaceAll(&name, "mlp.fc1", "intermediate.dense");
  ReplaceAll(&name, "mlp.fc2", "output.dense");
  return name;
}

TEST(Layouts, DinatAsTransformersSavesIt) {
  Copy copy("dinat", [](Json* header) {
    Json renamed;
    for (auto& [name, t] : header->items()) {
      size_t qkv = name.find("attn.qkv.");
      if (qkv != std::string::npos) {
        int64_t begin = t["data_offsets"][0],
                third = (t["data_offsets"][1].get<int64_t>() - begin) / 3;
        Json part = t;
        part["shape"][0] = t["shape"][0].get<int64_t>() / 3;
        for (const char* which : {"query", "key", "value"}) {
          part["data_offsets"] = {begin, begin + third};
          renamed[HubName(name.substr(0, qkv)) + "attention.self." + which + name.substr(qkv + 8)] =
              part;
          begin += third;
        }
      } else if (name.ends_with("gamma1")) {  // gamma2 follows in the file
        Json both = t;
        both["shape"] = {2, t["shape"][0]};
        both["data_offsets"][1] =
            t["data_offsets"][1].get<int64_t>() * 2 - t["data_offsets"][0].get<int64_t>();
        renamed[HubName(name.substr(0, name.size() - 6)) + "layer_scale_parameters"] = both;
      } else if (!name.ends_with("gamma2")) {
        renamed[HubName(name)] = t;
      }
    }
    *header = renamed;
  });
  std::ifstream in(Golden("dinat") + "/config.json");
  Json config = Json::parse(in);
  config["model_type"] = "dinat";
  config["layer_scale_init_value"] = config["layer_scale"];
  config.erase("layer_scale");
  config.erase("num_classes");
  for (int i = 0; i < 7; ++i) config["id2label"][std::to_string(i)] = "class " + std::to_string(i);
  copy.WriteConfig(config);
  Tensor px = RandomPixels(70, 81);
  EXPECT_EQ(Logits(copy.path(), "", px), Logits(Golden("dinat"), "", px));
  EXPECT_EQ((*LoadImageEncoder(copy.path()))->info().labels[3], "class 3");
}

TEST(Weights, WhatIsWrongIsNamed) {
  // Renamed rather than erased: a hole in the file would be refused before any name is looked at.
  auto without = [](const std::string& model, const std::string& name) {
    Copy copy(model, [&](Json* h) {
      (*h)["stray"] = (*h)[name];
      h->erase(name);
    });
    return LoadError(copy.path(), model);
  };
  EXPECT_THAT(without("biformer", "stages.2.1.norm1.bias"), HasSubstr("stages.2.1.norm1.bias"));
  EXPECT_THAT(without("shvit", "head.l.bias"), HasSubstr("head.l.bias"));
  Copy reshaped("fastervit", [](Json* h) {
    Json& t = (*h)["levels.2.blocks.0.attn.qkv.weight"];
    std::swap(t["shape"][0], t["shape"][1]);
  });
  EXPECT_THAT(LoadError(reshaped.path(), "fastervit"),
              HasSubstr("levels.2.blocks.0.attn.qkv.weight"));
  EXPECT_THAT(LoadError(Copy("shvit", [](Json*) {}).path(), "biformer"), HasSubstr("config.json"));
}

TEST(Weights, ExtraTensorsAreNamed) {
  std::ifstream in(Golden("shvit") + "/config.json");
  Json config = Json::parse(in);
  config["distillation"] = false;
  Copy copy("shvit", [](Json*) {});
  copy.WriteConfig(config);
  EXPECT_THAT(LoadError(copy.path(), "shvit"), HasSubstr("head_dist"));
}

TEST(Sizes, PicturesThatDoNotFitAreRefused) {
  auto fit = [](const char* name, const Tensor& px) {
    auto e = LoadImageEncoder(Golden(name));
    EXPECT_TRUE(e.ok()) << e.status();
    return (*e)->Encode(px).status().code();
  };
  constexpr auto kBad = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(fit("fastervit", RandomPixels(128, 96)), kBad);
  EXPECT_EQ(fit("clip", RandomPixels(40, 40)), kBad);
  EXPECT_EQ(fit("shvit", RandomPixels(8, 8)), kBad);
  EXPECT_EQ(fit("dinat", Tensor({3, 64})), kBad);
  EXPECT_EQ(fit("biformer", Tensor({1, 64, 64})), kBad);
  EXPECT_EQ(fit("shvit", RandomPixels(32, 500)), absl::StatusCode::kOk);
  EXPECT_EQ(fit("dinat", RandomPixels(32, 33)), absl::StatusCode::kOk);
  EXPECT_EQ(fit("biformer", RandomPixels(33, 47)), absl::StatusCode::kOk);
}

TEST(Threads, ManyAtOnceEqualOneByOne) {
  auto e = LoadImageEncoder(Golden("dinat"));
  ASSERT_TRUE(e.ok());
  std::vector<Tensor> px;
  for (int i = 0; i < 4; ++i) px.push_back(RandomPixels(60 + 7 * i, 71));
  std::vector<std::vector<float>> alone, together(px.size());
  for (const Tensor& p : px) alone.push_back((*e)->Encode(p)->logits.data);
  auto again = LoadImageEncoder(Golden("dinat"));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < px.size(); ++i) {
    threads.emplace_back([&, i] { together[i] = (*again)->Encode(px[i])->logits.data; });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(alone, together);
}

}  // namespace
}  // namespace sightline

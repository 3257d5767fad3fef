// PyTorch and this engine must compute the same with the shipped weights: tests/golden/scenes holds
// what training/parity.py wrote. Pictures are rendered again from their seeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "compute/ops/shape_ops.h"
#include "fusion/engine.h"
#include "fusion/families/scenes_prompt.h"
#include "fusion/vision_pipeline.h"
#include "tests/support/sanitizers.h"
#include "tools/world/c_api.h"

namespace sightline {
namespace {

constexpr double kTolerance = 1e-4;  // of the largest magnitude in the reference
const std::string kModel = SIGHTLINE_SOURCE_DIR "/models/scenes";
const std::string kGolden = SIGHTLINE_SOURCE_DIR "/tests/golden/scenes";

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Sum of byte[i] * (i * K + 1) modulo 2^64, as training/parity.py's checksum().
std::string Checksum(const void* data, size_t n) {
  const auto* p = static_cast<const uint8_t*>(data);
  uint64_t sum = 0;
  for (size_t i = 0; i < n; ++i) sum += p[i] * (i * 0x9E3779B97F4A7C15ull + 1);
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(sum));
  return text;
}

struct Sample {
  std::vector<std::shared_ptr<const EncodedMedia>> media;
  std::string question, reply;
};

// Samples that share a canvas and a kind, rendered together.
class Group {
 public:
  Group(const nlohmann::json& j, void* world) : j_(j), n_(static_cast<int>(j["samples"].size())) {
    count_ = j["count"], width_ = j["width"], height_ = j["height"];
    clip_ = j["kind"] == "clip";
    int text = j["text"];
    uint64_t seed = j["seed"];
    auto frames = static_cast<size_t>(n_) * static_cast<size_t>(count_);
    auto ids = static_cast<size_t>(n_) * static_cast<size_t>(text);
    pixels_.resize(frames * frame_bytes());
    times_.resize(frames);
    std::vector<int32_t> tokens(ids), segment(ids);
    std::vector<uint8_t> answer(ids);
    std::vector<float> objects(frames * 12 * 16), domain(static_cast<size_t>(n_));
    if (clip_) {
      sl_world_fill_clips(world, seed, n_, count_, width_, height_, text, pixels_.data(),
                          times_.data(), tokens.data(), answer.data(), segment.data());
    } else {
      sl_world_fill_images(world, seed, n_, count_, width_, height_, text, 0, pixels_.data(),
                           tokens.data(), answer.data(), segment.data(), objects.data(),
                           domain.data());
    }
  }
  int size() const { return n_; }
  std::string pixel_checksum() const { return Checksum(pixels_.data(), pixels_.size()); }
  Image Picture(int row, int i) const {
    Image image = MakeImage(width_, height_);
    std::copy_n(pixels_.begin() + static_cast<std::ptrdiff_t>(At(row, i) * frame_bytes()),
                frame_bytes(), image.rgb.begin());
    return image;
  }
  Sample Make(const VisionPipeline& vision, int row) const {
    Sample s;
    const auto& j = j_["samples"][static_cast<size_t>(row)];
    s.question = j["question"], s.reply = j["reply"];
    std::vector<Image> frames;
    std::vector<double> times;
    for (int i = 0; i < count_; ++i) {
      frames.push_back(Picture(row, i));
      if (clip_) times.push_back(times_[At(row, i)]);
    }
    auto add = [&](const std::vector<Image>& pictures) {
      auto media = vision.EncodeFrames(pictures, times, {});
      ASSERT_TRUE(media.ok()) << media.status();
      s.media.push_back(std::make_shared<EncodedMedia>(*std::move(media)));
    };
    if (clip_) {
      add(frames);
    } else {
      for (const Image& f : frames) add({f});
    }
    return s;
  }

 private:
  size_t At(int row, int i) const {
    return static_cast<size_t>(row) * static_cast<size_t>(count_) + static_cast<size_t>(i);
  }
  size_t frame_bytes() const {
    return static_cast<size_t>(width_) * static_cast<size_t>(height_) * 3;
  }
  const nlohmann::json& j_;
  int n_, count_, width_, height_;
  bool clip_;
  std::vector<uint8_t> pixels_;
  std::vector<float> times_;
};

// The tokenizer in the form that the world reads; rendering needs it, comparisons do not.
std::string TokenizerBlob() {
  auto doc = nlohmann::json::parse(ReadAll(kModel + "/tokenizer.json"));
  auto tokenizer = language::Tokenizer::Parse(ReadAll(kModel + "/tokenizer.json"));
  auto hex = [&](const std::string& symbol) {
    std::string out;
    for (unsigned char c : (*tokenizer)->Bytes(doc["model"]["vocab"][symbol].get<int32_t>())) {
      out += "0123456789abcdef"[c >> 4];
      out += "0123456789abcdef"[c & 15];
    }
    return out;
  };
  std::string blob;
  for (const auto& t : doc["added_tokens"])
    blob += "special " + t["id"].dump() + " " + t["content"].get<std::string>() + "\n";
  for (const auto& [symbol, id] : doc["model"]["vocab"].items())
    blob += "token " + id.dump() + " " + hex(symbol) + "\n";
  int rank = 0;
  for (const auto& merge : doc["model"]["merges"]) {
    std::string m = merge;
    size_t gap = m.find(' ');
    blob += "merge " + std::to_string(rank++) + " " + hex(m.substr(0, gap)) + " " +
            hex(m.substr(gap + 1)) + "\n";
  }
  return blob;
}

class Parity : public testing::Test {
 protected:
  void SetUp() override {
    std::string weights = ReadAll(kModel + "/model.safetensors");
    golden_ = nlohmann::json::parse(ReadAll(kGolden + "/answers.json"));
    ASSERT_EQ(Checksum(weights.data(), weights.size()), golden_["weights"])
        << "the goldens were made with other weights: run training/parity.py";
    std::string blob = TokenizerBlob();
    world_ = sl_world_create(blob.data(), blob.size(), 2);
    ASSERT_NE(world_, nullptr);
    auto vision = VisionPipeline::Load(kModel);
    ASSERT_TRUE(vision.ok()) << vision.status();
    vision_ = *std::move(vision);
  }
  void TearDown() override {
    if (world_) sl_world_destroy(world_);
  }
  // Fails, with what to do, when this build renders something else than the reference saw.
  Group Render(size_t index) {
    Group group(golden_["groups"][index], world_);
    EXPECT_EQ(group.pixel_checksum(), golden_["groups"][index]["pixels"])
        << "group " << index << " renders differently: run training/parity.py";
    return group;
  }

  nlohmann::json golden_;
  void* world_ = nullptr;
  std::unique_ptr<VisionPipeline> vision_;
};

// max |a - b| over max |b|.
double RelativeError(const float* a, const Tensor& b) {
  double worst = 0, scale = 0;
  for (size_t i = 0; i < b.data.size(); ++i) {
    worst = std::max(worst, std::fabs(static_cast<double>(a[i]) - static_cast<double>(b.data[i])));
    scale = std::max(scale, std::fabs(static_cast<double>(b.data[i])));
  }
  return worst / scale;
}

// `rows` rows of a [n, c] matrix at equal distances, as training/parity.py's spread().
std::vector<float> Spread(const float* data, int64_t n, int64_t c, int64_t rows) {
  std::vector<float> out;
  for (int64_t i = 0; i < rows; ++i) {
    const float* from = data + i * n / rows * c;
    out.insert(out.end(), from, from + c);
  }
  return out;
}

class Taps {
 public:
  explicit Taps(const std::string& path) {
    auto file = WeightFile::Open(path);
    EXPECT_TRUE(file.ok()) << file.status();
    if (file.ok()) file_ = *file;
  }
  // Sample names, "group.row.".
  std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const auto& [name, info] : file_->tensors())
      names.insert(name.substr(0, name.rfind('.') + 1));
    return names;
  }
  void Compare(const std::string& name, const std::vector<float>& ours) const {
    auto theirs = file_->Read(name, file_->tensors().at(name).shape);
    ASSERT_TRUE(theirs.ok()) << theirs.status();
    ASSERT_EQ(ours.size(), theirs->data.size()) << name;
    double error = RelativeError(ours.data(), *theirs);
    EXPECT_LE(error, kTolerance) << name;
    testing::Test::RecordProperty(name, std::to_string(error));
    std::printf("%-18s relative error %.2e\n", name.c_str(), error);
  }

 private:
  std::shared_ptr<WeightFile> file_;
};

// The prompt in one pass, as PyTorch computes it.
StatusOr<std::vector<float>> PromptLogits(const ModelSpec& spec, const Sample& sample) {
  SL_ASSIGN_OR_RETURN(auto tokenizer, LoadTokenizer(kModel));
  SL_ASSIGN_OR_RETURN(auto file, WeightFile::Open(kModel + "/model.safetensors"));
  SL_ASSIGN_OR_RETURN(auto decoder, language::Decoder::Load(spec.text, *file, spec.text_prefix));
  std::vector<PromptPart> parts;
  for (const auto& m : sample.media) parts.push_back({m});
  parts.push_back({sample.question});
  SL_ASSIGN_OR_RETURN(Prompt prompt, BuildPrompt(spec, *tokenizer, parts));
  std::vector<float> values;
  for (const PromptPiece& piece : prompt.pieces) {
    std::vector<float> rows =
        piece.span ? piece.span->features : HostValues(decoder->Embed(piece.ids));
    values.insert(values.end(), rows.begin(), rows.end());
  }
  Tensor x = FromHost(std::move(values), {prompt.tokens, spec.text.hidden});
  PagePool pool(decoder->page_numbers(), int64_t{1} << 28);
  language::Sequence sequence(&pool, spec.text.layers);
  return decoder->Forward(std::move(x), &sequence);
}

TEST_F(Parity, NumbersAgree) {
  Taps taps(kGolden + "/taps.safetensors");
  int64_t rows = golden_["tap_rows"];
  ASSERT_GE(taps.Names().size(), 6u);
  auto file = WeightFile::Open(kModel + "/model.safetensors");
  ASSERT_TRUE(file.ok());
  const ModelSpec spec = *ReadScenesSpec(kModel);
  auto encoder = vision::ScenesEncoder::Load(spec.vision, **file, spec.vision_prefix);
  ASSERT_TRUE(encoder.ok()) << encoder.status();
  for (const std::string& name : taps.Names()) {
    size_t index = std::stoul(name);
    int row = std::stoi(name.substr(name.find('.') + 1));
    Group group = Render(index);
    Image first = group.Picture(row, 0);
    auto map = (*encoder)->Encode(first.rgb.data(), first.width_px, first.height_px);
    ASSERT_TRUE(map.ok()) << map.status();
    taps.Compare(name + "encoder",
                 Spread(map->tokens.data.data(), map->tokens.rows(), map->tokens.cols(), rows));
    Sample sample = group.Make(*vision_, row);
    const VisualSpan& span = sample.media[0]->spans[0];
    taps.Compare(name + "projected", Spread(span.features.data(), int64_t{span.rows} * span.cols,
                                            spec.text.hidden, rows));
    std::vector<float> domain;
    for (int i = 0; i < golden_["groups"][index]["count"].get<int>(); ++i) {
      Image image = group.Picture(row, i);
      auto one = (*encoder)->Encode(image.rgb.data(), image.width_px, image.height_px);
      ASSERT_TRUE(one.ok());
      domain.push_back(static_cast<float>(one->domain_logit));
    }
    taps.Compare(name + "domain", domain);
    auto logits = PromptLogits(spec, sample);
    ASSERT_TRUE(logits.ok()) << logits.status();
    taps.Compare(name + "logits", *logits);
  }
}

TEST_F(Parity, GreedyAnswersAreEqual) {
  auto engine = Engine::Load(kModel);
  ASSERT_TRUE(engine.ok()) << engine.status();
  int compared = 0;
  for (size_t g = 0; g < golden_["groups"].size(); ++g) {
    Group group = Render(g);
    for (int row = 0; row < group.size(); ++row, ++compared) {
      if (compared % kFewerSamples != 0) continue;
      Sample sample = group.Make(*vision_, row);
      GenerateRequest request;
      for (const auto& m : sample.media) request.parts.push_back({m});
      request.parts.push_back({sample.question});
      request.max_output_tokens = golden_["max_reply_tokens"];
      std::string reply;
      auto summary = (*engine)->Generate(request, {}, [&](const Delta& d) {
        reply += d.text;
        return true;
      });
      ASSERT_TRUE(summary.ok()) << summary.status();
      EXPECT_EQ(reply, sample.reply) << "group " << g << " row " << row << ": " << sample.question;
    }
  }
  EXPECT_EQ(compared, 200);
}

}  // namespace
}  // namespace sightline

// Engine and pipeline on published directories, from image files and text: the reference's ids and
// its greedy answer. More folders are read where SIGHTLINE_GOLDENS names a place that has them.
#include <gtest/gtest.h>

#include <cstdlib>

#include "fusion/engine.h"
#include "fusion/families/config_reader.h"
#include "fusion/vision_pipeline.h"
#include "language/text/tokenizer.h"
#include "tests/models/model_files.h"
#include "tools/parity/golden_file.h"
#ifdef SIGHTLINE_HAVE_MEDIA
#include "vision/decode.h"
#endif

namespace sightline {
namespace {

namespace fs = std::filesystem;

#ifdef SIGHTLINE_HAVE_MEDIA
// The case's parts in order, with media through the pipeline.
StatusOr<std::vector<PromptPart>> Parts(const VisionPipeline& vision, const std::string& folder) {
  SL_ASSIGN_OR_RETURN(Json json, ReadJsonFile(folder, "case.json"));
  std::vector<PromptPart> parts;
  int images = 0;
  for (const Json& c : json["messages"][0]["content"]) {
    if (c["type"] == "text") {
      parts.emplace_back().content = c["text"].get<std::string>();
      continue;
    }
    if (c["type"] == "image") {
      std::string bytes = ReadAll(folder + "/image" + std::to_string(images++) + ".png");
      MediaItem item;
      item.bytes = bytes;
      SL_ASSIGN_OR_RETURN(EncodedMedia media, vision.Encode(item, {}));
      parts.emplace_back().content = std::make_shared<const EncodedMedia>(std::move(media));
      continue;
    }
    std::vector<Image> frames;
    std::vector<double> times;
    for (int i = 0; fs::exists(folder + "/frame0" + std::to_string(i) + ".png"); ++i) {
      std::string bytes = ReadAll(folder + "/frame0" + std::to_string(i) + ".png");
      SL_ASSIGN_OR_RETURN(DecodedImage decoded, DecodeImage(bytes));
      frames.push_back(std::move(decoded.image));
      times.push_back(i / json["video_fps"].get<double>());
    }
    SL_ASSIGN_OR_RETURN(EncodedMedia media, vision.EncodeFrames(frames, times, {}));
    parts.emplace_back().content = std::make_shared<const EncodedMedia>(std::move(media));
  }
  return parts;
}

void ExpectReference(const std::string& model, const std::string& folder) {
  SCOPED_TRACE(folder);
  auto golden = parity::GoldenFile::Open(folder + "/golden.safetensors");
  auto vision = VisionPipeline::Load(model);
  auto engine = Engine::Load(model);
  ASSERT_TRUE(golden.ok()) << golden.status();
  ASSERT_TRUE(vision.ok()) << vision.status();
  ASSERT_TRUE(engine.ok()) << engine.status();
  GenerateRequest request;
  auto parts = Parts(**vision, folder);
  ASSERT_TRUE(parts.ok()) << parts.status();
  request.parts = *parts;
  auto prompt = (*engine)->model().form->Build(request.parts);
  ASSERT_TRUE(prompt.ok()) << prompt.status();
  std::vector<int32_t> ids;
  for (const PromptPiece& p : prompt->pieces) ids.insert(ids.end(), p.ids.begin(), p.ids.end());
  EXPECT_EQ(ids, *(*golden)->Ints("in.input_ids"));
  std::vector<int32_t> tokens = *(*golden)->Ints("out.generated");
  language::StreamDecoder utf8((*engine)->model().codec.get());
  std::string want, text;
  for (int32_t id : tokens) want += utf8.Push(id);
  want += utf8.Flush();
  request.max_output_tokens = static_cast<int>(tokens.size());
  auto summary = (*engine)->Generate(request, {}, [&](const Delta& d) {
    text += d.text;
    return true;
  });
  ASSERT_TRUE(summary.ok()) << summary.status();
  // The reference never ends early; where this answer did, it is the beginning of the other.
  if (summary->reason == FinishReason::kStop) want.resize(std::min(want.size(), text.size()));
  EXPECT_EQ(text, want);
  EXPECT_GT(summary->output_tokens, 0);
}

void ExpectAllCases(const std::string& model) {
  int cases = 0;
  for (const auto& entry : fs::directory_iterator(model + "/golden")) {
    if (!entry.is_directory()) continue;
    ExpectReference(model, entry.path().string());
    ++cases;
  }
  EXPECT_GT(cases, 0);
}

TEST(Serve, QwenFromFilesMeetsTheReference) { ExpectAllCases(GoldenDirectory("qwen2_5_vl")); }

TEST(Serve, SmolVlmFromTextMeetsTheReference) { ExpectAllCases(GoldenDirectory("smolvlm")); }

TEST(Serve, OtherFoldersMeetTheReference) {
  const char* place = std::getenv("SIGHTLINE_GOLDENS");
  if (!place) GTEST_SKIP() << "SIGHTLINE_GOLDENS is not set";
  for (const char* family : {"qwen2_5_vl", "qwen3_vl", "smolvlm", "llava_onevision", "llava15"})
    ExpectAllCases(std::string(place) + "/models/" + family);
}

TEST(Serve, MediaThatAModelDoesNotTakeAreRefused) {
  auto text = VisionPipeline::Load(GoldenDirectory("llama3"));
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_FALSE((*text)->traits().images);
  std::string bytes = ReadAll(GoldenDirectory("qwen2_5_vl") + "/golden/one_image/image0.png");
  MediaItem item;
  item.bytes = bytes;
  auto refused = (*text)->Encode(item, {});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(refused.status()), "MEDIA_NOT_TAKEN");
}

TEST(Serve, LongPromptsInChunksGiveTheSameAnswer) {
  std::string model = GoldenDirectory("qwen2_5_vl");
  auto vision = VisionPipeline::Load(model);
  ASSERT_TRUE(vision.ok()) << vision.status();
  auto parts = Parts(**vision, model + "/golden/one_image");
  ASSERT_TRUE(parts.ok()) << parts.status();
  std::string first;
  for (int chunk : {256, 7, 1}) {
    EngineOptions options;
    options.prefill_chunk = chunk;
    auto engine = Engine::Load(model, options);
    ASSERT_TRUE(engine.ok());
    GenerateRequest request;
    request.parts = *parts;
    request.max_output_tokens = 12;
    std::string text;
    ASSERT_TRUE((*engine)
                    ->Generate(request, {},
                               [&](const Delta& d) {
                                 text += d.text;
                                 return true;
                               })
                    .ok());
    if (first.empty()) first = text;
    EXPECT_EQ(text, first) << chunk;
  }
}
#endif

TEST(Serve, LoadingReportsEveryTensor) {
  LoadStep last;
  int calls = 0;
  auto model = LoadLanguageModel(GoldenDirectory("qwen2_5_vl"), [&](const LoadStep& s) {
    EXPECT_GE(s.tensors_done, last.tensors_done);
    EXPECT_LE(s.bytes_done, s.bytes_total);
    last = s;
    ++calls;
  });
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_GT(calls, 10);
  LoadStep text = last;
  auto media =
      LoadMediaEncoder(GoldenDirectory("qwen2_5_vl"), [&](const LoadStep& s) { last = s; });
  ASSERT_TRUE(media.ok()) << media.status();
  // Each tensor belongs to one of the halves.
  EXPECT_EQ(text.tensors_done + last.tensors_done, text.tensors_total);
  EXPECT_EQ(text.bytes_done + last.bytes_done, text.bytes_total);
}

}  // namespace
}  // namespace sightline

#include "tools/parity/prompt_parity.h"

#include <algorithm>
#include <filesystem>

#include "fusion/families/registry.h"
#include "fusion/families/scenes.h"
#include "tools/parity/golden_file.h"
#ifdef SIGHTLINE_HAVE_MEDIA
#include "vision/decode.h"
#endif

namespace sightline::parity {
namespace {

namespace fs = std::filesystem;

// What makes ids of a question.
struct PromptSide {
  std::unique_ptr<language::Tokenizer> codec;
  std::unique_ptr<PromptForm> form;
  std::unique_ptr<MediaEncoder> media;
};

StatusOr<PromptSide> LoadPromptSide(const std::string& directory) {
  PromptSide side;
  SL_ASSIGN_OR_RETURN(CheckpointSpec spec, ReadCheckpointSpec(directory));
  SL_ASSIGN_OR_RETURN(side.codec, LoadTokenizer(directory));
  SL_ASSIGN_OR_RETURN(auto chat, ReadChatTemplate(directory));
  SL_ASSIGN_OR_RETURN(side.form,
                      MakeTurnPrompt(spec.turn, chat, side.codec.get(), spec.text.hidden));
  SL_ASSIGN_OR_RETURN(side.media, LoadMediaEncoder(directory));
  return side;
}

std::vector<fs::path> Files(const fs::path& folder, const std::string& stem) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with(stem)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The content of the case's only message, media encoded; false when it is of another form.
StatusOr<bool> PartsOf(const fs::path& folder, const MediaEncoder& encoder,
                       std::vector<PromptPart>* parts) {
  SL_ASSIGN_OR_RETURN(Json json, ReadJsonFile(folder.string(), "case.json"));
  const Json none = Json::array();
  const Json& messages = json.contains("messages") ? json["messages"] : none;
  if (!messages.is_array() || messages.size() != 1 || !messages[0].is_object() ||
      !messages[0].contains("content") || !messages[0]["content"].is_array())
    return false;
#ifdef SIGHTLINE_HAVE_MEDIA
  std::vector<fs::path> images = Files(folder, "image"), frames = Files(folder, "frame");
  size_t next = 0;
#endif
  for (const Json& c : messages[0]["content"]) {
    std::string type = c.is_object() ? c.value("type", "") : "";
    if (type == "text" && c.contains("text") && c["text"].is_string()) {
      parts->emplace_back().content = c["text"].get<std::string>();
      continue;
    }
#ifdef SIGHTLINE_HAVE_MEDIA
    std::vector<fs::path> files = frames;
    if (type == "image") {
      files.clear();
      if (next < images.size()) files.push_back(images[next++]);
    }
    if (files.empty() || (type != "image" && type != "video")) return false;
    std::vector<Image> pictures;
    std::vector<double> times;
    double fps = json.contains("video_fps") && json["video_fps"].is_number()
                     ? json["video_fps"].get<double>()
                     : 1;
    for (const fs::path& file : files) {
      SL_ASSIGN_OR_RETURN(std::string bytes, ReadSmallFile(file.string()));
      SL_ASSIGN_OR_RETURN(DecodedImage decoded, DecodeImage(bytes));
      if (type == "video") times.push_back(static_cast<double>(pictures.size()) / fps);
      pictures.push_back(std::move(decoded.image));
    }
    SL_ASSIGN_OR_RETURN(EncodedMedia media, encoder.Encode(pictures, times, {}));
    parts->emplace_back().content = std::make_shared<const EncodedMedia>(std::move(media));
#else
    return false;
#endif
  }
  return !parts->empty();
}

}  // namespace

Status CompareTokenizer(const std::string& directory, Report* report) {
  if (!fs::exists(directory + "/golden/tokenizer.json")) return absl::OkStatus();
  SL_ASSIGN_OR_RETURN(auto codec, LoadTokenizer(directory));
  SL_ASSIGN_OR_RETURN(std::string text, ReadSmallFile(directory + "/golden/tokenizer.json"));
  Json cases = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!cases.is_array() || cases.empty())
    return absl::InvalidArgumentError("golden/tokenizer.json must be a list of strings with ids");
  using Ids = std::vector<int32_t>;
  size_t wrong = 0, wrong_text = 0;
  try {
    for (const Json& c : cases) {
      SL_ASSIGN_OR_RETURN(Ids ids, codec->EncodeTemplate(c.at("text").get<std::string>()));
      bool same = ids == c.at("ids").get<Ids>();
      if (c.contains("ids_with_special"))
        same = same && codec->WithSpecialTokens(ids) == c["ids_with_special"].get<Ids>();
      wrong += !same;
      wrong_text += c.contains("decoded") &&
                    codec->Decode(c.at("ids").get<Ids>()) != c["decoded"].get<std::string>();
    }
  } catch (const Json::exception&) {
    return absl::InvalidArgumentError("golden/tokenizer.json has an entry of another form");
  }
  auto n = static_cast<double>(cases.size());
  report->Add({"tokenizer", "ids", static_cast<double>(wrong) / n, 0, "share of strings"});
  report->Add({"tokenizer", "decoded", static_cast<double>(wrong_text) / n, 0, "share of strings"});
  return absl::OkStatus();
}

Status ComparePrompts(const std::string& directory, Report* report) {
  if (!fs::exists(directory + "/tokenizer.json") || !fs::is_directory(directory + "/golden"))
    return absl::OkStatus();
  SL_ASSIGN_OR_RETURN(PromptSide side, LoadPromptSide(directory));
  for (const fs::path& folder : Files(directory + "/golden", "")) {
    if (!fs::exists(folder / "case.json")) continue;
    std::vector<PromptPart> parts;
    SL_ASSIGN_OR_RETURN(bool whole, PartsOf(folder, *side.media, &parts));
    if (!whole) continue;
    SL_ASSIGN_OR_RETURN(Prompt prompt, side.form->Build(parts));
    SL_ASSIGN_OR_RETURN(auto golden, GoldenFile::Open((folder / "golden.safetensors").string()));
    SL_ASSIGN_OR_RETURN(std::vector<int32_t> want, golden->Ints("in.input_ids"));
    std::vector<int32_t> got;
    for (const PromptPiece& p : prompt.pieces) got.insert(got.end(), p.ids.begin(), p.ids.end());
    report->Add({folder.filename().string(), "ids from files", Mismatches(got, want), 0, ""});
  }
  return absl::OkStatus();
}

}  // namespace sightline::parity

// scene_files DIR [--seed N] [--images K] [--clips K]: writes rendered scenes as real files (PNG,
// MP4 through the ffmpeg program) and questions.json, [{"file": .., "question": .., "answer": ..,
// "family": .., "tolerance_s": ..}]. For the demo and end-to-end tests.
#include <png.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tools/world/world.h"

namespace {

using namespace sightline::world;  // NOLINT: a small program
namespace fs = std::filesystem;

constexpr int kFramesPerSecond = 10;

bool WritePng(const Picture& p, const fs::path& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(p.width);
  image.height = static_cast<png_uint_32>(p.height);
  image.format = PNG_FORMAT_RGB;
  return png_image_write_to_file(&image, path.c_str(), 0, p.rgb.data(), 0, nullptr) != 0;
}

// Numbers and a path of our own making go into the command, nothing a stranger wrote.
bool WriteMp4(const std::vector<Picture>& frames, const fs::path& path) {
  char command[1024];
  std::snprintf(command, sizeof command,
                "ffmpeg -v error -y -f rawvideo -pix_fmt rgb24 -s %dx%d -r %d -i - -c:v libx264 "
                "-crf 16 -pix_fmt yuv420p -g 30 '%s'",
                frames[0].width, frames[0].height, kFramesPerSecond, path.c_str());
  FILE* pipe = popen(command, "w");
  if (!pipe) return false;
  bool ok = true;
  for (const Picture& f : frames)
    ok = ok && std::fwrite(f.rgb.data(), 1, f.rgb.size(), pipe) == f.rgb.size();
  return pclose(pipe) == 0 && ok;
}

void Add(const std::string& file, const Qa& qa, nlohmann::ordered_json* out) {
  nlohmann::ordered_json j = {
      {"file", file}, {"question", qa.question}, {"answer", qa.answer}, {"family", qa.family}};
  if (qa.time_s >= 0) j["time_s"] = qa.time_s, j["tolerance_s"] = qa.tolerance_s;
  out->push_back(j);
}

bool MakeClipFile(uint64_t seed, const fs::path& folder, int index, nlohmann::ordered_json* out) {
  Rng rng(seed * 7919 + static_cast<uint64_t>(index));
  const double duration = std::round(rng.Range(4, 9) * 10) / 10;
  Clip clip = MakeClip(&rng, 4.0 / 3, duration);
  std::vector<double> times;
  for (int f = 0; f < static_cast<int>(duration * kFramesPerSecond); ++f)
    times.push_back(static_cast<double>(f) / kFramesPerSecond);
  const std::string name = "clip-" + std::to_string(index) + ".mp4";
  if (!WriteMp4(RenderFrames(clip, times, 320, 240), folder / name)) return false;
  for (int asked = 0, tries = 0; asked < 4 && tries < 64; ++tries) {
    Qa qa;
    if (!AskAboutClip(&rng, clip, &qa)) continue;
    Add(name, qa, out);
    ++asked;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, int> option = {{"--seed", 5}, {"--images", 4}, {"--clips", 2}};
  bool usage = argc < 2 || argc % 2 != 0 || argv[1][0] == '-';
  for (int i = 2; i + 1 < argc && !usage; i += 2) {
    auto it = option.find(argv[i]);
    usage = it == option.end();
    if (!usage) it->second = std::atoi(argv[i + 1]);
  }
  if (usage) {
    std::fprintf(stderr, "usage: scene_files DIR [--seed N] [--images K] [--clips K]\n");
    return 2;
  }
  const fs::path folder = argv[1];
  fs::create_directories(folder);
  const auto seed = static_cast<uint64_t>(option["--seed"]);
  nlohmann::ordered_json questions = nlohmann::ordered_json::array();
  for (int i = 0; i < option["--images"]; ++i) {
    EvalItem item = MakeEvalItem(Split::kIid, seed, static_cast<uint64_t>(i));
    const std::string name = "scene-" + std::to_string(i) + ".png";
    if (item.images.size() != 1) continue;
    if (!WritePng(item.images[0], folder / name)) return 1;
    for (const Qa& qa : item.questions) Add(name, qa, &questions);
  }
  for (int i = 0; i < option["--clips"]; ++i) {
    if (!MakeClipFile(seed, folder, i, &questions)) {
      std::fprintf(stderr, "scene_files: cannot write a clip; is the ffmpeg program installed?\n");
      return 1;
    }
  }
  std::ofstream(folder / "questions.json") << questions.dump(1) << "\n";
  return 0;
}

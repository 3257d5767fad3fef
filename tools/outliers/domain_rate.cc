// domain_rate [--model DIR] [--each K] [--scenes N] [--seed N] [FILE...]: how often the
// out-of-domain warning comes, on K pictures of every kind of outlier, on N scenes (where it is
// false) and on image files. Prints what fails.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "compute/cpu/heap.h"
#include "fusion/vision_pipeline.h"
#include "tools/outliers/foreign.h"
#include "tools/world/world.h"

namespace {

using sightline::Image;
using sightline::VisionPipeline;

struct Rate {
  int warned = 0, n = 0;
};

class Table {
 public:
  explicit Table(bool want_warning) : want_(want_warning) {}
  void Add(const std::string& group, const std::string& name, double score) {
    bool warned = score > 0.5;
    for (Rate* r : {&groups_[group], &all_}) r->warned += warned, ++r->n;
    if (warned != want_)
      std::printf("  %s %s: score %.3f\n", want_ ? "missed" : "false warning", name.c_str(), score);
  }
  void Print(const char* title) const {
    for (const auto& [group, r] : groups_)
      std::printf("%-10s %-14s %4d of %4d warned\n", title, group.c_str(), r.warned, r.n);
    if (all_.n > 0)
      std::printf("%-10s %-14s %4d of %4d warned (%.1f%%)\n", title, "all", all_.warned, all_.n,
                  100.0 * all_.warned / all_.n);
  }

 private:
  bool want_;
  std::map<std::string, Rate> groups_;
  Rate all_;
};

double Score(const VisionPipeline& vision, const sightline::world::Picture& p) {
  auto media = vision.EncodeFrames({Image{p.width, p.height, p.rgb}}, {}, {});
  SL_CHECK(media.ok());
  return media->out_of_domain_score.value_or(0);
}

void Outliers(const VisionPipeline& vision, uint64_t seed, int each, Table* table) {
  const auto& kinds = sightline::outliers::Kinds();
  for (size_t k = 0; k < kinds.size(); ++k) {
    for (int i = 0; i < each; ++i) {
      std::string name =
          std::string(kinds[k].family) + "/" + kinds[k].name + " " + std::to_string(i);
      table->Add(kinds[k].family, name,
                 Score(vision, sightline::outliers::Render(k, seed + static_cast<uint64_t>(i))));
    }
  }
}

void Scenes(const VisionPipeline& vision, uint64_t seed, int count, Table* table) {
  for (int i = 0; i < count; ++i) {
    auto item = sightline::world::MakeEvalItem(sightline::world::Split::kIid, seed,
                                               static_cast<uint64_t>(i));
    table->Add("iid", "scene " + std::to_string(i), Score(vision, item.images[0]));
  }
}

bool Files(const VisionPipeline& vision, const std::vector<std::string>& paths, Table* table) {
  for (const std::string& path : paths) {
    std::ifstream in(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    sightline::MediaItem item;
    item.bytes = bytes;
    auto media = vision.Encode(item, {});
    if (!media.ok()) {
      std::fprintf(stderr, "%s: %s\n", path.c_str(), std::string(media.status().message()).c_str());
      return false;
    }
    table->Add("files", path.substr(path.rfind('/') + 1), media->out_of_domain_score.value_or(0));
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  sightline::KeepTensorsInHeap();
  std::map<std::string, std::string> option = {
      {"--model", "models/scenes"}, {"--each", "3"}, {"--scenes", "500"}, {"--seed", "1"}};
  std::vector<std::string> paths;
  for (int i = 1; i < argc; ++i) {
    auto it = option.find(argv[i]);
    if (it == option.end()) {
      paths.emplace_back(argv[i]);
    } else if (i + 1 < argc) {
      it->second = argv[++i];
    }
  }
  auto vision = VisionPipeline::Load(option["--model"]);
  if (!vision.ok()) {
    std::fprintf(stderr, "%s\n", std::string(vision.status().message()).c_str());
    return 1;
  }
  uint64_t seed = std::strtoull(option["--seed"].c_str(), nullptr, 10);
  Table outliers(true), files(true), scenes(false);
  Outliers(**vision, seed, std::atoi(option["--each"].c_str()), &outliers);
  if (!Files(**vision, paths, &files)) return 1;
  Scenes(**vision, seed + 777, std::atoi(option["--scenes"].c_str()), &scenes);
  outliers.Print("outliers");
  files.Print("files");
  scenes.Print("scenes");
  return 0;
}

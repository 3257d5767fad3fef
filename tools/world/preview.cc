// scenes_preview --split S --seed N --count K --out DIR: writes pictures (PPM) and prints their
// questions, to look at.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "tools/world/world.h"

using namespace sightline::world;  // NOLINT: a small program

namespace {

void WritePpm(const Picture& p, const std::string& path) {
  std::ofstream out(path, std::ios::binary);
  out << "P6\n" << p.width << " " << p.height << "\n255\n";
  out.write(reinterpret_cast<const char*>(p.rgb.data()),
            static_cast<std::streamsize>(p.rgb.size()));
}

int Usage() {
  std::fprintf(
      stderr, "usage: scenes_preview [--split NAME|outliers] [--seed N] [--count K] [--out DIR]\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> option = {
      {"--split", "iid"}, {"--seed", "1"}, {"--count", "8"}, {"--out", "."}};
  for (int i = 1; i < argc; i += 2) {
    auto it = option.find(argv[i]);
    if (it == option.end() || i + 1 >= argc) return Usage();
    it->second = argv[i + 1];
  }
  const std::string& name = option["--split"];
  auto split = ParseSplit(name);
  if (!split && name != "outliers") return Usage();
  uint64_t seed = std::strtoull(option["--seed"].c_str(), nullptr, 10),
           count = std::strtoull(option["--count"].c_str(), nullptr, 10);
  for (uint64_t i = 0; i < count; ++i) {
    EvalItem item;
    if (split) {
      item = MakeEvalItem(*split, seed, i);
    } else {
      Rng rng(seed + i);
      item.images.push_back(RenderOutlier(&rng, 256, 256));
    }
    for (size_t k = 0; k < item.images.size(); ++k) {
      WritePpm(item.images[k], option["--out"] + "/" + name + "_" + std::to_string(i) + "_" +
                                   std::to_string(k) + ".ppm");
    }
    for (const Qa& q : item.questions) {
      std::printf("%llu [%s] %s -> %s\n", static_cast<unsigned long long>(i), q.family.c_str(),
                  q.question.c_str(), q.answer.c_str());
    }
  }
  return 0;
}

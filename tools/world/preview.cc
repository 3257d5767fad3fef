// scenes_preview SPLIT SEED COUNT FOLDER: writes pictures (PPM) and their questions, to look at.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tools/world/world.h"

using namespace sightline::world;  // NOLINT: a small program

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: scenes_preview SPLIT|outliers SEED COUNT FOLDER\n");
    return 2;
  }
  std::string split = argv[1], folder = argv[4];
  auto seed = static_cast<uint64_t>(std::atoll(argv[2]));
  for (int i = 0; i < std::atoi(argv[3]); ++i) {
    EvalItem item;
    if (split == "outliers") {
      Rng rng(seed + static_cast<uint64_t>(i));
      item.images.push_back(RenderOutlier(&rng, 256, 256));
    } else {
      auto parsed = ParseSplit(split);
      if (!parsed) return 2;
      item = MakeEvalItem(*parsed, seed, static_cast<uint64_t>(i));
    }
    for (size_t k = 0; k < item.images.size(); ++k) {
      const Picture& p = item.images[k];
      std::ofstream out(folder + "/" + split + "_" + std::to_string(i) + "_" + std::to_string(k) + ".ppm", std::ios::binary);
      out << "P6\n" << p.width << " " << p.height << "\n255\n";
      out.write(reinterpret_cast<const char*>(p.rgb.data()), static_cast<std::streamsize>(p.rgb.size()));
    }
    for (const Qa& q : item.questions) std::printf("%d [%s] %s -> %s\n", i, q.family.c_str(), q.question.c_str(), q.answer.c_str());
  }
  return 0;
}

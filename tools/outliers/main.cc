// outliers [--seed N] [--each K] [--out DIR]: writes K pictures of every kind as PPM, to look at or
// to send to a server.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "tools/outliers/foreign.h"

int main(int argc, char** argv) {
  std::map<std::string, std::string> option = {{"--seed", "1"}, {"--each", "2"}, {"--out", "."}};
  for (int i = 1; i < argc; i += 2) {
    auto it = option.find(argv[i]);
    if (it == option.end() || i + 1 >= argc) {
      std::fprintf(stderr, "usage: outliers [--seed N] [--each K] [--out DIR]\n");
      return 2;
    }
    it->second = argv[i + 1];
  }
  uint64_t seed = std::strtoull(option["--seed"].c_str(), nullptr, 10),
           each = std::strtoull(option["--each"].c_str(), nullptr, 10);
  const auto& kinds = sightline::outliers::Kinds();
  for (size_t k = 0; k < kinds.size(); ++k) {
    for (uint64_t i = 0; i < each; ++i) {
      auto p = sightline::outliers::Render(k, seed + i);
      std::string path = option["--out"] + "/" + kinds[k].family + "_" + kinds[k].name + "_" +
                         std::to_string(i) + ".ppm";
      std::ofstream out(path, std::ios::binary);
      out << "P6\n" << p.width << " " << p.height << "\n255\n";
      out.write(reinterpret_cast<const char*>(p.rgb.data()),
                static_cast<std::streamsize>(p.rgb.size()));
      if (!out) {
        std::fprintf(stderr, "cannot write %s\n", path.c_str());
        return 1;
      }
    }
  }
  std::printf("%zu kinds, %zu pictures\n", kinds.size(), kinds.size() * static_cast<size_t>(each));
  return 0;
}

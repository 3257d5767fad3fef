#include "tests/vision/media_files.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "compute/base/check.h"

namespace sightline {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  SL_CHECK(in.good());  // the test make_media_files writes them
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

MediaCase FromJson(const nlohmann::json& j) {
  MediaCase c;
  c.file = j.at("file");
  c.kind = j.at("kind");
  c.code = j.at("code");
  c.reason = j.at("reason");
  c.either = j.value("either", "");
  c.width_px = j.value("width", 0);
  c.height_px = j.value("height", 0);
  c.tolerance = j.value("tolerance", 0);
  if (j.contains("source_size")) {
    c.source_width_px = j["source_size"][0];
    c.source_height_px = j["source_size"][1];
  }
  for (const auto& p : j.value("pixels", nlohmann::json::array())) {
    c.pixels.push_back({p[0], p[1], {p[2], p[3], p[4]}});
  }
  c.frames_ms = j.value("frames_ms", std::vector<double>());
  c.frames_count = j.value("frames_count", 0);
  c.repeats = j.value("repeats", 1);
  c.has_audio = j.value("has_audio", false);
  c.changes_size = j.value("changes_size", false);
  return c;
}

}  // namespace

const std::vector<MediaCase>& AllMediaCases() {
  static const auto* cases = [] {
    auto* all = new std::vector<MediaCase>;
    const auto manifest = nlohmann::json::parse(ReadMedia("manifest.json"));
    for (const auto& j : manifest.at("cases")) all->push_back(FromJson(j));
    return all;
  }();
  return *cases;
}

const MediaCase& MediaCaseOf(std::string_view file) {
  for (const MediaCase& c : AllMediaCases()) {
    if (c.file == file) return c;
  }
  SL_CHECK(!"the manifest has no such file");
  std::abort();
}

std::string ReadMedia(std::string_view file) {
  return ReadFile(std::string(SIGHTLINE_MEDIA_DIR) + "/" + std::string(file));
}

std::string CodeName(const Status& status) { return absl::StatusCodeToString(status.code()); }

std::string Unlike(const Image& image, const MediaCase& wanted) {
  if (image.rgb.size() != image.row_bytes() * image.height_px) return "wrong number of bytes";
  for (const MediaCase::Pixel& p : wanted.pixels) {
    if (p.x >= image.width_px || p.y >= image.height_px) continue;
    const uint8_t* got = image.row(p.y) + p.x * 3;
    for (int c = 0; c < 3; ++c) {
      if (std::abs(got[c] - p.rgb[c]) > wanted.tolerance) {
        return "pixel " + std::to_string(p.x) + "," + std::to_string(p.y) + " channel " +
               std::to_string(c) + " is " + std::to_string(got[c]) + ", not " +
               std::to_string(p.rgb[c]);
      }
    }
  }
  return "";
}

}  // namespace sightline

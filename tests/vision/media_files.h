// The media files that tests/support/media/make_malformed.py wrote, and what its manifest says of
// each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compute/base/status.h"
#include "vision/image.h"

namespace sightline {

struct MediaCase {
  struct Pixel {
    int x = 0, y = 0;
    int rgb[3] = {};
  };
  std::string file, kind, code, reason, either;
  int width_px = 0, height_px = 0, tolerance = 0;
  int source_width_px = 0, source_height_px = 0;  // of frames, where unlike the declared size
  std::vector<Pixel> pixels;
  std::vector<double> frames_ms;
  int frames_count = 0, repeats = 1;
  bool has_audio = false, changes_size = false;

  bool ok() const { return code == "OK"; }
};

const std::vector<MediaCase>& AllMediaCases();
const MediaCase& MediaCaseOf(std::string_view file);
std::string ReadMedia(std::string_view file);

std::string CodeName(const Status& status);
// Empty when the picture has the sizes and pixels of the case, else what differs.
std::string Unlike(const Image& image, const MediaCase& wanted);

}  // namespace sightline

// An image or clip on its way: the file that is asked about, and the visual tokens that it becomes.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace sightline {

struct VideoSampling {
  double frames_per_second = 0;   // 0: the model's own
  int max_frames = 0;             // 0: the model's own
  double start_s = 0, end_s = 0;  // end 0: the clip's end
};

struct MediaItem {
  enum class Kind { kImage, kVideo };
  Kind kind = Kind::kImage;
  std::string_view bytes;  // an encoded file; the caller keeps it alive during the call
  VideoSampling sampling;
  std::function<void(double share)>
      progress;  // of decoding, 0 to 1; may be empty; called on the caller's thread
};

// A rectangle of visual tokens: a picture, a tile of it, or a time step of a clip.
struct VisualSpan {
  int rows = 0, cols = 0;
  double time_s = -1;                 // of a clip's frame; below 0 for stills
  std::vector<float> features = {};   // [rows * cols, channels]
  std::vector<float> deepstack = {};  // [levels, rows * cols, channels], added after decoder layers
};

// What a clip's file has lost of what was asked for; EncodedMedia::duration_s is what is left. All
// 0 for a sound one, and for stills: damaged ones are refused.
struct MediaDamage {
  double missing_s = 0;    // at the end
  int lost_frames = 0;     // that were to be looked at and could not be decoded
  int damaged_frames = 0;  // that were looked at, with errors concealed
  bool any() const { return missing_s > 0 || lost_frames > 0 || damaged_frames > 0; }
};

struct EncodedMedia {
  MediaItem::Kind kind = MediaItem::Kind::kImage;
  std::vector<VisualSpan> spans;  // of a clip: one a frame, or one a group of frames
  int channels = 0;
  int tile_rows = 0, tile_cols = 0;  // the first rows * cols spans are tiles, row by row
  double seconds_per_span = 0;       // of a clip whose positions follow the clock
  int source_width_px = 0, source_height_px = 0;  // upright
  double duration_s = 0;
  MediaDamage damage;
  // Probability that the model has not been made for such a picture; models with that head alone.
  std::optional<double> out_of_domain_score;
};

}  // namespace sightline

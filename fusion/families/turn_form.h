// A turn of the user as data: what stands round text and media in a family's prompt. One class
// turns it into ids; the families differ in the strings alone.
#pragma once

#include <memory>
#include <string>

#include "fusion/prompt.h"
#include "fusion/text_codec.h"

namespace sightline {

// "<...>" in a string that names a special token of the model becomes that token.
struct TurnForm {
  std::string before = "", before_text = "", before_media = "";  // the latter by the first part
  std::string after = "";
  bool media_first = false;  // the template lists all media before the text
  std::string image_open = "", image_close = "";
  // Before each tile; {row} and {col} count from 1. The spans after the tiles are the overview's.
  std::string tile_open = "", tile_row_close = "", tiles_close = "";
  std::string clip_open = "", clip_close = "", frame_open = "", frame_close = "";
  bool frame_times = false;                    // "<1.5 seconds>" before each frame
  bool frames_apart = false;                   // each span of a clip has positions of its own
  int32_t image_place = -1, video_place = -1;  // below 0: not taken
  bool mrope = false;                          // positions of three streams (arXiv 2409.12191)
  double tokens_per_second = 0;                // > 0: time positions of a clip follow the clock
};

// Of a model with hidden size `channels`; `codec` outlives it. INVALID_ARGUMENT names a special
// token that the tokenizer lacks.
StatusOr<std::unique_ptr<PromptForm>> MakeTurnPrompt(const TurnForm& form, const TextCodec* codec,
                                                     int64_t channels);

}  // namespace sightline

// What a family sets in the place of an image or clip that a chat template has written, as data.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "fusion/chat_template_file.h"
#include "fusion/prompt.h"
#include "fusion/tokenizer_file.h"

namespace sightline {

struct TurnForm {
  // Jinja, for model directories that bring no template of their own.
  std::string chat_template = "";
  // What a template writes where an image or a clip goes; empty: not taken.
  std::string image_mark = "", clip_mark = "";
  int32_t image_place = -1, video_place = -1;  // tokens in whose places visual rows stand
  std::string image_open = "", image_close = "";
  // Before each tile; {row} and {col} count from 1. The spans after the tiles are the overview's.
  std::string tile_open = "", tile_row_close = "", tiles_close = "";
  // {frames} (their number in words) and {length} (H:MM:SS) of clip_open, {seconds} (with one
  // digit) and {clock} (MM:SS) of frame_open are filled in.
  std::string clip_open = "", clip_close = "", frame_open = "", frame_close = "";
  bool frames_apart = false;     // each span of a clip has positions of its own
  bool mrope = false;            // positions of three streams (arXiv 2409.12191)
  double tokens_per_second = 0;  // > 0: time positions of a clip follow the clock
};

// How a model with hidden size `channels` lays out a turn of the user: by `file` where the
// directory has a template, else by the form's own. `codec` outlives it. Errors: a template that
// cannot be parsed (INVALID_ARGUMENT or UNIMPLEMENTED, with construct and line) or that takes no
// text of a user, a place that is no added token of the tokenizer.
StatusOr<std::unique_ptr<PromptForm>> MakeTurnPrompt(const TurnForm& form,
                                                     const std::optional<ChatTemplateFile>& file,
                                                     const language::Tokenizer* codec,
                                                     int64_t channels);

}  // namespace sightline

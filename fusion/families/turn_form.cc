#include "fusion/families/turn_form.h"

#include <algorithm>
#include <cstdio>

#include "fusion/families/vision_side.h"

namespace sightline {
namespace {

// A box of visual tokens that share where they start.
struct Block {
  int offset = 0, steps = 1, rows = 0, cols = 0;
  double pace = 1;  // positions between steps
};

// Text counts up in all three streams; a block starts after the largest position so far.
std::vector<int32_t> BlockPositions(int tokens, const std::vector<Block>& blocks) {
  auto total = static_cast<size_t>(tokens);
  std::vector<int32_t> out(3 * total);
  int32_t next = 0;
  size_t i = 0;
  for (size_t b = 0; b <= blocks.size(); ++b) {
    size_t end = b < blocks.size() ? static_cast<size_t>(blocks[b].offset) : total;
    for (; i < end; ++i) out[i] = out[total + i] = out[2 * total + i] = next++;
    if (b == blocks.size()) break;
    const Block& k = blocks[b];
    int32_t start = next;
    for (int32_t n = 0; n < k.steps * k.rows * k.cols; ++n, ++i) {
      out[i] = start + static_cast<int32_t>(n / (k.rows * k.cols) * k.pace);
      out[total + i] = start + n / k.cols % k.rows;
      out[2 * total + i] = start + n % k.cols;
      next = std::max({next, out[i] + 1, out[total + i] + 1, out[2 * total + i] + 1});
    }
  }
  return out;
}

// Calls `special` for each "<...>" that names a special token, `text` for what stands between.
template <typename Special, typename Text>
void Walk(const std::string& s, const TextCodec& codec, const Special& special, const Text& text) {
  for (size_t i = 0; i < s.size();) {
    size_t end = s[i] == '<' ? s.find('>', i) : std::string::npos;
    int32_t id = end == std::string::npos ? -1 : codec.Special(s.substr(i, end - i + 1));
    if (id < 0) {
      text(s[i++]);
    } else {
      special(id);
      i = end + 1;
    }
  }
}

// Text between two special tokens is encoded as one: the caller's words and the template's may
// share a token, as in the reference.
class Writer {
 public:
  Writer(const TurnForm& form, const TextCodec& codec) : form_(form), codec_(codec) {}

  void Template(const std::string& s) {
    Walk(
        s, codec_,
        [this](int32_t id) {
          Flush();
          Ids({id});
        },
        [this](char c) { held_ += c; });
  }
  void Text(const std::string& s) { held_ += s; }

  void Image(const EncodedMedia& media) {
    size_t next = 0;
    for (int r = 0; r < media.tile_rows; ++r) {
      for (int c = 0; c < media.tile_cols; ++c) {
        Template(TileOpen(r + 1, c + 1));
        Span(media.spans[next++], form_.image_place, 1);
      }
      Template(form_.tile_row_close);
    }
    if (next > 0) Template(form_.tiles_close);
    Template(form_.image_open);
    for (; next < media.spans.size(); ++next) Span(media.spans[next], form_.image_place, 1);
    Template(form_.image_close);
  }

  void Clip(const EncodedMedia& media) {
    Template(form_.clip_open);
    auto steps = static_cast<int>(media.spans.size());
    for (size_t i = 0; i < media.spans.size(); ++i) {
      if (form_.frame_times) {
        char time[48];
        std::snprintf(time, sizeof time, "<%.1f seconds>", media.spans[i].time_s);
        Text(time);
      }
      Template(form_.frame_open);
      Span(media.spans[i], form_.video_place, form_.frames_apart ? 1 : i == 0 ? steps : 0);
      if (form_.tokens_per_second > 0 && i == 0)
        blocks_.back().pace = media.seconds_per_span * form_.tokens_per_second;
      Template(form_.frame_close);
    }
    Template(form_.clip_close);
  }

  Prompt Finish() {
    Flush();
    if (form_.mrope && !blocks_.empty())
      prompt_.positions = BlockPositions(prompt_.tokens, blocks_);
    return std::move(prompt_);
  }

 private:
  void Flush() {
    if (!held_.empty()) Ids(codec_.Encode(held_));
    held_.clear();
  }
  void Ids(const std::vector<int32_t>& ids) {
    if (prompt_.pieces.empty() || prompt_.pieces.back().span) prompt_.pieces.push_back({});
    auto& to = prompt_.pieces.back().ids;
    to.insert(to.end(), ids.begin(), ids.end());
    prompt_.tokens += static_cast<int>(ids.size());
  }
  // `steps`: how many spans from this one on share a start; 0 when an earlier one has counted it.
  void Span(const VisualSpan& span, int32_t place, int steps) {
    Flush();
    int n = span.rows * span.cols;
    if (steps > 0) blocks_.push_back({prompt_.tokens, steps, span.rows, span.cols, 1});
    prompt_.pieces.push_back({std::vector<int32_t>(static_cast<size_t>(n), place), &span});
    prompt_.tokens += n;
    prompt_.visual_tokens += n;
  }
  std::string TileOpen(int row, int col) const {
    std::string s = form_.tile_open;
    for (auto [name, value] : {std::pair{"{row}", row}, {"{col}", col}}) {
      size_t at = s.find(name);
      if (at != std::string::npos) s.replace(at, 5, std::to_string(value));
    }
    return s;
  }

  const TurnForm& form_;
  const TextCodec& codec_;
  std::string held_;
  std::vector<Block> blocks_;
  Prompt prompt_;
};

class TurnPrompt : public PromptForm {
 public:
  TurnPrompt(const TurnForm& form, const TextCodec* codec, int64_t channels)
      : form_(form), codec_(codec), channels_(channels) {}

  StatusOr<Prompt> Build(const std::vector<PromptPart>& parts) const override {
    std::vector<const PromptPart*> order;
    for (const PromptPart& p : parts) {
      if (!form_.media_first || !std::holds_alternative<std::string>(p.content))
        order.push_back(&p);
    }
    for (const PromptPart& p : parts) {
      if (form_.media_first && std::holds_alternative<std::string>(p.content)) order.push_back(&p);
    }
    Writer w(form_, *codec_);
    w.Template(form_.before);
    for (const PromptPart* p : order) {
      const auto* media = std::get_if<std::shared_ptr<const EncodedMedia>>(&p->content);
      if (p == order[0]) w.Template(media ? form_.before_media : form_.before_text);
      if (!media) {
        w.Text(std::get<std::string>(p->content));
        continue;
      }
      SL_RETURN_IF_ERROR(Check(media->get()));
      if ((*media)->kind == MediaItem::Kind::kVideo) {
        w.Clip(**media);
      } else {
        w.Image(**media);
      }
    }
    w.Template(form_.after);
    return w.Finish();
  }

 private:
  Status Check(const EncodedMedia* media) const {
    if (!media || media->channels != channels_ || media->spans.empty())
      return BadMedia("visual tokens do not have the width of this model");
    bool clip = media->kind == MediaItem::Kind::kVideo;
    if ((clip ? form_.video_place : form_.image_place) < 0)
      return BadMedia(clip ? "this model takes no clips" : "this model takes no images");
    size_t tiles = static_cast<size_t>(media->tile_rows) * static_cast<size_t>(media->tile_cols);
    if (tiles > 0 && (tiles >= media->spans.size() || form_.tile_open.empty()))
      return BadMedia("the image has other tiles than this model reads");
    for (const VisualSpan& s : media->spans) {
      if (clip && !form_.frames_apart &&
          (s.rows != media->spans[0].rows || s.cols != media->spans[0].cols))
        return BadMedia("the frames of a clip must have one size");
    }
    return absl::OkStatus();
  }

  TurnForm form_;
  const TextCodec* codec_;
  int64_t channels_;
};

}  // namespace

StatusOr<std::unique_ptr<PromptForm>> MakeTurnPrompt(const TurnForm& f, const TextCodec* codec,
                                                     int64_t channels) {
  std::string missing;
  for (const std::string* s :
       {&f.before, &f.before_text, &f.before_media, &f.after, &f.image_open, &f.image_close,
        &f.clip_open, &f.clip_close, &f.frame_open, &f.frame_close}) {
    Walk(
        *s, *codec, [](int32_t) {}, [&](char c) { missing += c; });
  }
  // What is left holds no "<" unless the tokenizer does not know what stands there.
  size_t at = missing.find('<');
  if (at != std::string::npos) {
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "TOKENIZER_INVALID",
                           "tokenizer.json lacks the special token " +
                               missing.substr(at, missing.find('>', at) == std::string::npos
                                                      ? 30
                                                      : missing.find('>', at) - at + 1));
  }
  return std::unique_ptr<PromptForm>(std::make_unique<TurnPrompt>(f, codec, channels));
}

}  // namespace sightline

#include "fusion/families/scenes_prompt.h"

#include <algorithm>
#include <cstdio>

namespace sightline {
namespace {

class Builder {
 public:
  Builder(const ModelSpec& spec, const language::Tokenizer& t) : spec_(spec), t_(t) {}

  Status Text(const std::string& text) {
    SL_ASSIGN_OR_RETURN(std::vector<int32_t> ids, t_.EncodeUserText(text));
    Ids(ids);
    return absl::OkStatus();
  }
  void Special(const std::string& token) { Ids({t_.Special(token)}); }
  Status Media(const EncodedMedia& media) {
    for (const VisualSpan& span : media.spans) {
      if (span.time_s >= 0) {
        char time[32];
        std::snprintf(time, sizeof time, "%.1fs", span.time_s);
        SL_RETURN_IF_ERROR(Text(time));
      }
      Special(spec_.vision_start);
      prompt.pieces.push_back({{}, &span});
      prompt.tokens += span.rows * span.cols;
      prompt.visual_tokens += span.rows * span.cols;
      Special(spec_.vision_end);
    }
    return absl::OkStatus();
  }
  Prompt prompt;

 private:
  void Ids(const std::vector<int32_t>& ids) {
    if (prompt.pieces.empty() || prompt.pieces.back().span) prompt.pieces.push_back({});
    auto& to = prompt.pieces.back().ids;
    to.insert(to.end(), ids.begin(), ids.end());
    prompt.tokens += static_cast<int>(ids.size());
  }
  const ModelSpec& spec_;
  const language::Tokenizer& t_;
};

}  // namespace

StatusOr<Prompt> BuildPrompt(const ModelSpec& spec, const language::Tokenizer& tokenizer,
                             const std::vector<PromptPart>& parts) {
  using Media = std::shared_ptr<const EncodedMedia>;
  bool has_media = std::any_of(parts.begin(), parts.end(), [](const PromptPart& p) {
    return std::holds_alternative<Media>(p.content);
  });
  // Trained with a picture before every question: without one it says nothing.
  if (!has_media)
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MEDIA_REQUIRED",
                           "this model answers about images and clips: attach at least one",
                           "content");
  Builder b(spec, tokenizer);
  b.Special(spec.user);
  for (int pass = spec.media_first ? 0 : 1; pass < 2; ++pass) {
    std::string text;
    for (const PromptPart& part : parts) {
      if (const auto* media = std::get_if<Media>(&part.content)) {
        if (spec.media_first && pass == 1) continue;
        if (!*media || (*media)->channels != spec.text.hidden)
          return absl::InvalidArgumentError("visual tokens do not have the width of this model");
        SL_RETURN_IF_ERROR(b.Media(**media));
      } else if (pass == 1) {
        const std::string& s = std::get<std::string>(part.content);
        text += text.empty() || s.empty() ? s : " " + s;
        if (!spec.media_first) SL_RETURN_IF_ERROR(b.Text(s));
      }
    }
    if (spec.media_first && pass == 1) SL_RETURN_IF_ERROR(b.Text(text));
  }
  b.Special(spec.assistant);
  return std::move(b.prompt);
}

}  // namespace sightline

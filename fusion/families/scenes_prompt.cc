#include "fusion/families/scenes_prompt.h"

#include <cstdio>

namespace sightline {
namespace {

class Builder {
 public:
  Builder(const ModelSpec& spec, const TextCodec& t) : spec_(spec), t_(t) {}

  void Text(const std::string& text) { Ids(t_.Encode(text)); }
  void Special(const std::string& token) { Ids({t_.Special(token)}); }
  void Media(const EncodedMedia& media) {
    for (const VisualSpan& span : media.spans) {
      if (span.time_s >= 0) {
        char time[32];
        std::snprintf(time, sizeof time, "%.1fs", span.time_s);
        Text(time);
      }
      Special(spec_.vision_start);
      prompt.pieces.push_back({{}, &span});
      prompt.tokens += span.rows * span.cols;
      prompt.visual_tokens += span.rows * span.cols;
      Special(spec_.vision_end);
    }
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
  const TextCodec& t_;
};

}  // namespace

StatusOr<Prompt> BuildPrompt(const ModelSpec& spec, const TextCodec& tokenizer,
                             const std::vector<PromptPart>& parts) {
  using Media = std::shared_ptr<const EncodedMedia>;
  Builder b(spec, tokenizer);
  b.Special(spec.user);
  for (int pass = spec.media_first ? 0 : 1; pass < 2; ++pass) {
    std::string text;
    for (const PromptPart& part : parts) {
      if (const auto* media = std::get_if<Media>(&part.content)) {
        if (spec.media_first && pass == 1) continue;
        if (!*media || (*media)->channels != spec.text.hidden)
          return absl::InvalidArgumentError("visual tokens do not have the width of this model");
        b.Media(**media);
      } else if (pass == 1) {
        const std::string& s = std::get<std::string>(part.content);
        text += text.empty() || s.empty() ? s : " " + s;
        if (!spec.media_first) b.Text(s);
      }
    }
    if (spec.media_first && pass == 1) b.Text(text);
  }
  b.Special(spec.assistant);
  return std::move(b.prompt);
}

}  // namespace sightline

#include "fusion/families/turn_form.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "fusion/families/number_words.h"
#include "fusion/families/prompt_text.h"
#include "fusion/families/vision_side.h"
#include "language/jinja/template.h"

namespace sightline {
namespace {

using language::TextSpan;
using language::jinja::RenderedText;
using language::jinja::Template;
using OrderedJson = nlohmann::ordered_json;

bool IsClip(const EncodedMedia& m) { return m.kind == MediaItem::Kind::kVideo; }

const EncodedMedia* MediaOf(const PromptPart& p) {
  const auto* media = std::get_if<std::shared_ptr<const EncodedMedia>>(&p.content);
  return media ? media->get() : nullptr;
}

bool Touches(const std::vector<TextSpan>& spans, size_t begin, size_t end) {
  auto it = std::lower_bound(spans.begin(), spans.end(), begin,
                             [](const TextSpan& s, size_t at) { return s.end <= at; });
  return it != spans.end() && it->begin < end;
}

std::string Filled(std::string s, const char* name, const std::string& value) {
  size_t at = s.find(name);
  if (at != std::string::npos) s.replace(at, std::string(name).size(), value);
  return s;
}

std::string Formatted(const char* format, double value) {
  char out[48];
  std::snprintf(out, sizeof out, format, value);
  return out;
}

// "1:02:03", or "02:03" without hours.
std::string Clock(double seconds, bool hours) {
  auto s = static_cast<long long>(std::max(0.0, seconds));
  char out[64];
  if (hours) {
    std::snprintf(out, sizeof out, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  } else {
    std::snprintf(out, sizeof out, "%02lld:%02lld", s / 60, s % 60);
  }
  return out;
}

// The text of a prompt in the form's own words round visual tokens.
class Writer {
 public:
  Writer(const TurnForm& form, const language::Tokenizer& codec)
      : form_(form),
        image_(form.image_place < 0 ? "" : codec.Text(form.image_place)),
        clip_(form.video_place < 0 ? "" : codec.Text(form.video_place)) {}

  void Image(const EncodedMedia& media) {
    size_t next = 0;
    for (int r = 0; r < media.tile_rows; ++r) {
      for (int c = 0; c < media.tile_cols; ++c) {
        out.Template(Filled(Filled(form_.tile_open, "{row}", std::to_string(r + 1)), "{col}",
                            std::to_string(c + 1)));
        out.Visual({&media.spans[next++], form_.image_place}, image_);
      }
      out.Template(form_.tile_row_close);
    }
    if (next > 0) out.Template(form_.tiles_close);
    out.Template(form_.image_open);
    for (; next < media.spans.size(); ++next)
      out.Visual({&media.spans[next], form_.image_place}, image_);
    out.Template(form_.image_close);
  }

  void Clip(const EncodedMedia& media) {
    auto steps = static_cast<int>(media.spans.size());
    double length = media.duration_s > 0 ? media.duration_s : media.spans.back().time_s;
    out.Template(Filled(Filled(form_.clip_open, "{frames}", NumberWords(steps)), "{length}",
                        Clock(length, true)));
    for (size_t i = 0; i < media.spans.size(); ++i) {
      double at = media.spans[i].time_s;
      out.Template(Filled(Filled(form_.frame_open, "{seconds}", Formatted("%.1f", at)), "{clock}",
                          Clock(at, false)));
      PromptText::Block block{&media.spans[i], form_.video_place};
      if (!form_.frames_apart) block.steps = i == 0 ? steps : 0;
      if (form_.tokens_per_second > 0)
        block.pace = media.seconds_per_span * form_.tokens_per_second;
      out.Visual(block, clip_);
      out.Template(form_.frame_close);
    }
    out.Template(form_.clip_close);
  }

  PromptText out;

 private:
  const TurnForm& form_;
  std::string image_, clip_;
};

class TurnPrompt : public PromptForm {
 public:
  TurnPrompt(const TurnForm& form, std::unique_ptr<Template> chat, OrderedJson special_tokens,
             const language::Tokenizer* codec, int64_t channels)
      : form_(form),
        chat_(std::move(chat)),
        own_(std::move(special_tokens)),
        codec_(codec),
        channels_(channels) {
    auto bos = own_.find("bos_token");
    if (bos != own_.end() && bos->is_string()) bos_ = bos->get<std::string>();
    own_["add_generation_prompt"] = true;
  }

  // Finds out whether the template takes a text or a list of parts.
  Status Probe() {
    const std::string word = "sightline-probe";
    Status first;
    for (bool parts : {TakesMedia(), !TakesMedia()}) {
      parts_ = parts;
      std::vector<PromptPart> probe(1);
      probe[0].content = word;
      auto r = Render(probe);
      // A list that is printed as one shows its keys.
      if (r.ok() && r->text.find(word) != std::string::npos &&
          r->text.find("'type'") == std::string::npos)
        return absl::OkStatus();
      if (first.ok() && !r.ok()) first = r.status();
    }
    if (!first.ok()) return first;
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "TEMPLATE_INVALID",
                           "chat template: the text of a user's message does not show");
  }

  StatusOr<Prompt> Build(const std::vector<PromptPart>& parts) const override {
    std::vector<const EncodedMedia*> images, clips;
    for (const PromptPart& p : parts) {
      if (std::holds_alternative<std::string>(p.content)) continue;
      const EncodedMedia* media = MediaOf(p);
      SL_RETURN_IF_ERROR(Check(media));
      (IsClip(*media) ? clips : images).push_back(media);
    }
    SL_ASSIGN_OR_RETURN(RenderedText text, Render(parts));
    Writer w(form_, *codec_);
    SL_RETURN_IF_ERROR(Fill(text, images, clips, &w));
    // The reference's processors leave out what the tokenizer would set before a text that opens
    // with it; its templates for text alone never have it set.
    bool opened = !bos_.empty() && w.out.text().starts_with(bos_);
    return w.out.Finish(*codec_, {form_.mrope, TakesMedia() && !opened});
  }

 private:
  bool TakesMedia() const { return form_.image_place >= 0 || form_.video_place >= 0; }

  StatusOr<RenderedText> Render(const std::vector<PromptPart>& parts) const {
    OrderedJson content = OrderedJson::array();
    std::string all;
    for (const PromptPart& p : parts) {
      if (const auto* text = std::get_if<std::string>(&p.content)) {
        content.push_back(OrderedJson{{"type", "text"}, {"text", *text}});
        all += *text;
      } else if (!parts_) {
        return BadMedia("the chat template of this model takes text alone");
      } else {
        content.push_back(OrderedJson{{"type", IsClip(*MediaOf(p)) ? "video" : "image"}});
      }
    }
    if (!parts_) content = all;
    language::jinja::Inputs in;
    in.own = own_;
    in.outside["messages"] =
        OrderedJson::array({OrderedJson{{"role", "user"}, {"content", std::move(content)}}});
    in.own_fields = {"role", "type"};
    std::time_t now = std::time(nullptr);
    localtime_r(&now, &in.now.emplace());
    return chat_->Render(in);
  }

  // Sets media in the places that the template has marked, kind by kind in order.
  Status Fill(const RenderedText& text, const std::vector<const EncodedMedia*>& images,
              const std::vector<const EncodedMedia*>& clips, Writer* w) const {
    size_t done = 0, image = 0, clip = 0;
    auto copy = [&](size_t end) {
      std::vector<TextSpan> user;
      for (const TextSpan& s : text.outside) {
        size_t from = std::max(s.begin, done), to = std::min(s.end, end);
        if (from < to) user.push_back({from - done, to - done});
      }
      w->out.Mixed(std::string_view(text.text).substr(done, end - done), user);
    };
    for (size_t at = 0; at < text.text.size();) {
      bool is_image = At(text, at, form_.image_mark), is_clip = At(text, at, form_.clip_mark);
      if (!is_image && !is_clip) {
        ++at;
        continue;
      }
      if (is_clip ? clip == clips.size() : image == images.size()) return Places();
      copy(at);
      if (is_clip) {
        w->Clip(*clips[clip++]);
      } else {
        w->Image(*images[image++]);
      }
      done = at += (is_clip ? form_.clip_mark : form_.image_mark).size();
    }
    copy(text.text.size());
    return image == images.size() && clip == clips.size() ? absl::OkStatus() : Places();
  }

  static bool At(const RenderedText& text, size_t at, const std::string& mark) {
    return !mark.empty() && text.text[at] == mark[0] &&
           text.text.compare(at, mark.size(), mark) == 0 &&
           !Touches(text.outside, at, at + mark.size());
  }
  Status Places() const {
    return BadMedia("the chat template does not write one place (" + form_.image_mark +
                    (form_.clip_mark.empty() ? "" : " or " + form_.clip_mark) +
                    ") for each image or clip");
  }

  Status Check(const EncodedMedia* media) const {
    if (!media || media->channels != channels_ || media->spans.empty())
      return BadMedia("visual tokens do not have the width of this model");
    bool clip = IsClip(*media);
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
  std::unique_ptr<Template> chat_;
  OrderedJson own_;
  std::string bos_;
  bool parts_ = false;  // content is a list of parts
  const language::Tokenizer* codec_;
  int64_t channels_;
};

}  // namespace

StatusOr<std::unique_ptr<PromptForm>> MakeTurnPrompt(const TurnForm& form,
                                                     const std::optional<ChatTemplateFile>& file,
                                                     const language::Tokenizer* codec,
                                                     int64_t channels) {
  for (int32_t place : {form.image_place, form.video_place}) {
    // Published tokenizers may list the place as an added token that is not `special`.
    if (place >= 0 && codec->Special(codec->Text(place)) != place)
      return ErrorWithReason(absl::StatusCode::kInvalidArgument, "TOKENIZER_INVALID",
                             "tokenizer.json: token " + std::to_string(place) +
                                 ", in whose place visual tokens stand, is not an added token");
  }
  SL_ASSIGN_OR_RETURN(auto chat, Template::Parse(file ? file->source : form.chat_template));
  auto prompt = std::make_unique<TurnPrompt>(
      form, std::move(chat), file ? file->special_tokens : OrderedJson::object(), codec, channels);
  SL_RETURN_IF_ERROR(prompt->Probe());
  return std::unique_ptr<PromptForm>(std::move(prompt));
}

}  // namespace sightline

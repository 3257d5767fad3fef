// Both halves of a published model: what the registry's spec says, joined to the roles' interfaces.
#include <algorithm>

#include "compute/ops/shape_ops.h"
#include "fusion/families/model_kinds.h"
#include "fusion/families/registry.h"

namespace sightline {
namespace {

// Tensors that the other half reads, and those that neither does.
std::vector<std::string> OfOtherHalf(const CheckpointSpec& spec, const Checkpoint& weights,
                                     bool text) {
  std::vector<std::string> patterns = spec.unused;
  for (const WeightPart& p : spec.parts) {
    if (p.of_text() != text) patterns.push_back(weights.Pattern(p));
  }
  return patterns;
}

class PublishedMedia : public MediaEncoder {
 public:
  PublishedMedia(MediaTraits traits, std::unique_ptr<VisionSide> side)
      : traits_(std::move(traits)), side_(std::move(side)) {}
  const MediaTraits& traits() const override { return traits_; }

  StatusOr<EncodedMedia> Encode(const std::vector<Image>& frames,
                                const std::vector<double>& times_s,
                                const RequestContext& context) const override {
    if (!side_) return BadMedia("this model reads text alone");
    bool clip = !times_s.empty();
    double fps = traits_.clip.frames_per_second;
    if (times_s.size() > 1 && times_s.back() > times_s.front())
      fps = static_cast<double>(times_s.size() - 1) / (times_s.back() - times_s.front());
    SL_ASSIGN_OR_RETURN(VisualInput in, side_->Preprocess(frames, clip, fps));
    SL_RETURN_IF_ERROR(context.Check());
    SL_ASSIGN_OR_RETURN(VisualRows rows, side_->Encode(in));
    EncodedMedia media;
    media.kind = clip ? MediaItem::Kind::kVideo : MediaItem::Kind::kImage;
    media.channels = traits_.channels;
    media.source_width_px = frames[0].width_px;
    media.source_height_px = frames[0].height_px;
    media.tile_rows = in.tiles[0];
    media.tile_cols = in.tiles[1];
    if (clip && !in.seconds_per_grid.empty()) media.seconds_per_span = in.seconds_per_grid[0];
    SL_RETURN_IF_ERROR(Cut(rows, &media));
    size_t n = times_s.size(), per = clip ? (n + media.spans.size() - 1) / media.spans.size() : 0;
    for (size_t i = 0; clip && i < media.spans.size(); ++i) {
      size_t first = std::min(i * per, n - 1), last = std::min(first + per - 1, n - 1);
      media.spans[i].time_s = (times_s[first] + times_s[last]) / 2;
    }
    return media;
  }

 private:
  Status Cut(const VisualRows& rows, EncodedMedia* media) const {
    int64_t at = 0, c = rows.rows.cols();
    std::vector<float> features = HostValues(rows.rows);
    std::vector<std::vector<float>> levels;
    for (const Tensor& level : rows.deepstack) levels.push_back(HostValues(level));
    for (auto [h, w] : rows.spans) {
      int64_t n = int64_t{h} * w;
      if (n < 1 || n > rows.rows.rows() - at) return absl::InternalError("spans exceed their rows");
      VisualSpan span{h, w};
      auto take = [&](const std::vector<float>& from, std::vector<float>* to) {
        to->insert(to->end(), from.begin() + at * c, from.begin() + (at + n) * c);
      };
      take(features, &span.features);
      for (const std::vector<float>& level : levels) take(level, &span.deepstack);
      media->spans.push_back(std::move(span));
      at += n;
    }
    if (at != rows.rows.rows() || c != traits_.channels || at == 0)
      return absl::InternalError("spans do not cover their rows");
    return absl::OkStatus();
  }

  MediaTraits traits_;
  std::unique_ptr<VisionSide> side_;  // null: text alone
};

}  // namespace

StatusOr<ModelDescription> DescribePublished(const std::string& directory) {
  SL_ASSIGN_OR_RETURN(CheckpointSpec s, ReadCheckpointSpec(directory));
  ModelDescription m;
  m.name = ModelName(directory);
  m.family = s.family;
  m.text = s.text;
  m.images = m.packs_tower = s.load_vision != nullptr;
  m.clips = s.takes_clips;
  m.clip = s.clip;
  m.parts = s.parts;
  m.unused = s.unused;
  return m;
}

StatusOr<std::unique_ptr<MediaEncoder>> LoadPublishedMedia(const std::string& directory,
                                                           const LoadProgress& progress,
                                                           const Device& device,
                                                           WeightChoice choice) {
  SL_ASSIGN_OR_RETURN(CheckpointSpec spec, ReadCheckpointSpec(directory));
  MediaTraits traits{ModelName(directory),
                     static_cast<int>(spec.text.hidden),
                     0,
                     spec.load_vision != nullptr,
                     spec.takes_clips,
                     spec.clip};
  std::unique_ptr<VisionSide> side;
  if (spec.load_vision) {
    SL_ASSIGN_OR_RETURN(auto weights, Checkpoint::Open(directory, device));
    SL_RETURN_IF_ERROR(weights->Map(spec.parts));
    weights->set_progress(progress);
    SL_ASSIGN_OR_RETURN(side, spec.load_vision(weights.get(), TowerWeights(choice)));
    SL_RETURN_IF_ERROR(weights->CheckAllRead(OfOtherHalf(spec, *weights, false)));
    traits.parameter_count = weights->weights_read();
  }
  return std::unique_ptr<MediaEncoder>(
      std::make_unique<PublishedMedia>(std::move(traits), std::move(side)));
}

StatusOr<LanguageModel> LoadPublishedLanguage(const std::string& directory,
                                              const LoadProgress& progress, const Device& device,
                                              WeightChoice choice) {
  SL_ASSIGN_OR_RETURN(CheckpointSpec spec, ReadCheckpointSpec(directory));
  LanguageModel m;
  m.name = ModelName(directory);
  SL_ASSIGN_OR_RETURN(m.codec, LoadTokenizer(directory));
  if (m.codec->vocab_size() > spec.text.vocab)
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "TOKENIZER_INVALID",
                           "tokenizer.json has more tokens than config.json's vocab_size");
  SL_ASSIGN_OR_RETURN(std::optional<ChatTemplateFile> chat, ReadChatTemplate(directory));
  SL_ASSIGN_OR_RETURN(m.form, MakeTurnPrompt(spec.turn, chat, m.codec.get(), spec.text.hidden));
  SL_ASSIGN_OR_RETURN(auto weights, Checkpoint::Open(directory, device));
  SL_RETURN_IF_ERROR(weights->Map(spec.parts));
  weights->set_progress(progress);
  SL_ASSIGN_OR_RETURN(m.decoder, LoadDecoder(spec, weights.get(), choice));
  SL_RETURN_IF_ERROR(weights->CheckAllRead(OfOtherHalf(spec, *weights, true)));
  m.end_ids = spec.end_ids;
  m.sampling = spec.sampling;
  m.max_new_tokens = spec.max_new_tokens;
  return m;
}

}  // namespace sightline

#include "services/roles/codec.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

namespace sightline {
namespace {

namespace pb = internal::v1;

// Bounds of what one role takes from another; far above any real model.
constexpr int kMaxSide = 4096;
constexpr int kMaxChannels = 65536;
constexpr size_t kMaxLevels = 64;
constexpr double kMaxSeconds = 4e9;  // whose nanoseconds are a number of 64 bits
bool InRange(double seconds) { return seconds >= 0 && seconds <= kMaxSeconds; }  // no NaN either

pb::MediaKind KindToWire(MediaItem::Kind kind) {
  return kind == MediaItem::Kind::kVideo ? pb::MEDIA_KIND_VIDEO : pb::MEDIA_KIND_IMAGE;
}

StatusOr<MediaItem::Kind> KindFromWire(pb::MediaKind kind) {
  if (kind == pb::MEDIA_KIND_IMAGE) return MediaItem::Kind::kImage;
  if (kind == pb::MEDIA_KIND_VIDEO) return MediaItem::Kind::kVideo;
  return absl::InvalidArgumentError("media kind is not known");
}

void EncodeSampling(const SamplingOptions& sampling, pb::SamplingOptions* out) {
  out->set_temperature(sampling.temperature);
  out->set_top_k(sampling.top_k);
  out->set_top_p(sampling.top_p);
  out->set_repetition_penalty(sampling.repetition_penalty);
  out->set_presence_penalty(sampling.presence_penalty);
  out->set_frequency_penalty(sampling.frequency_penalty);
  out->set_seed(sampling.seed);
}

SamplingOptions DecodeSampling(const pb::SamplingOptions& in) {
  SamplingOptions sampling;
  sampling.temperature = in.temperature();
  sampling.top_k = in.top_k();
  sampling.top_p = in.top_p();
  sampling.repetition_penalty = in.repetition_penalty();
  sampling.presence_penalty = in.presence_penalty();
  sampling.frequency_penalty = in.frequency_penalty();
  sampling.seed = in.seed();
  return sampling;
}

}  // namespace

void EncodeMediaItem(const MediaItem& item, pb::EncodeRequest* out) {
  out->set_kind(KindToWire(item.kind));
  out->set_data(item.bytes.data(), item.bytes.size());
  out->set_frames_per_second(item.sampling.frames_per_second);
  out->set_max_frames(item.sampling.max_frames);
  out->set_start_s(item.sampling.start_s);
  out->set_end_s(item.sampling.end_s);
}

StatusOr<MediaItem> DecodeMediaItem(const pb::EncodeRequest& in) {
  MediaItem item;
  SL_ASSIGN_OR_RETURN(item.kind, KindFromWire(in.kind()));
  item.bytes = in.data();
  item.sampling.frames_per_second = in.frames_per_second();
  item.sampling.max_frames = in.max_frames();
  item.sampling.start_s = in.start_s();
  item.sampling.end_s = in.end_s();
  for (double v : {in.frames_per_second(), in.start_s(), in.end_s()}) {
    if (!(v >= 0 && v <= 1e12))
      return absl::InvalidArgumentError("which frames are wanted is out of range");
  }
  return item;
}

void EncodeLimits(const MediaLimits& limits, pb::MediaLimits* out) {
  out->set_max_image_pixels(limits.max_image_pixels);
  out->set_max_video_s(limits.max_video_s);
  out->set_max_decode_s(limits.max_decode_s);
  out->set_max_frames(limits.max_frames);
}

MediaLimits DecodeLimits(const pb::MediaLimits& in) {
  auto known = [](auto limit) {
    return limit > 0 ? limit : std::numeric_limits<decltype(limit)>::max();
  };
  return {known(in.max_image_pixels()), known(int64_t{0}), known(in.max_video_s()),
          known(in.max_decode_s()), known(in.max_frames())};
}

void EncodeMedia(const EncodedMedia& media, pb::EncodedMedia* out) {
  out->set_kind(KindToWire(media.kind));
  for (const VisualSpan& span : media.spans) {
    pb::VisualSpan* wire = out->add_spans();
    wire->set_rows(span.rows);
    wire->set_cols(span.cols);
    wire->set_time_s(span.time_s);
    wire->set_features(span.features.data(), span.features.size() * sizeof(float));
    wire->set_deepstack(span.deepstack.data(), span.deepstack.size() * sizeof(float));
  }
  out->set_channels(media.channels);
  out->set_source_width_px(media.source_width_px);
  out->set_source_height_px(media.source_height_px);
  out->set_duration_s(media.duration_s);
  if (media.out_of_domain_score) out->set_out_of_domain_score(*media.out_of_domain_score);
  out->set_tile_rows(media.tile_rows);
  out->set_tile_cols(media.tile_cols);
  out->set_seconds_per_span(media.seconds_per_span);
  if (!media.damage.any()) return;
  out->mutable_damage()->set_missing_s(media.damage.missing_s);
  out->mutable_damage()->set_lost_frames(media.damage.lost_frames);
  out->mutable_damage()->set_damaged_frames(media.damage.damaged_frames);
}

StatusOr<std::shared_ptr<const EncodedMedia>> DecodeMedia(const pb::EncodedMedia& in) {
  auto media = std::make_shared<EncodedMedia>();
  SL_ASSIGN_OR_RETURN(media->kind, KindFromWire(in.kind()));
  media->channels = in.channels();
  if (media->channels < 1 || media->channels > kMaxChannels) {
    return absl::InvalidArgumentError("visual tokens have an impossible width");
  }
  for (const pb::VisualSpan& wire : in.spans()) {
    VisualSpan span;
    span.rows = wire.rows();
    span.cols = wire.cols();
    span.time_s = wire.time_s();
    if (!(std::fabs(span.time_s) <= kMaxSeconds))  // below 0 of a still
      return absl::InvalidArgumentError("a visual span's time is out of range");
    if (span.rows < 1 || span.rows > kMaxSide || span.cols < 1 || span.cols > kMaxSide) {
      return absl::InvalidArgumentError("visual span has an impossible size");
    }
    const size_t count = size_t{1} * span.rows * span.cols * media->channels;
    if (wire.features().size() != count * sizeof(float)) {
      return absl::InvalidArgumentError("visual span's bytes do not fit its size");
    }
    span.features.resize(count);
    std::memcpy(span.features.data(), wire.features().data(), wire.features().size());
    const size_t levels = wire.deepstack().size() / wire.features().size();
    if (levels > kMaxLevels || wire.deepstack().size() % wire.features().size() != 0) {
      return absl::InvalidArgumentError("visual span's deepstack rows do not fit its size");
    }
    span.deepstack.resize(count * levels);
    if (levels > 0)  // an empty vector's data is null, which memcpy must not be given
      std::memcpy(span.deepstack.data(), wire.deepstack().data(), wire.deepstack().size());
    media->spans.push_back(std::move(span));
  }
  media->source_width_px = in.source_width_px();
  media->source_height_px = in.source_height_px();
  media->duration_s = in.duration_s();
  if (in.has_out_of_domain_score()) media->out_of_domain_score = in.out_of_domain_score();
  media->tile_rows = in.tile_rows();
  media->tile_cols = in.tile_cols();
  media->seconds_per_span = in.seconds_per_span();
  if (media->tile_rows < 0 || media->tile_rows > kMaxSide || media->tile_cols < 0 ||
      media->tile_cols > kMaxSide ||
      int64_t{media->tile_rows} * media->tile_cols > int64_t{in.spans_size()}) {
    return absl::InvalidArgumentError("there are fewer spans than tiles");
  }
  if (!InRange(media->duration_s) || media->source_width_px < 0 || media->source_height_px < 0 ||
      !std::isfinite(media->out_of_domain_score.value_or(0))) {
    return absl::InvalidArgumentError("what is said of the media is out of range");
  }
  if (!(media->seconds_per_span >= 0 && media->seconds_per_span <= 1e5)) {
    return absl::InvalidArgumentError("time between spans is out of range");
  }
  media->damage = {in.damage().missing_s(), in.damage().lost_frames(),
                   in.damage().damaged_frames()};
  if (!InRange(media->damage.missing_s) || media->damage.lost_frames < 0 ||
      media->damage.damaged_frames < 0) {
    return absl::InvalidArgumentError("what the file has lost is out of range");
  }
  return std::shared_ptr<const EncodedMedia>(std::move(media));
}

namespace {

void FloatsToWire(const std::vector<float>& values, std::string* out) {
  out->assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

StatusOr<std::vector<float>> FloatsFromWire(const std::string& in, size_t least, size_t most) {
  std::vector<float> values(in.size() / sizeof(float));
  if (in.size() % sizeof(float) || values.size() < least || values.size() > most)
    return absl::InvalidArgumentError("features' bytes do not fit their size");
  if (!in.empty()) std::memcpy(values.data(), in.data(), in.size());
  return values;
}

}  // namespace

void EncodeImageFeatures(const ImageFeatures& features, pb::EncodeImageResponse* out) {
  out->set_model(features.model);
  out->set_rows(features.rows);
  out->set_cols(features.cols);
  out->set_channels(features.channels);
  FloatsToWire(features.features, out->mutable_features());
  FloatsToWire(features.pooled, out->mutable_pooled());
  for (const ImageClass& c : features.classes) {
    pb::ImageClass* wire = out->add_classes();
    wire->set_index(c.index);
    wire->set_label(c.label);
    wire->set_probability(c.probability);
  }
  out->set_source_width_px(features.source_width_px);
  out->set_source_height_px(features.source_height_px);
}

StatusOr<ImageFeatures> DecodeImageFeatures(const pb::EncodeImageResponse& in) {
  if (in.rows() < 0 || in.rows() > kMaxSide || in.cols() < 0 || in.cols() > kMaxSide ||
      in.channels() < 0 || in.channels() > kMaxChannels) {
    return absl::InvalidArgumentError("features have no possible size");
  }
  ImageFeatures out;
  out.model = in.model();
  out.rows = in.rows();
  out.cols = in.cols();
  out.channels = in.channels();
  const size_t count = size_t{1} * out.rows * out.cols * out.channels;
  SL_ASSIGN_OR_RETURN(out.features, FloatsFromWire(in.features(), count, count));
  SL_ASSIGN_OR_RETURN(out.pooled, FloatsFromWire(in.pooled(), 0, kMaxChannels));
  for (const pb::ImageClass& c : in.classes()) {
    if (c.index() < 0 || !(c.probability() >= 0 && c.probability() <= 1.0 + 1e-6))
      return absl::InvalidArgumentError("a class has no possible index or probability");
    out.classes.push_back({c.index(), c.label(), c.probability()});
  }
  out.source_width_px = in.source_width_px();
  out.source_height_px = in.source_height_px();
  return out;
}

void EncodeGenerate(const GenerateRequest& request, pb::GenerateRequest* out) {
  for (const PromptPart& part : request.parts) {
    pb::PromptPart* wire = out->add_parts();
    if (const auto* text = std::get_if<std::string>(&part.content)) {
      wire->set_text(*text);
    } else {
      EncodeMedia(*std::get<std::shared_ptr<const EncodedMedia>>(part.content),
                  wire->mutable_media());
    }
  }
  EncodeSampling(request.sampling, out->mutable_sampling());
  out->set_max_output_tokens(request.max_output_tokens);
  for (const std::string& stop : request.stop) out->add_stop(stop);
}

StatusOr<GenerateRequest> DecodeGenerate(const pb::GenerateRequest& in) {
  GenerateRequest request;
  for (const pb::PromptPart& wire : in.parts()) {
    PromptPart part;
    if (wire.has_text()) {
      part.content = wire.text();
    } else if (wire.has_media()) {
      SL_ASSIGN_OR_RETURN(part.content, DecodeMedia(wire.media()));
    } else {
      return absl::InvalidArgumentError("prompt part is empty");
    }
    request.parts.push_back(std::move(part));
  }
  request.sampling = DecodeSampling(in.sampling());
  request.max_output_tokens = in.max_output_tokens();
  if (request.max_output_tokens < 1) {
    return absl::InvalidArgumentError("max_output_tokens must be at least 1");
  }
  request.stop.assign(in.stop().begin(), in.stop().end());
  return request;
}

void EncodeLanguageInfo(const LanguageInfo& info, pb::GetLanguageInfoResponse* out) {
  out->set_model(info.model);
  out->set_parameter_count(info.parameter_count);
  out->set_channels(info.channels);
  out->set_context_tokens(info.context_tokens);
  EncodeSampling(info.sampling, out->mutable_sampling());
  out->set_max_output_tokens(info.max_output_tokens);
}

LanguageInfo DecodeLanguageInfo(const pb::GetLanguageInfoResponse& in) {
  return {in.model(),          in.parameter_count(),          in.channels(),
          in.context_tokens(), DecodeSampling(in.sampling()), in.max_output_tokens()};
}

void EncodeSummary(const GenerateSummary& summary, pb::GenerateSummary* out) {
  out->set_cause(summary.reason == FinishReason::kStop ? pb::STOP_CAUSE_STOP
                                                       : pb::STOP_CAUSE_LENGTH);
  out->set_prompt_tokens(summary.prompt_tokens);
  out->set_visual_tokens(summary.visual_tokens);
  out->set_output_tokens(summary.output_tokens);
  out->set_queue_ms(summary.queue_ms);
  out->set_prefill_ms(summary.prefill_ms);
  out->set_decode_ms(summary.decode_ms);
  out->set_reused_tokens(summary.reused_tokens);
}

StatusOr<GenerateSummary> DecodeSummary(const pb::GenerateSummary& in) {
  GenerateSummary summary;
  if (in.cause() != pb::STOP_CAUSE_STOP && in.cause() != pb::STOP_CAUSE_LENGTH) {
    return absl::InternalError("language role sent an unknown stop cause");
  }
  summary.reason = in.cause() == pb::STOP_CAUSE_STOP ? FinishReason::kStop : FinishReason::kLength;
  summary.prompt_tokens = in.prompt_tokens();
  summary.visual_tokens = in.visual_tokens();
  summary.output_tokens = in.output_tokens();
  summary.queue_ms = in.queue_ms();
  summary.prefill_ms = in.prefill_ms();
  summary.decode_ms = in.decode_ms();
  summary.reused_tokens = in.reused_tokens();
  return summary;
}

}  // namespace sightline

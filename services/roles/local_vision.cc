#include "services/roles/local_vision.h"

#include <algorithm>
#include <chrono>
#include <new>

#include "services/roles/media_limits.h"

namespace sightline {

LocalVision::LocalVision(std::unique_ptr<VisionPipeline> pipeline,
                         std::unique_ptr<EncoderSet> encoders, int parallel, int64_t cache_bytes)
    : pipeline_(std::move(pipeline)),
      encoders_(std::move(encoders)),
      cache_(cache_bytes),
      places_(parallel) {}

template <typename Work>
auto LocalVision::Placed(const RequestContext& context, const Work& work) -> decltype(work()) {
  while (!places_.try_acquire_for(std::chrono::milliseconds(10)))
    SL_RETURN_IF_ERROR(context.Check());
  struct Place {
    Places* s;
    ~Place() { s->release(); }
  } place{&places_};
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return ErrorWithReason(absl::StatusCode::kResourceExhausted, "OUT_OF_MEMORY",
                           "there is not enough memory for this image or clip now");
  }
}

StatusOr<MediaPtr> LocalVision::Make(const MediaItem& item, const MediaLimits& limits,
                                     const RequestContext& context) const {
  const MediaTraits& t = pipeline_->traits();
  if (item.kind == MediaItem::Kind::kImage && t.images)
    SL_RETURN_IF_ERROR(CheckImageSize(item.bytes, limits));
  // The pipeline holds the length against its own limit, from times that it reads anyhow.
  if (item.kind == MediaItem::Kind::kVideo && t.clips &&
      limits.max_video_s < pipeline_->limits().max_video_s)
    SL_RETURN_IF_ERROR(CheckClipLength(item.bytes, limits));
  const DecodeClock clock(limits.max_decode_s, item, context);
  auto media = pipeline_->Encode(clock.item(), clock.context());
  if (!media.ok()) return clock.Explain(media.status());
  return std::make_shared<const EncodedMedia>(*std::move(media));
}

StatusOr<FoundMedia> LocalVision::Encode(const MediaItem& item, const MediaLimits& limits,
                                         const RequestContext& context) {
  const MediaLimits least = Smaller(limits, pipeline_->limits());
  MediaItem seen = item;
  if (item.kind == MediaItem::Kind::kVideo)
    seen.sampling = Capped(item.sampling, pipeline_->traits().clip, least);
  // Who waits for another's result holds no place.
  auto found = cache_.Get(MediaKey(seen, pipeline_->traits().model), context, [&] {
    return Placed(context, [&] { return Make(seen, least, context); });
  });
  SL_RETURN_IF_ERROR(found.status());
  SL_RETURN_IF_ERROR(CheckSizes(*found->media, least));
  return found;
}

namespace {

// The model's own tokens of a still, as features.
ImageFeatures FeaturesOf(const EncodedMedia& media, const std::string& model) {
  ImageFeatures out;
  const VisualSpan& span = media.spans.at(0);
  out.model = model;
  out.rows = span.rows;
  out.cols = span.cols;
  out.channels = media.channels;
  out.features = span.features;
  out.source_width_px = media.source_width_px;
  out.source_height_px = media.source_height_px;
  auto channels = static_cast<size_t>(media.channels);
  std::vector<double> sum(channels);
  for (size_t i = 0; i < span.features.size(); ++i) sum[i % channels] += span.features[i];
  for (double v : sum)
    out.pooled.push_back(static_cast<float>(v / std::max(1, span.rows * span.cols)));
  return out;
}

}  // namespace

StatusOr<ImageFeatures> LocalVision::EncodeImage(const ImageRequest& request,
                                                 const MediaLimits& limits,
                                                 const RequestContext& context) {
  const std::string& own = pipeline_->traits().model;
  if (!encoders_->Has(request.model) && (request.model.empty() || request.model == own)) {
    if (request.top_k > 0) return HasNoClasses(own);
    MediaItem item;
    item.bytes = request.bytes;
    SL_ASSIGN_OR_RETURN(FoundMedia found, Encode(item, limits, context));
    return FeaturesOf(*found.media, own);
  }
  const MediaLimits least = Smaller(limits, pipeline_->limits());
  return Placed(context, [&]() -> StatusOr<ImageFeatures> {
    if (encoders_->Has(request.model)) SL_RETURN_IF_ERROR(CheckImageSize(request.bytes, least));
    return encoders_->Encode(request, least.max_image_pixels, context);
  });
}

StatusOr<VisionInfo> LocalVision::Info(const RequestContext&) {
  const MediaTraits& t = pipeline_->traits();
  return VisionInfo{t.model, t.parameter_count, t.channels, t.images, t.clips};
}

}  // namespace sightline

#include "services/roles/local_vision.h"

#include <algorithm>
#include <chrono>
#include <new>

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

StatusOr<FoundMedia> LocalVision::Encode(const MediaItem& item, const RequestContext& context) {
  // Who waits for another's result holds no place.
  return cache_.Get(MediaKey(item, pipeline_->traits().model), context, [&] {
    return Placed(context, [&]() -> StatusOr<MediaPtr> {
      SL_ASSIGN_OR_RETURN(EncodedMedia media, pipeline_->Encode(item, context));
      return std::make_shared<const EncodedMedia>(std::move(media));
    });
  });
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
                                                 const RequestContext& context) {
  const std::string& own = pipeline_->traits().model;
  if (!encoders_->Has(request.model) && (request.model.empty() || request.model == own)) {
    if (request.top_k > 0) return HasNoClasses(own);
    MediaItem item;
    item.bytes = request.bytes;
    SL_ASSIGN_OR_RETURN(FoundMedia found, Encode(item, context));
    return FeaturesOf(*found.media, own);
  }
  return Placed(context, [&] {
    return encoders_->Encode(request, pipeline_->limits().max_image_pixels, context);
  });
}

StatusOr<VisionInfo> LocalVision::Info(const RequestContext&) {
  const MediaTraits& t = pipeline_->traits();
  return VisionInfo{t.model, t.parameter_count, t.channels, t.images, t.clips};
}

}  // namespace sightline

#include "fusion/encoders/encoder_set.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "compute/ops/shape_ops.h"

namespace sightline {

Status HasNoClasses(const std::string& model) {
  return ErrorWithReason(absl::StatusCode::kFailedPrecondition, "ENCODER_HAS_NO_CLASSES",
                         "'" + model + "' has no class head: its features are all it gives",
                         "model");
}

StatusOr<std::unique_ptr<EncoderSet>> EncoderSet::Load(const std::string& folders,
                                                       const Device& device) {
  auto set = std::make_unique<EncoderSet>();
  for (size_t at = 0; at < folders.size();) {
    size_t end = std::min(folders.find(',', at), folders.size());
    std::string folder = folders.substr(at, end - at);
    at = end + 1;
    if (folder.empty()) continue;
    std::filesystem::path p = std::filesystem::path(folder).lexically_normal();
    std::string name = (p.has_filename() ? p : p.parent_path()).filename().string();
    SL_ASSIGN_OR_RETURN(auto encoder, LoadImageEncoder(folder, "", device));
    if (!set->encoders_.emplace(name, std::move(encoder)).second) {
      return ErrorWithReason(absl::StatusCode::kAlreadyExists, "CONFIG_INVALID",
                             "two image encoders are named '" + name + "'", "encoders");
    }
  }
  return set;
}

StatusOr<const vision::ImageEncoder*> EncoderSet::Find(const ImageRequest& request) const {
  auto it = encoders_.find(request.model);
  if (it == encoders_.end()) {
    std::string names;
    for (const auto& [name, encoder] : encoders_) names += (names.empty() ? "" : ", ") + name;
    return ErrorWithReason(absl::StatusCode::kNotFound, "ENCODER_NOT_FOUND",
                           "no image encoder '" + request.model.substr(0, 60) +
                               "' is loaded here; there are: " + (names.empty() ? "none" : names),
                           "model");
  }
  if (request.top_k > 0 && it->second->info().classes == 0) return HasNoClasses(request.model);
  return it->second.get();
}

StatusOr<ImageFeatures> EncoderSet::EncodePixels(const ImageRequest& request,
                                                 const Image& image) const {
  SL_ASSIGN_OR_RETURN(const vision::ImageEncoder* encoder, Find(request));
  SL_ASSIGN_OR_RETURN(Tensor pixels, vision::PreparePixels(image, encoder->info().pixels));
  SL_ASSIGN_OR_RETURN(vision::EncodedImage got, encoder->Encode(pixels));
  ImageFeatures out;
  out.model = request.model;
  out.source_width_px = image.width_px;
  out.source_height_px = image.height_px;
  if (request.top_k > 0) {
    out.classes = BestClasses(HostValues(got.logits), encoder->info().labels, request.top_k);
    return out;
  }
  const std::vector<int64_t>& map = got.maps.back().map.shape;
  out.rows = static_cast<int>(map[0]);
  out.cols = static_cast<int>(map[1]);
  out.channels = static_cast<int>(got.features.cols());
  out.features = HostValues(got.features);
  out.pooled = HostValues(got.pooled);
  return out;
}

std::vector<ImageClass> BestClasses(const std::vector<float>& logits,
                                    const std::vector<std::string>& labels, int k) {
  std::vector<int> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  auto logit = [&](int i) { return logits[static_cast<size_t>(i)]; };
  size_t most = std::min(order.size(), static_cast<size_t>(std::max(k, 0)));
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(most), order.end(),
      [&](int a, int b) { return logit(a) != logit(b) ? logit(a) > logit(b) : a < b; });
  double sum = 0, top = order.empty() ? 0 : *std::max_element(logits.begin(), logits.end());
  for (float v : logits) sum += std::exp(v - top);
  std::vector<ImageClass> best;
  for (size_t i = 0; i < most; ++i) {
    auto at = static_cast<size_t>(order[i]);
    best.push_back(
        {order[i], at < labels.size() ? labels[at] : "", std::exp(logits[at] - top) / sum});
  }
  return best;
}

}  // namespace sightline

#include "services/gateway/image_encoder_service.h"

#include "services/error.h"

namespace sightline {
namespace {

constexpr char kModels[] = "models/";
constexpr int kDefaultClasses = 5, kMostClasses = 1000;

// What both calls share: a name like "models/NAME" and a file that isn't empty.
template <typename Request>
StatusOr<ImageRequest> CheckRequest(const Request& request, bool name_required) {
  ImageRequest native;
  const std::string& name = request.model();
  if (name.empty() && name_required)
    return InvalidField("model", "must name an image encoder, like \"models/NAME\"");
  if (!name.empty() && (name.rfind(kModels, 0) != 0 || name.size() == sizeof kModels - 1))
    return InvalidField("model", "must be like \"models/NAME\"");
  if (!name.empty()) native.model = name.substr(sizeof kModels - 1);
  if (request.image().data().empty())
    return InvalidField("image.data", "must not be empty", "MEDIA_EMPTY");
  native.bytes = request.image().data();
  return native;
}

void FillFeatures(const ImageFeatures& from, v1::EncodeImageResponse* to) {
  v1::FeatureMatrix* m = to->mutable_features();
  m->set_rows(from.rows * from.cols);
  m->set_channels(from.channels);
  m->mutable_values()->Add(from.features.begin(), from.features.end());
  to->set_map_rows(from.rows);
  to->set_map_columns(from.cols);
  to->mutable_pooled()->Add(from.pooled.begin(), from.pooled.end());
  to->set_image_width_px(from.source_width_px);
  to->set_image_height_px(from.source_height_px);
}

}  // namespace

grpc::Status ImageEncoderServiceImpl::EncodeImage(grpc::ServerContext* call,
                                                  const v1::EncodeImageRequest* request,
                                                  v1::EncodeImageResponse* response) {
  auto work = [&](const RequestContext& context) -> Status {
    SL_ASSIGN_OR_RETURN(ImageRequest native, CheckRequest(*request, false));
    auto features = vision_->EncodeImage(native, limits_, context);
    if (!features.ok()) return AtFile(features.status(), "image.data");
    FillFeatures(*features, response);
    response->set_model(kModels + features->model);
    response->set_request_id(context.request_id);
    return absl::OkStatus();
  };
  return edge_->Serve("EncodeImage", call, request->request_id(), request->ByteSizeLong(), work);
}

grpc::Status ImageEncoderServiceImpl::ClassifyImage(grpc::ServerContext* call,
                                                    const v1::ClassifyImageRequest* request,
                                                    v1::ClassifyImageResponse* response) {
  auto work = [&](const RequestContext& context) -> Status {
    SL_ASSIGN_OR_RETURN(ImageRequest native, CheckRequest(*request, true));
    native.top_k = request->has_top_k() ? request->top_k() : kDefaultClasses;
    if (native.top_k < 1 || native.top_k > kMostClasses)
      return InvalidField("top_k", "must be 1 to " + std::to_string(kMostClasses));
    auto features = vision_->EncodeImage(native, limits_, context);
    if (!features.ok()) return AtFile(features.status(), "image.data");
    for (const ImageClass& c : features->classes) {
      v1::ImageClass* out = response->add_classes();
      out->set_index(c.index);
      out->set_label(c.label);
      out->set_probability(c.probability);
    }
    response->set_model(kModels + features->model);
    response->set_request_id(context.request_id);
    return absl::OkStatus();
  };
  return edge_->Serve("ClassifyImage", call, request->request_id(), request->ByteSizeLong(), work);
}

}  // namespace sightline

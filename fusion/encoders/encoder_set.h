// The image encoders of a server by name: files of images to features and classes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compute/base/request_context.h"
#include "fusion/encoders/encoder_registry.h"
#include "vision/image.h"

namespace sightline {

struct ImageRequest {
  std::string model;       // without "models/"
  std::string_view bytes;  // an encoded file; the caller keeps it alive during the call
  int top_k = 0;           // classes wanted; 0: features instead
};

struct ImageClass {
  int index = 0;
  std::string label;
  double probability = 0;
};

struct ImageFeatures {
  std::string model;
  int rows = 0, cols = 0, channels = 0;
  std::vector<float> features;      // [rows * cols, channels]; raster order
  std::vector<float> pooled;        // of the whole image
  std::vector<ImageClass> classes;  // best first
  int source_width_px = 0, source_height_px = 0;
};

// Const after loading; thread-safe.
class EncoderSet {
 public:
  // Folders separated by commas; an encoder's name is its folder's. ALREADY_EXISTS: two of a name.
  static StatusOr<std::unique_ptr<EncoderSet>> Load(const std::string& folders,
                                                    const Device& device = {});
  bool Has(const std::string& name) const { return encoders_.contains(name); }
  // NOT_FOUND names what is loaded. FAILED_PRECONDITION: classes of an encoder without a head.
  // Errors of vision/decode.h. UNIMPLEMENTED in a build without media decoding.
  StatusOr<ImageFeatures> Encode(const ImageRequest& request, int64_t max_pixels,
                                 const RequestContext& context) const;
  // Pixels that are at hand.
  StatusOr<ImageFeatures> EncodePixels(const ImageRequest& request, const Image& image) const;

 private:
  StatusOr<const vision::ImageEncoder*> Find(const ImageRequest& request) const;
  std::map<std::string, std::unique_ptr<vision::ImageEncoder>> encoders_;
};

// The k most probable classes of logits, best first; of equals the lower index.
std::vector<ImageClass> BestClasses(const std::vector<float>& logits,
                                    const std::vector<std::string>& labels, int k);
// For encoders that have no class head.
Status HasNoClasses(const std::string& model);

}  // namespace sightline

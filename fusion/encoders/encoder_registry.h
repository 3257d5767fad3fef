// The one table of image encoders: architecture -> how its config is read.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fusion/families/checkpoint.h"
#include "fusion/families/config_reader.h"
#include "vision/encoders/encoder.h"
#include "vision/encoders/encoder_weights.h"

namespace sightline {

// What a reader makes of a config.
struct EncoderSpec {
  std::vector<std::string> prefixes = {"", "model.", "module.", "encoder."};  // of weight names
  std::vector<std::string> probes;  // weights, one of which stands under the right prefix
  std::vector<std::string> unused;  // patterns of tensors that nobody needs
  vision::PixelRule pixels;
  std::function<StatusOr<std::unique_ptr<vision::ImageEncoder>>(const vision::WeightSource&)> load;
};

// One row. `config` is config.json: constructor arguments of the published class, a transformers
// config, or {"architecture": NAME} with one of `sizes`, which fills in what the config leaves out.
struct EncoderArchitecture {
  const char* name;
  std::vector<std::string> model_types;  // of config.json
  StatusOr<EncoderSpec> (*read)(const Json& config);
  const Json& (*sizes)();  // published sizes: name -> constructor arguments
};

const std::vector<EncoderArchitecture>& EncoderArchitectures();
// By architecture's name, else by the config's "architecture" (also a published size) or
// "model_type". UNIMPLEMENTED names what no row claims.
StatusOr<const EncoderArchitecture*> FindEncoder(const std::string& name, const Json& config);
// The config with the fields of its published size; its own fields win.
Json WithPublishedSize(const EncoderArchitecture& row, const Json& config);

// config.json, weights and, where there is one, preprocessor_config.json of a directory. `name`
// empty: the config says, or else the folder's name.
StatusOr<std::unique_ptr<vision::ImageEncoder>> LoadImageEncoder(const std::string& directory,
                                                                 const std::string& name = "",
                                                                 const Device& device = {});

}  // namespace sightline

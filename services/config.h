// How a server is set up: built-in values, then one TOML file, then environment, then flags; the
// later one wins.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "compute/base/status.h"

namespace sightline {

struct ServerConfig {
  std::string role = "all";  // all, gateway, vision, language
  std::string listen = "127.0.0.1:50051";
  std::string vision, language;    // addresses, for a gateway
  bool insecure = false;           // allow listening beyond this machine without encryption
  std::string model;               // folder or GGUF file; empty: the shipped default
  std::string mmproj;              // visual half of a GGUF file; empty: the one beside it
  std::string weights = "stored";  // of the decoder and, by TowerWeights, of the tower
  std::string kv = "auto";         // how it keeps keys and values: compute/kv/kv_format.h
  std::string encoders;            // folders of image encoders, separated by commas
  std::string device = "cpu";      // cpu, cuda or cuda:N
  int64_t threads = 0;             // compute threads; 0: one a core
  int64_t max_active = 16;         // sequences decoded together
  int64_t step_tokens = 256, prefill_chunk = 256;
  int64_t kv_mib = 1024;
  bool reuse_prefixes = true;
  int64_t visual_cache_mib = 256;
  std::string log_level = "info";
  double drain_s = 30;  // how long requests in flight may go on after SIGTERM
  // Limits of one request.
  double default_deadline_s = 300;  // for callers that set none
  int64_t max_concurrent = 64;
  int64_t max_message_mib = 256;
  int64_t max_parts = 64, max_images = 16, max_videos = 4;
  int64_t max_text_bytes = 65536;
  int64_t max_output_tokens = 4096;
  // These act where media are decoded; of a gateway's and its vision role's the smaller counts.
  int64_t max_image_pixels = 64'000'000;
  double max_video_s = 4 * 3600;
  double max_decode_s = 60;
  int64_t max_frames = 1024;
};

// One row of the table of settings.
struct Setting {
  const char* key;  // "limits.max_images": TOML [limits] max_images, environment
                    // SIGHTLINE_MAX_IMAGES, flag --max-images
  const char* help;
  std::variant<std::string ServerConfig::*, int64_t ServerConfig::*, double ServerConfig::*,
               bool ServerConfig::*>
      field;
  double least = 0, most = 0;  // of numbers

  std::string Flag() const;
  std::string Environment() const;
  std::string Range() const;                      // "0 to 4096"; empty of what is no number
  std::string Text(const ServerConfig& c) const;  // the value, as SetFromText takes it
};
const std::vector<Setting>& Settings();

// INVALID_ARGUMENT names the key, says what is allowed and what was given; of a file also the line,
// of the environment the variable.
Status SetFromText(const Setting& setting, const std::string& text, ServerConfig* config);
Status ReadToml(const std::string& path, ServerConfig* config);
Status ReadEnvironment(ServerConfig* config);
// What spans several settings or takes words: a known role, addresses (services/address.h) where
// they are needed, no open port by accident.
Status CheckConfig(const ServerConfig& config);
// The effective settings as TOML, for --print-config.
std::string ToToml(const ServerConfig& config);

}  // namespace sightline

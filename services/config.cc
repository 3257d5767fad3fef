#include "services/config.h"

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "compute/kv/kv_format.h"
#include "compute/ops/weight_matrix.h"
#include "services/address.h"
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace sightline {
namespace {

std::string Leaf(const char* key) {
  std::string k = key;
  return k.substr(k.find('.') + 1);
}

Status Refuse(const char* key, const std::string& why) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "CONFIG_INVALID",
                         std::string(key) + " " + why, key);
}
// "limits.max_images must be .., not "many"".
Status Refuse(const char* key, const std::string& why, const std::string& value) {
  constexpr size_t kShown = 80;
  const std::string shown =
      value.size() > kShown ? value.substr(0, kShown) + "\"..." : value + "\"";
  return Refuse(key, why + ", not \"" + shown);
}

// The same refusal, with the place that the value came from in front.
Status From(const std::string& place, const Status& status) {
  if (status.ok()) return status;
  return ErrorWithReason(status.code(), ReasonOf(status),
                         place + ": " + std::string(status.message()), FieldOf(status));
}

// Whole numbers whole, whatever their size.
std::string Number(double v) { return absl::StrFormat("%.15g", v); }

std::string NumberRule(const Setting& s) {
  const bool whole = std::holds_alternative<int64_t ServerConfig::*>(s.field);
  return "must be a " + std::string(whole ? "whole " : "") + "number from " + s.Range();
}

Status SetNumber(const Setting& s, double v, ServerConfig* c) {
  const bool whole = std::holds_alternative<int64_t ServerConfig::*>(s.field);
  if (!std::isfinite(v) || v < s.least || v > s.most || (whole && v != std::floor(v)))
    return Refuse(s.key, NumberRule(s), Number(v));
  if (whole) {
    c->*std::get<int64_t ServerConfig::*>(s.field) = static_cast<int64_t>(v);
  } else {
    c->*std::get<double ServerConfig::*>(s.field) = v;
  }
  return absl::OkStatus();
}

Status SetFromNode(const Setting& s, const toml::node& node, ServerConfig* c) {
  if (auto* text = std::get_if<std::string ServerConfig::*>(&s.field)) {
    if (!node.is_string()) return Refuse(s.key, "must be a string");
    c->** text = **node.as_string();
    return absl::OkStatus();
  }
  if (auto* flag = std::get_if<bool ServerConfig::*>(&s.field)) {
    if (!node.is_boolean()) return Refuse(s.key, "must be true or false");
    c->** flag = **node.as_boolean();
    return absl::OkStatus();
  }
  if (auto v = node.value<double>(); v && node.is_number()) return SetNumber(s, *v, c);
  return Refuse(s.key, NumberRule(s));
}

const Setting* Find(const std::string& key) {
  for (const Setting& s : Settings()) {
    if (key == s.key) return &s;
  }
  return nullptr;
}

Status CheckListen(const ServerConfig& c) {
  auto listen = ParseAddress(c.listen);
  if (!listen.ok())
    return Refuse("server.listen", std::string(listen.status().message()), c.listen);
  if (listen->OnThisMachine() || c.insecure) return absl::OkStatus();
  return Refuse("server.listen",
                "can be reached from other machines and there is no encryption; use 127.0.0.1 or "
                "unix:PATH, or set --insecure when a proxy protects it");
}

// Where a gateway finds a role: HOST:PORT, unix:PATH, or what gRPC reads by itself.
Status CheckRoleAddress(const char* key, std::string_view address) {
  constexpr std::string_view kDns = "dns:///";
  const std::string given(address);
  if (address.starts_with(kDns)) {
    address.remove_prefix(kDns.size());
  } else {
    for (std::string_view scheme : {"dns:", "ipv4:", "ipv6:", "unix-abstract:"})
      if (address.starts_with(scheme) && address != scheme) return absl::OkStatus();
  }
  auto parsed = ParseAddress(address);
  if (!parsed.ok()) return Refuse(key, std::string(parsed.status().message()), given);
  if (!parsed->IsUnix() && parsed->port == 0)
    return Refuse(key, "must have the port that the role listens on", given);
  return absl::OkStatus();
}

Status CheckRoles(const ServerConfig& c) {
  if (c.role != "gateway") {
    if (c.vision.empty() && c.language.empty()) return absl::OkStatus();
    return Refuse(c.vision.empty() ? "server.language" : "server.vision",
                  "is for --role gateway alone");
  }
  if (c.vision.empty() || c.language.empty())
    return Refuse(c.vision.empty() ? "server.vision" : "server.language",
                  "must be set for a gateway: the address that role listens on");
  SL_RETURN_IF_ERROR(CheckRoleAddress("server.vision", c.vision));
  return CheckRoleAddress("server.language", c.language);
}

}  // namespace

std::string Setting::Flag() const {
  std::string f = "--" + Leaf(key);
  for (char& c : f) c = c == '_' ? '-' : c;
  return f;
}

std::string Setting::Environment() const {
  std::string e = "SIGHTLINE_" + Leaf(key);
  for (char& c : e) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return e;
}

std::string Setting::Range() const {
  const bool number = std::holds_alternative<int64_t ServerConfig::*>(field) ||
                      std::holds_alternative<double ServerConfig::*>(field);
  return number ? Number(least) + " to " + Number(most) : "";
}

std::string Setting::Text(const ServerConfig& c) const {
  return std::visit(
      [&](auto member) -> std::string {
        const auto& v = c.*member;
        using Value = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<Value, std::string>) {
          return v;
        } else if constexpr (std::is_same_v<Value, bool>) {
          return v ? "true" : "false";
        } else if constexpr (std::is_same_v<Value, double>) {
          return Number(v);
        } else {
          return std::to_string(v);
        }
      },
      field);
}

const std::vector<Setting>& Settings() {
  using C = ServerConfig;
  static const std::vector<Setting> table = {
      {"server.role", "what this process does: all, gateway, vision or language", &C::role},
      {"server.listen", "address to serve on, HOST:PORT or unix:PATH", &C::listen},
      {"server.vision", "address of the vision role, for a gateway", &C::vision},
      {"server.language", "address of the language role, for a gateway", &C::language},
      {"server.insecure",
       "allow an address that other machines can reach; there is no encryption yet, so put a proxy "
       "in front",
       &C::insecure},
      {"server.log_level", "debug, info, warn or error", &C::log_level},
      {"server.drain_s",
       "seconds that requests in flight may go on after SIGTERM; 2 more to say that they ended",
       &C::drain_s, 0, 3600},
      {"model.model", "folder or GGUF file of the model; empty takes the one that ships",
       &C::model},
      {"model.mmproj", "file of a GGUF model's visual half; empty takes mmproj*.gguf beside it",
       &C::mmproj},
      {"model.weights",
       "how the decoder keeps its weights: stored (as the file has them), f32, bf16, q8 or q4; "
       "with "
       "q8 or q4 a published vision tower on the CPU computes in 16-bit integers, else in f32",
       &C::weights},
      {"model.kv",
       "how the decoder keeps keys and values: f32, f16 or auto (f32 where weights are float32 and "
       "on CUDA, else f16)",
       &C::kv},
      {"model.encoders",
       "folders of image encoders for EncodeImage and ClassifyImage, separated by commas",
       &C::encoders},
      {"model.device", "where models run: cpu, cuda or cuda:N", &C::device},
      {"model.threads", "compute threads; 0 takes one a core", &C::threads, 0, 1024},
      {"model.max_active", "sequences that decode together; more wait", &C::max_active, 1, 1024},
      {"model.step_tokens",
       "tokens that one decoder step computes: one of each sequence that generates, then prompts; "
       "more is faster in all, fewer is smoother for each",
       &C::step_tokens, 1, 65536},
      {"model.prefill_chunk",
       "tokens of one prompt in one step, so that a long one does not stall others",
       &C::prefill_chunk, 1, 65536},
      {"model.kv_mib", "memory for keys and values, MiB", &C::kv_mib, 16, 1 << 20},
      {"model.reuse_prefixes",
       "keep keys and values of prompts within kv_mib, for prompts that start the same way",
       &C::reuse_prefixes},
      {"model.visual_cache_mib",
       "memory for visual tokens of images and clips that may be asked about again, MiB; 0 keeps "
       "none",
       &C::visual_cache_mib, 0, 1 << 20},
      {"limits.default_deadline_s", "deadline of callers that set none, seconds",
       &C::default_deadline_s, 1, 86400},
      {"limits.max_concurrent", "requests in flight; more are refused with RESOURCE_EXHAUSTED",
       &C::max_concurrent, 1, 4096},
      {"limits.max_message_mib", "size of one request, MiB", &C::max_message_mib, 1, 2047},
      {"limits.max_parts", "parts of one prompt", &C::max_parts, 1, 4096},
      {"limits.max_images", "images in one request", &C::max_images, 0, 4096},
      {"limits.max_videos", "clips in one request", &C::max_videos, 0, 256},
      {"limits.max_text_bytes", "text in one request, bytes", &C::max_text_bytes, 1, 1 << 26},
      {"limits.max_output_tokens", "tokens generated for one request", &C::max_output_tokens, 1,
       1 << 20},
      {"limits.max_image_pixels", "pixels of one image, read from its header before decoding",
       &C::max_image_pixels, 1, 1e9},
      {"limits.max_video_s", "length of one clip, seconds", &C::max_video_s, 1, 86400},
      {"limits.max_decode_s", "time that decoding one clip may take, seconds", &C::max_decode_s, 1,
       3600},
      {"limits.max_frames", "frames looked at in one clip", &C::max_frames, 1, 1024},
  };
  return table;
}

Status SetFromText(const Setting& s, const std::string& text, ServerConfig* c) {
  if (auto* field = std::get_if<std::string ServerConfig::*>(&s.field)) {
    c->** field = text;
    return absl::OkStatus();
  }
  if (auto* field = std::get_if<bool ServerConfig::*>(&s.field)) {
    if (text != "true" && text != "false" && text != "1" && text != "0")
      return Refuse(s.key, "must be true or false", text);
    c->** field = text == "true" || text == "1";
    return absl::OkStatus();
  }
  double v = 0;
  if (!absl::SimpleAtod(text, &v)) return Refuse(s.key, NumberRule(s), text);
  return SetNumber(s, v, c);
}

Status ReadToml(const std::string& path, ServerConfig* c) {
  toml::parse_result parsed = toml::parse_file(path);
  if (!parsed) {
    std::ostringstream why;
    why << "cannot read the configuration " << path << ": " << parsed.error();
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "CONFIG_INVALID", why.str());
  }
  auto at = [&path](const toml::source_region& source) {
    return path + ":" + std::to_string(source.begin.line);
  };
  for (const auto& [section, node] : parsed.table()) {
    const toml::table* inner = node.as_table();
    const std::string first(section.str());
    if (!inner)
      return From(at(section.source()),
                  Refuse(first.c_str(), "must stand in a section, such as [limits]"));
    for (const auto& [name, value] : *inner) {
      const std::string key = first + "." + std::string(name.str());
      const Setting* found = Find(key);
      SL_RETURN_IF_ERROR(From(
          at(name.source()),
          found ? SetFromNode(*found, value, c)
                : Refuse(key.c_str(), "is not a setting; see sightline serve --print-config")));
    }
  }
  return absl::OkStatus();
}

Status ReadEnvironment(ServerConfig* c) {
  for (const Setting& s : Settings()) {
    const std::string name = s.Environment();
    if (const char* v = std::getenv(name.c_str()))
      SL_RETURN_IF_ERROR(From(name, SetFromText(s, v, c)));
  }
  return absl::OkStatus();
}

Status CheckConfig(const ServerConfig& c) {
  if (c.role != "all" && c.role != "gateway" && c.role != "vision" && c.role != "language")
    return Refuse("server.role", "must be all, gateway, vision or language", c.role);
  if (!ParseWeightChoice(c.weights).ok())
    return Refuse("model.weights", "must be stored, f32, bf16, q8 or q4", c.weights);
  if (!ParseKvChoice(c.kv).ok()) return Refuse("model.kv", "must be auto, f32 or f16", c.kv);
  if (c.log_level != "debug" && c.log_level != "info" && c.log_level != "warn" &&
      c.log_level != "error")
    return Refuse("server.log_level", "must be debug, info, warn or error", c.log_level);
  SL_RETURN_IF_ERROR(CheckRoles(c));
  return CheckListen(c);
}

std::string ToToml(const ServerConfig& c) {
  std::ostringstream out;
  std::string section;
  for (const Setting& s : Settings()) {
    std::string key = s.key, now = key.substr(0, key.find('.'));
    if (now != section) out << (section.empty() ? "" : "\n") << "[" << (section = now) << "]\n";
    out << "# " << s.help << "\n" << Leaf(s.key) << " = ";
    if (std::holds_alternative<std::string ServerConfig::*>(s.field)) {
      out << toml::value<std::string>(s.Text(c));
    } else {
      out << s.Text(c);
    }
    out << "\n";
  }
  return out.str();
}

}  // namespace sightline

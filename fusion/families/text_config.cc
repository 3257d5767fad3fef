#include "fusion/families/text_config.h"

#include <algorithm>
#include <cmath>

namespace sightline {
namespace {

using language::Activation;
using language::DecoderSpec;
using language::RopeScaling;

// Newer exporters write rope_parameters (with rope_theta in it), older ones rope_theta beside
// rope_scaling.
std::string RopeKey(const ConfigReader& c) {
  return c.Has("rope_parameters") ? "rope_parameters" : "rope_scaling";
}

// YaRN's factor for attention, where the config does not state it: of the scores it is squared.
double AttentionFactor(const ConfigReader& r, double factor) {
  auto by = [factor](double mscale) {
    return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1;
  };
  double mscale = r.Real("mscale", 0, 1e3, 0), all = r.Real("mscale_all_dim", 0, 1e3, 0);
  double stated = mscale > 0 && all > 0 ? by(mscale) / by(all) : by(1);
  return r.Real("attention_factor", 1e-3, 1e3, stated);
}

// `context`: of the config; grows with YaRN, whose configs may still state the trained one.
RopeScaling ReadScaling(const ConfigReader& r, int64_t* context) {
  RopeScaling s;
  std::string kind = r.Text("rope_type", r.Text("type", "default"));
  // Dynamic scaling changes nothing up to the config's own context, beyond which none goes here.
  if (kind == "default" || kind == "mrope" || kind == "dynamic") return s;
  if (kind == "yarn") {
    s.kind = RopeScaling::Kind::kYarn;
    auto trained = static_cast<double>(*context);
    s.original_context = r.Real("original_max_position_embeddings", 1, 1e9, trained);
    s.factor = r.Real("factor", 1, 1e6, std::max(1.0, trained / s.original_context));
    s.beta_fast = r.Real("beta_fast", 1e-3, 1e6, 32);
    s.beta_slow = r.Real("beta_slow", 1e-3, 1e6, 1);
    s.whole_pairs = r.Bool("truncate", true);
    s.attention_factor = AttentionFactor(r, s.factor);
    if (s.beta_fast < s.beta_slow) r.Fail("beta_fast", "must not be below beta_slow");
    *context = std::max(*context, static_cast<int64_t>(std::min(s.original_context * s.factor,
                                                                static_cast<double>(1 << 24))));
    return s;
  }
  if (kind == "factors") {  // as GGUF files state a scaling: one divisor a pair
    s.kind = RopeScaling::Kind::kFactors;
    for (double f : r.Reals("factors", 512)) {
      if (!(f >= 1e-3 && f <= 1e6)) r.Fail("factors", "must be from 0.001 to 1000000");
      s.factors.push_back(static_cast<float>(f));
    }
    return s;
  }
  if (kind != "linear" && kind != "llama3") {
    r.Fail("rope_type", "is '" + kind.substr(0, 40) +
                            "'; default, linear, llama3, yarn, dynamic and mrope are known");
    return s;
  }
  s.kind = kind == "linear" ? RopeScaling::Kind::kLinear : RopeScaling::Kind::kLlama3;
  s.factor = r.Real("factor", 1, 1e6, 1);
  s.low_freq_factor = r.Real("low_freq_factor", 1e-3, 1e6, 1);
  s.high_freq_factor = r.Real("high_freq_factor", 1e-3, 1e6, 4);
  s.original_context = r.Real("original_max_position_embeddings", 1, 1e9, 8192);
  if (s.high_freq_factor <= s.low_freq_factor)
    r.Fail("high_freq_factor", "must exceed low_freq_factor");
  return s;
}

void ReadRope(const ConfigReader& c, DecoderSpec* s) {
  auto theta = [](const ConfigReader& r, const char* key, double fallback) {
    return static_cast<float>(r.Real(key, 1, 1e12, fallback));
  };
  s->rope_theta = theta(c, "rope_theta", 10000);
  ConfigReader rope(c, RopeKey(c));
  if (rope.Has("full_attention")) {  // one entry a kind of layer
    ConfigReader full(rope, "full_attention"), local(rope, "sliding_attention");
    s->rope_theta = theta(full, "rope_theta", s->rope_theta);
    s->rope_scaling = ReadScaling(full, &s->context);
    s->local_rope_theta = theta(local, "rope_theta", s->rope_theta);
    return;
  }
  s->rope_theta = theta(rope, "rope_theta", s->rope_theta);
  s->rope_scaling = ReadScaling(rope, &s->context);
  if (c.Has("rope_local_base_freq")) s->local_rope_theta = theta(c, "rope_local_base_freq", 10000);
}

void ReadWindows(const ConfigReader& c, DecoderSpec* s) {
  if (!c.Has("sliding_window") || !c.Bool("use_sliding_window", true)) return;
  auto window = static_cast<int32_t>(c.Int("sliding_window", 1, 1 << 24));
  std::vector<std::string> kinds = c.Texts("layer_types", 4096);
  int64_t pattern =
      c.Int("sliding_window_pattern", 1, 4096, c.Int("_sliding_window_pattern", 1, 4096, 0));
  int64_t first = c.Int("max_window_layers", 0, 1 << 20, 0);
  for (int64_t i = 0; i < s->layers; ++i) {
    bool slides = pattern > 0 ? (i + 1) % pattern != 0 : i >= first;
    if (!kinds.empty()) {
      slides = i < static_cast<int64_t>(kinds.size()) &&
               kinds[static_cast<size_t>(i)] == "sliding_attention";
    }
    s->windows.push_back(slides ? window : 0);
  }
}

}  // namespace

DecoderSpec ReadTextConfig(const ConfigReader& c, const TextDefaults& d) {
  auto size = [&c](const char* key, int64_t low, int64_t high, int64_t fallback) {
    return fallback > 0 ? c.Int(key, low, high, fallback) : c.Int(key, low, high);
  };
  DecoderSpec s;
  s.hidden = size("hidden_size", 8, 1 << 16, d.hidden);
  s.ffn = size("intermediate_size", 8, 1 << 20, d.ffn);
  s.layers = size("num_hidden_layers", 1, 1024, d.layers);
  s.heads = size("num_attention_heads", 1, 1024, d.heads);
  s.kv_heads = c.Int("num_key_value_heads", 1, 1024, s.heads);
  s.head_dim = c.Int("head_dim", 2, 1024, s.hidden / s.heads);
  s.vocab = size("vocab_size", 1, 1 << 22, d.vocab);
  s.context = c.Int("max_position_embeddings", 1, 1 << 24, 2048);
  s.rms_eps = static_cast<float>(c.Real("rms_norm_eps", 0, 1, 1e-6));
  std::string act = c.Text("hidden_act", c.Text("hidden_activation", "silu"));
  if (act == "gelu_pytorch_tanh") {
    s.activation = Activation::kGeluTanh;
  } else if (act != "silu") {
    c.Fail("hidden_act", "is '" + act.substr(0, 40) + "'; silu and gelu_pytorch_tanh are known");
  }
  for (const std::string& kind : c.Texts("layer_types", 4096)) {
    if (kind != "full_attention" && kind != "sliding_attention") {
      c.Fail("layer_types", "names '" + kind.substr(0, 40) + "', which is no attention known here");
    }
  }
  ReadRope(c, &s);
  ReadWindows(c, &s);
  return s;
}

void ReadMropeSections(const ConfigReader& c, DecoderSpec* s) {
  ConfigReader rope(c, RopeKey(c));
  s->mrope_sections = rope.Ints("mrope_section", 3, 0, 4096);
  s->mrope_interleaved = rope.Bool("mrope_interleaved", false);
  if (s->mrope_sections.size() != 3) rope.Fail("mrope_section", "must be three whole numbers");
}

}  // namespace sightline

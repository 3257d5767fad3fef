#include "tools/bench/random_gguf.h"

#include <cmath>
#include <cstring>
#include <random>

#include "compute/weights/gguf_writer.h"

namespace sightline::bench {
namespace {

BlockFormat FormatOf(WeightChoice weights, int64_t width) {
  if (weights == WeightChoice::kQ8) return BlockFormat::kQ8_0;
  if (weights == WeightChoice::kQ4)
    return width % 256 == 0 ? BlockFormat::kQ4_K : BlockFormat::kQ4_0;
  return BlockFormat::kBF16;
}

// Random codes; the halves that scale them give weights a deviation of about 1 / sqrt(width).
std::string RandomRows(BlockFormat format, int64_t rows, int64_t width, uint64_t seed) {
  std::string out(static_cast<size_t>(BytesOf(format, rows * width)), '\0');
  std::mt19937_64 random(seed);
  for (size_t i = 0; i + 8 <= out.size(); i += 8) {
    uint64_t v = random();
    std::memcpy(&out[i], &v, 8);
  }
  float spread = 1 / std::sqrt(static_cast<float>(width));
  auto half = [&](size_t at, float v) {
    uint16_t h = ToHalf(v);
    std::memcpy(&out[at], &h, 2);
  };
  auto step = static_cast<size_t>(TraitsOf(format).bytes);
  for (size_t at = 0; at < out.size(); at += step) {
    if (format == BlockFormat::kQ8_0) half(at, spread / 74);
    if (format == BlockFormat::kQ4_0) half(at, spread / 4.6f);
    if (format == BlockFormat::kQ4_K) {
      half(at, spread / (4.6f * 31));
      half(at + 2, spread * 7.5f / (4.6f * 31));
      std::memset(&out[at + 4], 0x5F, 12);
    }
    if (format == BlockFormat::kBF16) {
      uint16_t v = ToBfloat(spread * static_cast<float>(static_cast<int8_t>(out[at])) / 74);
      std::memcpy(&out[at], &v, 2);
    }
  }
  return out;
}

class FileOfSpec {
 public:
  FileOfSpec(const language::DecoderSpec& spec, WeightChoice weights)
      : spec_(spec), weights_(weights) {}

  Status Write(const std::string& path) {
    Metadata();
    Matrix("token_embd", spec_.vocab, spec_.hidden);
    Vector("output_norm.weight", spec_.hidden, 1);
    int64_t q = spec_.heads * spec_.head_dim, kv = spec_.kv_heads * spec_.head_dim;
    for (int64_t i = 0; i < spec_.layers; ++i) {
      std::string p = "blk." + std::to_string(i) + ".";
      Vector(p + "attn_norm.weight", spec_.hidden, 1);
      Vector(p + "ffn_norm.weight", spec_.hidden, 1);
      Matrix(p + "attn_q", q, spec_.hidden);
      Matrix(p + "attn_k", kv, spec_.hidden);
      Matrix(p + "attn_v", kv, spec_.hidden);
      if (spec_.qkv_bias) {
        Vector(p + "attn_q.bias", q, 0);
        Vector(p + "attn_k.bias", kv, 0);
        Vector(p + "attn_v.bias", kv, 0);
      }
      Matrix(p + "attn_output", spec_.hidden, q);
      Matrix(p + "ffn_gate", spec_.ffn, spec_.hidden);
      Matrix(p + "ffn_up", spec_.ffn, spec_.hidden);
      Matrix(p + "ffn_down", spec_.hidden, spec_.ffn);
    }
    return file_.Write(path);
  }

 private:
  void Metadata() {
    std::string arch = spec_.qkv_bias ? "qwen2" : "llama";
    auto count = [&](const std::string& key, int64_t v) {
      file_.Uint(arch + "." + key, static_cast<uint32_t>(v));
    };
    file_.String("general.architecture", arch);
    file_.String("general.name", "random weights");
    file_.String("tokenizer.ggml.model", "none");
    count("vocab_size", spec_.vocab);
    count("context_length", spec_.context);
    count("embedding_length", spec_.hidden);
    count("block_count", spec_.layers);
    count("feed_forward_length", spec_.ffn);
    count("attention.head_count", spec_.heads);
    count("attention.head_count_kv", spec_.kv_heads);
    count("attention.key_length", spec_.head_dim);
    count("attention.value_length", spec_.head_dim);
    count("rope.dimension_count", spec_.head_dim);
    file_.Float(arch + ".rope.freq_base", static_cast<float>(spec_.rope_theta));
    file_.Float(arch + ".attention.layer_norm_rms_epsilon", 1e-6f);
  }
  void Matrix(const std::string& name, int64_t rows, int64_t width) {
    BlockFormat format = FormatOf(weights_, width);
    file_.Tensor(name + ".weight", format, {rows, width},
                 [=, seed = ++seed_] { return RandomRows(format, rows, width, seed); });
  }
  void Vector(const std::string& name, int64_t n, float mean) {
    file_.Tensor(name, BlockFormat::kF32, {n}, [=, seed = ++seed_] {
      std::mt19937_64 random(seed);
      std::normal_distribution<float> value(mean, 0.02f);
      std::string out(static_cast<size_t>(4 * n), '\0');
      for (int64_t i = 0; i < n; ++i) {
        float v = value(random);
        std::memcpy(&out[static_cast<size_t>(4 * i)], &v, 4);
      }
      return out;
    });
  }

  const language::DecoderSpec& spec_;
  WeightChoice weights_;
  GgufWriter file_;
  uint64_t seed_ = 0;
};

}  // namespace

Status WriteRandomGguf(const language::DecoderSpec& spec, WeightChoice weights,
                       const std::string& path) {
  return FileOfSpec(spec, weights).Write(path);
}

}  // namespace sightline::bench

#include "tools/bench/random_model.h"

#include <cmath>
#include <cstring>

#include "compute/cpu/aligned_buffer.h"

namespace sightline::bench {
namespace {

using language::DecoderSpec;

// Fills memory at its speed.
class Noise {
 public:
  uint64_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  void Fill(uint8_t* p, int64_t bytes) {
    for (; bytes >= 8; bytes -= 8, p += 8) {
      uint64_t v = Next();
      std::memcpy(p, &v, 8);
    }
    uint64_t v = Next();
    std::memcpy(p, &v, static_cast<size_t>(bytes));
  }

 private:
  uint64_t state_ = 88172645463325252u;
};

void PutHalf(uint8_t* at, float v) {
  uint16_t half = ToHalf(v);
  std::memcpy(at, &half, 2);
}

// Random codes under scales that give weights a deviation of 1 / sqrt(k): rows keep their spread.
void Blocks(BlockFormat format, int64_t k, int64_t bytes, Noise* noise, uint8_t* out) {
  noise->Fill(out, bytes);
  float spread = 1 / std::sqrt(static_cast<float>(k));
  int64_t step = TraitsOf(format).bytes;
  for (uint8_t* b = out; b < out + bytes; b += step) {
    if (format == BlockFormat::kQ8_0) {
      PutHalf(b, spread / 74);  // codes from -128 to 127
    } else {  // Q4_K: d scale code - dmin min, with scales and mins about 32 and 16
      std::memset(b + 4, 0x5F, 12);
      PutHalf(b, spread / (4.6f * 31));
      PutHalf(b + 2, spread * 7.5f / (4.6f * 31));
    }
  }
}

class RandomWeights {
 public:
  explicit RandomWeights(WeightChoice weights) : weights_(weights) {}

  StatusOr<StoredTensor> operator()(const std::string& name, const std::vector<int64_t>& shape) {
    StoredTensor t;
    t.shape = shape;
    t.format = FormatOf(name, shape);
    int64_t bytes = BytesOf(t.format, t.count());
    auto buffer = std::make_shared<AlignedBuffer>(bytes);  // large ones leave no hole in the heap
    uint8_t* data = buffer->data();
    if (shape.size() == 1) {
      bool gain = name.ends_with("norm.weight");
      for (int64_t i = 0; i < shape[0]; ++i) {
        float v = (gain ? 1.0f : 0.0f) + 0.02f * Uniform();
        std::memcpy(&data[static_cast<size_t>(4 * i)], &v, 4);
      }
    } else if (t.format == BlockFormat::kBF16) {
      float spread = std::sqrt(3.0f / static_cast<float>(shape[1]));
      for (int64_t i = 0; i < t.count(); ++i) {
        uint16_t v = ToBfloat(spread * Uniform());
        std::memcpy(&data[static_cast<size_t>(2 * i)], &v, 2);
      }
    } else {
      Blocks(t.format, shape[1], bytes, &noise_, data);
    }
    t.data = data;
    t.keep = std::shared_ptr<const void>(buffer, data);
    return t;
  }

 private:
  float Uniform() { return static_cast<float>(static_cast<int32_t>(noise_.Next())) * 0x1p-31f; }
  BlockFormat FormatOf(const std::string& name, const std::vector<int64_t>& shape) const {
    if (shape.size() == 1) return BlockFormat::kF32;
    bool end = name == "lm_head.weight" || name == "embed_tokens.weight";
    bool q8 = weights_ == WeightChoice::kQ8 || (weights_ == WeightChoice::kQ4 && end);
    if (q8 && shape[1] % 32 == 0) return BlockFormat::kQ8_0;
    if (weights_ == WeightChoice::kQ4 && shape[1] % 256 == 0) return BlockFormat::kQ4_K;
    return BlockFormat::kBF16;
  }

  WeightChoice weights_;
  Noise noise_;
};

}  // namespace

StatusOr<DecoderSpec> SpecOf(const std::string& shape) {
  struct Row {
    const char* name;
    int64_t layers, hidden, heads, kv_heads, head_dim, ffn, vocab;
    bool bias;
    float theta;
  };
  constexpr Row kRows[] = {{"135m", 30, 576, 9, 3, 64, 1536, 49280, false, 1e5f},
                           {"0.5b", 24, 896, 14, 2, 64, 4864, 151936, true, 1e6f},
                           {"3b", 36, 2048, 16, 2, 128, 11008, 151936, true, 1e6f}};
  for (const Row& r : kRows) {
    if (shape != r.name) continue;
    DecoderSpec s;
    s.layers = r.layers;
    s.hidden = r.hidden;
    s.heads = r.heads;
    s.kv_heads = r.kv_heads;
    s.head_dim = r.head_dim;
    s.ffn = r.ffn;
    s.vocab = r.vocab;
    s.qkv_bias = r.bias;
    s.rope_theta = r.theta;
    s.context = 32768;
    return s;
  }
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "SHAPE_UNKNOWN",
                         "shapes are 135m, 0.5b and 3b");
}

StatusOr<std::unique_ptr<language::Decoder>> RandomDecoder(const DecoderSpec& spec,
                                                           WeightChoice weights) {
  auto source = std::make_shared<RandomWeights>(weights);
  return language::Decoder::Load(
      spec,
      [source](const std::string& name, const std::vector<int64_t>& shape) {
        return (*source)(name, shape);
      },
      weights);
}

}  // namespace sightline::bench

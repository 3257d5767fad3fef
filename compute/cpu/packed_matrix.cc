#include "compute/cpu/packed_matrix.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <vector>

#include "compute/base/check.h"
#include "compute/base/thread_pool.h"
#include "compute/weights/block_quantize.h"

namespace sightline {
namespace {

Status Bad(const char* what) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "WEIGHTS_UNSUPPORTED", what);
}

int64_t PairBytes(PackedFormat f) {
  switch (f) {
    case PackedFormat::kQ8:
      return 64 + 1024;
    case PackedFormat::kQ4:
    case PackedFormat::kQ4K:
      return 64 + 512;
    case PackedFormat::kQ6K:
      return 64 + 512 + 256;
  }
  return 0;
}

bool Super(PackedFormat f) { return f == PackedFormat::kQ4K || f == PackedFormat::kQ6K; }

// One row of a packed panel, by block.
class Row {
 public:
  Row(const PackedMatrix& w, int64_t row)
      : w_(w), panel_(w.data.data() + row / kPanelRows * w.panel_bytes), r_(row % kPanelRows) {}

  uint8_t* pair(int64_t block) const {
    int64_t p = block / 2, super = Super(w_.format) ? (p / (kSuperBlocks / 2) + 1) * 64 : 0;
    return panel_ + p * PairBytes(w_.format) + super;
  }
  // d and dmin of the block's super-block.
  uint8_t* super(int64_t block) const {
    return panel_ + block / kSuperBlocks * (64 + kSuperBlocks / 2 * PairBytes(w_.format));
  }
  void SetHalf(uint8_t* at, uint16_t v) const { std::memcpy(at + 2 * r_, &v, 2); }
  float Half(const uint8_t* at) const {
    uint16_t v;
    std::memcpy(&v, at + 2 * r_, 2);
    return FromHalf(v);
  }
  void SetCode(int64_t block, int i, int code) const {
    uint8_t* codes = pair(block) + 64;
    int64_t odd = block % 2, quad = i / 4, lane = r_ * 4 + i % 4;
    if (w_.format == PackedFormat::kQ8) {
      codes[odd * 512 + quad * 64 + lane] = static_cast<uint8_t>(code);
      return;
    }
    uint8_t& low = codes[odd * 256 + quad / 2 * 64 + lane];
    low = static_cast<uint8_t>(low | (code & 15) << (quad % 2 * 4));
    if (w_.format == PackedFormat::kQ6K) {
      uint8_t& high = codes[512 + odd * 128 + quad / 4 * 64 + lane];
      high = static_cast<uint8_t>(high | (code >> 4) << (quad % 4 * 2));
    }
  }
  int Code(int64_t block, int i) const {
    const uint8_t* codes = pair(block) + 64;
    int64_t odd = block % 2, quad = i / 4, lane = r_ * 4 + i % 4;
    if (w_.format == PackedFormat::kQ8) return codes[odd * 512 + quad * 64 + lane];
    int low = codes[odd * 256 + quad / 2 * 64 + lane] >> (quad % 2 * 4) & 15;
    if (w_.format != PackedFormat::kQ6K) return low;
    return low | (codes[512 + odd * 128 + quad / 4 * 64 + lane] >> (quad % 4 * 2) & 3) << 4;
  }
  // The small integers beside a pair: 16-byte rows of one byte for each matrix row.
  uint8_t& Small(int64_t block, int64_t index) const { return pair(block)[index * 16 + r_]; }

 private:
  const PackedMatrix& w_;
  uint8_t* panel_;
  int64_t r_;
};

// All but the memory.
PackedMatrix Sized(PackedFormat format, int64_t n, int64_t k) {
  PackedMatrix w;
  w.format = format;
  w.n = n;
  w.k = k;
  w.blocks = (k / kBlock + 1) / 2 * 2;
  w.panels = (n + kPanelRows - 1) / kPanelRows;
  int64_t supers = Super(format) ? (w.blocks + kSuperBlocks - 1) / kSuperBlocks : 0;
  w.panel_bytes = w.blocks / 2 * PairBytes(format) + supers * 64;
  return w;
}

PackedMatrix Empty(PackedFormat format, int64_t n, int64_t k) {
  PackedMatrix w = Sized(format, n, k);
  w.data = AlignedBuffer(w.bytes());
  return w;
}

void PutQ8_0(const Row& row, int64_t block, const uint8_t* b) {
  row.SetHalf(row.pair(block) + block % 2 * 32, static_cast<uint16_t>(b[0] | b[1] << 8));
  for (int i = 0; i < 32; ++i) row.SetCode(block, i, static_cast<int8_t>(b[2 + i]) + 128);
}

void PutQ4_0(const Row& row, int64_t block, const uint8_t* b) {
  row.SetHalf(row.pair(block) + block % 2 * 32, static_cast<uint16_t>(b[0] | b[1] << 8));
  for (int i = 0; i < 32; ++i) row.SetCode(block, i, i < 16 ? b[2 + i] & 15 : b[2 + i - 16] >> 4);
}

void PutAffine(const Row& row, int64_t block, const AffineBlocks& a, int count) {
  row.SetHalf(row.super(block), a.d);
  row.SetHalf(row.super(block) + 32, a.dmin);
  for (int s = 0; s < count; ++s) {
    row.Small(block + s, s % 2) = a.scale[s];
    row.Small(block + s, 2 + s % 2) = a.min[s];
    for (int i = 0; i < 32; ++i) row.SetCode(block + s, i, a.q[s * 32 + i]);
  }
}

void PutQ4_K(const Row& row, int64_t block, const uint8_t* b) {
  AffineBlocks a;
  a.d = static_cast<uint16_t>(b[0] | b[1] << 8);
  a.dmin = static_cast<uint16_t>(b[2] | b[3] << 8);
  for (int s = 0; s < 8; ++s) {
    int scale, min;
    ScaleAndMin(b + 4, s, &scale, &min);
    a.scale[s] = static_cast<uint8_t>(scale);
    a.min[s] = static_cast<uint8_t>(min);
    for (int i = 0; i < 32; ++i) {
      uint8_t q = b[16 + s / 2 * 32 + i];
      a.q[s * 32 + i] = s % 2 ? q >> 4 : q & 15;
    }
  }
  PutAffine(row, block, a, 8);
}

void PutQ6_K(const Row& row, int64_t block, const uint8_t* b) {
  row.SetHalf(row.super(block), static_cast<uint16_t>(b[208] | b[209] << 8));
  for (int v = 0; v < 256; ++v) {
    int half = v / 128, i = v % 128 / 32, j = v % 32;
    int low = b[half * 64 + i % 2 * 32 + j] >> (i / 2 * 4) & 15;
    int high = b[128 + half * 32 + j] >> (2 * i) & 3;
    row.SetCode(block + v / 32, v % 32, low | high << 4);
    if (v % 16 == 0) row.Small(block + v / 32, v / 32 % 2 * 2 + v % 32 / 16) = b[192 + v / 16];
  }
}

void Put(const Row& row, BlockFormat format, int64_t block, const uint8_t* b) {
  switch (format) {
    case BlockFormat::kQ8_0:
      return PutQ8_0(row, block, b);
    case BlockFormat::kQ4_0:
      return PutQ4_0(row, block, b);
    case BlockFormat::kQ4_K:
      return PutQ4_K(row, block, b);
    default:
      return PutQ6_K(row, block, b);
  }
}

bool Quantized(BlockFormat f, PackedFormat* to) {
  if (f == BlockFormat::kQ8_0) return *to = PackedFormat::kQ8, true;
  if (f == BlockFormat::kQ4_0) return *to = PackedFormat::kQ4, true;
  if (f == BlockFormat::kQ4_K) return *to = PackedFormat::kQ4K, true;
  if (f == BlockFormat::kQ6_K) return *to = PackedFormat::kQ6K, true;
  return false;
}

void QuantizeInto(const PackedMatrix& w, int64_t r, const float* x) {
  Row row(w, r);
  if (w.format == PackedFormat::kQ8) {
    uint8_t b[34];
    for (int64_t i = 0; i < w.k / kBlock; ++i) {
      QuantizeRow(BlockFormat::kQ8_0, x + i * kBlock, kBlock, b);
      PutQ8_0(row, i, b);
    }
    return;
  }
  for (int64_t i = 0; i < w.k / kBlock; i += kSuperBlocks) {
    int count = static_cast<int>(std::min(kSuperBlocks, w.k / kBlock - i));
    AffineBlocks a;
    FitAffine(x + i * kBlock, count, &a);
    PutAffine(row, i, a, count);
  }
}

}  // namespace

int64_t PackedBytes(PackedFormat format, int64_t n, int64_t k) {
  return Sized(format, n, k).bytes();
}

StatusOr<PackedMatrix> PackBlocks(BlockFormat format, const void* rows, int64_t n, int64_t k) {
  PackedFormat to;
  if (!Quantized(format, &to)) return Bad("only Q8_0, Q4_0, Q4_K and Q6_K rows can be packed");
  const BlockTraits& t = TraitsOf(format);
  if (n < 1 || k < 1 || k % t.values != 0) return Bad("a row must be a whole number of blocks");
  PackedMatrix w = Empty(to, n, k);
  int64_t row_bytes = BytesOf(format, k);
  ParallelFor(w.panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin * kPanelRows; r < std::min(n, end * kPanelRows); ++r) {
      const uint8_t* b = static_cast<const uint8_t*>(rows) + r * row_bytes;
      Row row(w, r);
      for (int64_t i = 0; i < k; i += t.values, b += t.bytes) Put(row, format, i / kBlock, b);
    }
  });
  return w;
}

StatusOr<PackedMatrix> QuantizeAndPack(BlockFormat format, const void* rows, int64_t n, int64_t k,
                                       PackedFormat to) {
  if (to != PackedFormat::kQ8 && to != PackedFormat::kQ4K) return Bad("rows quantise to q8 or q4");
  if (n < 1 || k < 1 || k % kBlock != 0) return Bad("a row must be a multiple of 32 long");
  if (k % TraitsOf(format).values != 0) return Bad("a row must be a whole number of blocks");
  PackedMatrix w = Empty(to, n, k);
  std::atomic<bool> finite{true};
  ParallelFor(w.panels, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> x(static_cast<size_t>(k));
    for (int64_t r = begin * kPanelRows; r < std::min(n, end * kPanelRows); ++r) {
      DequantizeRow(format, static_cast<const uint8_t*>(rows) + r * BytesOf(format, k), k,
                    x.data());
      if (!std::all_of(x.begin(), x.end(), [](float v) { return std::isfinite(v); }))
        finite = false;
      if (finite) QuantizeInto(w, r, x.data());
    }
  });
  if (!finite) return Bad("a weight is not finite");
  return w;
}

void UnpackRow(const PackedMatrix& w, int64_t r, float* out) {
  SL_CHECK(r >= 0 && r < w.n);
  Row row(w, r);
  for (int64_t v = 0; v < w.k; ++v) {
    int64_t block = v / kBlock, i = v % kBlock, odd = block % 2;
    auto code = static_cast<float>(row.Code(block, static_cast<int>(i)));
    if (w.format == PackedFormat::kQ8) {
      out[v] = row.Half(row.pair(block) + odd * 32) * (code - 128);
    } else if (w.format == PackedFormat::kQ4) {
      out[v] = row.Half(row.pair(block) + odd * 32) * (code - 8);
    } else if (w.format == PackedFormat::kQ4K) {
      float d = row.Half(row.super(block)), dmin = row.Half(row.super(block) + 32);
      out[v] = d * static_cast<float>(row.Small(block, odd)) * code -
               dmin * static_cast<float>(row.Small(block, 2 + odd));
    } else {
      auto scale = static_cast<int8_t>(row.Small(block, odd * 2 + i / 16));
      out[v] = row.Half(row.super(block)) * static_cast<float>(scale) * (code - 32);
    }
  }
}

}  // namespace sightline

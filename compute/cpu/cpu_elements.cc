// Elements of rows. The compiler's vector loops round differently from the scalar loop that ends
// them, so an element's loop must not depend on how many rows there are or on how they are split.
#include <algorithm>
#include <cmath>

#include "compute/base/thread_pool.h"
#include "compute/cpu/activations.h"
#include "compute/cpu/cpu_backend.h"
#include "compute/cpu/rotary.h"

namespace sightline {
namespace {

constexpr int64_t kColumns = 1024;  // that one loop covers

// Calls fn(offset, n) for parts of rows of c numbers.
template <class Fn>
void ForParts(int64_t rows, int64_t c, const Fn& fn) {
  int64_t parts = (c + kColumns - 1) / kColumns;
  ParallelFor(rows * parts, 4, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      int64_t first = i % parts * kColumns;
      fn(i / parts * c + first, std::min(kColumns, c - first));
    }
  });
}

template <class Fn>
void Each(int64_t rows, int64_t c, float* x, const Fn& fn) {
  ForParts(rows, c, [&](int64_t at, int64_t n) {
    float* p = x + at;
    for (int64_t i = 0; i < n; ++i) p[i] = fn(p[i]);
  });
}

void Activate(ActivationKind kind, int64_t rows, int64_t c, float* x) {
  ForParts(rows, c, [&](int64_t at, int64_t n) { ActivateSpan(kind, x + at, n, x + at); });
}

}  // namespace

Status CpuOps::Pointwise(PointOp op, float value, int64_t rows, int64_t c, float* x) {
  switch (op) {
    case PointOp::kGelu:
      Activate(ActivationKind::kGelu, rows, c, x);
      break;
    case PointOp::kGeluTanh:
      Activate(ActivationKind::kGeluTanh, rows, c, x);
      break;
    case PointOp::kQuickGelu:
      Activate(ActivationKind::kQuickGelu, rows, c, x);
      break;
    case PointOp::kRelu:
      Each(rows, c, x, [](float v) { return std::max(v, 0.0f); });
      break;
    case PointOp::kSigmoid:
      Each(rows, c, x, [](float v) { return 1 / (1 + std::exp(-v)); });
      break;
    case PointOp::kScale:
      Each(rows, c, x, [value](float v) { return v * value; });
      break;
    case PointOp::kCap:
      Each(rows, c, x, [value](float v) { return value * std::tanh(v / value); });
      break;
  }
  return absl::OkStatus();
}

Status CpuOps::Gate(GateOp op, const float* gate, const float* up, int64_t rows, int64_t c,
                    float* y) {
  ForParts(rows, c, [&](int64_t at, int64_t n) {
    ActivateGated(op == GateOp::kSilu ? ActivationKind::kSilu : ActivationKind::kGeluTanh,
                  gate + at, up + at, n, y + at);
  });
  return absl::OkStatus();
}

Status CpuOps::AddRows(const float* y, const float* gain, int64_t rows, int64_t c, float* x) {
  if (!gain) {
    AddInPlace(x, y, rows * c);
    return absl::OkStatus();
  }
  ParallelFor(rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* to = x + i * c;
      const float* from = y + i * c;
      for (int64_t j = 0; j < c; ++j) to[j] += gain[j] * from[j];
    }
  });
  return absl::OkStatus();
}

Status CpuOps::Affine(const float* x, const float* scale, const float* shift, int64_t rows,
                      int64_t c, float* y) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < c; ++j) {
      y[i * c + j] = x[i * c + j] * scale[j] + (shift ? shift[j] : 0.0f);
    }
  }
  return absl::OkStatus();
}

Status CpuOps::Rotate(const float* cosine, const float* sine, int64_t rows, int64_t stride,
                      int64_t heads, int64_t d, float* x) {
  int64_t half = d / 2;
  ParallelFor(rows, 16, [&](int64_t begin, int64_t end) {
    RotateRows(x + begin * stride, end - begin, stride, heads, d, cosine + begin * half,
               sine + begin * half);
  });
  return absl::OkStatus();
}

}  // namespace sightline

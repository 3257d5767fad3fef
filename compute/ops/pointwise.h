// Functions of single elements.
#pragma once

#include "compute/base/tensor.h"

namespace sightline {

enum class PointOp {
  kGelu,       // exact, erf
  kGeluTanh,   // 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
  kQuickGelu,  // x sigmoid(1.702 x)
  kRelu,
  kSigmoid,
  kScale,  // x value
  kCap,    // value tanh(x / value)
};
void Pointwise(PointOp op, Tensor* x, float value = 1);

enum class GateOp { kSilu, kGeluTanh };  // y = f(gate) up
// up = f(gate) up, of one shape.
void Gate(GateOp op, const Tensor& gate, Tensor* up);

}  // namespace sightline

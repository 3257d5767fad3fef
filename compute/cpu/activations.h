// Activation functions over spans of float32, dispatched to the best SIMD target. Single-threaded;
// an element's result does not depend on its place.
#pragma once

#include <cstdint>

namespace sightline {

enum class ActivationKind {
  kGelu,       // x Phi(x), Phi the normal distribution: the exact (erf) form
  kGeluTanh,   // its approximation by tanh
  kQuickGelu,  // x sigmoid(1.702 x)
  kSilu        // x sigmoid(x)
};

// y[i] = f(x[i]), i in [0, n); y may be x.
void ActivateSpan(ActivationKind kind, const float* x, int64_t n, float* y);
// y[i] = f(gate[i]) up[i]; y may be either.
void ActivateGated(ActivationKind kind, const float* gate, const float* up, int64_t n, float* y);

}  // namespace sightline

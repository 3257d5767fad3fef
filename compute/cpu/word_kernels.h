// The kernels behind word_matmul.h, dispatched to the best SIMD target. Single-threaded.
#pragma once

#include "compute/cpu/word_matrix.h"

namespace sightline {

constexpr int64_t kWordUnitPanels = 2;  // of weights that the widest register tile takes

// Activations [rows, blocks of 64], the last block of a row padded with zeros.
struct WordRows {
  int64_t rows = 0, blocks = 0;
  int64_t stride = 0;        // codes from row to row
  int16_t* codes = nullptr;  // [rows, stride], within [-4095, 4095]
  float* scale = nullptr;    // [rows, blocks]
};

struct WordOut {
  float* data = nullptr;  // row m at data + m * stride
  int64_t stride = 0;
  const float* bias = nullptr;  // [n] or null
};

// One row x [k] into row `row` of `out`.
void QuantizeWordRow(const float* x, int64_t k, int64_t row, const WordRows& out);
// All rows times panels [begin, end).
void WordGemm(const WordMatrix& w, const WordRows& x, int64_t begin, int64_t end,
              const WordOut& out);

}  // namespace sightline

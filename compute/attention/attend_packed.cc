#include "compute/attention/attend_packed.h"

#include "compute/base/check.h"

namespace sightline {

Tensor AttendPacked(const Tensor& qkv, int64_t heads, float scale, const BlockList& lists,
                    const BiasTable& bias) {
  int64_t c = qkv.cols() / 3;
  SL_CHECK(qkv.cols() == 3 * c && c % heads == 0);
  std::vector<int64_t> shape = qkv.shape;
  shape.back() = c;
  Tensor out(shape);
  const float *q = qkv.data.data(), *k = q + c, *v = q + 2 * c;
  AttentionArgs a;
  a.q = q;
  a.q_stride = 3 * c;
  auto page = static_cast<int32_t>(qkv.rows());
  a.k = {&k, page, 3 * c};
  a.v = {&v, page, 3 * c};
  a.rows = qkv.rows();
  a.heads = a.kv_heads = heads;
  a.d = c / heads;
  a.scale = scale;
  a.lists = &lists;
  if (bias.places) {
    SL_CHECK(bias.table && bias.table->rows() == heads);
    a.bias = {bias.places, bias.table->data.data(), bias.table->cols()};
  }
  a.out = out.data.data();
  Attend(a);
  return out;
}

}  // namespace sightline

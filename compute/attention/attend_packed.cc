#include "compute/attention/attend_packed.h"

#include "compute/base/check.h"
#include "compute/base/shape_check.h"

namespace sightline {

Tensor AttendPacked(const Tensor& qkv, int64_t heads, float scale, const AttentionPlan& plan,
                    const Tensor* bias) {
  CheckMultiple(qkv.cols(), "qkv", {"3C", 3 * heads});
  SL_CHECK(plan.device() == qkv.device());
  int64_t c = qkv.cols() / 3;
  std::vector<int64_t> shape = qkv.shape;
  shape.back() = c;
  Tensor out(shape, qkv.device());
  const float *q = qkv.address(), *k = q + c, *v = q + 2 * c;
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
  if (bias) {
    CheckShape(*bias, "bias", {{"H", heads}, {"entries"}});
    SL_CHECK(plan.places() && bias->device() == qkv.device());
    a.bias.table = bias->address();
    a.bias.entries = bias->cols();
  }
  a.out = out.address();
  plan.Run(a);
  return out;
}

Tensor AttendPacked(const Tensor& qkv, int64_t heads, float scale, const BlockList& lists,
                    const BiasTable& bias) {
  AttentionPlan plan(qkv.device(), lists, bias.places);
  SL_CHECK(!bias.places == !bias.table);
  return AttendPacked(qkv, heads, scale, plan, bias.table);
}

}  // namespace sightline

#include "compute/attention/attention.h"

#include <algorithm>
#include <cmath>

#include "compute/base/check.h"
#include "compute/base/thread_pool.h"
#include "compute/cpu/attention_tiles.h"

namespace sightline {
namespace {

void PrepareTap(const AttentionArgs& a) {
  if (!a.tap) return;
  SL_CHECK(a.edit && !a.edit->key_class.empty());
  a.tap->mass.assign(static_cast<size_t>(a.rows * a.heads * a.edit->classes), 0.0f);
}

}  // namespace

void Attend(const AttentionArgs& a) {
  SL_CHECK(a.heads % a.kv_heads == 0 && a.lists);
  PrepareTap(a);
  int64_t work = a.lists->tiles() * a.kv_heads;
  ParallelFor(work, 1, [&](int64_t b, int64_t e) { AttendTiles(a, b, e); });
}

void AttendReference(const AttentionArgs& a) {
  PrepareTap(a);
  const BlockList& l = *a.lists;
  auto edit = [&](const std::vector<float>& table, int64_t h, int32_t row, double neutral) {
    return table.empty() ? neutral
                         : static_cast<double>(table[static_cast<size_t>(
                               h * a.edit->classes + a.edit->key_class[static_cast<size_t>(row)])]);
  };
  bool classes = a.edit && !a.edit->key_class.empty();
  for (int tile = 0; tile < l.tiles(); ++tile) {
    for (int32_t t : l.QueriesOf(tile)) {
      for (int64_t h = 0; h < a.heads; ++h) {
        int64_t g = h * a.kv_heads / a.heads;
        if (!l.IsForHead(tile, g)) continue;
        std::vector<int32_t> rows;
        for (int32_t r : l.KeysOf(tile)) {
          if (!l.causal || r <= l.query_offset + t) rows.push_back(r);
        }
        std::vector<double> p(rows.size());
        double top = -1e300, sum = 0;
        for (size_t j = 0; j < rows.size(); ++j) {
          for (int64_t i = 0; i < a.d; ++i)
            p[j] += static_cast<double>(a.q[t * a.q_stride + h * a.d + i]) *
                    a.k.Row(rows[j], g, a.d)[i];
          p[j] *= a.scale;
          if (a.bias.places && a.bias.At(t, rows[j]) >= 0) {
            SL_CHECK(a.bias.At(t, rows[j]) < a.bias.entries);
            p[j] += a.bias.table[h * a.bias.entries + a.bias.At(t, rows[j])];
          }
          if (classes)
            p[j] = p[j] * edit(a.edit->gain, h, rows[j], 1) + edit(a.edit->bias, h, rows[j], 0);
          top = std::max(top, p[j]);
        }
        for (double& x : p) sum += x = std::exp(x - top);
        for (int64_t i = 0; i < a.d; ++i) {
          double o = 0;
          for (size_t j = 0; j < rows.size(); ++j)
            o += p[j] / sum * (classes ? edit(a.edit->rescale, h, rows[j], 1) : 1) *
                 a.v.Row(rows[j], g, a.d)[i];
          a.out[(t * a.heads + h) * a.d + i] = static_cast<float>(
              o * (a.edit && !a.edit->head_gain.empty() ? a.edit->head_gain[static_cast<size_t>(h)]
                                                        : 1));
        }
        for (size_t j = 0; classes && a.tap && j < rows.size(); ++j) {
          a.tap->mass[static_cast<size_t>((t * a.heads + h) * a.edit->classes +
                                          a.edit->key_class[static_cast<size_t>(rows[j])])] +=
              static_cast<float>(p[j] / sum);
        }
      }
    }
  }
}

}  // namespace sightline

#include "compute/attention/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compute/base/check.h"
#include "compute/base/thread_pool.h"

namespace sightline {
namespace {

// Logits of one query against gathered keys [n, D].
__attribute__((target_clones("avx2,fma", "default"))) void Scores(const float* q, const float* k, int64_t n, int64_t d, float scale, float* s) {
  for (int64_t j = 0; j < n; ++j) {
    const float* kj = k + j * d;
    float lane[8] = {};
    int64_t i = 0;
    for (; i + 8 <= d; i += 8) {
      for (int l = 0; l < 8; ++l) lane[l] += q[i + l] * kj[i + l];
    }
    float sum = 0;
    for (; i < d; ++i) sum += q[i] * kj[i];
    for (float v : lane) sum += v;
    s[j] = sum * scale;
  }
}

__attribute__((target_clones("avx2,fma", "default"))) void Mix(const float* p, const float* v, int64_t n, int64_t d, float* out) {
  std::memset(out, 0, static_cast<size_t>(d) * sizeof(float));
  for (int64_t j = 0; j < n; ++j) {
    float w = p[j];
    for (int64_t i = 0; i < d; ++i) out[i] += w * v[j * d + i];
  }
}

struct Edits {
  const AttentionArgs& a;
  size_t At(int64_t h, int32_t row) const { return static_cast<size_t>(h * a.edit->classes + a.edit->key_class[static_cast<size_t>(row)]); }
  void Logits(int64_t h, const std::vector<int32_t>& rows, int64_t n, float* s) const {
    if (!a.edit || a.edit->key_class.empty()) return;
    for (int64_t j = 0; j < n; ++j) {
      size_t at = At(h, rows[static_cast<size_t>(j)]);
      if (!a.edit->gain.empty()) s[j] *= a.edit->gain[at];
      if (!a.edit->bias.empty()) s[j] += a.edit->bias[at];
    }
  }
  void Weights(int64_t h, int32_t t, const std::vector<int32_t>& rows, int64_t n, float* p) const {
    if (!a.edit || a.edit->key_class.empty()) return;
    for (int64_t j = 0; j < n; ++j) {
      int32_t row = rows[static_cast<size_t>(j)];
      if (a.tap) a.tap->mass[static_cast<size_t>((t * a.heads + h) * a.edit->classes + a.edit->key_class[static_cast<size_t>(row)])] += p[j];
      if (!a.edit->rescale.empty()) p[j] *= a.edit->rescale[At(h, row)];
    }
  }
  float Head(int64_t h) const { return a.edit && !a.edit->head_gain.empty() ? a.edit->head_gain[static_cast<size_t>(h)] : 1.0f; }
};

void AddPairBias(const PairBias& bias, int64_t h, int32_t t, const std::vector<int32_t>& rows, int64_t n, float* s) {
  if (!bias.places) return;
  const float* table = bias.table + h * bias.entries;
  for (int64_t j = 0; j < n; ++j) {
    int32_t at = bias.At(t, rows[static_cast<size_t>(j)]);
    if (at >= 0) s[j] += table[at];
  }
}

void PrepareTap(const AttentionArgs& a) {
  if (!a.tap) return;
  SL_CHECK(a.edit && !a.edit->key_class.empty());
  a.tap->mass.assign(static_cast<size_t>(a.rows * a.heads * a.edit->classes), 0.0f);
}

// One tile of one KV head: keys gathered once for the query heads that share them.
void TileOfHead(const AttentionArgs& a, int tile, int64_t g) {
  const BlockList& l = *a.lists;
  thread_local std::vector<float> keys, values, scores;
  std::vector<int32_t> rows = l.KeysOf(tile);
  auto n = static_cast<int64_t>(rows.size());
  keys.resize(static_cast<size_t>(n * a.d));
  values.resize(static_cast<size_t>(n * a.d));
  scores.resize(static_cast<size_t>(std::max<int64_t>(n, 1)));
  for (int64_t j = 0; j < n; ++j) {
    std::memcpy(&keys[static_cast<size_t>(j * a.d)], a.k.Row(rows[static_cast<size_t>(j)], g, a.d), static_cast<size_t>(a.d) * sizeof(float));
    std::memcpy(&values[static_cast<size_t>(j * a.d)], a.v.Row(rows[static_cast<size_t>(j)], g, a.d), static_cast<size_t>(a.d) * sizeof(float));
  }
  int64_t share = a.heads / a.kv_heads;
  Edits edits{a};
  for (int32_t t : l.QueriesOf(tile)) {
    int64_t live = n;
    if (l.causal) live = std::upper_bound(rows.begin(), rows.end(), l.query_offset + t) - rows.begin();
    for (int64_t h = g * share; h < (g + 1) * share; ++h) {
      float* out = a.out + (t * a.heads + h) * a.d;
      if (live == 0) {
        std::fill(out, out + a.d, 0.0f);
        continue;
      }
      float* s = scores.data();
      Scores(a.q + t * a.q_stride + h * a.d, keys.data(), live, a.d, a.scale, s);
      AddPairBias(a.bias, h, t, rows, live, s);
      edits.Logits(h, rows, live, s);
      float top = *std::max_element(s, s + live), sum = 0;
      for (int64_t j = 0; j < live; ++j) sum += s[j] = std::exp(s[j] - top);
      for (int64_t j = 0; j < live; ++j) s[j] /= sum;
      edits.Weights(h, t, rows, live, s);
      Mix(s, values.data(), live, a.d, out);
      float gain = edits.Head(h);
      for (int64_t i = 0; gain != 1.0f && i < a.d; ++i) out[i] *= gain;
    }
  }
}

}  // namespace

void Attend(const AttentionArgs& a) {
  SL_CHECK(a.heads % a.kv_heads == 0 && a.lists);
  PrepareTap(a);
  int64_t work = a.lists->tiles() * a.kv_heads;
  ParallelFor(work, 1, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) TileOfHead(a, static_cast<int>(i / a.kv_heads), i % a.kv_heads);
  });
}

void AttendReference(const AttentionArgs& a) {
  PrepareTap(a);
  const BlockList& l = *a.lists;
  auto edit = [&](const std::vector<float>& table, int64_t h, int32_t row, double neutral) {
    return table.empty() ? neutral : static_cast<double>(table[static_cast<size_t>(h * a.edit->classes + a.edit->key_class[static_cast<size_t>(row)])]);
  };
  bool classes = a.edit && !a.edit->key_class.empty();
  for (int tile = 0; tile < l.tiles(); ++tile) {
    for (int32_t t : l.QueriesOf(tile)) {
      for (int64_t h = 0; h < a.heads; ++h) {
        int64_t g = h * a.kv_heads / a.heads;
        std::vector<int32_t> rows;
        for (int32_t r : l.KeysOf(tile)) {
          if (!l.causal || r <= l.query_offset + t) rows.push_back(r);
        }
        std::vector<double> p(rows.size());
        double top = -1e300, sum = 0;
        for (size_t j = 0; j < rows.size(); ++j) {
          for (int64_t i = 0; i < a.d; ++i) p[j] += static_cast<double>(a.q[t * a.q_stride + h * a.d + i]) * a.k.Row(rows[j], g, a.d)[i];
          p[j] *= a.scale;
          if (a.bias.places && a.bias.At(t, rows[j]) >= 0) {
            SL_CHECK(a.bias.At(t, rows[j]) < a.bias.entries);
            p[j] += a.bias.table[h * a.bias.entries + a.bias.At(t, rows[j])];
          }
          if (classes) p[j] = p[j] * edit(a.edit->gain, h, rows[j], 1) + edit(a.edit->bias, h, rows[j], 0);
          top = std::max(top, p[j]);
        }
        for (double& x : p) sum += x = std::exp(x - top);
        for (int64_t i = 0; i < a.d; ++i) {
          double o = 0;
          for (size_t j = 0; j < rows.size(); ++j) o += p[j] / sum * (classes ? edit(a.edit->rescale, h, rows[j], 1) : 1) * a.v.Row(rows[j], g, a.d)[i];
          a.out[(t * a.heads + h) * a.d + i] = static_cast<float>(o * (a.edit && !a.edit->head_gain.empty() ? a.edit->head_gain[static_cast<size_t>(h)] : 1));
        }
        for (size_t j = 0; classes && a.tap && j < rows.size(); ++j) {
          a.tap->mass[static_cast<size_t>((t * a.heads + h) * a.edit->classes + a.edit->key_class[static_cast<size_t>(rows[j])])] += static_cast<float>(p[j] / sum);
        }
      }
    }
  }
}

}  // namespace sightline

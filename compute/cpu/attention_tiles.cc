#include "compute/cpu/attention_tiles.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "compute/cpu/aligned_buffer.h"
#include "compute/cpu/tile_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compute/cpu/attention_tiles.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "compute/cpu/attention_parts-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {

constexpr int64_t kKeys = 64;  // keys of a block: their logits are held at a time
// Rows of fewer keep their keys where they are; packing them would cost more than it saves.
constexpr int64_t kFewRows = 3;
constexpr float kNone = -std::numeric_limits<float>::infinity();
static_assert(kKeys % kPanel == 0);

// One tile of one head of keys and values. Its row m is query m / share under the group's head
// m % share.
struct Item {
  const AttentionArgs& a;
  const TileRows& tile;
  int64_t g, share;

  int64_t rows() const { return static_cast<int64_t>(tile.queries.size()) * share; }
  int64_t keys() const { return static_cast<int64_t>(tile.keys.size()); }
  int64_t query(int64_t m) const { return tile.queries[static_cast<size_t>(m / share)]; }
  int64_t head(int64_t m) const { return g * share + m % share; }
  int64_t live(int64_t m) const { return tile.live[static_cast<size_t>(m / share)]; }
  const float* q(int64_t m) const { return a.q + query(m) * a.q_stride + head(m) * a.d; }
  float* out(int64_t m) const { return a.out + (query(m) * a.heads + head(m)) * a.d; }
  bool classes() const { return a.edit && !a.edit->key_class.empty(); }
};

// The softmax of one row so far: largest logit (of base 2) and the sum of the weights.
struct RowState {
  float top = kNone, sum = 0;
};

HWY_INLINE void AddPairBias(const Item& item, int64_t m, int64_t key, int64_t live, float* s) {
  const DF df;
  const hn::RebindToSigned<DF> di;
  const PairBias& bias = item.a.bias;
  const float* table = bias.table + item.head(m) * bias.entries;
  auto from = hn::Set(di, bias.places->query[static_cast<size_t>(item.query(m))]);
  const int32_t* places = item.tile.places.data() + key;
  for (int64_t j = 0; j < live; j += kLanes) {
    auto index = hn::Add(hn::LoadU(di, places + j), from);
    auto some = hn::RebindMask(df, hn::Gt(index, hn::Set(di, -1)));
    VF x = hn::GatherIndex(df, table, hn::Max(index, hn::Zero(di)));
    VF logit = hn::Load(df, s + j);
    hn::Store(hn::IfThenElse(some, hn::MulAdd(x, hn::Set(df, kLog2E), logit), logit), df, s + j);
  }
}

// Gains and biases of key classes, on logits of base 2.
HWY_INLINE void EditLogits(const Item& item, int64_t m, int64_t key, int64_t live, float* s) {
  const EditPlan& e = *item.a.edit;
  auto at = static_cast<size_t>(item.head(m) * e.classes);
  const int32_t* keys = item.tile.keys.data() + key;
  for (int64_t j = 0; j < live; ++j) {
    size_t c = at + e.key_class[static_cast<size_t>(keys[j])];
    if (!e.gain.empty()) s[j] *= e.gain[c];
    if (!e.bias.empty()) s[j] += kLog2E * e.bias[c];
  }
}

HWY_INLINE void EditWeights(const Item& item, int64_t m, int64_t key, int64_t live, float keep,
                            float* s) {
  const EditPlan& e = *item.a.edit;
  const int32_t* keys = item.tile.keys.data() + key;
  if (item.a.tap) {
    float* mass = item.a.tap->mass.data() +
                  (item.query(m) * item.a.heads + item.head(m)) * static_cast<int64_t>(e.classes);
    for (int c = 0; c < e.classes; ++c) mass[c] *= keep;
    for (int64_t j = 0; j < live; ++j) mass[e.key_class[static_cast<size_t>(keys[j])]] += s[j];
  }
  auto at = static_cast<size_t>(item.head(m) * e.classes);
  for (int64_t j = 0; !e.rescale.empty() && j < live; ++j) {
    s[j] *= e.rescale[at + e.key_class[static_cast<size_t>(keys[j])]];
  }
}

// Logits of keys [key, key + live) in s to weights, and zeros up to `width`; returns by what the
// row's sums so far are to be scaled.
HWY_INLINE float Weigh(const Item& item, int64_t m, int64_t key, int64_t live, int64_t width,
                       float* s, RowState* state) {
  const DF df;
  if (item.a.bias.places) AddPairBias(item, m, key, live, s);
  if (item.classes()) EditLogits(item, m, key, live, s);
  int64_t whole = live / kLanes * kLanes, end = whole;
  if (whole < live) {
    auto real = hn::FirstN(df, static_cast<size_t>(live - whole));
    hn::Store(hn::IfThenElse(real, hn::Load(df, s + whole), hn::Set(df, kNone)), df, s + whole);
    end += kLanes;
  }
  VF most = hn::Set(df, state->top);
  for (int64_t i = 0; i < end; i += kLanes) most = hn::Max(most, hn::Load(df, s + i));
  float top = hn::GetLane(hn::MaxOfLanes(df, most)), keep = 1;
  if (top == kNone) {  // nothing to weigh so far
    std::memset(s, 0, static_cast<size_t>(width) * sizeof(float));
    return 1;
  }
  if (top != state->top && state->top != kNone)
    keep = hn::GetLane(Exp2(df, hn::Set(df, state->top - top)));
  VF sum = hn::Zero(df);
  for (int64_t i = 0; i < end; i += kLanes) {
    VF w = Exp2(df, hn::Sub(hn::Load(df, s + i), hn::Set(df, top)));
    hn::Store(w, df, s + i);
    sum = hn::Add(sum, w);
  }
  for (int64_t i = end; i < width; i += kLanes) hn::Store(hn::Zero(df), df, s + i);
  *state = {top, state->sum * keep + hn::GetLane(hn::SumOfLanes(df, sum))};
  if (item.classes()) EditWeights(item, m, key, live, keep, s);
  return keep;
}

// The row's sums [padded to whole vectors], normalised, to its output.
HWY_INLINE void Finish(const Item& item, int64_t m, const RowState& state, const float* sums) {
  const DF df;
  const AttentionArgs& a = item.a;
  float gain = state.sum == 0 ? 0 : 1 / state.sum;
  if (a.tap && item.classes()) {
    float* mass = a.tap->mass.data() + (item.query(m) * a.heads + item.head(m)) * a.edit->classes;
    for (int c = 0; c < a.edit->classes; ++c) mass[c] *= gain;
  }
  if (a.edit && !a.edit->head_gain.empty()) {
    gain *= a.edit->head_gain[static_cast<size_t>(item.head(m))];
  }
  float* out = item.out(m);
  int64_t i = 0;
  for (; i + kLanes <= a.d; i += kLanes) {
    hn::StoreU(hn::Mul(hn::Load(df, sums + i), hn::Set(df, gain)), df, out + i);
  }
  for (; i < a.d; ++i) out[i] = sums[i] * gain;
}

// Space of one thread. Row r of a block of rows has its logits at s + r * kKeys.
struct Space {
  float *keys, *values, *sums, *s;
  RowState* state;
};

// Rows [m, m + R) of an item against packed keys [key, key + keys).
template <int R>
HWY_NOINLINE void BlockOfRows(const Item& item, const Space& space, int64_t m, int64_t key,
                              int64_t keys) {
  const DF df;
  const int64_t d = item.a.d, width = (d + kLanes - 1) / kLanes * kLanes;
  const float* q[R];
  const float* s[R];
  int64_t live[R], most = 0;
  for (int r = 0; r < R; ++r) {
    q[r] = item.q(m + r);
    s[r] = space.s + r * kKeys;
    live[r] = std::clamp<int64_t>(item.live(m + r) - key, 0, keys);
    most = std::max(most, live[r]);
  }
  if (most == 0) return;
  const VF scale = hn::Set(df, item.a.scale * kLog2E);
  for (int64_t p = 0; p < most; p += kPanel) {
    VF sum[R][2];
    for (int r = 0; r < R; ++r) sum[r][0] = sum[r][1] = hn::Zero(df);
    AddProducts<R, 2>(q, space.keys + p * d, d, sum);
    for (int r = 0; r < R; ++r) {
      hn::Store(hn::Mul(sum[r][0], scale), df, space.s + r * kKeys + p);
      hn::Store(hn::Mul(sum[r][1], scale), df, space.s + r * kKeys + p + kLanes);
    }
  }
  float keep[R];
  int64_t to = (most + kLanes - 1) / kLanes * kLanes;
  for (int r = 0; r < R; ++r) {
    keep[r] = Weigh(item, m + r, key, live[r], to, space.s + r * kKeys, space.state + m + r);
  }
  float* sums = space.sums + m * width;
  const float* values = space.values;
  int64_t c = 0;
  for (; c + kPanel <= width; c += kPanel, values += keys * kPanel) {
    VF sum[R][2];
    for (int r = 0; r < R; ++r) {
      float* at = sums + r * width + c;
      sum[r][0] = hn::Mul(hn::Load(df, at), hn::Set(df, keep[r]));
      sum[r][1] = hn::Mul(hn::Load(df, at + kLanes), hn::Set(df, keep[r]));
    }
    AddProducts<R, 2>(s, values, most, sum);
    for (int r = 0; r < R; ++r) {
      hn::Store(sum[r][0], df, sums + r * width + c);
      hn::Store(sum[r][1], df, sums + r * width + c + kLanes);
    }
  }
  if (c == width) return;
  VF sum[R][1];
  for (int r = 0; r < R; ++r) {
    sum[r][0] = hn::Mul(hn::Load(df, sums + r * width + c), hn::Set(df, keep[r]));
  }
  AddProducts<R, 1>(s, values, most, sum);
  for (int r = 0; r < R; ++r) hn::Store(sum[r][0], df, sums + r * width + c);
}

void RowsOfBlock(const Item& item, const Space& space, int64_t m, int64_t rows, int64_t key,
                 int64_t keys) {
  constexpr decltype(&BlockOfRows<1>) kRun[12] = {
    BlockOfRows<1>,
    BlockOfRows<2>,
    BlockOfRows<3>,
    BlockOfRows<4>,
    BlockOfRows<5>,
    BlockOfRows<6>,
#if HWY_TARGET <= HWY_AVX3
    BlockOfRows<7>,
    BlockOfRows<8>,
    BlockOfRows<9>,
    BlockOfRows<10>,
    BlockOfRows<11>,
    BlockOfRows<12>
#endif
  };
  kRun[rows - 1](item, space, m, key, keys);
}

void ManyRows(const Item& item, const Space& space) {
  const int64_t d = item.a.d, rows = item.rows(), width = (d + kLanes - 1) / kLanes * kLanes;
  std::fill(space.state, space.state + rows, RowState());
  std::memset(space.sums, 0, static_cast<size_t>(rows * width) * sizeof(float));
  int64_t seen = 0;
  for (int64_t live : item.tile.live) seen = std::max(seen, live);
  // Blocks of rows of equal size, or one less.
  const int64_t blocks = (rows + kBlockRows - 1) / kBlockRows;
  for (int64_t key = 0; key < seen; key += kKeys) {
    int64_t keys = std::min(kKeys, seen - key);
    PackKeys(item.tile.k.data() + key, keys, item.g * d, d, space.keys);
    PackValues(item.tile.v.data() + key, keys, item.g * d, d, space.values);
    for (int64_t i = 0; i < blocks; ++i) {
      int64_t m = i * rows / blocks;
      RowsOfBlock(item, space, m, (i + 1) * rows / blocks - m, key, keys);
    }
  }
  for (int64_t m = 0; m < rows; ++m) Finish(item, m, space.state[m], space.sums + m * width);
}

// sums[c + ...] = keep sums + sum over keys of weight v, V vectors; even and odd keys apart, so
// that their sums don't wait for each other.
template <int V>
HWY_INLINE void AddValues(const float* const* rows, const float* weights, int64_t keys, int64_t at,
                          float keep, float* sums) {
  const DF df;
  VF even[V], odd[V];
  for (int v = 0; v < V; ++v) {
    even[v] = hn::Mul(hn::Load(df, sums + v * kLanes), hn::Set(df, keep));
    odd[v] = hn::Zero(df);
  }
  int64_t j = 0;
  for (; j + 2 <= keys; j += 2) {
    VF w0 = hn::Set(df, weights[j]), w1 = hn::Set(df, weights[j + 1]);
    HWY_UNROLL(4)
    for (int v = 0; v < V; ++v) {
      even[v] = hn::MulAdd(w0, hn::LoadU(df, rows[j] + at + v * kLanes), even[v]);
      odd[v] = hn::MulAdd(w1, hn::LoadU(df, rows[j + 1] + at + v * kLanes), odd[v]);
    }
  }
  if (j < keys) {
    VF w = hn::Set(df, weights[j]);
    for (int v = 0; v < V; ++v) {
      even[v] = hn::MulAdd(w, hn::LoadU(df, rows[j] + at + v * kLanes), even[v]);
    }
  }
  for (int v = 0; v < V; ++v) hn::Store(hn::Add(even[v], odd[v]), df, sums + v * kLanes);
}

// Logits of one query and keys [key, key + keys), a vector of them at a time.
HWY_INLINE void DirectLogits(const Item& item, const float* q, int64_t key, int64_t keys,
                             float* s) {
  const DF df;
  const int64_t d = item.a.d, head = item.g * d;
  const VF scale = hn::Set(df, item.a.scale * kLog2E);
  const float* const* rows = item.tile.k.data() + key;
  for (int64_t j = 0; j < keys; j += kLanes) {
    const float* k[kLanes];
    for (int64_t i = 0; i < kLanes; ++i) k[i] = rows[std::min(j + i, keys - 1)] + head;
    VF sum[kLanes];
    for (auto& x : sum) x = hn::Zero(df);
    for (int64_t c = 0; c < d; c += kLanes) {
      VF x = hn::LoadU(df, q + c);
      HWY_UNROLL(16)
      for (int i = 0; i < kLanes; ++i) sum[i] = hn::MulAdd(x, hn::LoadU(df, k[i] + c), sum[i]);
    }
    hn::Store(hn::Mul(scale, LaneSums(df, sum)), df, s + j);
  }
}

// The same for few rows: keys and values are read where they are, row by row.
void FewRows(const Item& item, const Space& space) {
  const int64_t d = item.a.d, head = item.g * d;
  for (int64_t m = 0; m < item.rows(); ++m) {
    RowState state;
    float* sums = space.sums;
    std::fill_n(sums, d, 0.0f);
    for (int64_t key = 0; key < item.keys(); key += kKeys) {
      int64_t keys = std::min(kKeys, item.keys() - key);
      DirectLogits(item, item.q(m), key, keys, space.s);
      float keep = Weigh(item, m, key, keys, keys, space.s, &state);
      const float* const* rows = item.tile.v.data() + key;
      int64_t c = 0;
      for (; c + 4 * kLanes <= d; c += 4 * kLanes) {
        AddValues<4>(rows, space.s, keys, head + c, keep, sums + c);
      }
      for (; c + 2 * kLanes <= d; c += 2 * kLanes) {
        AddValues<2>(rows, space.s, keys, head + c, keep, sums + c);
      }
      for (; c < d; c += kLanes) AddValues<1>(rows, space.s, keys, head + c, keep, sums + c);
    }
    Finish(item, m, state, sums);
  }
}

Space SpaceFor(const AttentionArgs& a, int64_t rows) {
  static thread_local AlignedBuffer buffer;
  int64_t width = (a.d + kPanel - 1) / kPanel * kPanel;
  int64_t floats = kKeys * (2 * width + kBlockRows) + rows * (width + kPanel);
  int64_t bytes = floats * static_cast<int64_t>(sizeof(float));
  buffer.Grow(bytes);
  auto* p = reinterpret_cast<float*>(buffer.data());
  Space s;
  s.keys = p;
  s.values = p + kKeys * width;
  s.s = s.values + kKeys * width;
  s.sums = s.s + kKeys * kBlockRows;
  s.state = reinterpret_cast<RowState*>(s.sums + rows * width);
  return s;
}

void TilesAll(const AttentionArgs& a, int64_t begin, int64_t end) {
  static thread_local TileRows tile;
  int64_t read = -1;
  for (int64_t i = begin; i < end; ++i) {
    if (!a.lists->IsForHead(static_cast<int>(i / a.kv_heads), i % a.kv_heads)) continue;
    if (i / a.kv_heads != read) {
      read = i / a.kv_heads;
      tile.Read(a, static_cast<int>(read));
    }
    Item item{a, tile, i % a.kv_heads, a.heads / a.kv_heads};
    Space space = SpaceFor(a, item.rows());
    // In a causal list one row is as good as many: decoding equals reading the prompt, bit for bit.
    if (item.rows() <= kFewRows && !a.lists->causal && a.d % kLanes == 0) {
      FewRows(item, space);
    } else {
      ManyRows(item, space);
    }
  }
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sightline {
HWY_EXPORT(TilesAll);
void AttendTiles(const AttentionArgs& a, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(TilesAll)(a, begin, end);
}
}  // namespace sightline
#endif

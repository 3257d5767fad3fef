#include "compute/ops/paged_attention.h"

#include <algorithm>

#include "compute/attention/attention_plan.h"
#include "compute/backend/backend.h"
#include "compute/base/check.h"
#include "compute/base/shape_check.h"
#include "compute/base/thread_pool.h"
#include "compute/cpu/decode_attention.h"
#include "compute/cpu/narrow.h"

namespace sightline {
namespace {

constexpr int64_t kTileRows = 16;  // rows of one sequence that share a pass over the keys

// Rows [first, first + rows) of a sequence's part of the step.
struct Tile {
  const SequenceRows* sequence;
  int64_t first, rows;
};

void AddTiles(const SequenceRows& s, std::vector<Tile>* tiles) {
  for (int64_t i = 0; i < s.rows; i += kTileRows) {
    tiles->push_back({&s, i, std::min(kTileRows, s.rows - i)});
  }
}

// The kernel's keys and values of one layer.
PagedRows Paged(const PageTable& pages, int64_t part, const PagedAttentionSpec& spec) {
  return {pages.pages(part), kPageRows, spec.kv_heads * spec.d};
}

// The CPU's kernel for few rows does not take every width, and is not for other devices. It knows
// the plain lists alone: no settings.
bool HasFastKernel(const Tensor& q, const PagedAttentionSpec& spec) {
  return q.device().is_host() && spec.d % 16 == 0;
}

void AttendTile(const Tensor& q, const Tile& tile, const PagedAttentionSpec& spec, Tensor* out) {
  const SequenceRows& s = *tile.sequence;
  int32_t begin[kTileRows], end[kTileRows];
  for (int32_t i = 0; i < tile.rows; ++i) {
    end[i] = s.length + static_cast<int32_t>(tile.first) + i + 1;
    begin[i] = spec.window > 0 ? std::max(0, end[i] - spec.window) : 0;
  }
  DecodeAttentionArgs a;
  a.q = q.row(s.first + tile.first);
  a.q_stride = q.cols();
  a.k = Paged(*s.pages, 2 * spec.layer, spec);
  a.v = Paged(*s.pages, 2 * spec.layer + 1, spec);
  a.kv_format = s.pages->format() == KvFormat::kF16 ? BlockFormat::kF16 : BlockFormat::kF32;
  a.rows = tile.rows;
  a.heads = spec.heads;
  a.kv_heads = spec.kv_heads;
  a.d = spec.d;
  a.scale = spec.scale;
  a.begin = begin;
  a.end = end;
  a.out = out->row(s.first + tile.first);
  DecodeAttention(a);
}

// Keys or values of a sequence's layer as the general kernel takes them, which is in float32: where
// they are, or copied.
class FloatRows {
 public:
  FloatRows(const SequenceRows& s, int64_t part, const PagedAttentionSpec& spec)
      : view_{nullptr, kPageRows, spec.kv_heads * spec.d} {
    view_.pages = reinterpret_cast<const float* const*>(s.pages->pages(part));
    if (s.pages->format() == KvFormat::kF32) return;
    const int64_t rows = s.length + s.rows, c = view_.row_stride;
    copy_.resize(static_cast<size_t>(rows * c));
    for (int64_t r = 0; r < rows; r += kPageRows) {
      DequantizeRow(BlockFormat::kF16, s.pages->pages(part)[r / kPageRows],
                    std::min<int64_t>(kPageRows, rows - r) * c, &copy_[static_cast<size_t>(r * c)]);
    }
    all_ = copy_.data();
    view_.pages = &all_;
    view_.page_rows = static_cast<int32_t>(rows);
  }
  FloatRows(const FloatRows&) = delete;
  FloatRows& operator=(const FloatRows&) = delete;
  const KvRows& view() const { return view_; }

 private:
  std::vector<float> copy_;
  const float* all_ = nullptr;
  KvRows view_;
};

// The general kernel's arguments, without lists.
AttentionArgs General(const Tensor& q, const SequenceRows& s, const PagedAttentionSpec& spec,
                      const FloatRows& k, const FloatRows& v) {
  AttentionArgs a;
  a.q = q.address() + s.first * q.cols();
  a.q_stride = q.cols();
  a.k = k.view();
  a.v = v.view();
  a.rows = s.rows;
  a.heads = spec.heads;
  a.kv_heads = spec.kv_heads;
  a.d = spec.d;
  a.scale = spec.scale;
  return a;
}

void RunTiles(const Tensor& q, const std::vector<Tile>& tiles, const PagedAttentionSpec& spec,
              Tensor* out) {
  // A tile alone is spread over the threads by its keys.
  if (tiles.size() == 1) return AttendTile(q, tiles[0], spec, out);
  ParallelFor(static_cast<int64_t>(tiles.size()), 1, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) AttendTile(q, tiles[static_cast<size_t>(i)], spec, out);
  });
}

// The keys that the sequence's last row reads, for a query of its own.
BlockList KeysOfLastRow(const SequenceRows& s, const PagedAttentionSpec& spec,
                        const BlockList* lists) {
  const auto row = static_cast<int32_t>(s.rows - 1), keys = s.length + row + 1;
  BlockList one;
  if (!lists) {
    int32_t seen = spec.window > 0 ? std::min(spec.window, keys) : keys;
    one.Query(0);
    one.Key(keys - seen, seen);
    one.EndTile();
  }
  for (int tile = 0; lists && tile < lists->tiles(); ++tile) {
    std::vector<int32_t> queries = lists->QueriesOf(tile);
    if (std::find(queries.begin(), queries.end(), row) == queries.end()) continue;
    one.Query(0);
    for (int32_t key : lists->KeysOf(tile)) {
      if (!lists->causal || key < keys) one.Key(key);
    }
    lists->kv_heads.empty() ? one.EndTile()
                            : one.EndTile(lists->kv_heads[static_cast<size_t>(tile)]);
  }
  if (one.tiles() == 0) {  // the row is in no tile: it reads nothing
    one.Query(0);
    one.EndTile();
  }
  return one;
}

// `edit` (null: none) with a new class for each key of `own`, after those there are, that keeps the
// numbers of the class the key was in. Keys without classes are in class 0.
EditPlan Apart(const EditPlan* edit, const SequenceRows& s, int64_t heads, RowRun own) {
  EditPlan apart = edit ? *edit : EditPlan();
  if (apart.key_class.empty()) {
    apart.key_class.assign(static_cast<size_t>(s.length + s.rows), 0);
    apart.classes = 1;
  }
  const int base = apart.classes;
  apart.classes += own.count;
  auto* key_class = &apart.key_class[static_cast<size_t>(own.first)];
  for (std::vector<float>* table : {&apart.bias, &apart.gain, &apart.rescale}) {
    if (table->empty()) continue;
    std::vector<float> wide;
    for (int64_t h = 0; h < heads; ++h) {
      const float* row = table->data() + h * base;
      wide.insert(wide.end(), row, row + base);
      for (int32_t i = 0; i < own.count; ++i) wide.push_back(row[key_class[i]]);
    }
    *table = std::move(wide);
  }
  for (int32_t i = 0; i < own.count; ++i) key_class[i] = static_cast<uint8_t>(base + i);
  return apart;
}

// Rows [from, from + n) of `rows` to `to`, in the format of the pages.
void Store(const Tensor& rows, int64_t from, int64_t n, KvFormat format, std::byte* to) {
  int64_t c = rows.cols();
  const float* x = rows.address() + from * c;
  if (format == KvFormat::kF16) {
    NarrowToHalf(x, n * c, reinterpret_cast<uint16_t*>(to));
  } else {
    MustRun(rows.device().backend().CopyBlock({x, c, n, c}, c, reinterpret_cast<float*>(to)));
  }
}

}  // namespace

void AppendRows(const Tensor& k, const Tensor& v, const std::vector<SequenceRows>& sequences,
                int64_t layer) {
  CheckShape(k, "k", {{"T"}, {"G * D"}});
  CheckShape(v, "v", {{"T", k.rows()}, {"G * D", k.cols()}});
  auto append = [&](const Tensor& rows, const SequenceRows& s, int64_t part) {
    for (int64_t done = 0, n = 0; done < s.rows; done += n) {  // a page at a time
      auto at = static_cast<int32_t>(s.length + done);
      n = std::min<int64_t>(s.rows - done, kPageRows - at % kPageRows);
      Store(rows, s.first + done, n, s.pages->format(), s.pages->Row(at, rows.cols(), part));
    }
  };
  for (const SequenceRows& s : sequences) {
    CheckRange(s.first, s.rows, "rows of a sequence", {"T", k.rows()});
    SL_CHECK(s.pages->device() == k.device() && k.device() == v.device());
    append(k, s, 2 * layer);
    append(v, s, 2 * layer + 1);
  }
}

Tensor PagedAttention(const Tensor& q, const std::vector<SequenceRows>& sequences,
                      const PagedAttentionSpec& spec, std::span<const AttentionSettings> settings,
                      CausalPlans* plans) {
  CheckShape(q, "q", {{"T"}, {"H * D", spec.heads * spec.d}});
  if (!settings.empty()) CheckSize(std::ssize(settings), "settings", {"B", std::ssize(sequences)});
  Tensor out(q.shape, q.device());
  CausalPlans own_plans(q.device());
  if (!plans) plans = &own_plans;
  auto general = [&](const SequenceRows& s, const AttentionSettings& own, float* to) {
    FloatRows k(s, 2 * spec.layer, spec), v(s, 2 * spec.layer + 1, spec);
    AttentionArgs a = General(q, s, spec, k, v);
    a.edit = own.edit;
    a.tap = own.tap;
    a.out = to;
    if (own.lists) return AttentionPlan(q.device(), *own.lists).Run(a);
    plans->For(static_cast<int32_t>(s.rows), s.length, spec.window).Run(a);
  };
  const bool fast = HasFastKernel(q, spec);
  std::vector<Tile> tiles;
  for (size_t i = 0; i < sequences.size(); ++i) {
    const SequenceRows& s = sequences[i];
    CheckRange(s.first, s.rows, "rows of a sequence", {"T", q.rows()});
    AttentionSettings own = settings.empty() ? AttentionSettings() : settings[i];
    CheckSettings(own, {spec.heads, spec.kv_heads, s.rows, s.length + s.rows});
    if (!fast || !own.plain()) {
      general(s, own, out.address() + s.first * q.cols());
      continue;
    }
    AddTiles(s, &tiles);
    // Reading never changes the answer: the output stays the fast kernel's, to the last bit.
    if (own.tap) general(s, own, Tensor({s.rows, q.cols()}).address());
  }
  RunTiles(q, tiles, spec, &out);
  return out;
}

Tensor LastRowWeights(const Tensor& q, const SequenceRows& s, const PagedAttentionSpec& spec,
                      const AttentionSettings& settings) {
  CheckShape(q, "q", {{"T"}, {"H * D", spec.heads * spec.d}});
  const int32_t keys = s.length + static_cast<int32_t>(s.rows);
  CheckSettings({settings.lists, settings.edit, nullptr},
                {spec.heads, spec.kv_heads, s.rows, keys});
  BlockList one = KeysOfLastRow(s, spec, settings.lists);
  Tensor out({spec.heads, keys}), scratch({spec.heads, spec.d}, q.device());
  AttentionPlan plan(q.device(), one);
  SequenceRows last{s.first + s.rows - 1, 1, keys - 1, s.pages};
  FloatRows k(last, 2 * spec.layer, spec), v(last, 2 * spec.layer + 1, spec);
  AttentionArgs a = General(q, last, spec, k, v);
  a.out = scratch.address();
  // The kernel's tap tells classes of keys apart: each pass gives some of the keys one of their
  // own.
  const bool classed = settings.edit && !settings.edit->key_class.empty();
  const int taken = classed ? settings.edit->classes : 1, most = EditPlan::kMaxClasses - taken;
  SL_CHECK(most > 0 && "edit.classes: none is left for a key of its own");
  for (int32_t first = 0; first < keys; first += most) {
    int32_t n = std::min(most, keys - first);
    EditPlan classes = Apart(settings.edit, s, spec.heads, {first, n});
    ScoreTap tap;
    a.edit = &classes;
    a.tap = &tap;
    plan.Run(a);
    for (int64_t h = 0; h < spec.heads; ++h) {
      std::copy_n(&tap.mass[static_cast<size_t>(h * classes.classes + taken)], n,
                  out.row(h) + first);
    }
  }
  return out;
}

}  // namespace sightline

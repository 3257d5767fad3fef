#include "compute/attention/attention_settings.h"

#include <algorithm>

#include "compute/base/check.h"
#include "compute/base/shape_check.h"

namespace sightline {
namespace {

int64_t Length(const auto& values) { return static_cast<int64_t>(values.size()); }

// Tiles run at the same time: a row in two of them would be written by both.
void CheckApart(const BlockList& lists, int64_t rows, int64_t kv_heads) {
  std::vector<bool> seen(static_cast<size_t>(rows * kv_heads));
  for (int tile = 0; tile < lists.tiles(); ++tile) {
    for (int32_t row : lists.QueriesOf(tile)) {
      for (int64_t g = 0; g < kv_heads; ++g) {
        if (!lists.IsForHead(tile, g)) continue;
        auto at = static_cast<size_t>(row * kv_heads + g);
        SL_CHECK(!seen[at] && "lists.queries: a row stands in two tiles");
        seen[at] = true;
      }
    }
  }
}

void CheckLists(const BlockList& lists, const AttentionSizes& sizes) {
  const auto [heads, kv_heads, rows, keys] = sizes;
  for (const RowRun& run : lists.queries)
    CheckRange(run.first, run.count, "lists.queries", {"T", rows});
  for (const RowRun& run : lists.keys) CheckRange(run.first, run.count, "lists.keys", {"S", keys});
  if (lists.causal) CheckSize(lists.query_offset, "lists.query_offset", {"S - T", keys - rows});
  SL_CHECK((lists.kv_heads.empty() || std::ssize(lists.kv_heads) == lists.tiles()) &&
           "lists.kv_heads: all tiles name their heads, or none");
  for (const HeadRun& run : lists.kv_heads)
    CheckRange(run.first, run.count, "lists.kv_heads", {"G", kv_heads});
  CheckApart(lists, rows, kv_heads);
}

void CheckEdit(const EditPlan& edit, int64_t heads, int64_t keys) {
  if (!edit.head_gain.empty()) CheckSize(Length(edit.head_gain), "edit.head_gain", {"H", heads});
  bool tables = !edit.bias.empty() || !edit.gain.empty() || !edit.rescale.empty();
  if (edit.key_class.empty()) {
    SL_CHECK(!tables && "edit: bias, gain and rescale need key_class");
    return;
  }
  CheckSize(Length(edit.key_class), "edit.key_class", {"S", keys});
  SL_CHECK(edit.classes > 0 && edit.classes <= EditPlan::kMaxClasses && "edit.classes");
  SL_CHECK(*std::max_element(edit.key_class.begin(), edit.key_class.end()) < edit.classes &&
           "edit.key_class: a class that is not below edit.classes");
  NamedDim table{"H * classes", heads * edit.classes};
  if (!edit.bias.empty()) CheckSize(Length(edit.bias), "edit.bias", table);
  if (!edit.gain.empty()) CheckSize(Length(edit.gain), "edit.gain", table);
  if (!edit.rescale.empty()) CheckSize(Length(edit.rescale), "edit.rescale", table);
}

}  // namespace

void CheckSettings(const AttentionSettings& s, const AttentionSizes& sizes) {
  if (s.lists) CheckLists(*s.lists, sizes);
  if (s.edit) CheckEdit(*s.edit, sizes.heads, sizes.keys);
  SL_CHECK((!s.tap || (s.edit && !s.edit->key_class.empty())) && "tap needs edit.key_class");
}

}  // namespace sightline

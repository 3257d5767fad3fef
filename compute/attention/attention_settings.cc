#include "compute/attention/attention_settings.h"

#include <algorithm>

#include "compute/base/check.h"
#include "compute/base/shape_check.h"

namespace sightline {
namespace {

int64_t Length(const auto& values) { return static_cast<int64_t>(values.size()); }

void CheckLists(const BlockList& lists, int64_t rows, int64_t keys) {
  for (const RowRun& run : lists.queries)
    CheckRange(run.first, run.count, "lists.queries", {"T", rows});
  for (const RowRun& run : lists.keys) CheckRange(run.first, run.count, "lists.keys", {"S", keys});
  if (lists.causal) CheckSize(lists.query_offset, "lists.query_offset", {"S - T", keys - rows});
  // Tiles run at the same time: a row in two of them would be written by both.
  std::vector<bool> seen(static_cast<size_t>(rows));
  for (const RowRun& run : lists.queries) {
    for (int32_t i = 0; i < run.count; ++i) {
      auto row = static_cast<size_t>(run.first) + static_cast<size_t>(i);
      SL_CHECK(!seen[row] && "lists.queries: a row stands in two tiles");
      seen[row] = true;
    }
  }
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

void CheckSettings(const AttentionSettings& s, int64_t heads, int64_t rows, int64_t keys) {
  if (s.lists) CheckLists(*s.lists, rows, keys);
  if (s.edit) CheckEdit(*s.edit, heads, keys);
  SL_CHECK((!s.tap || (s.edit && !s.edit->key_class.empty())) && "tap needs edit.key_class");
}

}  // namespace sightline

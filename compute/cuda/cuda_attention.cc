// Attention: lists to the GPU once a plan; pages, edits and taps once a run.
#include <algorithm>

#include "compute/cuda/cuda_backend.h"
#include "compute/cuda/kernels.h"
#include "compute/cuda/status.h"
#include "compute/cuda/uploads.h"

namespace sightline::cuda {
namespace {

// A plan on the GPU. Causality is spelled out: how many of its tile's keys each row reads.
struct Lists {
  explicit Lists(Backend* backend) : uploads(backend) {}
  Uploads uploads;
  int64_t entries = 0;
  int32_t last_row = -1;  // largest key row
  const int32_t* query = nullptr;
  const int64_t* key_begin = nullptr;
  const int32_t *key_count = nullptr, *keys = nullptr;
  const int32_t *head_first = nullptr, *head_count = nullptr;  // null: all heads
  const int32_t *bias_query = nullptr, *bias_key = nullptr;
};

struct HostLists {
  std::vector<int32_t> query, key_count, keys, head_first, head_count;
  std::vector<int64_t> key_begin;
  void Add(const BlockList& lists, int tile, const std::vector<int32_t>& rows, int64_t begin) {
    for (int32_t t : lists.QueriesOf(tile)) {
      auto live =
          lists.causal
              ? std::upper_bound(rows.begin(), rows.end(), lists.query_offset + t) - rows.begin()
              : static_cast<std::ptrdiff_t>(rows.size());
      query.push_back(t);
      key_begin.push_back(begin);
      key_count.push_back(static_cast<int32_t>(live));
      if (lists.kv_heads.empty()) continue;
      head_first.push_back(lists.kv_heads[static_cast<size_t>(tile)].first);
      head_count.push_back(lists.kv_heads[static_cast<size_t>(tile)].count);
    }
  }
};

// Tiles whose keys begin alike (dense and causal lists) share one array.
HostLists Flatten(const BlockList& lists) {
  HostLists host;
  std::vector<int32_t> before;
  int64_t begin = 0;
  for (int tile = 0; tile < lists.tiles(); ++tile) {
    std::vector<int32_t> rows = lists.KeysOf(tile);
    bool extends = rows.size() >= before.size() &&
                   std::equal(before.begin(), before.end(), rows.begin()) && !before.empty();
    if (extends) {
      host.keys.insert(host.keys.end(), rows.begin() + static_cast<std::ptrdiff_t>(before.size()),
                       rows.end());
    } else {
      begin = static_cast<int64_t>(host.keys.size());
      host.keys.insert(host.keys.end(), rows.begin(), rows.end());
    }
    host.Add(lists, tile, rows, begin);
    before = std::move(rows);
  }
  return host;
}

// The addresses of the pages that hold rows up to `last`.
const float* const* PutPages(const KvRows& rows, int32_t last, Uploads* uploads) {
  return uploads->Put(rows.pages, static_cast<size_t>(last / rows.page_rows) + 1);
}

void PutEdit(const EditPlan& edit, Uploads* uploads, Attention* a) {
  a->head_gain = uploads->Put(edit.head_gain);
  if (edit.key_class.empty()) return;
  a->key_class = uploads->Put(edit.key_class);
  a->classes = edit.classes;
  a->gain = uploads->Put(edit.gain);
  a->edit_bias = uploads->Put(edit.bias);
  a->rescale = uploads->Put(edit.rescale);
}

}  // namespace

StatusOr<std::shared_ptr<const void>> CudaOps::PlanAttention(const BlockList& lists,
                                                             const BiasPlaces* places) {
  Enter();
  HostLists host = Flatten(lists);
  auto plan = std::make_shared<Lists>(this);
  plan->entries = static_cast<int64_t>(host.query.size());
  if (!host.keys.empty()) plan->last_row = *std::max_element(host.keys.begin(), host.keys.end());
  plan->query = plan->uploads.Put(host.query);
  plan->key_begin = plan->uploads.Put(host.key_begin);
  plan->key_count = plan->uploads.Put(host.key_count);
  plan->keys = plan->uploads.Put(host.keys);
  if (!lists.kv_heads.empty()) {
    plan->head_first = plan->uploads.Put(host.head_first);
    plan->head_count = plan->uploads.Put(host.head_count);
  }
  if (places) {
    plan->bias_query = plan->uploads.Put(places->query);
    plan->bias_key = plan->uploads.Put(places->key);
  }
  return std::shared_ptr<const void>(std::move(plan));
}

Status CudaOps::Attend(const AttentionPlan& attention_plan, const AttentionArgs& args) {
  const auto& plan = *static_cast<const Lists*>(attention_plan.uploaded());
  if (plan.entries == 0) {
    if (args.tap)
      args.tap->mass.assign(static_cast<size_t>(args.rows * args.heads * args.edit->classes), 0.0f);
    return absl::OkStatus();
  }
  if (args.d > kMaxHeadWidth) {
    return absl::UnimplementedError("Attend: heads wider than " + std::to_string(kMaxHeadWidth));
  }
  Enter();
  Uploads uploads(this);
  Attention a{};
  a.entries = plan.entries;
  a.query = plan.query;
  a.key_begin = plan.key_begin;
  a.key_count = plan.key_count;
  a.keys = plan.keys;
  a.head_first = plan.head_first;
  a.head_count = plan.head_count;
  a.q = args.q;
  a.q_stride = args.q_stride;
  if (plan.last_row >= 0) {
    a.k_pages = PutPages(args.k, plan.last_row, &uploads);
    a.v_pages = PutPages(args.v, plan.last_row, &uploads);
  }
  a.k_page_rows = args.k.page_rows;
  a.v_page_rows = args.v.page_rows;
  a.k_stride = args.k.row_stride;
  a.v_stride = args.v.row_stride;
  a.heads = args.heads;
  a.kv_heads = args.kv_heads;
  a.d = args.d;
  a.scale = args.scale;
  if (args.bias.table && plan.bias_query) {
    a.bias_query = plan.bias_query;
    a.bias_key = plan.bias_key;
    a.bias = args.bias.table;
    a.bias_entries = args.bias.entries;
  }
  if (args.edit) PutEdit(*args.edit, &uploads, &a);
  size_t mass = 0;
  if (args.tap) {
    SL_CHECK(a.key_class);
    mass = static_cast<size_t>(args.rows * args.heads * a.classes);
    a.mass = static_cast<float*>(uploads.Room(mass * sizeof(float)));
    Zero(a.mass, mass * sizeof(float));
  }
  a.out = args.out;
  cuda::Attend(a, stream_);
  SL_RETURN_IF_ERROR(Launched("Attend"));
  if (args.tap) {
    args.tap->mass.resize(mass);
    ToHost(a.mass, mass * sizeof(float), args.tap->mass.data());
  }
  return absl::OkStatus();
}

}  // namespace sightline::cuda

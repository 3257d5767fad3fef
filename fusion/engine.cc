#include "fusion/engine.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "compute/base/thread_pool.h"
#include "compute/ops/decoder_ops.h"
#include "compute/ops/shape_ops.h"
#include "fusion/engine_job.h"
#include "fusion/step_plan.h"

namespace sightline {
namespace {

using JobPtr = std::shared_ptr<EngineJob>;

double MsSince(absl::Time from) { return absl::ToDoubleMilliseconds(absl::Now() - from); }

// Ends and drops the jobs that nobody waits for any more.
template <class Jobs>
void DropAbandoned(Jobs* jobs) {
  std::erase_if(*jobs, [](const JobPtr& job) {
    Status status = job->Check();
    if (!status.ok()) job->Finish(status);
    return !status.ok();
  });
}

}  // namespace

struct Engine::Impl {
  LanguageModel model;
  EngineOptions options;
  std::unique_ptr<PagePool> pool;
  std::unique_ptr<PrefixCache> prefixes;  // the owner's

  mutable std::mutex mu;
  std::condition_variable wake;
  std::deque<JobPtr> queue;    // under mu
  std::vector<JobPtr> active;  // changed by the owner under mu
  bool stopping = false;       // under mu
  std::thread owner;

  void Loop();
  void Admit();
  bool HasRoom(const EngineJob& job) const;
  // One step of all active sequences.
  void Step();
  std::vector<int64_t> Plan();
  // Runs the rows; returns the jobs that have ended, each told how.
  std::vector<JobPtr> Compute(const std::vector<int64_t>& rows);
  bool Continue(EngineJob* job, std::vector<float> logits);
};

// Pages that are free or can be freed, and that no active sequence has been promised.
bool Engine::Impl::HasRoom(const EngineJob& job) const {
  int64_t room = pool->capacity() - pool->pages_in_use() + prefixes->idle();
  for (const JobPtr& other : active) room -= other->pages_to_come();
  return active.empty() || job.pages_to_come() <= room;
}

void Engine::Impl::Admit() {
  DropAbandoned(&queue);
  DropAbandoned(&active);
  while (!queue.empty() && static_cast<int>(active.size()) < options.max_active) {
    JobPtr job = queue.front();
    if (options.reuse_prefixes) job->Reuse(prefixes.get());
    if (!HasRoom(*job)) {
      job->StartOver();
      break;
    }
    queue.pop_front();
    active.push_back(job);
    job->started = absl::Now();
    job->summary.queue_ms = MsSince(job->queued);
  }
}

void Engine::Impl::Loop() {
  for (;;) {
    {
      std::unique_lock<std::mutex> lock(mu);
      wake.wait(lock, [&] { return stopping || !queue.empty() || !active.empty(); });
      if (stopping) break;
      Admit();
    }
    if (!active.empty()) Step();
  }
  std::lock_guard<std::mutex> lock(mu);
  Status gone = ErrorWithReason(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                                "the server is shutting down");
  for (auto& job : active) job->Finish(gone);
  for (auto& job : queue) job->Finish(gone);
  active.clear();
  queue.clear();
}

void Engine::Impl::Step() {
  std::vector<JobPtr> ended = Compute(Plan());
  std::lock_guard<std::mutex> lock(mu);
  for (const JobPtr& job : ended) std::erase(active, job);
}

// A prompt whose next page an earlier sequence is about to fill waits for it: 0 rows.
std::vector<int64_t> Engine::Impl::Plan() {
  std::set<PageKey> being_filled;
  std::vector<int64_t> left;
  std::vector<bool> waits;
  for (const JobPtr& job : active) {
    if (options.reuse_prefixes) job->Reuse(prefixes.get());
    const PageKey* page = options.reuse_prefixes ? job->page_to_fill() : nullptr;
    waits.push_back(page && !being_filled.insert(*page).second && job->at_page_start());
    if (!waits.back()) left.push_back(job->reader.left());
  }
  std::vector<int64_t> some = PlanStep(left, {options.step_tokens, options.prefill_chunk}), rows;
  auto next = some.begin();
  for (bool wait : waits) rows.push_back(wait ? 0 : *next++);
  return rows;
}

std::vector<JobPtr> Engine::Impl::Compute(const std::vector<int64_t>& rows) {
  std::vector<JobPtr> ended, drawing;
  std::vector<language::SequenceStep> parts;
  std::vector<int64_t> last_rows;
  int64_t total = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    EngineJob* job = active[i].get();
    if (rows[i] == 0) continue;
    if (Status status = model.decoder->Reserve(rows[i], &*job->sequence); !status.ok()) {
      job->Finish(status);
      ended.push_back(active[i]);
      continue;
    }
    parts.push_back({job->Next(rows[i]), &*job->sequence, nullptr});
    total += rows[i];
    if (!job->reader.done()) continue;
    drawing.push_back(active[i]);
    last_rows.push_back(total - 1);
  }
  if (parts.empty()) return ended;
  Tensor hidden = model.decoder->Run(std::move(parts));
  if (options.reuse_prefixes) {
    for (const JobPtr& job : active) job->Share(prefixes.get());
  }
  if (drawing.empty()) return ended;
  std::vector<float> logits = HostValues(model.decoder->Logits(GatherRows(hidden, last_rows)));
  auto vocab = static_cast<int64_t>(logits.size() / drawing.size());
  std::vector<char> done(drawing.size());
  ParallelFor(static_cast<int64_t>(drawing.size()), 1, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      auto row = logits.begin() + i * vocab;
      auto at = static_cast<size_t>(i);
      done[at] = Continue(drawing[at].get(), {row, row + vocab});
    }
  });
  for (size_t i = 0; i < drawing.size(); ++i) {
    if (done[i]) ended.push_back(drawing[i]);
  }
  return ended;
}

// Draws the next token; true at the end of the answer.
bool Engine::Impl::Continue(EngineJob* job, std::vector<float> logits) {
  if (job->summary.output_tokens == 0) {
    job->summary.prefill_ms = MsSince(job->started);
    job->decoding = absl::Now();
  }
  if (!job->Take(std::move(logits))) return false;
  job->summary.decode_ms = MsSince(job->decoding);
  job->Finish(absl::OkStatus());
  return true;
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  impl_->owner = std::thread([this] { impl_->Loop(); });
}

Engine::~Engine() {
  {
    std::lock_guard<std::mutex> lock(impl_->mu);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  impl_->owner.join();
}

StatusOr<std::unique_ptr<Engine>> Engine::Load(const std::string& directory,
                                               const EngineOptions& options,
                                               const LoadProgress& progress) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  SL_ASSIGN_OR_RETURN(impl->model,
                      LoadLanguageModel(directory, progress, options.device, options.weights));
  const language::Decoder& decoder = *impl->model.decoder;
  SL_ASSIGN_OR_RETURN(KvFormat kv, decoder.KvFor(options.kv));
  impl->pool = std::make_unique<PagePool>(decoder.page_numbers(), options.kv_budget_bytes,
                                          decoder.device(), kv);
  impl->prefixes = std::make_unique<PrefixCache>(impl->pool.get());
  impl->pool->set_reclaim([cache = impl->prefixes.get()] { return cache->DropOldest(); });
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

StatusOr<GenerateSummary> Engine::Generate(const GenerateRequest& request,
                                           const RequestContext& context, const Sink& sink) {
  SL_ASSIGN_OR_RETURN(Prompt prompt, impl_->model.form->Build(request.parts));
  const language::DecoderSpec& spec = impl_->model.decoder->spec();
  SL_RETURN_IF_ERROR(CheckSpans(prompt, spec));
  if (prompt.tokens >= spec.context) {
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "CONTEXT_TOO_LONG",
                           "the prompt has " + std::to_string(prompt.tokens) + " tokens, " +
                               std::to_string(prompt.visual_tokens) +
                               " of them of images and clips; the model's context holds " +
                               std::to_string(spec.context) +
                               " with the answer; send fewer or smaller images, fewer frames of a "
                               "clip, or less text");
  }
  auto job = std::make_shared<EngineJob>(request, context, std::move(prompt), impl_->pool.get(),
                                         &impl_->model);
  if (impl_->options.reuse_prefixes) job->NamePages();
  {
    std::lock_guard<std::mutex> lock(impl_->mu);
    if (static_cast<int>(impl_->queue.size()) >= impl_->options.max_queued)
      return ErrorWithReason(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                             "too many requests are waiting; try again later");
    impl_->queue.push_back(job);
  }
  impl_->wake.notify_one();
  SL_RETURN_IF_ERROR(job->Listen(sink));
  return job->summary;
}

const LanguageModel& Engine::model() const { return impl_->model; }
int64_t Engine::parameter_count() const { return impl_->model.decoder->parameter_count(); }
int Engine::active() const {
  std::lock_guard<std::mutex> lock(impl_->mu);
  return static_cast<int>(impl_->queue.size() + impl_->active.size());
}

}  // namespace sightline

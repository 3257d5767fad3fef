#include "fusion/engine.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "compute/ops/shape_ops.h"
#include "fusion/prompt_reader.h"
#include "fusion/stop_matcher.h"
#include "language/text/tokenizer.h"

namespace sightline {
namespace {

double MsSince(absl::Time from) { return absl::ToDoubleMilliseconds(absl::Now() - from); }

// One request on its way. The engine thread fills `out`; the caller's thread empties it.
struct Job {
  Job(const GenerateRequest& r, const RequestContext& c, Prompt p, language::Sequence s,
      const LanguageModel& model)
      : request(r),
        context(c),
        prompt(std::move(p)),
        reader(&prompt, model.decoder.get()),
        sequence(std::move(s)),
        sampler(r.sampling),
        stop(r.stop),
        utf8(model.codec.get()) {}

  const GenerateRequest& request;
  const RequestContext& context;
  Prompt prompt;
  PromptReader reader;
  language::Sequence sequence;
  Sampler sampler;
  StopMatcher stop;
  language::StreamDecoder utf8;
  std::vector<int32_t> generated;
  std::vector<float> logits;
  absl::Time queued = absl::Now(), started, decoding;
  bool running = false;
  int most_tokens = 0;  // what was asked for, or what the context has room for
  GenerateSummary summary;

  std::mutex mu;
  std::condition_variable wake;
  std::deque<Delta> out;
  std::optional<Status> finished;
  std::atomic<bool> abandoned{false};

  void Emit(Delta d) {
    if (d.text.empty()) return;
    std::lock_guard<std::mutex> lock(mu);
    out.push_back(std::move(d));
    wake.notify_one();
  }
  void Finish(Status s) {
    std::lock_guard<std::mutex> lock(mu);
    finished = std::move(s);
    wake.notify_one();
  }
};

}  // namespace

struct Engine::Impl {
  LanguageModel model;
  EngineOptions options;
  std::unique_ptr<PagePool> pool;

  mutable std::mutex mu;
  std::condition_variable wake;
  std::deque<std::shared_ptr<Job>> queue;
  std::vector<std::shared_ptr<Job>> active;
  bool stopping = false;
  std::thread owner;

  void Loop();
  void Admit();
  // One step of one sequence: a chunk of its prompt, or one token. True when the job has ended.
  bool Step(Job* job);
  StatusOr<bool> Advance(Job* job);
  Status Prefill(Job* job);
  bool Take(Job* job);
};

void Engine::Impl::Admit() {
  while (!queue.empty() && static_cast<int>(active.size()) < options.max_active) {
    active.push_back(queue.front());
    queue.pop_front();
  }
}

void Engine::Impl::Loop() {
  for (;;) {
    std::vector<std::shared_ptr<Job>> turn;
    {
      std::unique_lock<std::mutex> lock(mu);
      wake.wait(lock, [&] { return stopping || !queue.empty() || !active.empty(); });
      if (stopping) break;
      // Those that wait longest for a slot may have been given up meanwhile.
      Admit();
      turn = active;
    }
    std::vector<std::shared_ptr<Job>> ended;
    for (auto& job : turn) {
      if (Step(job.get())) ended.push_back(job);
    }
    std::lock_guard<std::mutex> lock(mu);
    for (auto& job : ended) active.erase(std::find(active.begin(), active.end(), job));
  }
  std::lock_guard<std::mutex> lock(mu);
  Status gone = ErrorWithReason(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                                "the server is shutting down");
  for (auto& job : active) job->Finish(gone);
  for (auto& job : queue) job->Finish(gone);
  active.clear();
  queue.clear();
}

bool Engine::Impl::Step(Job* job) {
  if (!job->running) {
    job->running = true;
    job->started = absl::Now();
    job->summary.queue_ms = MsSince(job->queued);
  }
  Status status =
      job->abandoned ? absl::CancelledError("the caller stopped reading") : job->context.Check();
  bool done = false;
  if (status.ok()) {
    auto advanced = Advance(job);
    status = advanced.status();
    done = advanced.ok() && *advanced;
  }
  if (status.ok() && !done) return false;
  if (done) job->summary.decode_ms = MsSince(job->decoding);
  job->Finish(status);
  return true;
}

StatusOr<bool> Engine::Impl::Advance(Job* job) {
  const language::Decoder& decoder = *model.decoder;
  if (!job->reader.done()) {
    SL_RETURN_IF_ERROR(Prefill(job));
    if (!job->reader.done()) return false;
    job->summary.prefill_ms = MsSince(job->started);
    job->decoding = absl::Now();
  } else {
    SL_ASSIGN_OR_RETURN(job->logits,
                        decoder.Forward(decoder.Embed({job->generated.back()}), &job->sequence));
  }
  return Take(job);
}

Status Engine::Impl::Prefill(Job* job) {
  SL_ASSIGN_OR_RETURN(Tensor hidden,
                      model.decoder->Run(job->reader.Next(options.prefill_chunk), &job->sequence));
  if (!job->reader.done()) return absl::OkStatus();
  job->logits = HostValues(model.decoder->Logits(RowsOf(hidden, hidden.rows() - 1, 1)));
  return absl::OkStatus();
}

// Draws the next token from the logits at hand; true at the end of the text.
bool Engine::Impl::Take(Job* job) {
  int32_t id = job->sampler.Next(&job->logits, job->generated);
  GenerateSummary& s = job->summary;
  if (std::find(model.end_ids.begin(), model.end_ids.end(), id) != model.end_ids.end()) {
    job->Emit({job->stop.Push(job->utf8.Flush()) + job->stop.Flush(), 0});
    s.reason = FinishReason::kStop;
    return true;
  }
  job->generated.push_back(id);
  s.output_tokens = static_cast<int>(job->generated.size());
  job->Emit({job->stop.Push(job->utf8.Push(id)), 1});
  if (job->stop.done()) {
    s.reason = FinishReason::kStop;
    return true;
  }
  if (s.output_tokens < job->most_tokens) return false;
  job->Emit({job->stop.Push(job->utf8.Flush()) + job->stop.Flush(), 0});
  s.reason = FinishReason::kLength;
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
  impl->pool = std::make_unique<PagePool>(impl->model.decoder->page_floats(),
                                          options.kv_budget_bytes, impl->model.decoder->device());
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

StatusOr<GenerateSummary> Engine::Generate(const GenerateRequest& request,
                                           const RequestContext& context, const Sink& sink) {
  SL_ASSIGN_OR_RETURN(Prompt prompt, impl_->model.form->Build(request.parts));
  const language::DecoderSpec& spec = impl_->model.decoder->spec();
  SL_RETURN_IF_ERROR(CheckSpans(prompt, spec));
  const int64_t room = spec.context - prompt.tokens;
  if (room < 1) {
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "CONTEXT_TOO_LONG",
                           "the prompt has " + std::to_string(prompt.tokens) +
                               " tokens; the model's context holds " +
                               std::to_string(spec.context) +
                               " with the answer; send fewer or smaller images, or fewer frames");
  }
  auto job =
      std::make_shared<Job>(request, context, std::move(prompt),
                            language::Sequence(impl_->pool.get(), spec.layers), impl_->model);
  job->summary.prompt_tokens = job->prompt.tokens;
  job->summary.visual_tokens = job->prompt.visual_tokens;
  job->most_tokens = static_cast<int>(std::min<int64_t>(request.max_output_tokens, room));
  {
    std::lock_guard<std::mutex> lock(impl_->mu);
    if (static_cast<int>(impl_->queue.size()) >= impl_->options.max_queued)
      return ErrorWithReason(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                             "too many requests are waiting; try again later");
    impl_->queue.push_back(job);
  }
  impl_->wake.notify_one();
  bool cancelled = false;
  for (;;) {
    std::unique_lock<std::mutex> lock(job->mu);
    job->wake.wait(lock, [&] { return job->finished || !job->out.empty(); });
    while (!job->out.empty()) {
      Delta d = std::move(job->out.front());
      job->out.pop_front();
      lock.unlock();
      if (!cancelled && !sink(d)) {
        cancelled = true;
        job->abandoned = true;
      }
      lock.lock();
    }
    if (!job->finished) continue;
    // The engine thread holds references into this frame until it has said that it is finished.
    Status status = cancelled ? absl::CancelledError("the caller stopped reading") : *job->finished;
    SL_RETURN_IF_ERROR(status);
    return job->summary;
  }
}

const LanguageModel& Engine::model() const { return impl_->model; }
int64_t Engine::parameter_count() const { return impl_->model.decoder->parameter_count(); }
int Engine::active() const {
  std::lock_guard<std::mutex> lock(impl_->mu);
  return static_cast<int>(impl_->queue.size() + impl_->active.size());
}

}  // namespace sightline

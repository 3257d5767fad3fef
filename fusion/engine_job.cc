#include "fusion/engine_job.h"

#include <algorithm>

#include "fusion/prompt_keys.h"

namespace sightline {

EngineJob::EngineJob(const GenerateRequest& r, const RequestContext& c, Prompt p, PagePool* pool,
                     const LanguageModel* m)
    : request(r),
      context(c),
      model(*m),
      prompt(std::move(p)),
      reader(&prompt, m->decoder.get()),
      sequence(std::in_place, pool, m->decoder->spec().layers),
      pool_(pool),
      sampler_(r.sampling),
      stop_(r.stop),
      utf8_(m->codec.get()) {
  summary.prompt_tokens = prompt.tokens;
  summary.visual_tokens = prompt.visual_tokens;
  most_tokens = static_cast<int>(
      std::min<int64_t>(r.max_output_tokens, m->decoder->spec().context - prompt.tokens));
}

Status EngineJob::Check() const {
  return abandoned_ ? absl::CancelledError("the caller stopped reading") : context.Check();
}

void EngineJob::NamePages() { page_keys_ = PromptPageKeys(prompt); }

int64_t EngineJob::pages_to_come() const {
  int64_t rows = int64_t{prompt.tokens} + most_tokens,
          most = std::min((rows + kPageRows - 1) / kPageRows, pool_->capacity());
  return std::max<int64_t>(0, most - sequence->pages().size());
}

const PageKey* EngineJob::page_to_fill() const {
  auto page = static_cast<size_t>(reader.row() / kPageRows);
  return page < page_keys_.size() ? &page_keys_[page] : nullptr;
}

void EngineJob::Reuse(PrefixCache* cache) {
  if (!page_to_fill() || !at_page_start()) return;
  auto first = static_cast<size_t>(reader.row() / kPageRows);
  std::vector<std::byte*> pages = cache->Find(std::span<const PageKey>(page_keys_).subspan(first));
  if (pages.empty()) return;
  shared_ = first + pages.size();
  auto rows = static_cast<int32_t>(shared_) * kPageRows;
  sequence->Adopt(pages, PositionAfter(prompt, rows));
  summary.reused_tokens += static_cast<int>(pages.size()) * kPageRows;
  reader.Skip(rows - reader.row());
}

void EngineJob::StartOver() {
  sequence.emplace(pool_, model.decoder->spec().layers);
  reader = PromptReader(&prompt, model.decoder.get());
  summary.reused_tokens = 0;
  shared_ = 0;
}

void EngineJob::Share(PrefixCache* cache) {
  size_t full = std::min(page_keys_.size(), static_cast<size_t>(reader.row() / kPageRows));
  if (!sequence || full <= shared_) return;
  shared_ = full;
  std::vector<std::byte*> pages;
  for (size_t i = 0; i < full; ++i)
    pages.push_back(sequence->pages().page(static_cast<int64_t>(i)));
  cache->Keep(std::span<const PageKey>(page_keys_).first(full), pages);
}

language::StepInput EngineJob::Next(int64_t rows) {
  if (!reader.done()) return reader.Next(rows);
  return {model.decoder->Embed({generated_.back()}), {}, {}};
}

bool EngineJob::Take(std::vector<float> logits) {
  int32_t id = sampler_.Next(&logits, generated_);
  if (std::find(model.end_ids.begin(), model.end_ids.end(), id) != model.end_ids.end()) {
    Emit(stop_.Push(utf8_.Flush()) + stop_.Flush(), 0);
    summary.reason = FinishReason::kStop;
    return true;
  }
  generated_.push_back(id);
  summary.output_tokens = static_cast<int>(generated_.size());
  Emit(stop_.Push(utf8_.Push(id)), 1);
  if (stop_.done()) {
    summary.reason = FinishReason::kStop;
    return true;
  }
  if (summary.output_tokens < most_tokens) return false;
  Emit(stop_.Push(utf8_.Flush()) + stop_.Flush(), 0);
  summary.reason = FinishReason::kLength;
  return true;
}

void EngineJob::Emit(std::string text, int tokens) {
  if (text.empty()) return;
  std::lock_guard<std::mutex> lock(mu_);
  out_.push_back({std::move(text), tokens});
  wake_.notify_one();
}

void EngineJob::Finish(Status status) {
  sequence.reset();
  std::lock_guard<std::mutex> lock(mu_);
  finished_ = std::move(status);
  wake_.notify_one();
}

Status EngineJob::Listen(const Engine::Sink& sink) {
  std::unique_lock<std::mutex> lock(mu_);
  for (;;) {
    wake_.wait(lock, [&] { return finished_ || !out_.empty(); });
    while (!out_.empty()) {
      Delta d = std::move(out_.front());
      out_.pop_front();
      lock.unlock();
      if (!abandoned_ && !sink(d)) abandoned_ = true;
      lock.lock();
    }
    // The engine thread reads this caller's request until it has said that it is finished.
    if (finished_) break;
  }
  return abandoned_ ? absl::CancelledError("the caller stopped reading") : *finished_;
}

}  // namespace sightline

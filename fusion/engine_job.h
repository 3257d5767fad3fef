// One request on its way through the engine.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "compute/kv/prefix_cache.h"
#include "fusion/engine.h"
#include "fusion/prompt_reader.h"
#include "fusion/stop_matcher.h"
#include "language/text/tokenizer.h"

namespace sightline {

// The engine thread owns everything but the mailbox, which it fills and the caller's thread
// empties.
struct EngineJob {
  EngineJob(const GenerateRequest& request, const RequestContext& context, Prompt prompt,
            PagePool* pool, const LanguageModel* model);
  // Lets this prompt share pages with others. Before the engine thread sees the job.
  void NamePages();

  // CANCELLED or DEADLINE_EXCEEDED once nobody waits for the answer.
  Status Check() const;
  // KV pages that the job may still take.
  int64_t pages_to_come() const;
  // Takes over pages that hold what comes next of the prompt.
  void Reuse(PrefixCache* cache);
  // Undoes Reuse of a job that has not run.
  void StartOver();
  // Name of the page of the prompt that the next row belongs to; null: not one to share.
  const PageKey* page_to_fill() const;
  bool at_page_start() const { return reader.row() % kPageRows == 0; }
  // Lets later prompts find the pages that are full by now.
  void Share(PrefixCache* cache);
  // The next `rows` rows of the prompt, or the last token's.
  language::StepInput Next(int64_t rows);
  // Draws the next token from `logits` [V] and emits its text. True at the end of the answer.
  bool Take(std::vector<float> logits);
  // Gives the pages back and wakes the caller; nothing of the caller's is read from then on.
  void Finish(Status status);
  // The caller's side: passes text to `sink` until the engine has finished with the job.
  Status Listen(const Engine::Sink& sink);

  const GenerateRequest& request;
  const RequestContext& context;
  const LanguageModel& model;
  Prompt prompt;
  PromptReader reader;
  std::optional<language::Sequence> sequence;  // until Finish
  int most_tokens = 0;                         // asked for, or what the context has room for
  absl::Time queued = absl::Now(), started, decoding;
  GenerateSummary summary;

 private:
  void Emit(std::string text, int tokens);

  PagePool* pool_;
  std::vector<PageKey> page_keys_;
  size_t shared_ = 0;  // pages that others can find
  Sampler sampler_;
  StopMatcher stop_;
  language::StreamDecoder utf8_;
  std::vector<int32_t> generated_;

  std::mutex mu_;
  std::condition_variable wake_;
  std::deque<Delta> out_;
  std::optional<Status> finished_;
  std::atomic<bool> abandoned_{false};
};

}  // namespace sightline

// The engine with many requests at once: each gets the answer that it gets alone, nobody waits for
// long prompts, who leaves is dropped.
#include "fusion/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "tests/models/model_files.h"

namespace sightline {
namespace {

using std::chrono::milliseconds;

std::unique_ptr<Engine> Load(const EngineOptions& options = {}) {
  auto engine = Engine::Load(GoldenDirectory("qwen2_5_vl"), options);
  EXPECT_TRUE(engine.ok()) << engine.status();
  return *std::move(engine);
}

struct Answer {
  Status status;
  std::string text;
  GenerateSummary summary;
};

Answer Ask(Engine* engine, const GenerateRequest& request, const RequestContext& context = {}) {
  Answer a;
  auto summary = engine->Generate(request, context, [&](const Delta& d) {
    a.text += d.text;
    return true;
  });
  a.status = summary.status();
  if (summary.ok()) a.summary = *summary;
  return a;
}

class Random {
 public:
  explicit Random(uint32_t seed) : rng_(seed) {}
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(rng_() % n); }
  std::string Words(uint32_t n) {
    static const char* const kWords[] = {"red", "cube", "left", "of", "the", "large", "what", "7"};
    std::string s;
    for (uint32_t i = 0; i < n; ++i) s += std::string(i ? " " : "") + kWords[Below(8)];
    return s;
  }
  // Visual tokens as an encoder would give them: the same ones for the same seed.
  std::shared_ptr<const EncodedMedia> Picture(int rows, int cols, int channels) {
    auto m = std::make_shared<EncodedMedia>();
    m->channels = channels;
    m->source_width_px = cols * 28;
    m->source_height_px = rows * 28;
    m->spans.emplace_back();
    m->spans[0].rows = rows;
    m->spans[0].cols = cols;
    std::normal_distribution<float> value(0, 0.5f);
    for (int i = 0; i < rows * cols * channels; ++i) m->spans[0].features.push_back(value(rng_));
    return m;
  }

 private:
  std::mt19937 rng_;
};

// A hot sampler: bits that differ would soon show in the text.
GenerateRequest Request(Random* random, int channels, bool picture) {
  GenerateRequest r;
  if (picture)
    r.parts.push_back({random->Picture(3 + static_cast<int>(random->Below(12)), 11, channels)});
  r.parts.push_back({random->Words(1 + random->Below(200))});
  r.max_output_tokens = 1 + static_cast<int>(random->Below(24));
  r.sampling.temperature = 1.5;
  r.sampling.seed = random->Below(1000);
  return r;
}

int Channels(const Engine& engine) {
  return static_cast<int>(engine.model().decoder->spec().hidden);
}

// Text of about `tokens` tokens.
GenerateRequest Long(const Engine& engine, Random* random, int tokens) {
  GenerateRequest r;
  r.max_output_tokens = 1;
  r.parts.push_back({random->Words(200)});
  auto prompt = engine.model().form->Build(r.parts);
  EXPECT_TRUE(prompt.ok());
  r.parts[0] = {random->Words(static_cast<uint32_t>(200 * tokens / prompt->tokens))};
  return r;
}

// All at once, by threads of their own.
std::vector<Answer> AskAll(Engine* engine, const std::vector<GenerateRequest>& requests) {
  std::vector<Answer> answers(requests.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < requests.size(); ++i) {
    threads.emplace_back([&, i] { answers[i] = Ask(engine, requests[i]); });
  }
  for (auto& t : threads) t.join();
  return answers;
}

TEST(EngineBatch, ManyGetTheAnswersOfOneAlone) {
  Random random(std::random_device{}());
  EngineOptions plain;
  plain.reuse_prefixes = false;
  auto alone = Load(plain);
  std::vector<GenerateRequest> requests;
  for (int i = 0; i < 12; ++i) requests.push_back(Request(&random, Channels(*alone), i % 2 == 0));
  std::vector<Answer> want;
  for (const GenerateRequest& r : requests) want.push_back(Ask(alone.get(), r));
  for (int step_tokens : {8, 256}) {
    EngineOptions options;
    options.step_tokens = step_tokens;
    options.prefill_chunk = 50;
    options.max_active = 7;
    std::vector<Answer> got = AskAll(Load(options).get(), requests);
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_TRUE(got[i].status.ok()) << got[i].status;
      EXPECT_EQ(got[i].text, want[i].text) << i;
      EXPECT_EQ(got[i].summary.output_tokens, want[i].summary.output_tokens);
      EXPECT_EQ(got[i].summary.prompt_tokens, want[i].summary.prompt_tokens);
    }
  }
}

TEST(EngineBatch, ReuseNeverChangesAnAnswer) {
  Random random(std::random_device{}());
  EngineOptions plain;
  plain.reuse_prefixes = false;
  auto fresh = Load(plain), reusing = Load();
  auto picture = random.Picture(12, 13, Channels(*fresh));
  std::string story = random.Words(150);
  std::vector<GenerateRequest> requests;
  for (int i = 0; i < 8; ++i) {
    GenerateRequest r = Request(&random, Channels(*fresh), false);
    r.parts.insert(r.parts.begin(), i % 2 ? PromptPart{picture} : PromptPart{story});
    requests.push_back(r);
  }
  int reused = 0;
  for (const GenerateRequest& r : requests) {
    Answer want = Ask(fresh.get(), r), first = Ask(reusing.get(), r), again = Ask(reusing.get(), r);
    EXPECT_EQ(first.text, want.text);
    EXPECT_EQ(again.text, want.text);
    EXPECT_EQ(want.summary.reused_tokens, 0);
    // All full pages before the last row.
    EXPECT_EQ(again.summary.reused_tokens, (again.summary.prompt_tokens - 1) / 64 * 64);
    reused += first.summary.reused_tokens;
  }
  EXPECT_GE(reused, 6 * 128);  // the picture's or the story's pages, from the third on
  // A picture that differs in one number shares nothing from there on.
  auto other = std::make_shared<EncodedMedia>(*picture);
  other->spans[0].features[5] += 1e-3f;
  requests[1].parts[0].content = std::shared_ptr<const EncodedMedia>(other);
  Answer changed = Ask(reusing.get(), requests[1]);
  EXPECT_LT(changed.summary.reused_tokens, 64);
  EXPECT_EQ(changed.text, Ask(fresh.get(), requests[1]).text);
}

// Those that arrive together: one computes what they share, the others wait for its pages.
TEST(EngineBatch, TheSameBeginningIsComputedOnce) {
  Random random(std::random_device{}());
  auto engine = Load();
  auto picture = random.Picture(15, 15, Channels(*engine));
  std::vector<GenerateRequest> requests;
  for (int i = 0; i < 6; ++i) {
    requests.push_back(Request(&random, Channels(*engine), false));
    requests.back().parts.insert(requests.back().parts.begin(), {picture});
  }
  // Keeps the engine busy until all have arrived.
  GenerateRequest first = Long(*engine, &random, 1500);
  std::thread busy([&] { EXPECT_TRUE(Ask(engine.get(), first).status.ok()); });
  std::vector<Answer> got = AskAll(engine.get(), requests);
  busy.join();
  int computed_anew = 0;
  for (const Answer& a : got) computed_anew += a.summary.reused_tokens < 192 ? 1 : 0;
  EXPECT_LE(computed_anew, 1);
  EngineOptions plain;
  plain.reuse_prefixes = false;
  auto fresh = Load(plain);
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(got[i].text, Ask(fresh.get(), requests[i]).text);
}

TEST(EngineBatch, AShortRequestPassesALongPrompt) {
  Random random(std::random_device{}());
  EngineOptions options;
  options.step_tokens = 16;
  options.prefill_chunk = 16;
  auto engine = Load(options);
  GenerateRequest slow = Long(*engine, &random, 3000), quick;
  quick.parts.push_back({random.Words(3)});
  quick.max_output_tokens = 2;
  std::atomic<bool> slow_done{false};
  std::thread long_prompt([&] {
    EXPECT_TRUE(Ask(engine.get(), slow).status.ok());
    slow_done = true;
  });
  while (engine->active() == 0) std::this_thread::sleep_for(milliseconds(1));
  Answer a = Ask(engine.get(), quick);
  EXPECT_TRUE(a.status.ok()) << a.status;
  EXPECT_FALSE(slow_done);
  long_prompt.join();
}

TEST(EngineBatch, WhoLeavesIsDroppedAlsoWhileWaiting) {
  Random random(std::random_device{}());
  EngineOptions options;
  options.max_active = 1;
  options.step_tokens = options.prefill_chunk = 8;
  auto engine = Load(options);
  GenerateRequest slow = Long(*engine, &random, 3000);
  std::atomic<bool> gone{false};
  RequestContext until_gone;
  until_gone.cancelled = [&] { return gone.load(); };
  Answer first;
  std::thread running([&] { first = Ask(engine.get(), slow, until_gone); });
  while (engine->active() == 0) std::this_thread::sleep_for(milliseconds(1));
  RequestContext brief;
  brief.deadline = absl::Now() + absl::Milliseconds(30);
  Answer late = Ask(engine.get(), slow, brief);  // never gets the only place
  EXPECT_EQ(late.status.code(), absl::StatusCode::kDeadlineExceeded);
  gone = true;
  running.join();
  EXPECT_EQ(first.status.code(), absl::StatusCode::kCancelled);
  GenerateRequest quick;
  quick.parts.push_back({"red"});
  quick.max_output_tokens = 1;
  EXPECT_TRUE(Ask(engine.get(), quick).status.ok());
  // The engine's thread puts a job away after it has answered.
  for (int i = 0; i < 1000 && engine->active() > 0; ++i)
    std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(engine->active(), 0);
}

// Every step asks first whether the caller is still there: of one who leaves before its n-th step
// no more than n tokens are ever made.
TEST(EngineBatch, EachStepAsksFirstWhetherTheCallerHasLeft) {
  Random random(std::random_device{}());
  auto engine = Load();
  GenerateRequest r;
  r.parts.push_back({random.Words(20)});
  r.max_output_tokens = 400;
  r.sampling.temperature = 1.5;
  int cancelled = 0;
  for (int steps = 2; steps < 10; ++steps) {
    r.sampling.seed = random.Below(1000);
    std::atomic<int> asked{0};
    RequestContext context;
    context.cancelled = [&] { return ++asked > steps; };
    int tokens = 0;
    auto summary = engine->Generate(r, context, [&](const Delta& d) {
      tokens += d.tokens;
      return true;
    });
    if (summary.ok()) continue;  // it had ended by itself
    EXPECT_EQ(summary.status().code(), absl::StatusCode::kCancelled);
    EXPECT_LE(tokens, steps);
    ++cancelled;
  }
  EXPECT_GT(cancelled, 0);
}

// A budget for few sequences: the others wait for pages instead of failing.
TEST(EngineBatch, RequestsWaitForPages) {
  Random random(std::random_device{}());
  auto roomy = Load();
  std::vector<GenerateRequest> requests;
  for (int i = 0; i < 10; ++i) requests.push_back(Request(&random, Channels(*roomy), i % 2 == 0));
  std::vector<Answer> want;
  int most = 0;
  for (const GenerateRequest& r : requests) {
    want.push_back(Ask(roomy.get(), r));
    ASSERT_TRUE(want.back().status.ok()) << want.back().status;
    most = std::max(most, want.back().summary.prompt_tokens + r.max_output_tokens);
  }
  int64_t pages = (most + kPageRows - 1) / kPageRows + 1;
  EngineOptions tight;
  const language::Decoder& decoder = *roomy->model().decoder;
  tight.kv_budget_bytes = pages * decoder.page_numbers() * BytesOf(*decoder.KvFor(tight.kv));
  auto engine = Load(tight);
  std::vector<Answer> got = AskAll(engine.get(), requests);
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(got[i].status.ok()) << got[i].status;
    EXPECT_EQ(got[i].text, want[i].text);
  }
  GenerateRequest huge = Long(*engine, &random, static_cast<int>(pages + 4) * kPageRows);
  EXPECT_EQ(ReasonOf(Ask(engine.get(), huge).status), "KV_CACHE_FULL");
}

TEST(EngineBatch, TimesAddUp) {
  Random random(std::random_device{}());
  auto engine = Load();
  std::vector<GenerateRequest> requests;
  for (int i = 0; i < 6; ++i) requests.push_back(Request(&random, Channels(*engine), true));
  absl::Time began = absl::Now();
  std::vector<Answer> got = AskAll(engine.get(), requests);
  double all = absl::ToDoubleMilliseconds(absl::Now() - began);
  for (const Answer& a : got) {
    EXPECT_GE(a.summary.queue_ms, 0);
    EXPECT_GT(a.summary.prefill_ms, 0);
    EXPECT_GE(a.summary.decode_ms, 0);
    EXPECT_LE(a.summary.queue_ms + a.summary.prefill_ms + a.summary.decode_ms, all + 1);
  }
}

}  // namespace
}  // namespace sightline

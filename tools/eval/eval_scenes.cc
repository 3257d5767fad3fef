#include "tools/eval/eval_scenes.h"

#include <atomic>
#include <cmath>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/str_join.h"
#include "tools/world/world.h"

namespace sightline {
namespace {

struct Tally {
  double hits = 0, n = 0;
};

struct Counts {
  std::map<std::string, Tally> metrics;
  double tp = 0, fp = 0, fn = 0;        // yes/no questions
  double said = 0, hit = 0, truth = 0;  // caption objects
};

// Wilson's interval of a proportion.
nlohmann::json Proportion(double hits, double n) {
  double p = n > 0 ? hits / n : 0, z = 1.96, d = 1 + z * z / std::max(n, 1.0);
  double centre = (p + z * z / (2 * std::max(n, 1.0))) / d,
         half = z * std::sqrt(p * (1 - p) / std::max(n, 1.0) + z * z / (4 * n * n + 1e-9)) / d;
  return {{"value", p},
          {"ci95", {std::max(0.0, centre - half), std::min(1.0, centre + half)}},
          {"n", static_cast<int64_t>(n)}};
}

Image ToImage(const world::Picture& p) { return Image{p.width, p.height, p.rgb}; }

void Count(const world::Qa& qa, const std::string& reply, Counts* c) {
  world::Score s = world::ScoreReply(qa, reply);
  auto add = [&](const std::string& name) {
    c->metrics[name].hits += s.correct;
    c->metrics[name].n += 1;
  };
  if (qa.family == "caption") {
    c->said += s.caption_said;
    c->hit += s.caption_hits;
    c->truth += s.caption_truth;
    add("caption_exact");
    return;
  }
  add("vqa_accuracy");
  add("accuracy_" + qa.family);
  if (qa.answer == "yes" || qa.answer == "no") {
    bool yes = reply.rfind("yes", 0) == 0;
    c->tp += yes && qa.answer == "yes";
    c->fp += yes && qa.answer == "no";
    c->fn += !yes && qa.answer == "yes";
  }
}

nlohmann::json Report(const Counts& c) {
  nlohmann::json m;
  for (const auto& [name, t] : c.metrics) m[name] = Proportion(t.hits, t.n);
  if (c.tp + c.fn > 0) {
    double n = c.tp + c.fp + c.fn, f1 = 2 * c.tp / std::max(1.0, 2 * c.tp + c.fp + c.fn);
    auto j = Proportion(f1 * n, n);
    m["yes_no_f1"] = j;
  }
  if (c.truth > 0) {
    double f1 = 2 * c.hit / std::max(1.0, c.said + c.truth);
    m["caption_object_f1"] = Proportion(f1 * (c.said + c.truth) / 2, (c.said + c.truth) / 2);
    m["chair_i"] = Proportion(c.said - c.hit, c.said);
  }
  return m;
}

}  // namespace

std::string EvalSplits() {
  const auto& names = world::SplitNames();
  return absl::StrJoin(names.begin() + 1, names.end(), ", ");  // the first is training's
}

StatusOr<std::string> EvalScenes(const VisionPipeline& vision, Engine* engine, const EvalOptions& o,
                                 const std::function<void(int)>& progress) {
  auto split = world::ParseSplit(o.split);
  if (!split || *split == world::Split::kTrain)
    return absl::InvalidArgumentError("--split must be one of: " + EvalSplits());
  Counts counts;
  Status failed;
  std::mutex mu;
  std::atomic<int> next{0}, done{0};
  std::ofstream examples, replies;
  if (!o.examples.empty()) examples.open(o.examples);
  if (!o.replies.empty()) replies.open(o.replies);
  auto work = [&] {
    for (int i = next++; i < o.count; i = next++) {
      world::EvalItem item = world::MakeEvalItem(*split, o.seed, static_cast<uint64_t>(i));
      std::vector<PromptPart> media;
      Status status;
      if (!item.times_s.empty()) {
        std::vector<Image> frames;
        for (const auto& p : item.images) frames.push_back(ToImage(p));
        auto e = vision.EncodeFrames(frames, item.times_s, {});
        status = e.status();
        if (e.ok()) media.push_back({std::make_shared<EncodedMedia>(*std::move(e))});
      } else {
        for (const auto& p : item.images) {
          auto e = vision.EncodeFrames({ToImage(p)}, {}, {});
          status = e.status();
          if (e.ok()) media.push_back({std::make_shared<EncodedMedia>(*std::move(e))});
        }
      }
      for (const auto& qa : item.questions) {
        if (!status.ok()) break;
        GenerateRequest request;
        request.parts = media;
        request.parts.push_back({qa.question});
        request.max_output_tokens = 256;
        std::string reply;
        status = engine
                     ->Generate(request, {},
                                [&](const Delta& d) {
                                  reply += d.text;
                                  return true;
                                })
                     .status();
        std::lock_guard<std::mutex> lock(mu);
        Count(qa, reply, &counts);
        if (replies.is_open()) replies << i << "\t" << qa.question << "\t" << reply << "\n";
        if (examples && qa.family != "caption" && !world::ScoreReply(qa, reply).correct)
          examples << i << "\t" << qa.family << "\t" << qa.question << "\t" << qa.answer << "\t"
                   << reply << "\n";
      }
      std::lock_guard<std::mutex> lock(mu);
      if (!media.empty()) {
        counts.metrics["domain_warning_rate"].hits +=
            std::get<std::shared_ptr<const EncodedMedia>>(media[0].content)
                ->out_of_domain_score.value_or(0) > 0.5;
        counts.metrics["domain_warning_rate"].n += 1;
      }
      if (!status.ok()) failed = status;
      if (progress) progress(++done);
    }
  };
  std::vector<std::thread> pool;
  for (int t = 1; t < o.threads; ++t) pool.emplace_back(work);
  work();
  for (auto& t : pool) t.join();
  SL_RETURN_IF_ERROR(failed);
  nlohmann::json out = {
      {"split", o.split}, {"seed", o.seed}, {"scenes", o.count}, {"metrics", Report(counts)}};
  return out.dump(2);
}

std::string SummariseReport(const std::string& report) {
  const auto j = nlohmann::json::parse(report);
  std::string out = j["split"].get<std::string>() + ", seed " + j["seed"].dump() + ", " +
                    j["scenes"].dump() + " scenes\n";
  for (const auto& [name, m] : j["metrics"].items()) {
    char line[160];
    std::snprintf(line, sizeof line, "  %-24s %.4f  [%.4f, %.4f]  n = %lld\n", name.c_str(),
                  m["value"].get<double>(), m["ci95"][0].get<double>(), m["ci95"][1].get<double>(),
                  m["n"].get<long long>());
    out += line;
  }
  return out;
}

}  // namespace sightline

#include "tools/eval/eval_scenes.h"

#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/str_cat.h"
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

// An empty path is no file.
Status OpenFile(const std::string& path, const char* what, std::ios::openmode mode,
                std::ofstream* file) {
  if (path.empty()) return absl::OkStatus();
  file->open(path, mode);
  if (file->is_open()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("cannot write ", what, " to ", path, ": ", std::strerror(errno)));
}

constexpr char kWrongAnswers[] = "the wrong answers", kReplies[] = "the replies";

// One evaluation: its threads take scenes until none is left or one fails.
class Evaluation {
 public:
  Evaluation(const EvalModel& model, const EvalOptions& options,
             const std::function<void(int)>& progress)
      : model_(model),
        options_(options),
        split_(*world::ParseSplit(options.split)),
        progress_(progress) {}

  Status Run() {
    SL_RETURN_IF_ERROR(OpenFile(options_.examples, kWrongAnswers, std::ios::trunc, &examples_));
    SL_RETURN_IF_ERROR(OpenFile(options_.replies, kReplies, std::ios::trunc, &replies_));
    std::vector<std::thread> pool;
    for (int t = 1; t < options_.threads; ++t) pool.emplace_back([this] { Work(); });
    Work();
    for (auto& t : pool) t.join();
    SL_RETURN_IF_ERROR(failed_);
    if (!examples_.flush())
      return absl::UnavailableError("cannot write all of " + options_.examples);
    if (!replies_.flush()) return absl::UnavailableError("cannot write all of " + options_.replies);
    return absl::OkStatus();
  }
  const Counts& counts() const { return counts_; }

 private:
  void Work() {
    for (int i = next_++; i < options_.count; i = next_++) {
      Status status = Measure(i);
      std::lock_guard<std::mutex> lock(mu_);
      if (!status.ok()) {
        failed_ = status;
        next_ = options_.count;
      }
      if (progress_) progress_(++done_);
    }
  }

  Status Measure(int scene) {
    world::EvalItem item = world::MakeEvalItem(split_, options_.seed, static_cast<uint64_t>(scene));
    SL_ASSIGN_OR_RETURN(std::vector<PromptPart> media, Encode(item));
    for (const auto& qa : item.questions) {
      SL_ASSIGN_OR_RETURN(std::string reply, Reply(media, qa.question));
      std::lock_guard<std::mutex> lock(mu_);
      Count(qa, reply, &counts_);
      Write(scene, qa, reply);
    }
    const auto& first = std::get<std::shared_ptr<const EncodedMedia>>(media[0].content);
    std::lock_guard<std::mutex> lock(mu_);
    Tally& warned = counts_.metrics["domain_warning_rate"];
    warned.hits += first->out_of_domain_score.value_or(0) > 0.5;
    warned.n += 1;
    return absl::OkStatus();
  }

  // A clip is one medium, of two stills each is one.
  StatusOr<std::vector<PromptPart>> Encode(const world::EvalItem& item) const {
    std::vector<Image> images;
    for (const auto& p : item.images) images.push_back(ToImage(p));
    std::vector<PromptPart> media;
    auto add = [&](const std::vector<Image>& frames) -> Status {
      SL_ASSIGN_OR_RETURN(EncodedMedia e, model_.vision->EncodeFrames(frames, item.times_s, {}));
      media.push_back({std::make_shared<EncodedMedia>(std::move(e))});
      return absl::OkStatus();
    };
    if (!item.times_s.empty()) {
      SL_RETURN_IF_ERROR(add(images));
    } else {
      for (const Image& image : images) SL_RETURN_IF_ERROR(add({image}));
    }
    return media;
  }

  StatusOr<std::string> Reply(std::vector<PromptPart> parts, const std::string& question) const {
    GenerateRequest request;
    request.parts = std::move(parts);
    request.parts.push_back({question});
    std::string reply;
    SL_RETURN_IF_ERROR(model_.engine
                           ->Generate(request, {},
                                      [&](const Delta& d) {
                                        reply += d.text;
                                        return true;
                                      })
                           .status());
    return reply;
  }

  void Write(int scene, const world::Qa& qa, const std::string& reply) {
    if (replies_.is_open()) replies_ << scene << "\t" << qa.question << "\t" << reply << "\n";
    if (examples_.is_open() && qa.family != "caption" && !world::ScoreReply(qa, reply).correct)
      examples_ << scene << "\t" << qa.family << "\t" << qa.question << "\t" << qa.answer << "\t"
                << reply << "\n";
  }

  const EvalModel& model_;
  const EvalOptions& options_;
  const world::Split split_;
  const std::function<void(int)>& progress_;
  std::atomic<int> next_{0};
  std::mutex mu_;  // guards what follows
  Counts counts_;
  Status failed_;
  int done_ = 0;
  std::ofstream examples_, replies_;
};

}  // namespace

std::string EvalSplits() {
  const auto& names = world::SplitNames();
  return absl::StrJoin(names.begin() + 1, names.end(), ", ");  // the first is training's
}

Status CheckEvalOptions(const EvalOptions& o) {
  auto split = world::ParseSplit(o.split);
  if (!split || *split == world::Split::kTrain)
    return absl::InvalidArgumentError("--split must be one of: " + EvalSplits());
  std::ofstream file, other;
  SL_RETURN_IF_ERROR(OpenFile(o.examples, kWrongAnswers, std::ios::app, &file));
  return OpenFile(o.replies, kReplies, std::ios::app, &other);
}

StatusOr<std::string> EvalScenes(const EvalModel& model, const EvalOptions& o,
                                 const std::function<void(int)>& progress) {
  SL_RETURN_IF_ERROR(CheckEvalOptions(o));
  Evaluation evaluation(model, o, progress);
  SL_RETURN_IF_ERROR(evaluation.Run());
  nlohmann::json out = {{"split", o.split},
                        {"seed", o.seed},
                        {"scenes", o.count},
                        {"metrics", Report(evaluation.counts())}};
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

#include "services/pull/pull.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "services/cli/client.h"
#include "services/cli/commands.h"
#include "services/pull/cache.h"

namespace sightline::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set inside a signal handler");

void OnSignal(int) { interrupted = true; }

// The first Ctrl-C ends the pull in order, a second one at once.
void CatchSignals() {
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a connection that breaks is an error like any other
}

bool IsSet(const char* name) {
  const char* value = std::getenv(name);
  const std::string text = value ? value : "";
  return !text.empty() && text != "0" && text != "false" && text != "off" && text != "no";
}

// One line with the share, the rate and the files.
class Display {
 public:
  explicit Display(const std::string& title) : bar_(title) {}
  void Show(const pull::PullProgress& p) {
    // What was already here arrives in no time and would spoil the rate.
    if (first_bytes_ < 0) first_bytes_ = p.bytes;
    const double seconds = std::chrono::duration<double>(Clock::now() - began_).count();
    const double rate = static_cast<double>(p.bytes - first_bytes_) / (seconds + 1e-3);
    const double total = static_cast<double>(std::max<int64_t>(1, p.total_bytes));
    bar_.Set(static_cast<double>(p.bytes) / total,
             pull::BytesText(p.bytes) + " of " + pull::BytesText(p.total_bytes) + ", " +
                 pull::BytesText(static_cast<int64_t>(std::max(0.0, rate))) + "/s, " +
                 std::to_string(p.files) + " of " + std::to_string(p.total_files) + " files");
  }

 private:
  ProgressBar bar_;
  const Clock::time_point began_ = Clock::now();
  int64_t first_bytes_ = -1;
};

void PrintResult(const pull::PullOptions& o, const pull::PullResult& r, bool json, double seconds) {
  if (json) {
    nlohmann::ordered_json files = nlohmann::ordered_json::array();
    for (const auto& f : r.files)
      files.push_back({{"path", f.path}, {"size", f.bytes}, {f.checksum.name(), f.checksum.hex}});
    const nlohmann::ordered_json out = {{"repository", o.repository},
                                        {"revision", o.revision},
                                        {"commit", r.commit},
                                        {"folder", r.folder},
                                        {"bytes", r.bytes},
                                        {"missing_bytes", r.missing_bytes},
                                        {"files", files}};
    std::printf("%s\n", out.dump(2).c_str());
    return;
  }
  std::fprintf(stderr, "%s at %s (%s): %zu files, %s; %s %s", o.repository.c_str(),
               o.revision.c_str(), r.commit.substr(0, 12).c_str(), r.files.size(),
               pull::BytesText(r.bytes).c_str(), pull::BytesText(r.missing_bytes).c_str(),
               o.dry_run ? "would be fetched\n" : "were missing");
  if (!o.dry_run) std::fprintf(stderr, ", %.1f s\n", seconds);
  if (o.dry_run) {
    for (const auto& f : r.files)
      std::fprintf(stderr, "  %10s  %s\n", pull::BytesText(f.bytes).c_str(), f.path.c_str());
  }
  std::printf("%s\n", r.folder.c_str());
}

int RunPull(pull::PullOptions o, bool json) {
  if (const char* token = std::getenv("HF_TOKEN")) o.hub.token = token;
  o.offline = o.offline || IsSet("HF_HUB_OFFLINE");
  CatchSignals();
  const auto began = Clock::now();
  StatusOr<pull::PullResult> result = pull::PullResult();
  {
    Display display(o.repository);
    pull::PullHooks hooks;
    hooks.cancelled = [] { return interrupted.load(); };
    hooks.progress = [&](const pull::PullProgress& p) { display.Show(p); };
    result = pull::Pull(o, hooks);
  }
  if (!result.ok()) {
    Fail(result.status());
    return absl::IsCancelled(result.status()) ? 130 : 1;
  }
  PrintResult(o, *result, json, std::chrono::duration<double>(Clock::now() - began).count());
  return 0;
}

}  // namespace

void AddPull(CLI::App* app, int* exit_status) {
  auto* cmd = app->add_subcommand("pull", "Download a model folder from a hub into the cache");
  auto o = std::make_shared<pull::PullOptions>();
  auto json = std::make_shared<bool>(false);
  cmd->add_option("model", o->repository, "ORG/NAME")->required();
  cmd->add_option("--revision", o->revision, "branch, tag or commit")->capture_default_str();
  cmd->add_option("--endpoint", o->hub.endpoint, "the hub")
      ->envname("HF_ENDPOINT")
      ->capture_default_str();
  cmd->add_option("--include", o->selection.include,
                  "only files like this, instead of *.json *.safetensors *.jinja *.txt *.model "
                  "*.gguf; may be given again")
      ->allow_extra_args(false);
  cmd->add_option("--exclude", o->selection.exclude, "no files like this; may be given again")
      ->allow_extra_args(false);
  cmd->add_flag("--offline", o->offline,
                "use no network: the cache holds it, or that is an error [HF_HUB_OFFLINE]");
  cmd->add_flag("--verify", o->verify, "also check the digests of files that are already here");
  cmd->add_flag("--dry-run", o->dry_run, "only say what would be fetched");
  cmd->add_option("--parallel", o->parallel, "files at a time")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  cmd->add_option("--attempts", o->hub.retry.attempts, "tries in a row without progress")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  cmd->add_option("--ca-file", o->hub.http.ca_file, "PEM certificates to trust, for TLS")
      ->envname("SSL_CERT_FILE");
  cmd->add_flag("--json", *json, "print the result as JSON");
  cmd->footer(
      "Prints the folder, for --model. A token for private and gated models is read from "
      "HF_TOKEN.\n"
      "Models lie in $SIGHTLINE_HOME/models/ORG/NAME/COMMIT, ~/.cache/sightline by default.\n"
      "Files that may hold code (.bin, .pt, .py and their kind) are never fetched.");
  cmd->callback([o, json, exit_status] { *exit_status = RunPull(*o, *json); });
}

}  // namespace sightline::cli

#include <csignal>
#include <cstdio>
#include <thread>

#include "services/cli/client.h"
#include "services/cli/commands.h"
#include "services/log.h"

namespace sightline::cli {
namespace {

struct ServeOptions {
  std::string config;
  bool print = false;
  std::vector<std::string> values;  // one a setting, empty: not given
  std::vector<CLI::Option*> given;
};

StatusOr<ServerConfig> Effective(const ServeOptions& o) {
  ServerConfig c;
  if (!o.config.empty()) SL_RETURN_IF_ERROR(ReadToml(o.config, &c));
  SL_RETURN_IF_ERROR(ReadEnvironment(&c));
  for (size_t i = 0; i < Settings().size(); ++i) {
    if (o.given[i]->count() > 0) SL_RETURN_IF_ERROR(SetFromText(Settings()[i], o.values[i], &c));
  }
  return c;
}

int Serve(const ServeOptions& o) {
  auto config = Effective(o);
  if (!config.ok()) return Fail(config.status());
  if (o.print) {
    std::printf("%s", ToToml(*config).c_str());
    return 0;
  }
  // Blocked before any thread exists, so that sigwait below is the one place that sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::unique_ptr<Server> server;
  {
    ProgressBar bar("loading");
    ServerHooks hooks;
    hooks.loading = [&](const std::string& stage, double share) { bar.Set(share, stage); };
    auto started = Server::Start(*config, hooks);
    if (!started.ok()) return Fail(started.status());
    server = *std::move(started);
  }
  int signal = 0;
  sigwait(&signals, &signal);
  Log(LogLevel::kInfo, "draining: health says NOT_SERVING, calls in flight go on");
  // A second signal does not wait for anybody.
  std::thread([signals]() mutable {
    int again = 0;
    sigwait(&signals, &again);
    std::_Exit(130);
  }).detach();
  server->Drain();
  Log(LogLevel::kInfo, "stopped");
  return 0;
}

}  // namespace

void AddServe(CLI::App* app, int* exit_status) {
  auto* cmd = app->add_subcommand("serve", "Serve a model over gRPC until SIGTERM");
  auto o = std::make_shared<ServeOptions>();
  cmd->add_option("--config", o->config, "TOML file; see --print-config for its keys")
      ->check(CLI::ExistingFile);
  cmd->add_flag("--print-config", o->print,
                "print the settings that would be used, as TOML, and stop");
  o->values.resize(Settings().size());
  for (size_t i = 0; i < Settings().size(); ++i) {
    const Setting& s = Settings()[i];
    const std::string help = std::string(s.help) + " [" + s.Environment() + "]";
    if (std::holds_alternative<bool ServerConfig::*>(s.field)) {
      o->values[i] = "true";
      o->given.push_back(cmd->add_flag(s.Flag(), help));
    } else {
      o->given.push_back(cmd->add_option(s.Flag(), o->values[i], help)
                             ->group(s.key[0] == 'l' ? "Limits" : "Options"));
    }
  }
  cmd->footer("Later wins: built-in values, --config, environment, flags.");
  cmd->callback([o, exit_status] { *exit_status = Serve(*o); });
}

}  // namespace sightline::cli

#include <cstdio>

#include "services/cli/client.h"
#include "services/cli/commands.h"
#include "services/cli/stop_signals.h"
#include "services/library_logs.h"
#include "services/log.h"

namespace sightline::cli {
namespace {

struct ServeOptions {
  std::string config;
  bool print = false;
  std::vector<std::string> values;  // one a setting, empty: not given
  std::vector<CLI::Option*> given;
};

// What stands behind the flag in the help: the type of its value, and the built-in one in brackets.
std::string TypeAndDefault(const Setting& s) {
  const std::string built_in = s.Text(ServerConfig());
  const std::string shown = built_in.empty() ? "" : " [" + built_in + "]";
  if (std::holds_alternative<bool ServerConfig::*>(s.field)) return "[=true|false]" + shown;
  if (std::holds_alternative<std::string ServerConfig::*>(s.field)) return "TEXT" + shown;
  return (std::holds_alternative<int64_t ServerConfig::*>(s.field) ? "INT" : "NUMBER") + shown;
}

// A flag for setting `i`. One of true or false also takes a value: --flag, --flag=true,
// --flag=false.
CLI::Option* AddSetting(CLI::App* cmd, size_t i, ServeOptions* o) {
  const Setting& s = Settings()[i];
  const std::string range = s.Range();
  const std::string help =
      s.help + (range.empty() ? "" : "; " + range) + " [" + s.Environment() + "]";
  CLI::Option* option = std::holds_alternative<bool ServerConfig::*>(s.field)
                            ? cmd->add_flag(s.Flag(), o->values[i], help)
                            : cmd->add_option(s.Flag(), o->values[i], help)
                                  ->group(s.key[0] == 'l' ? "Limits" : "Options");
  option->option_text(TypeAndDefault(s));
  // Refused here, where the error names the flag.
  return option->check([&s](const std::string& text) {
    ServerConfig unused;
    return std::string(SetFromText(s, text, &unused).message());
  });
}

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
  TakeLibraryLogs();
  StopSignals signals;
  std::unique_ptr<Server> server;
  {
    ProgressBar bar("loading");
    ServerHooks hooks;
    hooks.loading = [&](const std::string& stage, double share) { bar.Set(share, stage); };
    hooks.opening = [&] { signals.Serving(); };
    auto started = Server::Start(*config, hooks);
    if (!started.ok()) return Fail(started.status());
    server = *std::move(started);
  }
  signals.Wait();
  Log(LogLevel::kInfo, "draining: health says NOT_SERVING, calls in flight go on");
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
  for (size_t i = 0; i < Settings().size(); ++i) o->given.push_back(AddSetting(cmd, i, o.get()));
  cmd->footer(
      "Built-in values and the names of environment variables stand in brackets. Later wins: "
      "built-in values, --config, environment, flags. A flag of true or false is on when given, "
      "and --insecure=false turns it off.");
  cmd->callback([o, exit_status] { *exit_status = Serve(*o); });
}

}  // namespace sightline::cli

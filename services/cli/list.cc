#include <cstdio>

#include "services/cli/client.h"
#include "services/cli/commands.h"
#include "services/cli/common_options.h"

namespace sightline::cli {
namespace {

int List(const Target& target, bool json) {
  auto client = Client::Connect(target);
  if (!client.ok()) return Fail(client.status());
  v1::ListModelsResponse response;
  auto call = (*client)->Call();
  const grpc::Status status = (*client)->stub()->ListModels(call.get(), {}, &response);
  if (!status.ok()) return Fail(status, target);
  if (json) {
    std::printf("%s", ToJson(response).c_str());
    return 0;
  }
  for (const v1::Model& m : response.models()) {
    std::string takes;
    for (int modality : m.input_modalities()) {
      takes +=
          (takes.empty() ? "" : ", ") + v1::Modality_Name(modality).substr(sizeof("MODALITY_") - 1);
    }
    for (char& c : takes) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::printf("%s\t%.1f M weights\t%d tokens\t%s\n", m.name().c_str(),
                static_cast<double>(m.parameter_count()) / 1e6, m.context_tokens(), takes.c_str());
  }
  return 0;
}

}  // namespace

void AddList(CLI::App* app, int* exit_status) {
  auto* cmd = app->add_subcommand("list", "List the models that a server has loaded");
  auto target = std::make_shared<Target>();
  auto json = std::make_shared<bool>(false);
  AddTarget(cmd, target.get());
  cmd->add_flag("--json", *json, "print the whole reply as JSON");
  cmd->callback([=] { *exit_status = List(*target, *json); });
}

}  // namespace sightline::cli

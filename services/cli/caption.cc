#include <cstdio>

#include "services/cli/client.h"
#include "services/cli/commands.h"
#include "services/cli/common_options.h"

namespace sightline::cli {
namespace {

struct CaptionOptions {
  Target target;
  std::vector<std::string> files;
  GenerationFlags flags;
  MediaKind kind = MediaKind::kAuto;
  bool json = false, verbose = false;
};

int Describe(const CaptionOptions& o) {
  v1::CaptionRequest request;
  for (const std::string& file : o.files) {
    auto content = ToContent(file, o.kind, true);
    if (!content.ok()) return Fail(content.status());
    *request.add_content() = *std::move(content);
  }
  o.flags.Apply(request.mutable_generation_options());
  auto client = Client::Connect(o.target);
  if (!client.ok()) return Fail(client.status());
  v1::CaptionResponse response;
  auto call = (*client)->Call();
  const grpc::Status status = (*client)->stub()->Caption(call.get(), request, &response);
  if (!status.ok()) return Fail(status, o.target);
  if (o.json) {
    std::printf("%s", ToJson(response).c_str());
    return 0;
  }
  for (int i = 0; i < response.captions_size(); ++i) {
    if (o.files.size() > 1) std::printf("%s: ", o.files[static_cast<size_t>(i)].c_str());
    std::printf("%s\n", response.captions(i).text().c_str());
    PrintSummary(response.captions(i).summary(), o.verbose);
  }
  return 0;
}

}  // namespace

void AddCaption(CLI::App* app, int* exit_status) {
  auto* cmd = app->add_subcommand("caption", "Describe images and clips, each on its own");
  auto o = std::make_shared<CaptionOptions>();
  cmd->add_option("files", o->files, "image and clip files")->required();
  AddTarget(cmd, &o->target);
  AddMediaKind(cmd, &o->kind);
  o->flags.Add(cmd);
  cmd->add_flag("--json", o->json, "print the whole reply as JSON");
  cmd->add_flag("-v,--verbose", o->verbose, "also print tokens and times");
  cmd->callback([o, exit_status] { *exit_status = Describe(*o); });
}

}  // namespace sightline::cli

#include <cstdio>

#include "services/cli/client.h"
#include "services/cli/commands.h"
#include "services/cli/common_options.h"

namespace sightline::cli {
namespace {

struct AskOptions {
  Target target;
  std::vector<std::string> arguments;
  v1::GenerationOptions generation;
  GenerationFlags flags;
  MediaKind kind = MediaKind::kAuto;
  bool json = false, verbose = false, stream = true;
};

int AskUnary(Client* client, const AskOptions& o, const v1::AnswerRequest& request) {
  v1::AnswerResponse response;
  auto call = client->Call();
  const grpc::Status status = client->stub()->Answer(call.get(), request, &response);
  if (!status.ok()) return Fail(status, o.target);
  if (o.json) {
    std::printf("%s", ToJson(response).c_str());
    return 0;
  }
  std::printf("%s\n", response.text().c_str());
  PrintSummary(response.summary(), o.verbose);
  return 0;
}

int AskStreamed(Client* client, const AskOptions& o, const v1::AnswerRequest& request) {
  v1::StreamAnswerRequest streamed;
  *streamed.mutable_content() = request.content();
  *streamed.mutable_generation_options() = request.generation_options();
  auto call = client->Call();
  auto reader = client->stub()->StreamAnswer(call.get(), streamed);
  v1::StreamAnswerResponse event;
  v1::AnswerSummary summary;
  while (reader->Read(&event)) {
    if (event.has_delta()) std::fputs(event.delta().text().c_str(), stdout), std::fflush(stdout);
    if (event.has_summary()) summary = event.summary();
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return Fail(status, o.target);
  std::printf("\n");
  PrintSummary(summary, o.verbose);
  return 0;
}

int Ask(const AskOptions& o) {
  v1::AnswerRequest request;
  for (const std::string& argument : o.arguments) {
    auto content = ToContent(argument, o.kind, false);
    if (!content.ok()) return Fail(content.status());
    *request.add_content() = *std::move(content);
  }
  o.flags.Apply(request.mutable_generation_options());
  auto client = Client::Connect(o.target);
  if (!client.ok()) return Fail(client.status());
  return o.stream && !o.json ? AskStreamed(client->get(), o, request)
                             : AskUnary(client->get(), o, request);
}

}  // namespace

void AddAsk(CLI::App* app, int* exit_status) {
  auto* cmd = app->add_subcommand("ask", "Ask a question about images and clips");
  auto o = std::make_shared<AskOptions>();
  cmd->add_option("what", o->arguments, "files and text in any order; what is no file is text")
      ->required();
  AddTarget(cmd, &o->target);
  AddMediaKind(cmd, &o->kind);
  o->flags.Add(cmd);
  cmd->add_flag("--json", o->json, "print the whole reply as JSON");
  cmd->add_flag("--stream,!--no-stream", o->stream,
                "print the answer as it is generated (default)");
  cmd->add_flag("-v,--verbose", o->verbose, "also print tokens and times");
  cmd->footer(
      "Example: sightline ask --local first.png second.png \"Which image has more stars?\"");
  cmd->callback([o, exit_status] { *exit_status = Ask(*o); });
}

}  // namespace sightline::cli

#include "compute/cpu/heap.h"
#include "services/cli/commands.h"

int main(int argc, char** argv) {
  sightline::KeepTensorsInHeap();
  using namespace sightline::cli;  // NOLINT: the program is this namespace
  CLI::App app{
      "Sightline answers questions about images and video over gRPC.\n\n"
      "  sightline serve                                   start a server on 127.0.0.1:50051\n"
      "  sightline ask picture.png \"How many stars are there?\"   ask it\n"
      "  sightline ask --local clip.mp4 \"What happens?\"       ask without a server\n",
      "sightline"};
  app.require_subcommand(1);
  app.set_version_flag("--version", SIGHTLINE_VERSION);
  app.footer(
      "Each command has its own --help. Exit status: 0 success, 1 failure, 2 wrong usage, 130 "
      "interrupted.");
  int exit_status = 0;
  for (auto add :
       {AddServe, AddAsk, AddCaption, AddList, AddInspect, AddDoctor, AddPull, AddEval, AddBench})
    add(&app, &exit_status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return exit_status;
}

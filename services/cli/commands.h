// Each command adds itself to the program and leaves its exit status in `*exit_status`.
#pragma once

#include <CLI/CLI.hpp>

namespace sightline::cli {

void AddServe(CLI::App* app, int* exit_status);
void AddAsk(CLI::App* app, int* exit_status);
void AddCaption(CLI::App* app, int* exit_status);
void AddList(CLI::App* app, int* exit_status);
void AddInspect(CLI::App* app, int* exit_status);
void AddDoctor(CLI::App* app, int* exit_status);
void AddPull(CLI::App* app, int* exit_status);
void AddEval(CLI::App* app, int* exit_status);
void AddBench(CLI::App* app, int* exit_status);

}  // namespace sightline::cli

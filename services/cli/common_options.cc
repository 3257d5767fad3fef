#include "services/cli/common_options.h"

#include <cstdlib>

namespace sightline::cli {

void AddTarget(CLI::App* cmd, Target* target) {
  auto* server =
      cmd->add_option("--server", target->server, "address of a running server [SIGHTLINE_SERVER]")
          ->capture_default_str();
  cmd->add_flag("--local", target->local, "start the model inside this program instead");
  const std::vector<CLI::Option*> of_local = {
      cmd->add_option("--model", target->model, "model folder or GGUF file for --local"),
      cmd->add_option("--mmproj", target->mmproj, "visual half of a GGUF model; found beside it"),
      cmd->add_option("--device", target->device, "cpu, cuda or cuda:N, for --local"),
      cmd->add_option("--weights", target->weights,
                      "weights for --local: stored, f32, bf16, q8 or q4; with q8 or q4 a vision "
                      "tower computes in 16-bit integers"),
      cmd->add_option("--kv", target->kv, "keys and values for --local: auto, f32 or f16")};
  // Not left to the options themselves: --local=false is given and says no, and an address from the
  // environment would count as a flag.
  cmd->parse_complete_callback([=] {
    if (target->local && server->count() > 0) throw CLI::ExcludesError("--server", "--local");
    for (const CLI::Option* option : of_local) {
      if (!target->local && option->count() > 0)
        throw CLI::RequiresError(option->get_name(), "--local");
    }
    const char* address = std::getenv("SIGHTLINE_SERVER");
    if (server->count() == 0 && address && *address) target->server = address;
  });
  cmd->add_option("--deadline", target->deadline_s, "seconds to wait")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void AddMediaKind(CLI::App* cmd, MediaKind* kind) {
  cmd->add_option_function<std::string>(
         "--as",
         [kind](const std::string& name) {
           *kind = name == "image"   ? MediaKind::kImage
                   : name == "video" ? MediaKind::kVideo
                                     : MediaKind::kAuto;
         },
         "what the files are: auto (by their first bytes; a moving GIF is an image), image or "
         "video")
      ->check(CLI::IsMember({"auto", "image", "video"}))
      ->option_text("KIND");
}

void GenerationFlags::Add(CLI::App* cmd) {
  const char* group = "Generation";
  cmd->add_option("--max-output-tokens", max_output_tokens, "most tokens to generate")
      ->group(group);
  cmd->add_option("--temperature", temperature, "0 (most probable) to 2")->group(group);
  cmd->add_option("--top-k", top_k, "0 keeps every token")->group(group);
  cmd->add_option("--top-p", top_p, "1 keeps every token")->group(group);
  cmd->add_option("--repetition-penalty", repetition_penalty, "1 changes nothing")->group(group);
  cmd->add_option("--presence-penalty", presence_penalty,
                  "-2 to 2, once for each token that is there already; 0 changes nothing")
      ->group(group);
  cmd->add_option("--frequency-penalty", frequency_penalty,
                  "-2 to 2, for each time that a token is there; 0 changes nothing")
      ->group(group);
  cmd->add_option("--seed", seed, "the same seed gives the same draw")->group(group);
  cmd->add_option("--stop", stop, "end before this text; may be given again")->group(group);
}

void GenerationFlags::Apply(v1::GenerationOptions* out) const {
  if (max_output_tokens) out->set_max_output_tokens(*max_output_tokens);
  if (temperature) out->set_temperature(*temperature);
  if (top_k) out->set_top_k(*top_k);
  if (top_p) out->set_top_p(*top_p);
  if (repetition_penalty) out->set_repetition_penalty(*repetition_penalty);
  if (presence_penalty) out->set_presence_penalty(*presence_penalty);
  if (frequency_penalty) out->set_frequency_penalty(*frequency_penalty);
  if (seed) out->set_seed(*seed);
  for (const std::string& s : stop) out->add_stop(s);
}

}  // namespace sightline::cli

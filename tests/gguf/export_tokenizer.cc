#include "tests/gguf/export.h"

namespace sightline {

void ExportTokenizer(const nlohmann::json& t, size_t vocab, GgufWriter* w) {
  std::vector<std::string> tokens(vocab), merges;
  std::vector<int32_t> types(vocab, 5);
  std::vector<float> scores(vocab, -10000);
  for (size_t i = 0; i < vocab; ++i) tokens[i] = "[PAD" + std::to_string(i) + "]";
  bool spm = !t["normalizer"].is_null() && t["normalizer"]["type"] == "Sequence";
  for (const auto& [text, id] : t["model"]["vocab"].items()) {
    auto i = id.get<size_t>();
    tokens[i] = text;
    types[i] = spm && text.size() == 6 && text.starts_with("<0x") ? 6 : 1;
    scores[i] = -static_cast<float>(i);
  }
  for (const auto& added : t["added_tokens"]) {
    auto i = added["id"].get<size_t>();
    tokens[i] = added["content"];
    types[i] = tokens[i] == "<unk>" ? 2 : added["special"].get<bool>() ? 3 : 4;
  }
  for (const auto& m : t["model"]["merges"])
    merges.push_back(m.is_string() ? m.get<std::string>()
                                   : m[0].get<std::string>() + " " + m[1].get<std::string>());
  w->String("tokenizer.ggml.model", spm ? "llama" : "gpt2");
  w->Strings("tokenizer.ggml.tokens", tokens);
  w->Ints("tokenizer.ggml.token_type", types);
  if (spm) {
    w->String("tokenizer.ggml.pre", "default");
    w->Floats("tokenizer.ggml.scores", scores);
    w->Uint("tokenizer.ggml.bos_token_id", 1);
    return;
  }
  w->Strings("tokenizer.ggml.merges", merges);
  const auto& first = t["pre_tokenizer"]["pretokenizers"][0];
  bool threes = first.dump().find("{1,3}") != std::string::npos;
  w->String("tokenizer.ggml.pre", first["type"] == "Digits" ? "smollm"
                                  : threes                  ? "llama-bpe"
                                                            : "qwen2");
}

}  // namespace sightline

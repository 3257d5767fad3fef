#include "tests/models/random_model.h"

#include <cmath>
#include <cstdint>
#include <random>

#include "tests/models/model_files.h"

namespace sightline {

std::string FamilyDirectory(const std::string& family) {
  return std::string(SIGHTLINE_SOURCE_DIR) + "/tests/golden/families/" + family;
}

std::string TokenizerDirectory(const std::string& family) {
  return family.starts_with("qwen") ? GoldenDirectory("qwen2_5_vl") : FamilyDirectory(family);
}

void WriteRandomModel(const std::string& family, const std::string& to, uint32_t seed,
                      const std::function<std::string(const std::string&)>& rename) {
  std::string from = FamilyDirectory(family);
  for (const char* f :
       {"config.json", "processor_config.json", "chat_template.jinja", "tokenizer_config.json"})
    WriteAll(to + "/" + f, ReadAll(from + "/" + f));
  WriteAll(to + "/tokenizer.json", ReadAll(TokenizerDirectory(family) + "/tokenizer.json"));

  const auto tensors = nlohmann::json::parse(ReadAll(from + "/tensors.json"));
  std::mt19937 rng(seed);
  nlohmann::json header;
  std::string data;
  for (const auto& [name, shape] : tensors.items()) {
    size_t n = 1, rows = shape.empty() ? 1 : shape[0].get<size_t>();
    for (const auto& d : shape) n *= d.get<size_t>();
    // Norm weights stay near one; products keep the size of what they read.
    bool norm = shape.size() == 1 && name.ends_with("weight");
    float spread = norm ? 0.1f : 1 / std::sqrt(static_cast<float>(std::max<size_t>(1, n / rows)));
    if (shape.size() == 1 && !norm) spread = 0.1f;
    std::normal_distribution<float> value(norm ? 1 : 0, spread);
    std::vector<float> values(n);
    for (float& v : values) v = value(rng);
    size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(values.data()), n * sizeof(float));
    header[rename ? rename(name) : name] = {
        {"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  uint64_t size = text.size();
  WriteAll(to + "/model.safetensors",
           std::string(reinterpret_cast<const char*>(&size), 8) + text + data);
}

}  // namespace sightline

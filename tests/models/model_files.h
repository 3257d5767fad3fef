// Copies of a golden checkpoint with its tensors renamed, split, dropped or reshaped.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace sightline {

inline std::string GoldenDirectory(const std::string& name) {
  return std::string(SIGHTLINE_SOURCE_DIR) + "/tests/golden/models/" + name;
}

// A folder that goes with the test.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string ReadAll(const std::string& path);
void WriteAll(const std::string& path, const std::string& bytes);

// Writes `to` with the header of `from` as `change` leaves it; the data stays as it is.
void RewriteSafetensors(const std::string& from, const std::string& to,
                        const std::function<void(nlohmann::json* header)>& change);

}  // namespace sightline

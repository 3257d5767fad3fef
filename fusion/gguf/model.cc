#include "fusion/gguf/model.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fusion/gguf/config.h"

namespace sightline {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxParts = 1000;
constexpr std::string_view kSuffix = ".gguf", kBoth = ".gguf,";

Status Bad(absl::StatusCode code, const std::string& what) {
  return ErrorWithReason(
      code, code == absl::StatusCode::kNotFound ? "MODEL_FILE_MISSING" : "MODEL_FILE_INVALID",
      what);
}

// "NAME-00002-of-00003.gguf": the naming of split files (gguf-split in llama.cpp).
struct Part {
  std::string stem;
  int number = 0, count = 0;
};

bool ReadPart(const std::string& file, Part* part) {
  constexpr size_t kTail = sizeof("-00001-of-00003.gguf") - 1;
  if (file.size() <= kTail) return false;
  std::string tail = file.substr(file.size() - kTail);
  int end = 0;
  if (std::sscanf(tail.c_str(), "-%5d-of-%5d.gguf%n", &part->number, &part->count, &end) != 2 ||
      end != static_cast<int>(kTail))
    return false;
  part->stem = file.substr(0, file.size() - kTail);
  return part->number >= 1 && part->count >= part->number && part->count <= kMaxParts;
}

StatusOr<std::vector<std::string>> PartPaths(const std::string& path) {
  Part part;
  if (!ReadPart(path, &part)) return std::vector<std::string>{path};
  std::vector<std::string> paths;
  for (int i = 1; i <= part.count; ++i) {
    paths.push_back(absl::StrFormat("%s-%05d-of-%05d.gguf", part.stem, i, part.count));
    if (!fs::is_regular_file(paths.back()))
      return Bad(absl::StatusCode::kNotFound,
                 absl::StrFormat("the model lacks its part %d of %d", i, part.count));
  }
  return paths;
}

// "" when there is none.
StatusOr<std::string> FindVision(const std::string& model) {
  fs::path folder = fs::path(model).parent_path();
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, error)) {
    std::string name = entry.path().filename().string();
    if (absl::StartsWithIgnoreCase(name, "mmproj") && name.ends_with(kSuffix) &&
        name != fs::path(model).filename().string())
      found.push_back(entry.path().string());
  }
  if (found.size() > 1)
    return Bad(absl::StatusCode::kInvalidArgument,
               absl::StrCat("there are ", found.size(),
                            " mmproj files beside the model: say which one with --mmproj"));
  return found.empty() ? "" : found[0];
}

StatusOr<std::string> Kind(const GgufFile& file) {
  SL_ASSIGN_OR_RETURN(std::string_view architecture, file.String("general.architecture"));
  return std::string(architecture);
}

}  // namespace

bool IsGgufPath(const std::string& path) { return path.ends_with(kSuffix); }

std::string GgufPath(const std::string& model, const std::string& mmproj) {
  return mmproj.empty() ? model : model + "," + mmproj;
}

std::string FindGguf(const std::string& path) {
  std::error_code error;
  std::string first =
      path.substr(0, path.find(kBoth) == std::string::npos ? std::string::npos
                                                           : path.find(kBoth) + kSuffix.size());
  if (first.ends_with(kSuffix) && fs::is_regular_file(first, error)) return path;
  std::string found;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    std::string name = entry.path().filename().string();
    Part part;
    if (!name.ends_with(kSuffix) || absl::StartsWithIgnoreCase(name, "mmproj") ||
        (ReadPart(name, &part) && part.number > 1))
      continue;
    if (!found.empty()) return "";
    found = entry.path().string();
  }
  return found;
}

std::string GgufName(const std::string& path) {
  std::string first = path.substr(0, path.find(kBoth));
  std::string name = fs::path(first).filename().string();
  Part part;
  if (ReadPart(name, &part)) return part.stem;
  return name.ends_with(kSuffix) ? name.substr(0, name.size() - kSuffix.size()) : name;
}

StatusOr<GgufModel> MakeGgufModel(std::vector<std::shared_ptr<GgufFile>> parts,
                                  std::shared_ptr<GgufFile> vision) {
  GgufModel m{std::move(parts), std::move(vision)};
  SL_ASSIGN_OR_RETURN(std::string kind, Kind(m.text()));
  if (kind == "clip")
    return Bad(absl::StatusCode::kInvalidArgument,
               "gguf: general.architecture: the file holds the visual half of a model (mmproj) "
               "alone; name the model's file");
  if (m.text().Has("split.count")) {
    SL_ASSIGN_OR_RETURN(uint64_t count, m.text().Uint("split.count"));
    if (count > 1 && count != m.parts.size())
      return Bad(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("gguf: split.count: the model has ", count,
                              " parts, but its files "
                              "are not named NAME-00001-of-0000N.gguf"));
  }
  if (m.vision) {
    SL_ASSIGN_OR_RETURN(std::string visual, Kind(*m.vision));
    if (visual != "clip")
      return Bad(absl::StatusCode::kInvalidArgument,
                 "mmproj: gguf: general.architecture: must be 'clip'");
  }
  return m;
}

StatusOr<GgufModel> OpenGgufModel(const std::string& path) {
  size_t comma = path.find(kBoth);
  std::string model = path, mmproj;
  if (comma != std::string::npos) {
    model = path.substr(0, comma + kSuffix.size());
    mmproj = path.substr(comma + kBoth.size());
  } else {
    SL_ASSIGN_OR_RETURN(mmproj, FindVision(model));
  }
  SL_ASSIGN_OR_RETURN(std::vector<std::string> paths, PartPaths(model));
  std::vector<std::shared_ptr<GgufFile>> parts;
  for (const std::string& p : paths) {
    SL_ASSIGN_OR_RETURN(auto file, GgufFile::Open(p));
    parts.push_back(std::move(file));
  }
  std::shared_ptr<GgufFile> vision;
  if (!mmproj.empty()) {
    SL_ASSIGN_OR_RETURN(vision, GgufFile::Open(mmproj));
  }
  SL_ASSIGN_OR_RETURN(GgufModel m, MakeGgufModel(std::move(parts), std::move(vision)));
  // What was only found may belong to another model of the folder.
  if (comma == std::string::npos && m.vision && GgufVisionIsForeign(m)) m.vision = nullptr;
  return m;
}

}  // namespace sightline

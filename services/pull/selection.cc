#include "services/pull/selection.h"

#include <fnmatch.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "services/pull/names.h"

namespace sightline::pull {
namespace {

// Examples of names for a message, the first few of them.
std::string Some(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < 8; ++i)
    out += (i ? ", " : "") + Printable(names[i], 80);
  return names.size() > 8 ? out + ", and " + std::to_string(names.size() - 8) + " more" : out;
}

bool MatchesAny(const std::string& path, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) {
    return fnmatch(p.c_str(), path.c_str(), 0) == 0;
  });
}

// A GGUF file that is a model by itself: no projector, no later shard of another one.
bool IsWholeGguf(const std::string& path) {
  return absl::EndsWith(path, ".gguf") && !absl::StrContains(path, "mmproj") &&
         (!absl::StrContains(path, "-of-") || absl::StrContains(path, "-00001-of-"));
}

}  // namespace

const std::vector<std::string>& DefaultInclude() {
  static const std::vector<std::string> kPatterns = {"*.json", "*.safetensors", "*.jinja",
                                                     "*.txt",  "*.model",       "*.gguf"};
  return kPatterns;
}

const std::vector<std::string>& DefaultExclude() {
  // The same weights a second time, in their makers' own layout.
  static const std::vector<std::string> kPatterns = {"original/*", "consolidated*.safetensors"};
  return kPatterns;
}

bool IsNeverFetched(const std::string& path) {
  static constexpr const char* kSuffixes[] = {
      ".bin",   ".pt",  ".pth",   ".ckpt", ".pkl", ".pickle", ".joblib", ".npy",
      ".npz",   ".py",  ".pyc",   ".pyd",  ".so",  ".dll",    ".exe",    ".sh",
      ".dylib", ".bat", ".keras", ".h5",   ".mar", ".t7",     ".dill"};
  const std::string lower = absl::AsciiStrToLower(path);
  return std::any_of(std::begin(kSuffixes), std::end(kSuffixes),
                     [&](const char* suffix) { return absl::EndsWith(lower, suffix); });
}

StatusOr<std::vector<RemoteFile>> Select(const std::vector<RemoteFile>& files,
                                         const Selection& selection) {
  const bool defaults = selection.include.empty();
  const std::vector<std::string>& include = defaults ? DefaultInclude() : selection.include;
  std::vector<RemoteFile> chosen;
  std::vector<std::string> names, refused, models;
  for (const RemoteFile& f : files) {
    names.push_back(f.path);
    if (!MatchesAny(f.path, include) || MatchesAny(f.path, selection.exclude)) continue;
    if (defaults && MatchesAny(f.path, DefaultExclude())) continue;
    if (IsNeverFetched(f.path)) {
      refused.push_back(f.path);
      continue;
    }
    // Names of our own files beside the model's.
    if (absl::EndsWith(f.path, ".part") || absl::StartsWith(f.path, ".sightline")) continue;
    if (IsWholeGguf(f.path)) models.push_back(f.path);
    chosen.push_back(f);
  }
  if (chosen.empty() && !refused.empty())
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "FILE_KIND_REFUSED",
                           "files that may hold code are never fetched: " + Some(refused),
                           "include");
  if (chosen.empty())
    return ErrorWithReason(absl::StatusCode::kNotFound, "NOTHING_SELECTED",
                           files.empty() ? "the model has no files at this revision"
                                         : "no file matches; there are: " + Some(names),
                           "include");
  if (defaults && models.size() > 1)
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "SEVERAL_MODELS",
                           "there are " + std::to_string(models.size()) +
                               " GGUF models; choose with --include: " + Some(models),
                           "include");
  return chosen;
}

}  // namespace sightline::pull

#include "services/pull/names.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

namespace sightline::pull {
namespace {

constexpr size_t kLongestName = 96, kLongestRevision = 200, kLongestPath = 1024, kLongestPart = 240;

Status Bad(absl::string_view reason, const std::string& what, absl::string_view field) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, reason, what, field);
}

bool IsWord(std::string_view text, size_t longest) {
  return !text.empty() && text.size() <= longest && text.front() != '.' && text.front() != '-' &&
         text.back() != '.' && text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' ||
                  c == '-';
         });
}

}  // namespace

Status CheckRepository(std::string_view repository) {
  const std::vector<std::string> parts = absl::StrSplit(std::string(repository), '/');
  if (parts.size() == 2 && IsWord(parts[0], kLongestName) && IsWord(parts[1], kLongestName))
    return absl::OkStatus();
  return Bad("REPOSITORY_NAME_INVALID",
             "a model is named ORG/NAME, as in Qwen/Qwen2.5-VL-3B-Instruct; not '" +
                 Printable(repository) + "'",
             "repository");
}

Status CheckRevision(std::string_view revision) {
  const std::vector<std::string> parts = absl::StrSplit(std::string(revision), '/');
  if (revision.size() <= kLongestRevision &&
      std::all_of(parts.begin(), parts.end(),
                  [](const std::string& part) { return IsWord(part, kLongestRevision); }))
    return absl::OkStatus();
  return Bad("REVISION_INVALID",
             "a revision is a branch, a tag or a commit; not '" + Printable(revision) + "'",
             "revision");
}

Status CheckFileName(std::string_view path) {
  auto refuse = [&](const std::string& why) {
    return Bad("FILE_NAME_REFUSED", "the hub lists a file named '" + Printable(path) + "': " + why,
               "path");
  };
  if (path.empty() || path.size() > kLongestPath) return refuse("its length is out of bounds");
  for (char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '\\')
      return refuse("backslashes and control characters are refused");
  }
  const std::vector<std::string> parts = absl::StrSplit(std::string(path), '/');
  for (const std::string& part : parts) {
    if (part.empty() || part == "." || part == "..")
      return refuse("it would lie outside the model folder");
    if (part.size() > kLongestPart) return refuse("a part of it is too long");
  }
  return absl::OkStatus();
}

std::string Printable(std::string_view text, size_t most) {
  std::string out;
  for (char c : text.substr(0, most)) out.push_back(c >= 0x20 && c < 0x7F ? c : '?');
  return text.size() > most ? out + "..." : out;
}

}  // namespace sightline::pull

// What a hub's JSON says about a model: its commit, its files, its other revisions.
// The API is Hugging Face's: /api/models/{id}/revision/{rev}, /tree/{rev}?recursive=true, /refs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compute/base/status.h"
#include "services/pull/checksum.h"

namespace sightline::pull {

struct RemoteFile {
  std::string path;  // passes CheckFileName
  int64_t bytes = 0;
  Checksum checksum;
};

// One page of a tree listing is added to `files`. Every name is checked, also of files that nobody
// will fetch: a hub that lists one bad name is not to be trusted with the others. At most 20 000
// files in all; a file without size or checksum, or listed twice, is INVALID_ARGUMENT.
Status AddTreePage(std::string_view json, std::vector<RemoteFile>* files);

// The commit that a revision stands for: 40 hexadecimal digits.
StatusOr<std::string> ParseCommit(std::string_view json);

// Names for suggestions, at most 50, only such as pass CheckRepository or CheckRevision.
std::vector<std::string> ParseModelIds(std::string_view json);
std::vector<std::string> ParseRefs(std::string_view json);

}  // namespace sightline::pull

// Which files of a model are fetched. Patterns are those of fnmatch(3) over the whole path, '*'
// crossing '/'.
#pragma once

#include <string>
#include <vector>

#include "services/pull/listing.h"

namespace sightline::pull {

struct Selection {
  std::vector<std::string> include;  // empty: DefaultInclude() without DefaultExclude()
  std::vector<std::string> exclude;  // taken out again, in either case
};

const std::vector<std::string>& DefaultInclude();
const std::vector<std::string>& DefaultExclude();

// Pickles, scripts and native code, which no pattern can ask for: nothing of a model folder is run.
bool IsNeverFetched(const std::string& path);

// The chosen files in the order listed. NOT_FOUND says what there is when nothing matches;
// INVALID_ARGUMENT when a pattern names only files that are never fetched, or when defaults would
// take several GGUF files, each of them a whole model.
StatusOr<std::vector<RemoteFile>> Select(const std::vector<RemoteFile>& files,
                                         const Selection& selection);

}  // namespace sightline::pull

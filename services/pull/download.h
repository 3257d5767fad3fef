// Fetches files into a staging folder, several at a time.
#pragma once

#include "services/pull/pull.h"

namespace sightline::pull {

// Every file of `files` then lies verified under `staging`. The first failure stops the others,
// which keep their .part files.
Status Download(const PullOptions& options, const std::string& commit, const std::string& staging,
                const std::vector<RemoteFile>& files, const PullHooks& hooks);

}  // namespace sightline::pull

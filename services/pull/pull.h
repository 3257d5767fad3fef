// `sightline pull`: brings a model folder from a hub into the cache. Nothing in it is executed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "services/pull/hub_client.h"
#include "services/pull/selection.h"

namespace sightline::pull {

struct PullOptions {
  std::string repository;         // ORG/NAME
  std::string revision = "main";  // branch, tag or commit
  HubOptions hub;
  std::string cache_root;  // empty: DefaultCacheRoot()
  Selection selection;
  bool offline = false;  // no network: what the cache holds, or an error
  bool verify = false;   // digest also what was already there
  bool dry_run = false;  // stop before the first byte
  int parallel = 4;      // files at a time
};

// Called from several threads, but never at once.
struct PullProgress {
  int64_t bytes = 0, total_bytes = 0;
  int files = 0, total_files = 0;
};

struct PullHooks {
  std::function<void(const PullProgress&)> progress = [](const PullProgress&) {};
  Cancelled cancelled = [] { return false; };
};

struct PullResult {
  std::string folder, commit;
  std::vector<RemoteFile> files;  // of the selection
  int64_t bytes = 0;              // of all of them
  int64_t missing_bytes = 0;      // of those that were not in the cache
};

// After a failure or cancellation, what has arrived stays in the cache and the next call goes on.
StatusOr<PullResult> Pull(const PullOptions& options, const PullHooks& hooks);

}  // namespace sightline::pull

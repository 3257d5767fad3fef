// The folder of pulled models:
//
//   ROOT/models/ORG/NAME/COMMIT/            a complete model folder; appears at once, by one rename
//   ROOT/models/ORG/NAME/COMMIT/.sightline-pull.json    what was pulled: names, sizes, digests
//   ROOT/models/ORG/NAME/COMMIT.partial/    files on their way, NAME.part while they arrive
//   ROOT/models/ORG/NAME/refs/REVISION      the commit that a branch or tag stood for when pulled
//   ROOT/models/ORG/NAME/.lock              held by the pull that works here
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compute/base/status.h"
#include "services/pull/listing.h"

namespace sightline::pull {

// $SIGHTLINE_HOME, or ~/.cache/sightline.
StatusOr<std::string> DefaultCacheRoot();

class ModelCache {
 public:
  ModelCache(const std::string& root, const std::string& repository)
      : folder_(root + "/models/" + repository) {}

  const std::string& folder() const { return folder_; }
  std::string Final(const std::string& commit) const { return folder_ + "/" + commit; }
  std::string Staging(const std::string& commit) const { return Final(commit) + ".partial"; }

  // One pull at a time a model: FAILED_PRECONDITION while another holds the lock, which ends with
  // the returned object or its process.
  StatusOr<std::shared_ptr<void>> Lock() const;

  // The commit of a revision as of the last pull; a commit stands for itself. NOT_FOUND otherwise.
  StatusOr<std::string> ReadRef(const std::string& revision) const;
  Status WriteRef(const std::string& revision, const std::string& commit) const;
  std::vector<std::string> Refs() const;

  // What COMMIT/ holds according to its list, each file there with its size; NOT_FOUND without one.
  StatusOr<std::vector<RemoteFile>> ReadManifest(const std::string& commit) const;

  // Makes COMMIT.partial/, or finds the one that an earlier pull left.
  Status OpenStaging(const std::string& commit) const;

  // Moves staged files into COMMIT/, with the list of all its files written first. A reader sees
  // the folder either not at all or whole. Files that another selection left half-way stay staged.
  Status Publish(const std::string& commit, const std::vector<RemoteFile>& all) const;

 private:
  std::string Kept(const std::string& commit) const { return Final(commit) + ".kept"; }
  Status SetAside(const std::string& commit, const std::vector<RemoteFile>& all) const;

  std::string folder_;
};

// RESOURCE_EXHAUSTED unless `bytes` and a little more fit on the disk of `folder`.
Status CheckSpace(const std::string& folder, int64_t bytes);
Status MakeFolders(const std::string& path);
// "1.2 GB": powers of 1000, as disks and hubs count.
std::string BytesText(int64_t bytes);

}  // namespace sightline::pull

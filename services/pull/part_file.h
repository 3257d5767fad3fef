// A file on its way: bytes are appended to NAME.part, and it takes its name once its digest is
// right.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "compute/base/status.h"
#include "services/pull/checksum.h"
#include "services/pull/retry.h"

namespace sightline::pull {

class PartFile {
 public:
  // Goes on from what an earlier run left in `path`.part, which is digested first.
  static StatusOr<std::unique_ptr<PartFile>> Open(const std::string& path, int64_t expected_bytes,
                                                  const Checksum& expected,
                                                  const Cancelled& cancelled);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  int64_t bytes() const { return bytes_; }
  // DATA_LOSS for more bytes than expected; RESOURCE_EXHAUSTED when the disk is full.
  Status Append(std::string_view bytes);
  Status Restart();  // back to nothing
  // Digest right: on the disk for good, and under its name. Wrong: DATA_LOSS with
  // CHECKSUM_MISMATCH, and the bytes are gone.
  Status Finish();

 private:
  PartFile(int fd, std::string path, int64_t expected_bytes, Checksum expected);
  Status DigestExisting(const Cancelled& cancelled);

  int fd_;
  std::string path_;
  int64_t expected_bytes_, bytes_ = 0;
  Checksum expected_;
  std::unique_ptr<Hasher> hasher_;
};

// The digest of a file that lies there.
StatusOr<std::string> DigestFile(const std::string& path, Checksum::Kind kind, int64_t bytes,
                                 const Cancelled& cancelled);

}  // namespace sightline::pull

#include "services/pull/part_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <vector>

#include "services/pull/names.h"

namespace sightline::pull {
namespace {

// The user's own disk and paths: these messages may name both.
Status DiskError(const std::string& what, const std::string& path) {
  const int error = errno;
  const bool full = error == ENOSPC || error == EDQUOT;
  return ErrorWithReason(
      full ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kFailedPrecondition,
      full ? "DISK_FULL" : "DISK_ERROR", what + " " + path + ": " + std::strerror(error));
}

Status ReadAll(int fd, const std::string& path, const Cancelled& cancelled,
               const std::function<void(std::string_view)>& take) {
  std::vector<char> buffer(1 << 20);
  for (;;) {
    if (cancelled()) return CancelledError();
    const ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return DiskError("cannot read", path);
    if (n == 0) return absl::OkStatus();
    take({buffer.data(), static_cast<size_t>(n)});
  }
}

}  // namespace

PartFile::PartFile(int fd, std::string path, int64_t expected_bytes, Checksum expected)
    : fd_(fd),
      path_(std::move(path)),
      expected_bytes_(expected_bytes),
      expected_(std::move(expected)),
      hasher_(std::make_unique<Hasher>(expected_.kind, expected_bytes)) {}

PartFile::~PartFile() {
  if (fd_ >= 0) close(fd_);
}

StatusOr<std::unique_ptr<PartFile>> PartFile::Open(const std::string& path, int64_t expected_bytes,
                                                   const Checksum& expected,
                                                   const Cancelled& cancelled) {
  const std::string part = path + ".part";
  const int fd = open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return DiskError("cannot write", part);
  std::unique_ptr<PartFile> file(new PartFile(fd, path, expected_bytes, expected));
  SL_RETURN_IF_ERROR(file->DigestExisting(cancelled));
  return file;
}

Status PartFile::DigestExisting(const Cancelled& cancelled) {
  struct stat st {};
  if (fstat(fd_, &st) != 0 || !S_ISREG(st.st_mode)) return DiskError("cannot use", path_ + ".part");
  if (st.st_size > expected_bytes_) return Restart();
  return ReadAll(fd_, path_, cancelled, [this](std::string_view bytes) {
    hasher_->Update(bytes);
    bytes_ += static_cast<int64_t>(bytes.size());
  });
}

Status PartFile::Append(std::string_view bytes) {
  if (static_cast<int64_t>(bytes.size()) > expected_bytes_ - bytes_)
    return ErrorWithReason(absl::StatusCode::kDataLoss, "CONTENT_CHANGED",
                           "the hub sends more of " + Printable(path_) + " than it lists");
  hasher_->Update(bytes);
  while (!bytes.empty()) {
    const ssize_t n = write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      Status error = DiskError("cannot write", path_ + ".part");
      // The digest is ahead of the file by now: what is there must be read again.
      bytes_ = lseek(fd_, 0, SEEK_CUR);
      return error;
    }
    bytes_ += n;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

Status PartFile::Restart() {
  if (ftruncate(fd_, 0) != 0 || lseek(fd_, 0, SEEK_SET) != 0)
    return DiskError("cannot write", path_ + ".part");
  bytes_ = 0;
  hasher_ = std::make_unique<Hasher>(expected_.kind, expected_bytes_);
  return absl::OkStatus();
}

Status PartFile::Finish() {
  const std::string hex = hasher_->Hex();
  if (bytes_ != expected_bytes_ || hex != expected_.hex) {
    SL_RETURN_IF_ERROR(Restart());
    return ErrorWithReason(absl::StatusCode::kDataLoss, "CHECKSUM_MISMATCH",
                           path_ + " arrived damaged: " + expected_.name() + " is " + hex +
                               " instead of " + expected_.hex);
  }
  if (fdatasync(fd_) != 0 || rename((path_ + ".part").c_str(), path_.c_str()) != 0)
    return DiskError("cannot write", path_);
  return absl::OkStatus();
}

StatusOr<std::string> DigestFile(const std::string& path, Checksum::Kind kind, int64_t bytes,
                                 const Cancelled& cancelled) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return DiskError("cannot read", path);
  Hasher hasher(kind, bytes);
  const Status read = ReadAll(fd, path, cancelled, [&](std::string_view b) { hasher.Update(b); });
  close(fd);
  SL_RETURN_IF_ERROR(read);
  return hasher.Hex();
}

}  // namespace sightline::pull

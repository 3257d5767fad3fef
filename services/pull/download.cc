#include "services/pull/download.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

#include "services/pull/cache.h"
#include "services/pull/part_file.h"

namespace sightline::pull {
namespace {

// What the workers share.
class Work {
 public:
  Work(const PullOptions& options, const std::string& commit, const std::string& staging,
       const std::vector<RemoteFile>& files, const PullHooks& hooks)
      : options_(options), commit_(commit), staging_(staging), files_(files), hooks_(hooks) {
    for (const RemoteFile& f : files) progress_.total_bytes += f.bytes;
    progress_.total_files = static_cast<int>(files.size());
  }

  void Run() {
    auto hub = HubClient::Create(options_.hub, options_.repository,
                                 [this] { return failed_ || hooks_.cancelled(); });
    Status status = hub.status();
    for (size_t i; status.ok() && !failed_ && (i = next_++) < files_.size();)
      status = FetchFile(hub->get(), files_[i]);
    if (status.ok()) return;
    std::lock_guard<std::mutex> lock(mu_);
    if (!failed_) status_ = status;  // the others then only say that they were cancelled
    failed_ = true;
  }

  Status status() const { return status_; }

 private:
  void Moved(int64_t bytes, int files) {
    std::lock_guard<std::mutex> lock(mu_);
    progress_.bytes += bytes;
    progress_.files += files;
    hooks_.progress(progress_);
  }

  Status FetchFile(HubClient* hub, const RemoteFile& file) {
    const std::string path = staging_ + "/" + file.path;
    SL_RETURN_IF_ERROR(MakeFolders(std::filesystem::path(path).parent_path().string()));
    SL_ASSIGN_OR_RETURN(const auto part, PartFile::Open(path, file.bytes, file.checksum, [this] {
                          return failed_ || hooks_.cancelled();
                        }));
    Moved(part->bytes(), 0);
    Status finished;
    // A second time from the beginning, should an old .part or the network have spoilt it.
    for (int round = 0; round < 2; ++round) {
      SL_RETURN_IF_ERROR(
          hub->Fetch(commit_, file, part.get(), [this](int64_t bytes) { Moved(bytes, 0); }));
      finished = part->Finish();
      if (finished.ok()) break;
      if (ReasonOf(finished) != "CHECKSUM_MISMATCH") return finished;
      Moved(-file.bytes, 0);
    }
    if (finished.ok()) Moved(0, 1);
    return finished;
  }

  const PullOptions& options_;
  const std::string &commit_, &staging_;
  const std::vector<RemoteFile>& files_;
  const PullHooks& hooks_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mu_;
  PullProgress progress_;  // under mu_
  Status status_;          // under mu_
};

}  // namespace

Status Download(const PullOptions& options, const std::string& commit, const std::string& staging,
                const std::vector<RemoteFile>& files, const PullHooks& hooks) {
  Work work(options, commit, staging, files, hooks);
  const auto workers = std::min(files.size(), static_cast<size_t>(std::max(1, options.parallel)));
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < workers; ++i) threads.emplace_back([&work] { work.Run(); });
  }
  return work.status();
}

}  // namespace sightline::pull

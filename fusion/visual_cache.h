// Visual tokens of media that were seen before, by content: the same picture asked about again is
// not decoded and encoded again.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "compute/base/request_context.h"
#include "compute/base/status.h"
#include "fusion/media.h"

namespace sightline {

using MediaPtr = std::shared_ptr<const EncodedMedia>;

struct FoundMedia {
  MediaPtr media;
  bool cached = false;  // made for an earlier or a concurrent request
};

// SHA-256 of the file, of what was asked of it and of the model that looks.
std::string MediaKey(const MediaItem& item, const std::string& model);
int64_t MediaBytes(const EncodedMedia& media);

// Thread-safe. Results go in the order of their last use once the budget is full; those in use
// elsewhere live on there.
class VisualCache {
 public:
  using Make = std::function<StatusOr<MediaPtr>()>;
  // Bytes of tokens; 0 keeps nothing, and only concurrent calls share.
  explicit VisualCache(int64_t budget_bytes) : budget_bytes_(budget_bytes) {}

  // What `make` made for this key, or makes now. Of concurrent calls one makes it, on its own
  // thread; the others wait, and take over when it fails, so that nobody gets another's error.
  // Waits end with the status of `context`.
  StatusOr<FoundMedia> Get(const std::string& key, const RequestContext& context, const Make& make);
  int64_t bytes() const;

 private:
  struct Entry {
    std::string key;
    MediaPtr media;
    int64_t bytes;
  };
  struct Flight {  // a result on its way
    bool ended = false;
    MediaPtr media;  // null when it failed
  };

  MediaPtr Lookup(const std::string& key);                   // under mu_
  void Keep(const std::string& key, const MediaPtr& media);  // under mu_

  const int64_t budget_bytes_;
  mutable std::mutex mu_;
  std::condition_variable landed_;
  std::list<Entry> entries_;  // used last first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;
  int64_t bytes_ = 0;
};

}  // namespace sightline

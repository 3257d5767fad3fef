#include "fusion/visual_cache.h"

#include <chrono>

#include "fusion/digest.h"

namespace sightline {

std::string MediaKey(const MediaItem& item, const std::string& model) {
  Digest d;
  const VideoSampling& s = item.sampling;
  d.Text(model);
  d.Number(static_cast<int32_t>(item.kind));
  d.Number(s.frames_per_second);
  d.Number(s.max_frames);
  d.Number(s.start_s);
  d.Number(s.end_s);
  d.Text(item.bytes);
  return d.Take();
}

int64_t MediaBytes(const EncodedMedia& media) {
  size_t bytes = sizeof(EncodedMedia);
  for (const VisualSpan& s : media.spans)
    bytes += sizeof s + (s.features.size() + s.deepstack.size()) * sizeof(float);
  return static_cast<int64_t>(bytes);
}

MediaPtr VisualCache::Lookup(const std::string& key) {
  auto at = by_key_.find(key);
  if (at == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, at->second);
  return at->second->media;
}

void VisualCache::Keep(const std::string& key, const MediaPtr& media) {
  int64_t bytes = MediaBytes(*media);
  if (bytes > budget_bytes_) return;
  entries_.push_front({key, media, bytes});
  by_key_[key] = entries_.begin();
  bytes_ += bytes;
  while (bytes_ > budget_bytes_) {
    bytes_ -= entries_.back().bytes;
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

StatusOr<FoundMedia> VisualCache::Get(const std::string& key, const RequestContext& context,
                                      const Make& make) {
  auto flight = std::make_shared<Flight>();
  std::unique_lock<std::mutex> lock(mu_);
  for (;;) {
    if (MediaPtr media = Lookup(key)) return FoundMedia{media, true};
    auto [at, first] = flights_.try_emplace(key, flight);
    if (first) break;
    std::shared_ptr<Flight> other = at->second;
    // Whether the caller has left is a question that has to be asked.
    while (!landed_.wait_for(lock, std::chrono::milliseconds(10), [&] { return other->ended; })) {
      lock.unlock();
      SL_RETURN_IF_ERROR(context.Check());
      lock.lock();
    }
    if (other->media) return FoundMedia{other->media, true};
  }
  lock.unlock();
  struct Landing {  // also when `make` throws
    VisualCache* cache;
    const std::string& key;
    Flight* flight;
    ~Landing() {
      std::lock_guard<std::mutex> landing(cache->mu_);
      if (flight->media) cache->Keep(key, flight->media);
      flight->ended = true;
      cache->flights_.erase(key);
      cache->landed_.notify_all();
    }
  } landing{this, key, flight.get()};
  auto made = make();
  SL_RETURN_IF_ERROR(made.status());
  flight->media = *made;
  return FoundMedia{*made, false};
}

int64_t VisualCache::bytes() const {
  std::lock_guard<std::mutex> lock(mu_);
  return bytes_;
}

}  // namespace sightline

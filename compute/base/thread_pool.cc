#include "compute/base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace sightline {
namespace {

std::atomic<int> g_threads{0};
// True while this thread runs a part: a nested ParallelFor then runs inline, since the pool is
// already its caller's.
thread_local bool t_inside = false;

// How long a thread looks for work before it sleeps. A decoding step is hundreds of short loops
// with a few microseconds between them: waking a sleeper costs more than many of them take.
constexpr auto kSpin = std::chrono::microseconds(60);

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// True once `ready()` is, false after kSpin without it.
template <class Ready>
bool SpinUntil(const Ready& ready) {
  auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 64; ++i) {
      if (ready()) return true;
      Pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

// What is left of one thread's share of a loop; on a cache line of its own.
struct alignas(64) Share {
  std::atomic<int64_t> next{0};
  int64_t end = 0;
};

class Pool {
 public:
  explicit Pool(int threads) : shares_(static_cast<size_t>(threads)) {
    for (int i = 1; i < threads; ++i) {
      workers_.emplace_back([this, i] { Work(static_cast<size_t>(i)); });
    }
  }
  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mu_);
      stop_ = true;
      ++generation_;
    }
    wake_.notify_all();
    for (auto& w : workers_) w.join();
  }

  // False when another caller holds the pool.
  bool TryRun(int64_t n, int64_t chunk, const std::function<void(int64_t, int64_t)>& fn) {
    std::unique_lock<std::mutex> caller(owner_, std::try_to_lock);
    if (!caller.owns_lock()) return false;
    bool sleepers;
    {
      std::lock_guard<std::mutex> lock(mu_);
      fn_ = &fn;
      chunk_ = chunk;
      const auto count = static_cast<int64_t>(shares_.size());
      for (int64_t i = 0; i < count; ++i) {
        Share& share = shares_[static_cast<size_t>(i)];
        share.next = n * i / count;
        share.end = n * (i + 1) / count;
      }
      open_ = true;
      sleepers = sleepers_ > 0;
      ++generation_;
    }
    if (sleepers) wake_.notify_all();
    Drain(0, fn, chunk);
    // A worker that has not come yet finds the loop closed: only those inside are waited for.
    std::unique_lock<std::mutex> lock(mu_);
    open_ = false;
    if (active_ > 0) {
      lock.unlock();
      SpinUntil([this] { return active_ == 0; });
      lock.lock();
      done_.wait(lock, [this] { return active_ == 0; });
    }
    std::exception_ptr error = std::exchange(error_, nullptr);
    lock.unlock();
    if (error) std::rethrow_exception(error);
    return true;
  }

 private:
  // Its own share first and from end to end, so that a thread reads memory in one stream; then what
  // the others have not come to.
  void Drain(size_t self, const std::function<void(int64_t, int64_t)>& fn, int64_t chunk) {
    t_inside = true;
    try {
      for (size_t i = 0; i < shares_.size(); ++i) {
        Share& share = shares_[(self + i) % shares_.size()];
        // A look before the exchange: most shares of others are empty by then.
        while (share.next.load(std::memory_order_relaxed) < share.end) {
          int64_t b = share.next.fetch_add(chunk);
          if (b < share.end) fn(b, std::min(share.end, b + chunk));
        }
      }
    } catch (...) {  // the first one goes to the caller once every thread has let go of fn
      for (Share& share : shares_) share.next = share.end;
      std::lock_guard<std::mutex> lock(mu_);
      if (!error_) error_ = std::current_exception();
    }
    t_inside = false;
  }
  void Work(size_t self) {
    uint64_t seen = 0;
    for (;;) {
      bool found = SpinUntil([&] { return generation_ != seen; });
      std::unique_lock<std::mutex> lock(mu_);
      if (!found) {
        ++sleepers_;
        wake_.wait(lock, [&] { return generation_ != seen; });
        --sleepers_;
      }
      if (stop_) return;
      seen = generation_;
      if (!open_) continue;
      const auto* fn = fn_;
      int64_t chunk = chunk_;
      ++active_;
      lock.unlock();
      Drain(self, *fn, chunk);
      lock.lock();
      if (--active_ == 0) done_.notify_all();
    }
  }

  std::mutex owner_, mu_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  const std::function<void(int64_t, int64_t)>* fn_ = nullptr;
  int64_t chunk_ = 1;
  std::vector<Share> shares_;  // one a thread; the caller's is the first
  // Changed under mu_; read outside it while spinning.
  std::atomic<int> active_{0};
  std::atomic<uint64_t> generation_{0};
  int sleepers_ = 0;
  bool open_ = false, stop_ = false;
  std::exception_ptr error_;
};

}  // namespace

void SetComputeThreads(int threads) {
  int expected = 0;
  g_threads.compare_exchange_strong(expected, std::max(1, threads));
}

int ComputeThreads() {
  int threads = g_threads.load(std::memory_order_relaxed);
  if (threads > 0) return threads;
  // Asked once: the answer is read from files each time, which takes longer than many loops.
  SetComputeThreads(static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  return g_threads.load();
}

void ParallelFor(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& fn) {
  if (n <= 0) return;
  static Pool pool(ComputeThreads());
  int threads = ComputeThreads();
  if (threads == 1 || t_inside || n <= grain ||
      !pool.TryRun(n, std::max(grain, n / (threads * 64)), fn))
    fn(0, n);
}

}  // namespace sightline

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

class Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { Work(); });
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
      n_ = n;
      chunk_ = chunk;
      next_ = 0;
      open_ = true;
      sleepers = sleepers_ > 0;
      ++generation_;
    }
    if (sleepers) wake_.notify_all();
    Drain(fn, n, chunk);
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
  void Drain(const std::function<void(int64_t, int64_t)>& fn, int64_t n, int64_t chunk) {
    t_inside = true;
    try {
      for (int64_t b = next_.fetch_add(chunk); b < n; b = next_.fetch_add(chunk))
        fn(b, std::min(n, b + chunk));
    } catch (...) {  // the first one goes to the caller once every thread has let go of fn
      next_ = n;
      std::lock_guard<std::mutex> lock(mu_);
      if (!error_) error_ = std::current_exception();
    }
    t_inside = false;
  }
  void Work() {
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
      int64_t n = n_, chunk = chunk_;
      ++active_;
      lock.unlock();
      Drain(*fn, n, chunk);
      lock.lock();
      if (--active_ == 0) done_.notify_all();
    }
  }

  std::mutex owner_, mu_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  const std::function<void(int64_t, int64_t)>* fn_ = nullptr;
  int64_t n_ = 0, chunk_ = 1;
  std::atomic<int64_t> next_{0};
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
      !pool.TryRun(n, std::max(grain, n / (threads * 4)), fn))
    fn(0, n);
}

}  // namespace sightline

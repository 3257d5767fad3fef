#include "compute/base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace sightline {
namespace {

std::atomic<int> g_threads{0};
// True while this thread runs a part: a nested ParallelFor then runs inline, since the pool is already its caller's.
thread_local bool t_inside = false;

class Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { Work(); });
  }
  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mu_);
      stop_ = true;
    }
    wake_.notify_all();
    for (auto& w : workers_) w.join();
  }

  // False when another caller holds the pool.
  bool TryRun(int64_t n, int64_t chunk, const std::function<void(int64_t, int64_t)>& fn) {
    std::unique_lock<std::mutex> caller(owner_, std::try_to_lock);
    if (!caller.owns_lock()) return false;
    {
      std::lock_guard<std::mutex> lock(mu_);
      fn_ = &fn;
      n_ = n;
      chunk_ = chunk;
      next_ = 0;
      running_ = static_cast<int>(workers_.size());
      ++generation_;
    }
    wake_.notify_all();
    Drain(fn, n, chunk);
    std::unique_lock<std::mutex> lock(mu_);
    done_.wait(lock, [this] { return running_ == 0; });
    std::exception_ptr error = std::exchange(error_, nullptr);
    lock.unlock();
    if (error) std::rethrow_exception(error);
    return true;
  }

 private:
  void Drain(const std::function<void(int64_t, int64_t)>& fn, int64_t n, int64_t chunk) {
    t_inside = true;
    try {
      for (int64_t b = next_.fetch_add(chunk); b < n; b = next_.fetch_add(chunk)) fn(b, std::min(n, b + chunk));
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
      std::unique_lock<std::mutex> lock(mu_);
      wake_.wait(lock, [&] { return stop_ || generation_ != seen; });
      if (stop_) return;
      seen = generation_;
      const auto* fn = fn_;
      int64_t n = n_, chunk = chunk_;
      lock.unlock();
      Drain(*fn, n, chunk);
      lock.lock();
      if (--running_ == 0) done_.notify_all();
    }
  }

  std::mutex owner_, mu_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  const std::function<void(int64_t, int64_t)>* fn_ = nullptr;
  int64_t n_ = 0, chunk_ = 1;
  std::atomic<int64_t> next_{0};
  int running_ = 0;
  std::exception_ptr error_;
  uint64_t generation_ = 0;
  bool stop_ = false;
};

}  // namespace

void SetComputeThreads(int threads) {
  int expected = 0;
  g_threads.compare_exchange_strong(expected, std::max(1, threads));
}

int ComputeThreads() {
  SetComputeThreads(static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  return g_threads.load();
}

void ParallelFor(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& fn) {
  if (n <= 0) return;
  static Pool pool(ComputeThreads());
  int threads = ComputeThreads();
  if (threads == 1 || t_inside || n <= grain || !pool.TryRun(n, std::max(grain, n / (threads * 4)), fn)) fn(0, n);
}

}  // namespace sightline

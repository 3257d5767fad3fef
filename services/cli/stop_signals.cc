#include "services/cli/stop_signals.h"

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "services/log.h"

namespace sightline::cli {

struct StopSignals::State {
  std::mutex mu;
  std::condition_variable wake;
  bool serving = false, stopped = false;

  void First() {
    // Held to the end of a start that is given up, so that Serving cannot come in between.
    std::lock_guard<std::mutex> lock(mu);
    if (!serving) {
      Log(LogLevel::kInfo, "stopped before it served: a signal came while it started");
      std::_Exit(0);
    }
    stopped = true;
    wake.notify_all();
  }
};

StopSignals::StopSignals() : state_(std::make_shared<State>()) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([state = state_, signals]() mutable {
    int signal = 0;
    sigwait(&signals, &signal);
    state->First();
    sigwait(&signals, &signal);
    std::_Exit(130);
  }).detach();
}

void StopSignals::Serving() {
  std::lock_guard<std::mutex> lock(state_->mu);
  state_->serving = true;
}

void StopSignals::Wait() {
  std::unique_lock<std::mutex> lock(state_->mu);
  state_->wake.wait(lock, [this] { return state_->stopped; });
}

}  // namespace sightline::cli

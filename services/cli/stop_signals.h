// SIGTERM and SIGINT of a server: what they do depends on how far the process has come.
#pragma once

#include <memory>

namespace sightline::cli {

// A thread of its own takes the signals from construction on. While the server starts, one ends the
// process at once with the exit status of a normal stop: nothing is served yet, and neither a load
// nor a wait for roles has anything to put in order. Once it serves, the first ends Wait, and the
// second does not wait for anybody: it ends the process with status 130. One to a process.
class StopSignals {
 public:
  // Blocks both signals in this thread and in all that it starts: call before any other exists.
  StopSignals();
  // Starting is over: to be called before the first request can come.
  void Serving();
  // Until the first signal after Serving.
  void Wait();

 private:
  struct State;
  std::shared_ptr<State> state_;  // the thread's too, which ends with the process alone
};

}  // namespace sightline::cli

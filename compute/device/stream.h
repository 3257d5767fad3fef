// The order of work on a device. Each device has one stream: ops on it start in the order of the
// calls, whichever thread makes them, and may still run when a call returns. Copies to the host
// wait for what stands before them.
#pragma once

#include <memory>

#include "compute/device/device.h"

namespace sightline {

// A point in a stream, set by Stream::Record.
class Event {
 public:
  virtual ~Event() = default;
  virtual void Wait() const = 0;  // until the work before it is done
  // Device time between two finished events of one stream, ms.
  virtual double MsSince(const Event& earlier) const = 0;
};

class Stream {
 public:
  explicit Stream(const Device& device) : device_(device) {}
  void Synchronize() const;  // until all work so far is done
  std::unique_ptr<Event> Record() const;

 private:
  Device device_;
};

}  // namespace sightline

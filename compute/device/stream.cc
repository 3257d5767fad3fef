#include "compute/device/stream.h"

#include "compute/backend/backend.h"

namespace sightline {

void Stream::Synchronize() const { device_.backend().Synchronize(); }

std::unique_ptr<Event> Stream::Record() const { return device_.backend().Record(); }

}  // namespace sightline

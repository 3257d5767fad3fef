#pragma once

namespace sightline {

// From here on what gRPC and protobuf write by themselves comes as lines of the log, JSON too.
// Once, before threads start.
void TakeLibraryLogs();

}  // namespace sightline

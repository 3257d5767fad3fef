#pragma once

namespace sightline {

// From here on what gRPC and protobuf write by themselves comes as lines of the log too, so that
// all of standard error is JSON. Once, before threads start.
void TakeLibraryLogs();

}  // namespace sightline

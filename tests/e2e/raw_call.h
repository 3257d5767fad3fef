// A call whose request is bytes, whatever they mean.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sightline::e2e {

// One message there, or none, and one back (empty when none came); `method` is
// "/package.Service/Method", unary or a stream.
inline grpc::Status RawCall(const std::shared_ptr<grpc::Channel>& channel,
                            const std::string& method, const std::optional<std::string>& request,
                            std::string* reply) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext call;
  call.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  grpc::CompletionQueue queue;
  auto done = [&] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  auto stream = stub.PrepareCall(&call, method, &queue);
  stream->StartCall(nullptr);
  done();
  if (request) {
    grpc::Slice slice(*request);
    stream->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  } else {
    stream->WritesDone(nullptr);
  }
  done();
  grpc::ByteBuffer back;
  stream->Read(&back, nullptr);
  reply->clear();
  std::vector<grpc::Slice> slices;
  if (done() && back.Dump(&slices).ok()) {
    for (const grpc::Slice& s : slices)
      reply->append(reinterpret_cast<const char*>(s.begin()), s.size());
  }
  grpc::Status status;
  stream->Finish(&status, nullptr);
  done();
  return status;
}

}  // namespace sightline::e2e

// gRPC answers a message that it cannot parse before any service sees it, with INTERNAL and not a
// word. With this in the builder the caller learns what is wrong: INVALID_ARGUMENT,
// MESSAGE_MALFORMED.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_interceptor.h>

namespace sightline {

class MalformedMessages final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* call) override;  // gRPC owns the result
};

}  // namespace sightline

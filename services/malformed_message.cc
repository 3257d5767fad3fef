#include "services/malformed_message.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "compute/base/status.h"
#include "services/log.h"
#include "services/status_map.h"

namespace sightline {
namespace {

using grpc::experimental::InterceptionHookPoints;

class NameTheFault final : public grpc::experimental::Interceptor {
 public:
  // Of "/package.Service/Method" the last part, as in the log's other lines.
  explicit NameTheFault(std::string_view method) : method_(method.substr(method.rfind('/') + 1)) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* batch) override {
    if (batch->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      // Every status of a service of ours has details.
      const grpc::Status s = batch->GetSendStatus();
      if (s.error_code() == grpc::StatusCode::INTERNAL && s.error_details().empty())
        batch->ModifySendStatus(Refusal());
    }
    batch->Proceed();
  }

 private:
  grpc::Status Refusal() const {
    const Status status = ErrorWithReason(
        absl::StatusCode::kInvalidArgument, "MESSAGE_MALFORMED",
        "the request is not the message this method takes, or a string in it is not UTF-8");
    Log(LogLevel::kInfo, "call",
        {{"rpc", method_},
         {"code", absl::StatusCodeToString(status.code())},
         {"error", std::string(status.message())},
         {"reason", "MESSAGE_MALFORMED"}});
    return ToGrpc(status);
  }

  std::string method_;
};

}  // namespace

grpc::experimental::Interceptor* MalformedMessages::CreateServerInterceptor(
    grpc::experimental::ServerRpcInfo* call) {
  return new NameTheFault(call->method());
}

}  // namespace sightline

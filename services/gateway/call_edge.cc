#include "services/gateway/call_edge.h"

#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>

#include "absl/strings/str_format.h"
#include "services/call_context.h"
#include "services/error.h"
#include "services/gateway/request_check.h"
#include "services/log.h"
#include "services/status_map.h"

namespace sightline {
namespace {

std::string NewRequestId() {
  static thread_local std::mt19937_64 rng(std::random_device{}());
  return absl::StrFormat("%016x%016x", rng(), rng());
}

// Holds one of the places that limit requests in flight.
class Place {
 public:
  Place(std::atomic<int64_t>* used, int64_t most) : used_(used), ok_(used->fetch_add(1) < most) {}
  ~Place() { used_->fetch_sub(1); }
  bool ok() const { return ok_; }

 private:
  std::atomic<int64_t>* used_;
  bool ok_;
};

}  // namespace

grpc::Status CallEdge::Serve(const char* rpc, grpc::ServerContext* call,
                             const std::string& request_id, size_t bytes,
                             const std::function<Status(const RequestContext&)>& work,
                             Admission admission) {
  const absl::Time began = absl::Now();
  Status status = CheckRequestId(request_id);
  const std::string id = !status.ok() || request_id.empty() ? NewRequestId() : request_id;
  call->AddInitialMetadata("x-request-id", id);
  std::optional<Place> place;
  if (admission == Admission::kLimited) place.emplace(&in_flight_, max_concurrent_);
  if (status.ok() && place && !place->ok())
    status = TryLater(absl::StatusCode::kResourceExhausted,
                      "the server has as many requests in flight as it takes", "SERVER_BUSY", 500);
  if (status.ok()) {
    try {
      RequestContext context = ContextOf(call, id, default_deadline_s_);
      context.cancelled = [this, left = std::move(context.cancelled)] { return Over() || left(); };
      status = work(context);
    } catch (const std::bad_alloc&) {
      status = TryLater(absl::StatusCode::kResourceExhausted,
                        "there is not enough memory for this request now", "OUT_OF_MEMORY", 2000);
    } catch (const std::exception& error) {
      status = absl::InternalError(error.what());
    }
  }
  if (status.code() == absl::StatusCode::kCancelled && Over() && !call->IsCancelled())
    status = TryLater(absl::StatusCode::kUnavailable, "the server is shutting down",
                      "SHUTTING_DOWN", 1000);
  nlohmann::json fields = {{"rpc", rpc},
                           {"request_id", id},
                           {"code", absl::StatusCodeToString(status.code())},
                           {"ms", absl::ToDoubleMilliseconds(absl::Now() - began)},
                           {"bytes", bytes}};
  if (!status.ok()) {
    fields["error"] = std::string(status.message());
    if (!ReasonOf(status).empty()) fields["reason"] = ReasonOf(status);
    if (!FieldOf(status).empty()) fields["field"] = FieldOf(status);
  }
  const bool ours =
      status.code() == absl::StatusCode::kInternal || status.code() == absl::StatusCode::kUnknown;
  Log(ours ? LogLevel::kError : LogLevel::kInfo, "call", fields);
  return ToGrpc(status, id);
}

}  // namespace sightline

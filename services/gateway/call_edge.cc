#include "services/gateway/call_edge.h"

#include <optional>
#include <random>

#include "absl/strings/str_format.h"
#include "services/call_context.h"
#include "services/call_report.h"
#include "services/error.h"

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
  CallFacts facts{rpc, request_id, bytes};
  Status status = CheckRequestId(request_id);
  if (!status.ok() || request_id.empty()) facts.request_id = NewRequestId();
  call->AddInitialMetadata("x-request-id", facts.request_id);
  std::optional<Place> place;
  if (admission == Admission::kLimited) place.emplace(&in_flight_, max_concurrent_);
  if (status.ok() && place && !place->ok())
    status =
        TryLater(absl::StatusCode::kResourceExhausted,
                 "the server has as many requests in flight as it takes (limits.max_concurrent)",
                 "SERVER_BUSY", 500);
  if (status.ok()) {
    status = Guarded([&] {
      RequestContext context = ContextOf(call, facts.request_id, default_deadline_s_);
      context.cancelled = [this, left = std::move(context.cancelled)] { return Over() || left(); };
      return work(context);
    });
  }
  if (status.code() == absl::StatusCode::kCancelled && Over() && !call->IsCancelled())
    status = TryLater(absl::StatusCode::kUnavailable, "the server is shutting down",
                      "SHUTTING_DOWN", 1000);
  return Report(facts, status);
}

}  // namespace sightline

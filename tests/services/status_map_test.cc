#include "services/status_map.h"

#include <gtest/gtest.h>

#include "services/error.h"

namespace sightline {
namespace {

TEST(StatusMapTest, CodesReasonsFieldsAndHintsSurviveTheWire) {
  const Status cases[] = {
      InvalidField("content[2].image.data", "must not be empty", "MEDIA_EMPTY"),
      TryLater(absl::StatusCode::kResourceExhausted, "busy", "SERVER_BUSY", 1500),
      ErrorWithReason(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND", "no such model", "model"),
      absl::CancelledError("left"), absl::DeadlineExceededError("late")};
  for (const Status& s : cases) {
    const grpc::Status wire = ToGrpc(s, "id-1");
    EXPECT_EQ(static_cast<int>(wire.error_code()), static_cast<int>(s.code()));
    const Status back = FromGrpc(wire);
    EXPECT_EQ(back.code(), s.code());
    EXPECT_EQ(back.message(), s.message());
    EXPECT_EQ(FieldOf(back), FieldOf(s));
    EXPECT_EQ(RetryMsOf(back), RetryMsOf(s));
    if (!ReasonOf(s).empty()) {
      EXPECT_EQ(ReasonOf(back), ReasonOf(s));
    }
    EXPECT_FALSE(ReasonOf(back).empty());
  }
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
}

TEST(StatusMapTest, ShortagesOfEveryLayerSayWhenToComeBack) {
  for (const char* reason :
       {"QUEUE_FULL", "OUT_OF_MEMORY", "IMAGE_OUT_OF_MEMORY", "VIDEO_OUT_OF_MEMORY"}) {
    const Status s = ErrorWithReason(absl::StatusCode::kResourceExhausted, reason, "later");
    EXPECT_FALSE(RetryMsOf(s).has_value());
    EXPECT_GT(RetryMsOf(FromGrpc(ToGrpc(s))).value_or(0), 0) << reason;
  }
  // What costs too much costs too much next time.
  for (const char* reason : {"VIDEO_DECODE_BUDGET", "KV_CACHE_FULL"}) {
    const Status s = ErrorWithReason(absl::StatusCode::kResourceExhausted, reason, "too much");
    EXPECT_FALSE(RetryMsOf(FromGrpc(ToGrpc(s))).has_value()) << reason;
  }
}

TEST(StatusMapTest, InternalTextStaysInside) {
  const grpc::Status wire = ToGrpc(absl::InternalError("/root/secret 0x7fff"), "id");
  EXPECT_EQ(wire.error_message().find("secret"), std::string::npos);
  EXPECT_EQ(wire.error_details().find("secret"), std::string::npos);
}

}  // namespace
}  // namespace sightline

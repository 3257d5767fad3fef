#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "compute/base/request_context.h"
#include "compute/base/status.h"
#include "compute/base/tensor.h"
#include "compute/base/thread_pool.h"
#include "compute/cpu/aligned_buffer.h"
#include "compute/kv/page_pool.h"

namespace sightline {
namespace {

// Four threads also where the machine has fewer: the races are the point.
const bool g_sized = (SetComputeThreads(4), true);

Status Fails() {
  return ErrorWithReason(absl::StatusCode::kNotFound, "LOST", "no such thing", "x");
}
Status Forwards() {
  SL_RETURN_IF_ERROR(Fails());
  return absl::OkStatus();
}
StatusOr<int> Assigns(StatusOr<int> in) {
  SL_ASSIGN_OR_RETURN(int v, std::move(in));
  return v + 1;
}

TEST(StatusTest, CarriesReasonAndFieldThroughTheMacros) {
  Status s = Forwards();
  EXPECT_EQ(s.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(s), "LOST");
  EXPECT_EQ(FieldOf(s), "x");
  EXPECT_EQ(FieldOf(AtField(s, "request.y")), "request.y");
  EXPECT_EQ(ReasonOf(AtField(s, "request.y")), "LOST");
  EXPECT_TRUE(AtField(absl::OkStatus(), "y").ok());
  EXPECT_EQ(ReasonOf(absl::InternalError("plain")), "");
  EXPECT_EQ(*Assigns(4), 5);
  EXPECT_EQ(ReasonOf(Assigns(Fails()).status()), "LOST");
}

TEST(RequestContextTest, CancelComesBeforeTheDeadline) {
  RequestContext c;
  EXPECT_TRUE(c.Check().ok());
  c.deadline = absl::InfinitePast();
  EXPECT_EQ(c.Check().code(), absl::StatusCode::kDeadlineExceeded);
  c.cancelled = [] { return true; };
  EXPECT_EQ(c.Check().code(), absl::StatusCode::kCancelled);
}

TEST(TensorTest, CountsRowsAndWritesShapes) {
  Tensor t({2, 3, 5});
  EXPECT_EQ(t.data.size(), 30u);
  EXPECT_EQ(t.rows(), 6);
  EXPECT_EQ(t.cols(), 5);
  EXPECT_EQ(t.row(4), t.data.data() + 20);
  EXPECT_EQ(ShapeText(t.shape), "[2, 3, 5]");
}

TEST(ThreadPoolTest, EveryIndexOnce) {
  for (int64_t n : {0, 1, 7, 64, 1000, 4097}) {
    for (int64_t grain : {1, 3, 64}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(n));
      ParallelFor(n, grain, [&](int64_t b, int64_t e) {
        for (int64_t i = b; i < e; ++i) ++seen[static_cast<size_t>(i)];
      });
      for (auto& s : seen) EXPECT_EQ(s.load(), 1);
    }
  }
}

TEST(ThreadPoolTest, NestedCallsRunInline) {
  std::atomic<int64_t> sum{0};
  ParallelFor(40, 1, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      ParallelFor(50, 1, [&](int64_t p, int64_t q) { sum += q - p; });
    }
  });
  EXPECT_EQ(sum.load(), 2000);
}

TEST(ThreadPoolTest, AnExceptionReachesTheCallerAndThePoolGoesOn) {
  for (int round = 0; round < 50; ++round) {
    EXPECT_THROW(ParallelFor(100, 1,
                             [&](int64_t b, int64_t e) {
                               if (b <= round * 2 && round * 2 < e)
                                 throw std::runtime_error("mine");
                             }),
                 std::runtime_error);
    std::atomic<int64_t> sum{0};
    ParallelFor(100, 1, [&](int64_t b, int64_t e) { sum += e - b; });
    EXPECT_EQ(sum.load(), 100);
  }
}

TEST(ThreadPoolTest, CallersFromSeveralThreads) {
  std::vector<std::thread> callers;
  std::atomic<int64_t> sum{0};
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int i = 0; i < 100; ++i) ParallelFor(64, 1, [&](int64_t b, int64_t e) { sum += e - b; });
    });
  }
  for (auto& c : callers) c.join();
  EXPECT_EQ(sum.load(), 4 * 100 * 64);
}

TEST(AlignedBufferTest, IsZeroAlignedAndMovesWithItsMemory) {
  constexpr int64_t kHuge = int64_t{2} << 20;
  for (int64_t bytes : {int64_t{1}, int64_t{100}, kHuge / 8 - 1, kHuge / 8, kHuge / 8 + 1,
                        kHuge - 1, kHuge, kHuge + 1, 3 * kHuge + 4097}) {
    AlignedBuffer a(bytes);
    ASSERT_EQ(a.size(), bytes);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(a.data()) % (bytes >= kHuge ? kHuge : 64), 0u);
    EXPECT_TRUE(std::all_of(a.data(), a.data() + bytes, [](uint8_t v) { return v == 0; }));
    a.data()[bytes - 1] = 7;
    AlignedBuffer b(std::move(a));
    EXPECT_EQ(b.data()[bytes - 1], 7);
    a = std::move(b);
    EXPECT_EQ(a.data()[bytes - 1], 7);
    const uint8_t* kept = a.data();
    a.Grow(bytes);
    EXPECT_EQ(a.data(), kept);
    a.Grow(2 * bytes);
    EXPECT_EQ(a.size(), 2 * bytes);
    a.data()[2 * bytes - 1] = 1;
  }
  EXPECT_EQ(AlignedBuffer(0).data(), nullptr);
}

float* First(PageTable* table, int32_t page) {
  return reinterpret_cast<float*>(table->Row(page * kPageRows, 0));
}

TEST(PagePoolTest, HoldsItsBudgetAndReusesPages) {
  PagePool pool(16, 3 * 16 * 4);
  {
    PageTable table(&pool);
    ASSERT_TRUE(table.Reserve(3 * kPageRows).ok());
    EXPECT_EQ(pool.pages_in_use(), 3);
    EXPECT_EQ(ReasonOf(table.Reserve(3 * kPageRows + 1)), "KV_CACHE_FULL");
    EXPECT_EQ(table.Row(kPageRows + 2, 0), table.pages()[1]);
    PageTable moved(std::move(table));
    EXPECT_EQ(pool.pages_in_use(), 3);
  }
  EXPECT_EQ(pool.pages_in_use(), 0);
  PageTable again(&pool);
  EXPECT_TRUE(again.Reserve(3 * kPageRows).ok());
}

TEST(PagePoolTest, HalvesTakeHalfTheRoom) {
  PagePool pool(2 * kPageRows * 24, 7 * kPageRows * 24 * 4, {}, KvFormat::kF16);
  EXPECT_EQ(pool.page_bytes(), 2 * kPageRows * 24 * 2);
  EXPECT_EQ(pool.capacity(), 7);
  PageTable table(&pool, 2);
  ASSERT_TRUE(table.Reserve(7 * kPageRows).ok());
  EXPECT_EQ(ReasonOf(table.Reserve(7 * kPageRows + 1)), "KV_CACHE_FULL");
  for (int64_t i = 0; i < 7; ++i) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(table.page(i)) % 64, 0u);
    EXPECT_EQ(table.pages(1)[i], table.page(i) + kPageRows * 24 * 2);
  }
  EXPECT_EQ(table.Row(kPageRows + 3, 24, 1), table.page(1) + (kPageRows + 3) * 24 * 2);
}

TEST(PagePoolTest, FormatsHaveNames) {
  EXPECT_EQ(*ParseKvChoice("auto"), KvChoice::kAuto);
  EXPECT_EQ(*ParseKvChoice("f16"), KvChoice::kF16);
  EXPECT_EQ(ReasonOf(ParseKvChoice("q8").status()), "KV_FORMAT_UNKNOWN");
}

TEST(PagePoolTest, SequencesOfSeveralThreadsNeverShareAPage) {
  PagePool pool(8, 64 * 8 * 4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 100; ++round) {
        PageTable table(&pool);
        ASSERT_TRUE(table.Reserve(4 * kPageRows).ok());
        for (int p = 0; p < 4; ++p) *First(&table, p) = static_cast<float>(t * 10 + p);
        for (int p = 0; p < 4; ++p) {
          ASSERT_EQ(*First(&table, p), static_cast<float>(t * 10 + p));
        }
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(pool.pages_in_use(), 0);
}

}  // namespace
}  // namespace sightline

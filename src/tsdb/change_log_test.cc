#include "tsdb/change_log.h"

#include <gtest/gtest.h>

namespace strata::tsdb {
namespace {

class StillClock final : public Clock {
 public:
  TimestampMs now_ms() const override { return 0; }
  std::chrono::nanoseconds steady() const override { return now; }
  std::chrono::nanoseconds now{0};
};

TEST(ChangeLog, TellsTheOldestChangeSinceAVersion) {
  StillClock clock;
  ChangeLog log(clock);
  const uint64_t first = log.version();
  EXPECT_EQ(log.unchanged_before(first), kMaxTime);
  log.note(1000);
  log.note(3000);
  EXPECT_EQ(log.unchanged_before(first), 1000);
  clock.now += std::chrono::seconds(1);
  const uint64_t second = log.version();
  EXPECT_EQ(log.unchanged_before(second), kMaxTime);
  log.note(2000);
  EXPECT_EQ(log.unchanged_before(second), 2000);
  EXPECT_EQ(log.unchanged_before(first), 1000);
}

TEST(ChangeLog, CountsChangesOfTheSamePeriodAsLaterOnes) {
  StillClock clock;
  ChangeLog log(clock);
  log.note(1000);
  EXPECT_EQ(log.unchanged_before(log.version()), 1000);
}

TEST(ChangeLog, KnowsNothingOfVersionsLongGone) {
  StillClock clock;
  ChangeLog log(clock);
  const uint64_t first = log.version();
  uint64_t last = first;
  for (int i = 0; i < 5000; ++i) {
    log.note(1000 + i);
    clock.now += std::chrono::seconds(1);
    last = log.version();
  }
  EXPECT_EQ(log.unchanged_before(first), kMinTime);
  EXPECT_EQ(log.unchanged_before(last - 1), 1000 + 4999);
  EXPECT_EQ(log.unchanged_before(last + 1), kMinTime);
}

}  // namespace
}  // namespace strata::tsdb

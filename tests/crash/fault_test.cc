// Operations that fail, clocks that jump, a directory that another process has.
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <set>

#include "crash/store_for_test.h"

namespace strata::tsdb {
namespace {

class Faults : public CrashTest {
 protected:
  /// A store's life, with every kind of work in it. Returns the rows that were acknowledged.
  std::set<int> live() {
    std::set<int> acknowledged;
    if (!open()) return acknowledged;
    const Matcher doomed = Matcher::equal(std::string(kMetricName), "doomed");
    for (int row = 0; row < 70; ++row) {
      if (scrape(row)) acknowledged.insert(row);
      db_->maintain();
      if (row % 20 == 19) (void)db_->compact();
      if (row == 30) {
        if (const auto id = db_->series({{kMetricName, "doomed"}})) {
          const TimedSample sample{*id, clock_.now_ms(), 1};
          (void)db_->append_samples({&sample, 1});
        }
        (void)db_->delete_series({&doomed, 1}, {});
      }
      if (row == 45) (void)db_->snapshot(dir_.file("snapshot"));
    }
    (void)db_->clean_tombstones();
    (void)db_->flush();
    return acknowledged;
  }

  void start_anew() {
    db_.reset();
    (void)real_fs().remove_all(options_.path);
    (void)real_fs().remove_all(dir_.file("snapshot"));
    clock_.jump_to(kStart);
  }

  void expect_all(const std::set<int>& acknowledged, const std::string& what) {
    const auto opened = open();
    ASSERT_TRUE(opened) << what << ": " << opened.error().message;
    const auto found = rows();
    ASSERT_TRUE(found) << what << ": " << found.error().message;
    for (const auto& series : *found) {
      EXPECT_EQ(std::set<int>(series.begin(), series.end()), acknowledged) << what;
    }
  }
};

TEST_F(Faults, AnErrorAtAnyOperationLosesNothing) {
  ASSERT_EQ(live().size(), 70u);
  const uint64_t operations = fs_.operations();
  ASSERT_GT(operations, 300u);
  for (uint64_t n = 0; n < operations; ++n) {
    start_anew();
    fs_.fail_after(n);
    const auto acknowledged = live();
    fs_.fail_after(UINT64_MAX);
    expect_all(acknowledged, fmt::format("operation {}", n));
    EXPECT_EQ(db_->stats().damaged_records, 0u) << n;
    if (HasFailure()) return;
  }
}

TEST_F(Faults, ADiskThatFailsFromOneOperationOnAndComesBack) {
  live();
  const uint64_t operations = fs_.operations();
  for (uint64_t n = 0; n < operations; n += 7) {
    start_anew();
    uint64_t done = 0;
    fs_.set_hook([&](std::string_view, const std::string&) -> Result<> {
      if (done++ < n) return {};
      return fail(ErrorCode::kIo, "input/output error");
    });
    const auto acknowledged = live();
    fs_.set_hook(nullptr);
    expect_all(acknowledged, fmt::format("from operation {} on", n));
    if (HasFailure()) return;
  }
}

TEST_F(Faults, AReadThatFailsIsAnErrorOfTheQueryAndNoDamage) {
  ASSERT_EQ(live().size(), 70u);
  const size_t all = count();
  ASSERT_TRUE(open());
  fs_.set_hook([](std::string_view operation, const std::string&) -> Result<> {
    if (operation != "map" && operation != "read_file") return {};
    return fail(ErrorCode::kIo, "input/output error");
  });
  const auto found = rows();  // what was mapped before may answer
  if (!found) EXPECT_EQ(found.error().code, ErrorCode::kIo);
  fs_.set_hook(nullptr);
  EXPECT_EQ(count(), all);
  EXPECT_EQ(db_->stats().damaged_records, 0u);
}

TEST_F(Faults, AClockThatJumpsLosesNothing) {
  std::mt19937 random(5);
  ASSERT_TRUE(open());
  std::set<int> acknowledged;
  for (int row = 0; row < 400; ++row) {
    switch (random() % 8) {
      case 0: clock_.jump_to(time_of(row) - static_cast<TimestampMs>(random() % 86'400'000)); break;
      case 1: clock_.jump_to(time_of(row) + static_cast<TimestampMs>(random() % 86'400'000)); break;
      default: clock_.jump_to(time_of(row)); break;
    }
    const TimestampMs now = clock_.now_ms();
    if (scrape(row)) acknowledged.insert(row);
    clock_.jump_to(now);
    clock_.advance(std::chrono::milliseconds(kStep));
    db_->maintain();
    if (row % 50 == 49) (void)db_->compact();
    if (row % 90 == 89) ASSERT_TRUE(open());
  }
  EXPECT_EQ(acknowledged.size(), 400u);
  expect_all(acknowledged, "after jumps");
}

TEST_F(Faults, ADirectoryThatAnotherProcessHasIsRefused) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(scrape(0));
  const pid_t child = ::fork();
  if (child == 0) {
    const auto second = Db::open(options_, real_fs(), clock_);
    const bool refused = !second && second.error().code == ErrorCode::kConflict;
    ::_exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  ASSERT_TRUE(scrape(1));
  EXPECT_EQ(count(), 2 * kSeries);
}

}  // namespace
}  // namespace strata::tsdb

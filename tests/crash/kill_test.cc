// kill -9, two hundred times: a child appends and says of each scrape that it was acknowledged; it
// is killed at a random moment, in whatever it is doing (appending, sealing, cutting, merging,
// carrying out deletions). Nothing that was acknowledged may be lost, nothing may be there twice,
// and a scrape is there whole or not at all.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "crash/store_for_test.h"

namespace strata::tsdb {
namespace {

constexpr int kRounds = 200;

class Kill : public CrashTest {
 protected:
  struct Child {
    pid_t pid = 0;
    int acknowledgements = 0;  // the reading end
  };

  /// Appends from `row` on until it is killed, and never returns in the child.
  Child start(int row) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const pid_t pid = ::fork();
    if (pid != 0) {
      ::close(ends[1]);
      return {pid, ends[0]};
    }
    ::close(ends[0]);
    if (!open()) ::_exit(1);
    for (;; ++row) {
      if (!scrape(row)) ::_exit(2);
      // Atomic: a pipe takes a few bytes whole. Nobody may read it any more.
      if (::write(ends[1], &row, sizeof row) != sizeof row) ::_exit(3);
      db_->maintain();
      if (row % 25 == 0 && !db_->compact()) ::_exit(4);
    }
  }

  static int last_acknowledged(const Child& child, int row, size_t wanted) {
    size_t n = 0;
    int got = 0;
    while (n < wanted && ::read(child.acknowledgements, &got, sizeof got) == sizeof got) {
      EXPECT_EQ(got, row + 1);
      row = got;
      ++n;
    }
    return row;
  }
};

TEST_F(Kill, NothingAcknowledgedIsLost) {
  // Old samples go, so that a round's check does not grow with the rounds.
  options_.retention_time = std::chrono::hours(2);
  std::mt19937 random(200);
  int acknowledged = -1;
  for (int round = 0; round < kRounds; ++round) {
    int next = acknowledged + 1;
    const Child child = start(next);
    acknowledged = last_acknowledged(child, acknowledged, 1 + random() % 40);
    ::usleep(static_cast<useconds_t>(random() % 1500));
    ASSERT_EQ(::kill(child.pid, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child.pid, &status, 0), child.pid);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit code " << WEXITSTATUS(status);
    acknowledged = last_acknowledged(child, acknowledged, SIZE_MAX);
    ::close(child.acknowledgements);

    clock_.jump_to(std::max(clock_.now_ms(), time_of(acknowledged)));
    const auto opened = open();
    ASSERT_TRUE(opened) << opened.error().message;
    ASSERT_EQ(db_->stats().damaged_records, 0u) << "round " << round;
    const auto found = rows();
    ASSERT_TRUE(found) << found.error().message;
    const auto& first = found->at(0);
    ASSERT_FALSE(first.empty());
    for (const auto& series : *found) ASSERT_EQ(series, first) << "round " << round;
    // Whole, from the oldest that retention left to the last acknowledged; one more may have been
    // stored whose acknowledgement was cut off.
    ASSERT_GE(first.back(), acknowledged) << "round " << round;
    ASSERT_LE(first.back(), acknowledged + 1) << "round " << round;
    ASSERT_EQ(first.back() - first.front() + 1, static_cast<int>(first.size())) << round;
    ASSERT_LE(first.front(), std::max(0, acknowledged - 120)) << "round " << round;
    acknowledged = first.back();
    db_.reset();
  }
}

}  // namespace
}  // namespace strata::tsdb

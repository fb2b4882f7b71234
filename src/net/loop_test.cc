#include "net/loop.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <vector>

namespace strata::net {
namespace {

using std::chrono::milliseconds;

TEST(Loop, RunsTasksOnItsThreadInOrder) {
  Loop loop;
  std::vector<int> ran;
  std::promise<bool> here;
  loop.post([&] { ran.push_back(1); });
  loop.post([&] { ran.push_back(2); });
  loop.start();
  loop.post([&] { here.set_value(loop.here()); });
  EXPECT_TRUE(here.get_future().get());
  EXPECT_FALSE(loop.here());
  EXPECT_EQ(ran, (std::vector{1, 2}));
}

TEST(Loop, TimersFireInTheOrderTheyAreDue) {
  Loop loop;
  std::vector<int> ran;
  std::promise<void> last;
  loop.after(milliseconds(30), [&] { ran.push_back(3), last.set_value(); });
  loop.after(milliseconds(20), [&] { ran.push_back(2); });
  loop.after(milliseconds(-5), [&] { ran.push_back(1); });
  loop.start();
  last.get_future().get();
  EXPECT_EQ(ran, (std::vector{1, 2, 3}));
}

TEST(Loop, ATimerSetFromATimerFires) {
  Loop loop;
  std::promise<void> second;
  loop.start();
  loop.after(milliseconds(1), [&] { loop.after(milliseconds(1), [&] { second.set_value(); }); });
  second.get_future().get();
}

TEST(Loop, ACancelledTimerDoesNotRun) {
  Loop loop;
  bool ran = false;
  std::promise<void> later;
  const TimerId first = loop.after(milliseconds(5), [&] { ran = true; });
  const TimerId second = loop.after(milliseconds(10), [&] { later.set_value(); });
  EXPECT_TRUE(loop.cancel(first));
  EXPECT_FALSE(loop.cancel(first));
  loop.start();
  later.get_future().get();
  EXPECT_FALSE(ran);
  EXPECT_FALSE(loop.cancel(second));
}

TEST(Loop, TakesTasksFromManyThreads) {
  Loop loop;
  loop.start();
  constexpr int kEach = 1000;
  int count = 0;
  std::promise<void> all;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        loop.post([&] {
          if (++count == 4 * kEach) all.set_value();
        });
        loop.cancel(loop.after(std::chrono::hours(1), [] {}));
      }
    });
  }
  all.get_future().get();
}

TEST(Loop, StopDropsWhatIsLeft) {
  auto held = std::make_shared<int>(1);
  {
    Loop loop;
    loop.start();
    loop.after(std::chrono::hours(1), [held] {});
    loop.stop();
    loop.post([held] {});
    EXPECT_FALSE(loop.running());
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace strata::net

#include "collect/mount_probe.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>

namespace strata::collect {
namespace {

using std::chrono::milliseconds;

// A mount that does not answer until it is told to, and how often it was asked.
struct Hanging {
  std::shared_ptr<std::promise<void>> released = std::make_shared<std::promise<void>>();
  std::shared_future<void> release = released->get_future().share();
  std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0);

  MountProbe::Ask ask() const {
    return [release = release, asked = asked](const std::string& path) {
      if (path == "/hangs") {
        ++*asked;
        release.wait();
      }
      return MountStats{.size = 1, .error = {}};
    };
  }
};

TEST(MountProbe, AnswersInOrder) {
  MountProbe probe(milliseconds(60'000), [](const std::string& path) {
    return MountStats{.size = static_cast<double>(path.size()), .error = {}};
  });
  const auto stats = probe.round({"/a", "/bcd"});
  ASSERT_EQ(stats.size(), 2u);
  EXPECT_EQ(stats[0].size, 2);
  EXPECT_EQ(stats[1].size, 4);
  EXPECT_EQ(probe.stuck(), 0u);
}

TEST(MountProbe, OneThatHangsIsAnErrorAndIsNotAskedAgain) {
  Hanging mounts;
  MountProbe probe(milliseconds(20), mounts.ask());
  auto stats = probe.round({"/hangs", "/b"});
  EXPECT_EQ(stats[0].error, MountProbe::kTimeout);
  EXPECT_EQ(stats[1].error, MountProbe::kTimeout);  // had no turn
  EXPECT_EQ(probe.stuck(), 1u);

  stats = probe.round({"/hangs"});
  EXPECT_EQ(stats[0].error, MountProbe::kTimeout);
  EXPECT_EQ(probe.stuck(), 1u);
  EXPECT_LE(*mounts.asked, 1);
  mounts.released->set_value();
}

TEST(MountProbe, OneThatComesBackIsAskedAgain) {
  Hanging mounts;
  MountProbe probe(milliseconds(20), mounts.ask());
  probe.round({"/hangs"});
  ASSERT_EQ(probe.stuck(), 1u);
  mounts.released->set_value();
  // Its thread ends in its own time; each round looks whether it has.
  std::vector<MountStats> stats;
  do {
    stats = probe.round({"/hangs"});
  } while (!stats[0].error.empty());
  EXPECT_EQ(stats[0].size, 1);
  EXPECT_EQ(probe.stuck(), 0u);
}

TEST(MountProbe, ErrorsAreSpeltAsGoSpellsThem) {
  EXPECT_EQ(ask_statfs("/no/such/place").error, "no such file or directory");
}

}  // namespace
}  // namespace strata::collect

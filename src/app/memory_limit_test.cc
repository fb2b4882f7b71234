#include "app/memory_limit.h"

#include <gtest/gtest.h>

#include "base/temp_dir.h"

namespace strata::app {
namespace {

class MemoryLimit : public testing::Test {
 protected:
  void write(const std::string& path, std::string_view text) {
    const std::string file = dir_.file(path);
    ASSERT_TRUE(real_fs().create_directories(file.substr(0, file.rfind('/'))));
    ASSERT_TRUE(real_fs().create(file).value()->append(text));
  }
  uint64_t limit() { return memory_limit(real_fs(), dir_.file("proc"), dir_.file("groups")); }
  TempDir dir_;
};

TEST_F(MemoryLimit, IsTheMachinesWithoutGroups) {
  write("proc/meminfo", "MemFree: 1 kB\nMemTotal:       2048 kB\n");
  EXPECT_EQ(limit(), 2u << 20);
}

TEST_F(MemoryLimit, IsTheSmallestOfTheGroupsAndTheMachine) {
  write("proc/meminfo", "MemTotal:       4096 kB\n");
  write("proc/self/cgroup", "0::/pods/a\n");
  write("groups/pods/a/memory.max", "max\n");
  EXPECT_EQ(limit(), 4u << 20);
  write("groups/pods/memory.max", "3145728\n");
  EXPECT_EQ(limit(), 3u << 20);
}

TEST_F(MemoryLimit, KnowsTheFirstVersionOfGroups) {
  write("proc/meminfo", "MemTotal:       4096 kB\n");
  write("proc/self/cgroup", "3:cpu,cpuacct:/x\n2:memory:/x\n");
  write("groups/memory/x/memory.limit_in_bytes", "1048576\n");
  EXPECT_EQ(limit(), 1u << 20);
}

TEST_F(MemoryLimit, IsNothingWhereNothingCanBeRead) {
  EXPECT_EQ(limit(), 0u);
  write("proc/meminfo", "nonsense");
  write("proc/self/cgroup", "a:b\n0::relative\n");
  EXPECT_EQ(limit(), 0u);
}

}  // namespace
}  // namespace strata::app

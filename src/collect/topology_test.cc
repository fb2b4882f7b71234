#include "collect/topology.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/temp_dir.h"

namespace strata::collect {
namespace {

constexpr const char* kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

// A /proc of files and links that point where a kernel's would.
class TopologyTest : public testing::Test {
 protected:
  void SetUp() override {
    process(1, 0, "0", "/init.scope", "net:[1]");
    write("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
  }
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = dir_.file(path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  void link(const std::string& path, const std::string& target) {
    const std::filesystem::path file = dir_.file(path);
    std::filesystem::create_directories(file.parent_path());
    std::filesystem::create_symlink(target, file);
  }
  void process(uint32_t pid, uint32_t parent, const std::string& user, const std::string& cgroup,
               const std::string& network) {
    const std::string at = "proc/" + std::to_string(pid);
    write(at + "/status",
          "Name:\tx\nPPid:\t" + std::to_string(parent) + "\nUid:\t" + user + "\t0\n");
    write(at + "/cgroup", "0::" + cgroup + "\n");
    link(at + "/ns/net", network);
  }
  // `pid` listens; its table of sockets is what its namespace would show.
  void listens(uint32_t pid, int inode) {
    link("proc/" + std::to_string(pid) + "/fd/7", "socket:[" + std::to_string(inode) + "]");
  }
  void table(uint32_t pid, const std::string& rows) {
    write("proc/" + std::to_string(pid) + "/net/tcp",
          "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
          "timeout inode\n" +
              rows);
  }
  static std::string row(const std::string& port, const std::string& state, int inode) {
    return "   0: 00000000:" + port + " 00000000:0000 " + state +
           " 00000000:00000000 00:00000000 00000000     0        0 " + std::to_string(inode) +
           " 1 0000000000000000 100 0 0 10 0\n";
  }
  static GpuReading gpu(std::vector<uint32_t> pids) {
    GpuReading reading;
    reading.uuid = "GPU-1";
    for (const uint32_t pid : pids) reading.processes.push_back({.pid = pid});
    return reading;
  }
  std::vector<Topology::Row> find(const GpuReading& reading, const PodsByDevice& pods = {}) {
    Topology topology(dir_.file("proc"), dir_.file("sys"), "n1");
    return topology.find(std::span(&reading, 1), pods);
  }
  TempDir dir_;
};

TEST_F(TopologyTest, AnEngineIsFoundThroughTheProcessThatStartedTheWorker) {
  const std::string group = "/user.slice/session-1.scope";
  process(50, 1, "0", group, "net:[1]");       // sshd: another user
  process(100, 50, "1000", group, "net:[1]");  // the API server
  process(101, 100, "1000", group, "net:[1]");
  table(101, row("1F40", "0A", 11) + row("1F41", "01", 12) + row("C001", "0A", 13) +
                 row("0016", "0A", 14));
  listens(100, 11);
  listens(101, 13);  // a port that the kernel picked
  listens(50, 14);
  const auto rows = find(gpu({101}));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0], (Topology::Row{"GPU-1", 101, "", "n1:8000", {}}));
}

TEST_F(TopologyTest, AContainersProcessesAreOneEngineAtItsOwnAddress) {
  const std::string group = std::string("/system.slice/docker-") + kId + ".scope";
  process(200, 1, "0", group, "net:[2]");
  process(201, 1, "5", group, "net:[2]");
  write("sys/fs/cgroup" + group + "/cgroup.procs", "0\n200\n201\n");
  table(201, row("1F40", "0A", 21));
  listens(200, 21);
  write("proc/201/net/fib_trie",
        "Main:\n  +-- 0.0.0.0/0\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 172.17.0.2\n"
        "        /32 host LOCAL\n");
  const auto rows = find(gpu({201}), {{"GPU-1", {"pod", "ns", "main"}}});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].container, "0123456789ab");
  EXPECT_EQ(rows[0].instance, "172.17.0.2:8000");
  EXPECT_EQ(rows[0].pod.namespace_, "ns");
}

TEST_F(TopologyTest, AProcessOfWhichNothingCanBeSeenStillHasARow) {
  const auto rows = find(gpu({4242}));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0], (Topology::Row{"GPU-1", 4242, "", "", {}}));
}

TEST(ContainerId, IsTheLastRunOfSixtyFourDigits) {
  const std::string id = kId;
  EXPECT_EQ(container_id("/docker/" + id), "0123456789ab");
  EXPECT_EQ(container_id("/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + id + ".scope"),
            "0123456789ab");
  EXPECT_EQ(container_id("/libpod-" + id + ".scope/container"), "0123456789ab");
  EXPECT_EQ(container_id("/docker/" + id + "f"), "");
  EXPECT_EQ(container_id("/user.slice/user-1000.slice"), "");
  EXPECT_EQ(container_id(""), "");
}

TEST(Listening, LinesThatDoNotReadSoAreSkipped) {
  std::map<uint64_t, uint16_t> ports;
  parse_listening("x\n\n 0: 0100:ZZZZ 0:0 0A 0 0 0 0 0 5\n 1: 0:1F40 0:0 0A 0 0 0 0 0 6\n", ports);
  EXPECT_EQ(ports, (std::map<uint64_t, uint16_t>{{6, 8000}}));
}

}  // namespace
}  // namespace strata::collect

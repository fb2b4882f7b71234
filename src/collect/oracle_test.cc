// node_exporter is the oracle: its own end-to-end fixtures and what it printed for them, and, where
// Debian's package is installed, a live one over the same trees.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/fs.h"
#include "base/number.h"
#include "base/regex.h"
#include "base/temp_dir.h"
#include "collect/fields.h"
#include "collect/host.h"

namespace strata::collect {
namespace {

// ---- A collection and an exposition in one plain form, and how two of them differ.

struct PlainFamily {
  std::string type;
  std::string help;
  std::map<std::string, double> samples;  // by name{labels}, labels sorted, empty ones left out
};
using PlainFamilies = std::map<std::string, PlainFamily>;

std::string series(std::string_view name, const Labels& labels) {
  return std::string(name) + labels.to_string();
}

PlainFamilies plain(const std::vector<MetricFamily>& families) {
  PlainFamilies out;
  for (const MetricFamily& family : families) {
    PlainFamily& to = out[family.name];
    to.type = family.type == MetricType::kUnknown ? "untyped" : to_string(family.type);
    to.help = family.help;
    for (const auto& sample : family.samples) {
      const std::string key = series(family.name + sample.suffix, sample.labels);
      EXPECT_TRUE(to.samples.emplace(key, sample.value).second) << "twice: " << key;
    }
  }
  return out;
}

// `a="b",c="d\"e"` without the braces.
Labels parse_labels(std::string_view text) {
  LabelsBuilder labels;
  while (!text.empty()) {
    const auto [name, rest] = cut(text, '=');
    std::string value;
    size_t i = 1;
    for (; rest[i] != '"'; ++i) {
      if (rest[i] != '\\') {
        value += rest[i];
        continue;
      }
      ++i;
      value += rest[i] == 'n' ? '\n' : rest[i];
    }
    labels.set(name, value);
    text = rest.substr(i + 1);
    if (text.starts_with(",")) text.remove_prefix(1);
  }
  return labels.build();
}

std::string unescape_help(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      out += text[i] == 'n' ? '\n' : text[i];
    } else {
      out += text[i];
    }
  }
  return out;
}

// The family of a sample: its name, or that without the suffix of a histogram or summary.
PlainFamily& family_of(PlainFamilies& families, std::string_view name) {
  for (const std::string_view suffix : {"", "_bucket", "_sum", "_count"}) {
    if (!name.ends_with(suffix)) continue;
    const auto found = families.find(std::string(name.substr(0, name.size() - suffix.size())));
    if (found != families.end()) return found->second;
  }
  return families[std::string(name)];
}

PlainFamilies parse_exposition(std::string_view text) {
  PlainFamilies families;
  for (Lines lines(text); lines.next();) {
    std::string_view line = lines.line();
    if (line.starts_with("# HELP ")) {
      const auto [name, help] = cut(line.substr(7), ' ');
      families[std::string(name)].help = unescape_help(help);
    } else if (line.starts_with("# TYPE ")) {
      const auto [name, type] = cut(line.substr(7), ' ');
      families[std::string(name)].type = type;
    } else if (!line.empty() && !line.starts_with("#")) {
      const size_t brace = line.find('{');
      const size_t close = line.rfind('}');
      const bool labelled = brace != std::string_view::npos && brace < line.find(' ');
      const std::string_view name = line.substr(0, labelled ? brace : line.find(' '));
      const Labels labels =
          labelled ? parse_labels(line.substr(brace + 1, close - brace - 1)) : Labels();
      std::string_view rest = labelled ? line.substr(close + 1) : line.substr(name.size());
      const auto value = parse_double(next_field(rest));
      CHECK(value.has_value());
      family_of(families, name).samples[series(name, labels)] = *value;
    }
  }
  std::erase_if(families, [](const auto& family) { return family.second.samples.empty(); });
  return families;
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

std::vector<std::string> differences(const PlainFamilies& ours, const PlainFamilies& theirs,
                                     bool values = true) {
  std::vector<std::string> found;
  for (const auto& [name, their] : theirs) {
    const auto our = ours.find(name);
    if (our == ours.end()) {
      found.push_back("missing family " + name);
      continue;
    }
    if (our->second.type != their.type) {
      found.push_back(name + ": type " + our->second.type + ", theirs " + their.type);
    }
    if (our->second.help != their.help) {
      found.push_back(name + ": help '" + our->second.help + "', theirs '" + their.help + "'");
    }
    for (const auto& [key, value] : their.samples) {
      const auto sample = our->second.samples.find(key);
      if (sample == our->second.samples.end()) {
        found.push_back("missing sample " + key);
      } else if (values && !same(sample->second, value)) {
        found.push_back(key + " is " + format_double(sample->second) + ", theirs " +
                        format_double(value));
      }
    }
    for (const auto& [key, value] : our->second.samples) {
      if (!their.samples.contains(key)) found.push_back("extra sample " + key);
    }
  }
  for (const auto& [name, our] : ours) {
    if (!theirs.contains(name)) found.push_back("extra family " + name);
  }
  return found;
}

std::string report(const std::vector<std::string>& lines) {
  constexpr size_t kShown = 40;
  std::string out = std::to_string(lines.size()) + " differences\n";
  for (size_t i = 0; i < lines.size() && i < kShown; ++i) out += lines[i] + "\n";
  return out;
}

void remove(PlainFamilies& families, std::string_view pattern) {
  const Regex regex = *Regex::compile(pattern);
  std::erase_if(families, [&](const auto& family) { return regex.full_match(family.first); });
}

// ---- The fixtures.

std::filesystem::path shared_fixtures() {
  const char* given = std::getenv("STRATA_SHARED_DATA");
  const std::filesystem::path data = given != nullptr ? given : "../shared/data";
  return data / "node_exporter/fixtures";
}

// The trees were unpacked where links could not be made: a file that holds "../somewhere" was one.
void copy_with_links(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::create_directories(to);
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    const auto target = to / entry.path().filename();
    if (entry.is_directory()) {
      copy_with_links(entry.path(), target);
      continue;
    }
    const std::string content = *real_fs().read_file(entry.path().string());
    if (content.starts_with("../") && content.find('\n') == std::string::npos) {
      std::filesystem::create_symlink(content, target);
    } else {
      std::ofstream(target) << content;
    }
  }
}

// A copy of the fixtures with their links, made once a run; empty where there are none.
std::string fixtures() {
  if (!std::filesystem::exists(shared_fixtures() / "e2e-output.txt")) return "";
  static const auto copy = [] {
    auto dir = std::make_unique<TempDir>();
    for (const char* part : {"proc", "sys", "udev", "textfile", "usr"}) {
      copy_with_links(shared_fixtures() / part, dir->file(part));
    }
    std::filesystem::create_directory(dir->file("sys/class/watchdog/watchdog1"));  // empty, so lost
    std::filesystem::remove(dir->file("proc/self"));
    std::filesystem::create_symlink("10", dir->file("proc/self"));
    return dir;
  }();
  return copy->path();
}

// What it printed, with the paths that it was given replaced by ours.
std::string printed_for_fixtures(const std::string& tree) {
  std::string text = *real_fs().read_file(shared_fixtures() / "e2e-output.txt");
  constexpr std::string_view kTheirs = "collector/fixtures";
  for (size_t at = text.find(kTheirs); at != std::string::npos; at = text.find(kTheirs, at + 1)) {
    text.replace(at, kTheirs.size(), tree);
  }
  return text;
}

#define FIXTURES_OR_SKIP()                                      \
  const std::string tree = fixtures();                          \
  if (tree.empty())                                             \
  GTEST_SKIP() << "node_exporter's fixtures are not here (set " \
                  "STRATA_SHARED_DATA to the folder that holds them)"

HostOptions over(const std::string& tree) {
  HostOptions options;
  options.procfs = tree + "/proc";
  options.sysfs = tree + "/sys";
  options.rootfs = tree;
  options.udev_data = tree + "/udev/data";
  return options;
}

PlainFamilies collect_plain(HostOptions options) {
  auto host = HostCollector::create(std::move(options));
  EXPECT_TRUE(host.has_value()) << host.error().message;
  std::vector<MetricFamily> families;
  (*host)->collect(families);
  return plain(families);
}

// What the end-to-end run printed that is not ours: of collectors that are off by default in
// node_exporter, or that are for it alone.
constexpr std::string_view kNotOurs[] = {
    "promhttp_.*",
    "node_bcachefs_.*",   // bcachefs: off by default
    "node_buddyinfo_.*",  // buddyinfo
    "node_cgroups_.*",    // cgroups
    "node_cpu_vulnerabilities_.*",
    "node_dmmultipath_.*",    // dmmultipath: hardware that inference nodes do not have
    "node_drbd_.*",           // drbd
    "node_interrupts_total",  // interrupts
    "node_ksmd_.*",           // ksmd
    "node_lnstat_.*",         // lnstat
    "node_memory_numa_.*",    // meminfo_numa
    "node_mountstats_.*",     // mountstats
    "node_pcidevice_.*",      // pcidevice
    "node_processes_.*",      // processes
    "node_qdisc_.*",          // qdisc
    "node_slabinfo_.*",       // slabinfo
    "node_softirqs_functions_total",
    "node_sysctl_.*",            // sysctl
    "node_wifi_.*",              // wifi
    "node_xfrm_.*",              // xfrm
    "node_zoneinfo_.*",          // zoneinfo
    "node_scrape_collector_.*",  // compared on its own
};

// Live in both runs: no fixture stands behind them, or the fixture run left them out.
constexpr std::string_view kLive[] = {
    "node_time_seconds",
    "node_time_zone_offset_seconds",
    "node_textfile_mtime_seconds",
    "node_network_(receive|transmit)_(bytes|packets)_total",
};

HostOptions end_to_end(const std::string& tree) {
  HostOptions options = over(tree);
  for (const char* name : {"filesystem", "selinux", "timex", "uname"}) {
    options.collectors.emplace_back(name, false);
  }
  options.settings = {
      {"arp.device-exclude", "nope"},
      {"bcache.priorityStats", "true"},
      {"cpu.info", "true"},
      {"cpu.info.bugs-include", "^(cpu_meltdown|spectre_.*|mds)$"},
      {"cpu.info.flags-include", "^(aes|avx.?|constant_tsc)$"},
      {"hwmon.chip-include", "(applesmc|asus_nb_wmi|coretemp|hwmon4|ieee80211|nct6779)"},
      {"netclass.ignore-invalid-speed", "true"},
      {"netclass.ignored-devices", "(dmz|int)"},
      {"netdev.device-include", "lo"},
      {"stat.softirq", "true"},
      {"textfile.directory", tree + "/textfile/two_metric_files/"},
  };
  return options;
}

TEST(NodeExporterOracle, FixtureTreesGiveWhatNodeExporterPrintedForThem) {
  FIXTURES_OR_SKIP();
  const std::string printed = printed_for_fixtures(tree);
  PlainFamilies theirs = parse_exposition(printed);
  PlainFamilies ours = collect_plain(end_to_end(tree));
  remove(ours, "node_scrape_collector_.*");
  for (const std::string_view pattern : kNotOurs) {
    const size_t before = theirs.size();
    remove(theirs, pattern);
    EXPECT_LT(theirs.size(), before) << "nothing is left out by " << pattern;
  }
  for (const std::string_view pattern : kLive) remove(theirs, pattern), remove(ours, pattern);

  const auto found = differences(ours, theirs);
  EXPECT_TRUE(found.empty()) << report(found);
}

TEST(NodeExporterOracle, TheSameCollectorsSucceed) {
  FIXTURES_OR_SKIP();
  const PlainFamilies theirs = parse_exposition(printed_for_fixtures(tree));
  PlainFamilies ours = collect_plain(end_to_end(tree));
  const PlainFamily& success = ours["node_scrape_collector_success"];
  const PlainFamily& expected = theirs.at("node_scrape_collector_success");
  EXPECT_EQ(success.type, expected.type);
  EXPECT_EQ(success.help, expected.help);
  for (const auto& [key, value] : success.samples) {
    ASSERT_TRUE(expected.samples.contains(key)) << key;
    EXPECT_EQ(value, expected.samples.at(key)) << key;
  }
}

// ---- A live node_exporter: Debian's package.

constexpr const char* kBinary = "/usr/bin/prometheus-node-exporter";

/// The program, listening on a free port of loopback; ended when this goes.
class LiveExporter {
 public:
  explicit LiveExporter(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), kBinary);
    arguments.emplace_back("--web.listen-address=127.0.0.1:0");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int log[2];
    CHECK(::pipe2(log, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, log[1], STDERR_FILENO);
    CHECK(::posix_spawn(&pid_, kBinary, &actions, nullptr, argv.data(), environ) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(log[1]);
    log_ = log[0];
    port_ = read_port();
  }
  ~LiveExporter() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(log_);
  }
  LiveExporter(const LiveExporter&) = delete;
  LiveExporter& operator=(const LiveExporter&) = delete;

  bool listens() const { return port_ != 0; }
  const std::string& log() const { return text_; }

  std::string scrape() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    constexpr std::string_view kRequest = "GET /metrics HTTP/1.0\r\n\r\n";
    CHECK(::write(fd, kRequest.data(), kRequest.size()) == std::ssize(kRequest));
    std::string answer;
    char buffer[65536];
    for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;) {
      answer.append(buffer, static_cast<size_t>(n));
    }
    ::close(fd);
    const size_t body = answer.find("\r\n\r\n");
    return body == std::string::npos ? "" : answer.substr(body + 4);
  }

 private:
  // msg="Listening on" address=127.0.0.1:39213; 0 when it ends, or says nothing for 20 s.
  uint16_t read_port() {
    constexpr std::string_view kBefore = "Listening on\" address=127.0.0.1:";
    while (true) {
      const size_t at = text_.find(kBefore);
      const size_t end = text_.find_first_not_of("0123456789", at + kBefore.size());
      if (at != std::string::npos && end != std::string::npos) {
        const auto digits = std::string_view(text_).substr(at + kBefore.size());
        return static_cast<uint16_t>(*parse_uint(digits.substr(0, end - at - kBefore.size())));
      }
      pollfd ready{log_, POLLIN, 0};
      char buffer[4096];
      if (::poll(&ready, 1, 20'000) <= 0) return 0;
      const ssize_t n = ::read(log_, buffer, sizeof buffer);
      if (n <= 0) return 0;
      text_.append(buffer, static_cast<size_t>(n));
    }
  }

  pid_t pid_ = 0;
  int log_ = -1;
  uint16_t port_ = 0;
  std::string text_;
};

constexpr const char* kRequired[] = {"cpu",     "diskstats", "filefd", "filesystem",
                                     "loadavg", "meminfo",   "netdev", "pressure",
                                     "stat",    "time",      "uname",  "vmstat"};

// Where Debian's 1.5.0 is not what we follow (1.12).
constexpr struct {
  std::string_view families;
  std::string_view why;
} kVersionDifferences[] = {
    {"node_disk_info", "no rotational label (1.9), no ID_SERIAL in place of a serial"},
    {"node_filesystem_mount_info", "came with 1.9"},
    {"node_pressure_irq_stalled_seconds_total", "came with 1.9"},
};

// Debian's package leaves out other devices than upstream does: so the filters are given.
const std::vector<std::pair<std::string, std::string>> kFilters = {
    {"diskstats.device-exclude", "^(ram|loop)\\d+$"},
    {"filesystem.mount-points-exclude", "^/(dev|proc|sys)($|/)"},
    {"filesystem.fs-types-exclude", "^(proc|sysfs|tmpfs|overlay)$"},
    {"netdev.device-exclude", "^nothing$"},
};

std::vector<std::string> exporter_arguments() {
  std::vector<std::string> arguments = {"--collector.disable-defaults"};
  for (const char* name : kRequired) arguments.push_back(std::string("--collector.") + name);
  for (const auto& [name, value] : kFilters) {
    arguments.push_back("--collector." + name + "=" + value);
  }
  return arguments;
}

HostOptions only_required(HostOptions options) {
  for (const HostCollectorInfo& info : host_collectors()) {
    options.collectors.emplace_back(info.name,
                                    std::ranges::find(kRequired, info.name) != std::end(kRequired));
  }
  return options;
}

bool has_unreadable_mount(const PlainFamilies& families) {
  const auto family = families.find("node_filesystem_device_error");
  return family != families.end() &&
         std::ranges::any_of(family->second.samples,
                             [](const auto& sample) { return sample.second != 0; });
}

// What differs between a live exporter and us, over the same trees; nothing when all is well.
void compare_with_live(const std::vector<std::string>& paths, HostOptions options, bool values) {
  std::vector<std::string> arguments = exporter_arguments();
  arguments.insert(arguments.end(), paths.begin(), paths.end());
  const LiveExporter exporter(arguments);
  ASSERT_TRUE(exporter.listens()) << exporter.log();
  options.settings = kFilters;
  PlainFamilies theirs = parse_exposition(exporter.scrape());
  PlainFamilies ours = collect_plain(only_required(std::move(options)));
  const auto drop = [&](std::string_view pattern) {
    remove(theirs, pattern);
    remove(ours, pattern);
  };
  for (const std::string_view pattern :
       {"go_.*", "process_.*", "promhttp_.*", "node_exporter_build_info"}) {
    drop(pattern);
  }
  for (const auto& difference : kVersionDifferences) drop(difference.families);
  // Only root may read process 1's mounts, and 1.5.0 then has nothing.
  if (!theirs.contains("node_filesystem_readonly")) drop("node_filesystem_.*");
  // A mount that cannot be looked into (a chroot shows the host's) is reported otherwise by 1.5.0.
  if (has_unreadable_mount(ours)) drop("node_filesystem_.*");
  if (values) {
    for (const std::string_view pattern : kLive) drop(pattern);
    for (const char* pattern : {"node_scrape_.*", "node_network_.*"}) drop(pattern);
  }
  const auto found = differences(ours, theirs, values);
  EXPECT_TRUE(found.empty()) << report(found);
}

TEST(NodeExporterOracle, ALiveNodeExporterSaysTheSameOfTheFixtures) {
  FIXTURES_OR_SKIP();
  if (::access(kBinary, X_OK) != 0) GTEST_SKIP() << kBinary << " is not installed";
  compare_with_live({"--path.procfs=" + tree + "/proc", "--path.sysfs=" + tree + "/sys",
                     "--path.rootfs=" + tree, "--path.udev.data=" + tree + "/udev/data"},
                    over(tree), true);
}

// Values move between two looks at one machine; which series there are does not.
TEST(NodeExporterOracle, ALiveNodeExporterHasTheSameSeriesOfThisMachine) {
  if (::access(kBinary, X_OK) != 0) GTEST_SKIP() << kBinary << " is not installed";
  compare_with_live({}, HostOptions(), false);
}

}  // namespace
}  // namespace strata::collect

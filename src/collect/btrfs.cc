// node_btrfs_*: /sys/fs/btrfs/<uuid>. Error counts of devices need an ioctl on a mounted file
// system and are not read.
#include <fmt/format.h>

#include "base/number.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

constexpr std::string_view kBtrfsDir = "fs/btrfs";
constexpr double kSector = 512;

// How many bytes of disk a byte of data takes.
double allocation_ratio(std::string_view layout, size_t devices) {
  const auto n = static_cast<double>(devices);
  if (layout == "single" || layout == "raid0") return 1;
  if (layout == "dup" || layout == "raid1" || layout == "raid10") return 2;
  if (layout == "raid1c3") return 3;
  if (layout == "raid1c4") return 4;
  if (layout == "raid5") return n / (n - 1);
  if (layout == "raid6") return n / (n - 2);
  return 0;
}

class Filesystem {
 public:
  Filesystem(Host& host, std::string dir) : host_(host), dir_(std::move(dir)) {
    uuid_ = host_.sys.attribute(join(dir_, "metadata_uuid")).value_or("");
    if (uuid_.empty()) uuid_ = dir_.substr(kBtrfsDir.size() + 1);
    devices_ = host_.sys.names(join(dir_, "devices"));
  }

  void add() {
    const std::string label = host_.sys.attribute(join(dir_, "label")).value_or("");
    host_.out.gauge("node_btrfs_info", "Filesystem information")
        .add(1, {{"uuid", uuid_}, {"label", label}});
    gauge("node_btrfs_global_rsv_size_bytes", "Size of global reserve.",
          number("allocation/global_rsv_size"));
    add_commits();
    for (const std::string_view type : {"data", "metadata", "system"}) add_allocation(type);
    for (const std::string& device : devices_) {
      host_.out
          .gauge("node_btrfs_device_size_bytes", "Size of a device that is part of the filesystem.")
          .add(number(fmt::format("devices/{}/size", device)) * kSector,
               {{"uuid", uuid_}, {"device", device}});
    }
  }

 private:
  double number(std::string_view file) {
    return static_cast<double>(host_.sys.attribute_uint(join(dir_, file)).value_or(0));
  }
  void gauge(std::string_view name, std::string_view help, double value) {
    host_.out.gauge(name, help).add(value, {{"uuid", uuid_}});
  }

  // "commits 258051", "last_commit_ms 10000", …; Linux 5.20 and later.
  void add_commits() {
    double commits = 0, last = 0, longest = 0, total = 0;
    const std::string text = host_.sys.attribute(join(dir_, "commit_stats")).value_or("");
    for (Lines lines(text); lines.next();) {
      std::string_view rest = lines.line();
      const std::string_view name = next_field(rest);
      const auto value = parse_uint(next_field(rest));
      if (!value) continue;
      const auto count = static_cast<double>(*value);
      if (name == "commits") commits = count;
      if (name == "last_commit_ms") last = count / 1000;
      if (name == "max_commit_ms") longest = count / 1000;
      if (name == "total_commit_ms") total = count / 1000;
    }
    const auto counter = [&](std::string_view name, std::string_view help, double value) {
      host_.out.counter(name, help).add(value, {{"uuid", uuid_}});
    };
    counter("node_btrfs_commits_total", "The total number of commits that have occurred.", commits);
    gauge("node_btrfs_last_commit_seconds", "Duration of the most recent commit, in seconds.",
          last);
    gauge("node_btrfs_max_commit_seconds", "Duration of the slowest commit, in seconds.", longest);
    counter("node_btrfs_commit_seconds_total", "Sum of the duration of all commits, in seconds.",
            total);
  }

  void add_allocation(std::string_view type) {
    const std::string place = join("allocation", type);
    host_.out.gauge("node_btrfs_reserved_bytes", "Amount of space reserved for a data type")
        .add(number(join(place, "bytes_reserved")), {{"uuid", uuid_}, {"block_group_type", type}});
    for (const std::string& layout : host_.sys.names(join(dir_, place))) {
      const std::string layout_place = join(place, layout);
      if (!host_.sys.is_directory(join(dir_, layout_place))) continue;
      const auto add = [&](std::string_view name, std::string_view help, double value) {
        host_.out.gauge(name, help)
            .add(value, {{"uuid", uuid_}, {"block_group_type", type}, {"mode", layout}});
      };
      add("node_btrfs_used_bytes", "Amount of used space by a layout/data type",
          number(join(layout_place, "used_bytes")));
      add("node_btrfs_size_bytes", "Amount of space allocated for a layout/data type",
          number(join(layout_place, "total_bytes")));
      add("node_btrfs_allocation_ratio", "Data allocation ratio for a layout/data type",
          allocation_ratio(layout, devices_.size()));
    }
  }

  Host& host_;
  std::string dir_;
  std::string uuid_;
  std::vector<std::string> devices_;
};

}  // namespace

Result<> collect_btrfs(Host& host) {
  for (const std::string& uuid : host.sys.names(kBtrfsDir)) {
    if (uuid.find('-') == std::string::npos) continue;  // "features"
    Filesystem(host, join(kBtrfsDir, uuid)).add();
  }
  return {};
}

}  // namespace strata::collect

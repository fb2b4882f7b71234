// node_filesystem_*: /proc/1/mountinfo and statfs(2).
#include <fmt/format.h>

#include <memory>
#include <set>
#include <tuple>

#include "base/number.h"
#include "collect/collectors.h"
#include "collect/fields.h"
#include "collect/mount_probe.h"

namespace strata::collect {
namespace {

constexpr size_t kMaxMounts = 10'000;

struct Mount {
  std::string device, mount_point, type, major, minor;
  bool read_only = false;
};

// mountinfo writes blank, tab, newline and backslash as \040, \011, \012 and \134.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](size_t k) { return text[i + k] >= '0' && text[i + k] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && octal(1) && octal(2) && octal(3)) {
      out +=
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const auto [option, rest] = cut(options, ',');
    if (option == wanted) return true;
    options = rest;
  }
  return false;
}

// "36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw,errors=continue": proc(5). Fields
// are separated by exactly one blank, and the source may be empty.
Result<Mount> parse_mount(std::string_view line) {
  const size_t dash = line.find(" - ");
  if (dash == std::string_view::npos) return malformed("mountinfo", "a line without ' - '");
  std::string_view left = line.substr(0, dash);
  std::string_view fields[6];
  for (auto& field : fields) std::tie(field, left) = cut(left, ' ');
  const auto [type, rest] = cut(line.substr(dash + 3), ' ');
  const auto [source, super_options] = cut(rest, ' ');
  const auto [major, minor] = cut(fields[2], ':');
  if (!parse_uint(major) || !parse_uint(minor) || fields[4].empty()) {
    return malformed("mountinfo", "a line without device numbers or a mount point");
  }
  return Mount{.device = unescape(source),
               .mount_point = unescape(fields[4]),
               .type = std::string(type),
               .major = std::string(major),
               .minor = std::string(minor),
               .read_only = has_option(fields[5], "ro") || has_option(super_options, "ro") ||
                            has_option(super_options, "emergency_ro")};
}

class FilesystemCollector {
 public:
  explicit FilesystemCollector(const Settings& settings)
      : mount_points_(settings, "filesystem.mount-points"),
        types_(settings, "filesystem.fs-types"),
        probe_(settings.duration("filesystem.mount-timeout")) {}

  Result<> operator()(Host& host) {
    const std::vector<Mount> mounts = TRY(read_mounts(host));
    std::vector<std::string> paths;
    const std::string& root = host.root.root();
    for (const Mount& mount : mounts) {
      paths.push_back(root == "/" ? mount.mount_point : root + mount.mount_point);
    }
    const std::vector<MountStats> stats = probe_.round(paths);
    for (size_t i = 0; i < mounts.size(); ++i) add(host.out, mounts[i], stats[i]);
    return {};
  }

 private:
  Result<std::vector<Mount>> read_mounts(Host& host) {
    // Of process 1, whose view is the machine's; hidepid hides it from us.
    auto text = host.proc.read("1/mountinfo");
    if (!text) text = host.proc.read("self/mountinfo");
    if (!text) return std::unexpected(text.error());
    std::vector<Mount> mounts;
    std::set<std::tuple<std::string, std::string, std::string>> seen;  // mounted over themselves
    for (Lines lines(*text); lines.next();) {
      if (lines.line().empty()) continue;
      Mount mount = TRY(parse_mount(lines.line()));
      strip_root(host.root.root(), mount.mount_point);
      if (!mount_points_.keeps(mount.mount_point) || !types_.keeps(mount.type)) continue;
      if (!seen.emplace(mount.device, mount.mount_point, mount.type).second) continue;
      if (mounts.size() == kMaxMounts) {
        return fail(ErrorCode::kLimit, fmt::format("more than {} mounts", kMaxMounts));
      }
      mounts.push_back(std::move(mount));
    }
    return mounts;
  }

  static void strip_root(std::string_view root, std::string& mount_point) {
    if (root == "/" || !mount_point.starts_with(root)) return;
    mount_point.erase(0, root.size());
    if (mount_point.empty()) mount_point = "/";
  }

  static void add(Families& out, const Mount& mount, const MountStats& stats) {
    const std::vector<Label> labels = {{"device", mount.device},
                                       {"mountpoint", mount.mount_point},
                                       {"fstype", mount.type},
                                       {"device_error", stats.error}};
    const auto gauge = [&](std::string_view name, std::string_view help, double value) {
      out.gauge(name, help).add(value, labels);
    };
    gauge("node_filesystem_device_error",
          "Whether an error occurred while getting statistics for the given device.",
          stats.error.empty() ? 0 : 1);
    gauge("node_filesystem_readonly", "Filesystem read-only status.", mount.read_only ? 1 : 0);
    if (!stats.error.empty()) return;
    gauge("node_filesystem_size_bytes", "Filesystem size in bytes.", stats.size);
    gauge("node_filesystem_free_bytes", "Filesystem free space in bytes.", stats.free);
    gauge("node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes.",
          stats.available);
    gauge("node_filesystem_files", "Filesystem total file nodes.", stats.files);
    gauge("node_filesystem_files_free", "Filesystem total free file nodes.", stats.files_free);
    out.gauge("node_filesystem_mount_info", "Filesystem mount information.")
        .add(1, {{"device", mount.device},
                 {"major", mount.major},
                 {"minor", mount.minor},
                 {"mountpoint", mount.mount_point}});
  }

  NameFilter mount_points_;
  NameFilter types_;
  MountProbe probe_;
};

}  // namespace

Collector make_filesystem(const Settings& settings) {
  return [collector = std::make_unique<FilesystemCollector>(settings)](Host& host) {
    return (*collector)(host);
  };
}

}  // namespace strata::collect

// node_zfs_*: the kstats of /proc/spl/kstat/zfs.
#include <fmt/format.h>

#include <algorithm>

#include "base/number.h"
#include "collect/attributes.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

constexpr std::string_view kZfsDir = "spl/kstat/zfs";

struct Part {
  std::string_view file;
  std::string_view subsystem;
};

constexpr Part kParts[] = {{"abdstats", "zfs_abd"},
                           {"arcstats", "zfs_arc"},
                           {"dbufstats", "zfs_dbuf"},
                           {"dmu_tx", "zfs_dmu_tx"},
                           {"dnodestats", "zfs_dnode"},
                           {"fm", "zfs_fm"},
                           {"vdev_cache_stats", "zfs_vdev_cache"},
                           {"vdev_mirror_stats", "zfs_vdev_mirror"},
                           {"xuio_stats", "zfs_xuio"},
                           {"zfetchstats", "zfs_zfetch"},
                           {"zil", "zfs_zil"}};

constexpr std::string_view kPoolStates[] = {"online",  "degraded", "faulted",  "offline",
                                            "removed", "unavail",  "suspended"};

/// One "name type data" line of a kstat, of the types that are 64-bit integers (3 and 4).
struct Kstat {
  std::string_view name;
  double value = 0;
};

// Calls `use` for each; `dataset` gets the text of a dataset_name line.
template <class Use>
Result<> for_each_kstat(std::string_view text, std::string_view where, std::string& dataset,
                        const Use& use) {
  constexpr std::string_view kInt64 = "3", kUint64 = "4";
  bool begun = false;
  for (Lines lines(text); lines.next();) {
    std::string_view rest = lines.line();
    const std::string_view name = next_field(rest);
    const std::string_view type = next_field(rest);
    const std::string_view data = trim(rest);
    if (!begun) {
      begun = name == "name" && type == "type" && data == "data";
      continue;
    }
    if (name == "dataset_name") dataset = data;
    if (data.empty() || (type != kInt64 && type != kUint64)) continue;
    const auto value = parse_attribute(data);
    if (!value) return malformed(where, "a kstat that is not a number");
    use(Kstat{name, *value});
  }
  if (!begun) return malformed(where, "no kstats");
  return {};
}

// "name-with-dashes" is name_with_dashes, and what stands before its last dot is not of it.
std::string metric_of(std::string_view kstat) {
  std::string name(kstat.substr(kstat.rfind('.') + 1));
  std::ranges::replace(name, '-', '_');
  return name;
}

void add(Families& out, std::string_view subsystem, std::string_view group, const Kstat& kstat,
         const std::vector<Label>& labels) {
  out.untyped(fmt::format("node_{}_{}", subsystem, metric_of(kstat.name)),
              fmt::format("kstat.zfs.misc.{}.{}", group, kstat.name))
      .add(kstat.value, labels);
}

Result<> add_pool_io(Host& host, const std::string& pool) {
  const auto text = host.proc.read(fmt::format("{}/{}/io", kZfsDir, pool));
  if (!text) return {};  // the pool went away, or ZFS 2.1, which has none
  std::vector<std::string_view> names, values;
  for (Lines lines(*text); lines.next();) {
    if (names.empty()) {
      split_fields(lines.line(), names);
      if (names.size() < 12 || names[0] != "nread") names.clear();
      continue;
    }
    split_fields(lines.line(), values);
    if (values.size() < names.size()) return malformed("zpool io", "more names than values");
    for (size_t i = 0; i < names.size(); ++i) {
      const double value = static_cast<double>(TRY(to_uint(values[i], "zpool io")));
      add(host.out, "zfs_zpool", "io", {names[i], value}, {{"zpool", pool}});
    }
  }
  return {};
}

Result<> add_pool_datasets(Host& host, const std::string& pool) {
  const std::string dir = join(kZfsDir, pool);
  for (const std::string& file : host.proc.names(dir)) {
    if (!file.starts_with("objset-")) continue;
    const auto text = host.proc.read(join(dir, file));
    if (!text) continue;
    std::string dataset;
    TRY(for_each_kstat(*text, file, dataset, [&](const Kstat& kstat) {
      add(host.out, "zfs_zpool_dataset", "objset", kstat, {{"zpool", pool}, {"dataset", dataset}});
    }));
  }
  return {};
}

void add_pool_state(Host& host, const std::string& pool) {
  const auto text = host.proc.attribute(fmt::format("{}/{}/state", kZfsDir, pool));
  if (!text) return;
  const std::string state = lower_case(*text);
  const auto family = host.out.gauge("node_zfs_zpool_state", "kstat.zfs.misc.state");
  for (const std::string_view name : kPoolStates) {
    family.add(state == name ? 1 : 0, {{"zpool", pool}, {"state", name}});
  }
}

}  // namespace

Result<> collect_zfs(Host& host) {
  std::string none;
  const auto entries = TRY(host.proc.list(kZfsDir));
  for (const Part& part : kParts) {
    const auto text = host.proc.read(join(kZfsDir, part.file));
    if (!text) continue;  // parts come and go with versions of ZFS
    TRY(for_each_kstat(*text, part.file, none, [&](const Kstat& kstat) {
      add(host.out, part.subsystem, part.file, kstat, {});
    }));
  }
  for (const std::string& pool : entries) {
    if (!host.proc.is_directory(join(kZfsDir, pool))) continue;
    TRY(add_pool_io(host, pool));
    TRY(add_pool_datasets(host, pool));
    add_pool_state(host, pool);
  }
  return {};
}

}  // namespace strata::collect

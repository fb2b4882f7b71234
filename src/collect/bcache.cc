// node_bcache_*: /sys/fs/bcache/<uuid>, whose files are written for people ("20.4G").
#include <cmath>

#include "base/number.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

constexpr std::string_view kBcacheDir = "fs/bcache";

// bch_hprint: the digits after the point count 1024ths in tenths, so 427.5k is 427 + 5/10.24
// kibibytes.
std::optional<double> parse_human(std::string_view text) {
  constexpr std::string_view kUnits = "kMGTPEZY";
  if (text.empty()) return std::nullopt;
  const bool negative = text.front() == '-';
  if (negative) text.remove_prefix(1);
  double multiplier = 1;
  if (const size_t unit = text.empty() ? std::string_view::npos : kUnits.find(text.back());
      unit != std::string_view::npos) {
    multiplier = std::pow(1024.0, static_cast<double>(unit + 1));
    text.remove_suffix(1);
  }
  const auto [whole, fraction] = cut(text, '.');
  auto value = parse_double(whole);
  if (!value) return std::nullopt;
  if (!fraction.empty()) {
    const auto tenths = parse_double(fraction);
    if (!tenths) return std::nullopt;
    *value += *tenths / 10.24;
  }
  const double amount = std::trunc(*value * multiplier);
  return negative ? -amount : amount;
}

struct BcacheValue {
  std::string_view file;
  std::string_view metric;
  MetricType type;
  std::string_view help;
};

constexpr MetricType kGauge = MetricType::kGauge;
constexpr MetricType kCounter = MetricType::kCounter;

constexpr BcacheValue kSetValues[] = {
    {"average_key_size", "node_bcache_average_key_size_sectors", kGauge,
     "Average data per key in the btree (sectors)."},
    {"btree_cache_size", "node_bcache_btree_cache_size_bytes", kGauge,
     "Amount of memory currently used by the btree cache."},
    {"cache_available_percent", "node_bcache_cache_available_percent", kGauge,
     "Percentage of cache device without dirty data, usable for writeback (may contain clean "
     "cached "
     "data)."},
    {"congested", "node_bcache_congested", kGauge, "Congestion."},
    {"root_usage_percent", "node_bcache_root_usage_percent", kGauge,
     "Percentage of the root btree node in use (tree depth increases if too high)."},
    {"tree_depth", "node_bcache_tree_depth", kGauge, "Depth of the btree."},
    {"internal/active_journal_entries", "node_bcache_active_journal_entries", kGauge,
     "Number of journal entries that are newer than the index."},
    {"internal/btree_nodes", "node_bcache_btree_nodes", kGauge, "Total nodes in the btree."},
    {"internal/cache_read_races", "node_bcache_cache_read_races_total", kCounter,
     "Counts instances where while data was being read from the cache, the bucket was reused and "
     "invalidated - i.e. where the pointer was stale after the read completed."}};

constexpr BcacheValue kBackingValues[] = {
    {"dirty_data", "node_bcache_dirty_data_bytes", kGauge,
     "Amount of dirty data for this backing device in the cache."},
    {"stats_total/bypassed", "node_bcache_bypassed_bytes_total", kCounter,
     "Amount of IO (both reads and writes) that has bypassed the cache."},
    {"stats_total/cache_hits", "node_bcache_cache_hits_total", kCounter,
     "Hits counted per individual IO as bcache sees them."},
    {"stats_total/cache_misses", "node_bcache_cache_misses_total", kCounter,
     "Misses counted per individual IO as bcache sees them."},
    {"stats_total/cache_bypass_hits", "node_bcache_cache_bypass_hits_total", kCounter,
     "Hits for IO intended to skip the cache."},
    {"stats_total/cache_bypass_misses", "node_bcache_cache_bypass_misses_total", kCounter,
     "Misses for IO intended to skip the cache."},
    {"stats_total/cache_miss_collisions", "node_bcache_cache_miss_collisions_total", kCounter,
     "Instances where data insertion from cache miss raced with write (data already present)."}};

constexpr BcacheValue kCacheValues[] = {
    {"io_errors", "node_bcache_io_errors", kGauge,
     "Number of errors that have occurred, decayed by io_error_halflife."},
    {"metadata_written", "node_bcache_metadata_written_bytes_total", kCounter,
     "Sum of all non data writes (btree writes and all other metadata)."},
    {"written", "node_bcache_written_bytes_total", kCounter,
     "Sum of all data that has been written to the cache."}};

// Lines "rate:  1.1M/sec" of writeback_rate_debug, and "Unused:  99%" of priority_stats.
constexpr BcacheValue kWriteback[] = {
    {"target:", "node_bcache_dirty_target_bytes", kGauge,
     "Current dirty data target threshold for this backing device in bytes."},
    {"rate:", "node_bcache_writeback_rate", kGauge,
     "Current writeback rate for this backing device in bytes."},
    {"proportional:", "node_bcache_writeback_rate_proportional_term", kGauge,
     "Current result of proportional controller, part of writeback rate"},
    {"integral:", "node_bcache_writeback_rate_integral_term", kGauge,
     "Current result of integral controller, part of writeback rate"},
    {"change:", "node_bcache_writeback_change", kGauge,
     "Last writeback rate change step for this backing device."}};
constexpr BcacheValue kPriority[] = {
    {"Unused:", "node_bcache_priority_stats_unused_percent", kGauge,
     "The percentage of the cache that doesn't contain any data."},
    {"Metadata:", "node_bcache_priority_stats_metadata_percent", kGauge,
     "Bcache's metadata overhead."}};

class BcacheCollector {
 public:
  explicit BcacheCollector(const Settings& settings)
      : priority_stats_(settings.flag("bcache.priorityStats")) {}

  Result<> operator()(Host& host) {
    for (const std::string& uuid : host.sys.names(kBcacheDir)) {
      if (uuid.find('-') != std::string::npos) TRY(add_set(host, uuid));
    }
    return {};
  }

 private:
  Result<> add_set(Host& host, const std::string& uuid) {
    const std::string dir = join(kBcacheDir, uuid);
    const std::vector<Label> labels = {{"uuid", uuid}};
    TRY(add_files(host, dir, kSetValues, labels));
    // The file says us and holds nanoseconds.
    const auto nanoseconds =
        host.sys.attribute_uint(join(dir, "internal/btree_read_average_duration_us"));
    host.out
        .gauge("node_bcache_btree_read_average_duration_seconds", "Average btree read duration.")
        .add(static_cast<double>(nanoseconds.value_or(0)) * 1e-9, labels);
    for (const std::string& device : host.sys.numbered(dir, "bdev")) {
      TRY(add_backing_device(host, join(dir, device),
                             {{"uuid", uuid}, {"backing_device", device}}));
    }
    for (const std::string& device : host.sys.numbered(dir, "cache")) {
      const std::string cache = join(dir, device);
      const std::vector<Label> cache_labels = {{"uuid", uuid}, {"cache_device", device}};
      TRY(add_files(host, cache, kCacheValues, cache_labels));
      if (!priority_stats_) continue;
      TRY(add_lines(host, join(cache, "priority_stats"), kPriority, cache_labels));
    }
    return {};
  }

  static Result<> add_backing_device(Host& host, const std::string& dir,
                                     const std::vector<Label>& labels) {
    TRY(add_files(host, dir, kBackingValues, labels));
    // Kernels from 5.18 have no readahead of their own to count.
    const auto readaheads = host.sys.attribute_uint(join(dir, "stats_total/cache_readaheads"));
    if (readaheads.value_or(0) != 0) {
      host.out.counter("node_bcache_cache_readaheads_total", "Count of times readahead occurred.")
          .add(static_cast<double>(*readaheads), labels);
    }
    return add_lines(host, join(dir, "writeback_rate_debug"), kWriteback, labels);
  }

  static Result<> add_files(Host& host, const std::string& dir, std::span<const BcacheValue> values,
                            const std::vector<Label>& labels) {
    for (const BcacheValue& row : values) {
      const auto text = host.sys.attribute(join(dir, row.file));
      const auto value = text ? parse_human(*text) : 0;
      if (!value) return malformed(join(dir, row.file), "not a number");
      host.out.family(row.metric, row.type, row.help).add(*value, labels);
    }
    return {};
  }

  static Result<> add_lines(Host& host, const std::string& file,
                            std::span<const BcacheValue> values, const std::vector<Label>& labels) {
    const std::string text = host.sys.attribute(file).value_or("");
    for (const BcacheValue& row : values) {
      double value = 0;
      for (Lines lines(text); lines.next();) {
        std::string_view rest = lines.line();
        if (next_field(rest) != row.file) continue;
        std::string_view number = trim(rest);
        if (number.ends_with("/sec")) number.remove_suffix(4);
        if (number.ends_with("%")) number.remove_suffix(1);
        const auto parsed = parse_human(number);
        if (!parsed) return malformed(file, "not a number");
        value = *parsed;
      }
      host.out.family(row.metric, row.type, row.help).add(value, labels);
    }
    return {};
  }

  bool priority_stats_;
};

}  // namespace

Collector make_bcache(const Settings& settings) { return BcacheCollector(settings); }

}  // namespace strata::collect

// node_disk_*: /proc/diskstats, and what udev knows of each disk.
#include <fmt/format.h>

#include <map>

#include "base/number.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

constexpr double kTick = 1.0 / 1000.0;  // seconds; times are in milliseconds (iostats.rst)
constexpr double kSector = 512;         // always, whatever the device's own sector size
constexpr size_t kFirstColumn = 3;      // after major, minor and name
constexpr size_t kLeastColumns = 14;    // Linux 2.6; discards came with 4.18, flushes with 5.5

struct Column {
  std::string_view name;
  MetricType type;
  double scale;
  std::string_view help;
};

constexpr MetricType kCounter = MetricType::kCounter;
constexpr Column kColumns[] = {
    {"reads_completed_total", kCounter, 1, "The total number of reads completed successfully."},
    {"reads_merged_total", kCounter, 1, "The total number of reads merged."},
    {"read_bytes_total", kCounter, kSector, "The total number of bytes read successfully."},
    {"read_time_seconds_total", kCounter, kTick, "The total number of seconds spent by all reads."},
    {"writes_completed_total", kCounter, 1, "The total number of writes completed successfully."},
    {"writes_merged_total", kCounter, 1, "The number of writes merged."},
    {"written_bytes_total", kCounter, kSector, "The total number of bytes written successfully."},
    {"write_time_seconds_total", kCounter, kTick,
     "This is the total number of seconds spent by all writes."},
    {"io_now", MetricType::kGauge, 1, "The number of I/Os currently in progress."},
    {"io_time_seconds_total", kCounter, kTick, "Total seconds spent doing I/Os."},
    {"io_time_weighted_seconds_total", kCounter, kTick,
     "The weighted # of seconds spent doing I/Os."},
    {"discards_completed_total", kCounter, 1,
     "The total number of discards completed successfully."},
    {"discards_merged_total", kCounter, 1, "The total number of discards merged."},
    {"discarded_sectors_total", kCounter, 1, "The total number of sectors discarded successfully."},
    {"discard_time_seconds_total", kCounter, kTick,
     "This is the total number of seconds spent by all discards."},
    {"flush_requests_total", kCounter, 1,
     "The total number of flush requests completed successfully"},
    {"flush_requests_time_seconds_total", kCounter, kTick,
     "This is the total number of seconds spent by all flush requests."}};

/// Device properties, as `udevadm info` shows them with an E: in front.
using UdevInfo = std::map<std::string, std::string, std::less<>>;

UdevInfo read_udev(Tree& udev, std::string_view major, std::string_view minor) {
  UdevInfo info;
  const auto text = udev.read(fmt::format("b{}:{}", major, minor));
  if (!text) return info;
  for (Lines lines(*text); lines.next();) {
    if (!lines.line().starts_with("E:")) continue;
    const auto [name, value] = cut(lines.line().substr(2), '=');
    info.insert_or_assign(std::string(name), std::string(value));
  }
  return info;
}

class DiskCollector {
 public:
  explicit DiskCollector(const Settings& settings) : filter_(settings, "diskstats.device") {}

  Result<> operator()(Host& host) {
    const std::string text(TRY(host.proc.read("diskstats")));
    for (Lines lines(text); lines.next();) {
      split_fields(lines.line(), fields_);
      if (fields_.size() < kLeastColumns) {
        if (fields_.empty()) continue;
        return malformed("/proc/diskstats", "a line with too few columns");
      }
      if (filter_.keeps(fields_[2])) TRY(add_disk(host));
    }
    return {};
  }

 private:
  Result<> add_disk(Host& host) {
    const std::string_view device = fields_[2];
    const UdevInfo udev = read_udev(host.udev, fields_[0], fields_[1]);
    const auto property = [&](std::string_view name) -> std::string_view {
      const auto found = udev.find(name);
      return found == udev.end() ? std::string_view() : std::string_view(found->second);
    };
    add_info(host, property);
    for (size_t i = 0; i < std::size(kColumns) && kFirstColumn + i < fields_.size(); ++i) {
      const Column& column = kColumns[i];
      const uint64_t value = TRY(to_uint(fields_[kFirstColumn + i], "/proc/diskstats"));
      host.out.family(fmt::format("node_disk_{}", column.name), column.type, column.help)
          .add(static_cast<double>(value) * column.scale, {{"device", device}});
    }
    add_contents(host, property);
    return {};
  }

  template <class Property>
  void add_info(Host& host, const Property& property) {
    // The serial on the label; then what SCSI or virtio call one.
    std::string_view serial;
    for (const auto* name : {"SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"}) {
      if (serial.empty()) serial = property(name);
    }
    const auto rotational =
        host.sys.attribute_uint(fmt::format("block/{}/queue/rotational", fields_[2]));
    host.out.gauge("node_disk_info", "Info of /sys/block/<block_device>.")
        .add(1, {{"device", fields_[2]},
                 {"major", fields_[0]},
                 {"minor", fields_[1]},
                 {"path", property("ID_PATH")},
                 {"wwn", property("ID_WWN")},
                 {"model", property("ID_MODEL")},
                 {"serial", serial},
                 {"revision", property("ID_REVISION")},
                 {"rotational", rotational == 1 ? "1" : "0"}});
  }

  template <class Property>
  void add_contents(Host& host, const Property& property) {
    const std::string_view device = fields_[2];
    if (const auto type = property("ID_FS_TYPE"); !type.empty()) {
      host.out.gauge("node_disk_filesystem_info", "Info about disk filesystem.")
          .add(1, {{"device", device},
                   {"type", type},
                   {"usage", property("ID_FS_USAGE")},
                   {"uuid", property("ID_FS_UUID")},
                   {"version", property("ID_FS_VERSION")}});
    }
    if (const auto name = property("DM_NAME"); !name.empty()) {
      host.out.gauge("node_disk_device_mapper_info", "Info about disk device mapper.")
          .add(1, {{"device", device},
                   {"name", name},
                   {"uuid", property("DM_UUID")},
                   {"vg_name", property("DM_VG_NAME")},
                   {"lv_name", property("DM_LV_NAME")},
                   {"lv_layer", property("DM_LV_LAYER")}});
    }
    if (property("ID_ATA").empty()) return;
    static constexpr struct {
      std::string_view property, name, help;
    } kAta[] = {{"ID_ATA_WRITE_CACHE", "node_disk_ata_write_cache", "ATA disk has a write cache."},
                {"ID_ATA_WRITE_CACHE_ENABLED", "node_disk_ata_write_cache_enabled",
                 "ATA disk has its write cache enabled."},
                {"ID_ATA_ROTATION_RATE_RPM", "node_disk_ata_rotation_rate_rpm",
                 "ATA disk rotation rate in RPMs (0 for SSDs)."}};
    for (const auto& ata : kAta) {
      if (const auto value = parse_double(property(ata.property))) {
        host.out.gauge(ata.name, ata.help).add(*value, {{"device", device}});
      }
    }
  }

  NameFilter filter_;
  std::vector<std::string_view> fields_;
};

}  // namespace

Collector make_diskstats(const Settings& settings) { return DiskCollector(settings); }

}  // namespace strata::collect

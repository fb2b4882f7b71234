// What the board tells: heat, power, firmware, memory errors, watchdogs, NVMe drives.
#include <fmt/format.h>

#include <map>

#include "base/number.h"
#include "collect/attributes.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {

Result<> collect_thermal_zone(Host& host) {
  constexpr std::string_view kDir = "class/thermal";
  for (const std::string& name : host.sys.numbered(kDir, "thermal_zone")) {
    const std::string dir = join(kDir, name);
    const auto type = host.sys.attribute(join(dir, "type"));
    const auto millidegrees = host.sys.attribute(join(dir, "temp"));
    // A zone whose sensor sleeps cannot be read; node_exporter calls that 0 degrees, we say
    // nothing.
    if (!type || !millidegrees) continue;
    const auto value = parse_attribute(*millidegrees);
    if (!value) continue;
    host.out.gauge("node_thermal_zone_temp", "Zone temperature in Celsius")
        .add(*value / 1000,
             {{"zone", name.substr(std::string_view("thermal_zone").size())}, {"type", *type}});
  }
  static constexpr Attribute kCooling[] = {
      {"cur_state", "node_cooling_device_cur_state", MetricType::kGauge,
       "Current throttle state of the cooling device"},
      {"max_state", "node_cooling_device_max_state", MetricType::kGauge,
       "Maximum throttle state of the cooling device"}};
  for (const std::string& name : host.sys.numbered(kDir, "cooling_device")) {
    const std::string dir = join(kDir, name);
    const std::string type = host.sys.attribute(join(dir, "type")).value_or("");
    const std::string_view number =
        std::string_view(name).substr(std::string_view("cooling_device").size());
    add_attributes(host, dir, kCooling, {{"name", number}, {"type", type}});
  }
  return {};
}

Result<> collect_dmi(Host& host) {
  static constexpr std::pair<std::string_view, std::string_view> kFiles[] = {
      {"bios_date", "bios_date"},
      {"bios_release", "bios_release"},
      {"bios_vendor", "bios_vendor"},
      {"bios_version", "bios_version"},
      {"board_asset_tag", "board_asset_tag"},
      {"board_name", "board_name"},
      {"board_serial", "board_serial"},
      {"board_vendor", "board_vendor"},
      {"board_version", "board_version"},
      {"chassis_asset_tag", "chassis_asset_tag"},
      {"chassis_serial", "chassis_serial"},
      {"chassis_vendor", "chassis_vendor"},
      {"chassis_version", "chassis_version"},
      {"product_family", "product_family"},
      {"product_name", "product_name"},
      {"product_serial", "product_serial"},
      {"product_sku", "product_sku"},
      {"product_uuid", "product_uuid"},
      {"product_version", "product_version"},
      {"sys_vendor", "system_vendor"}};
  std::vector<std::string> values;
  std::vector<Label> labels;
  values.reserve(std::size(kFiles));  // labels hold views into it
  for (const auto& [file, label] : kFiles) {
    auto value = host.sys.attribute(join("class/dmi/id", file));
    if (value) labels.push_back({label, values.emplace_back(*std::move(value))});
  }
  if (labels.empty()) return no_data("the platform has no DMI");
  host.out
      .gauge("node_dmi_info",
             "A metric with a constant '1' value labeled by bios_date, bios_release, bios_vendor, "
             "bios_version, board_asset_tag, board_name, board_serial, board_vendor, "
             "board_version, chassis_asset_tag, chassis_serial, chassis_vendor, chassis_version, "
             "product_family, product_name, product_serial, product_sku, product_uuid, "
             "product_version, system_vendor if provided by DMI.")
      .add(1, labels);
  return {};
}

Collector make_rapl(const Settings& settings) {
  return [zone_label = settings.flag("rapl.enable-zone-label")](Host& host) -> Result<> {
    constexpr std::string_view kDir = "class/powercap";
    std::map<std::string, uint64_t, std::less<>> used;  // how often a name was seen
    for (const std::string& entry : TRY(host.sys.list(kDir))) {
      const std::string dir = join(kDir, entry);
      const auto full_name = host.sys.attribute(join(dir, "name"));
      if (!full_name) continue;
      // "package-0" is the package of index 0; a name without a number counts up.
      auto [name, suffix] = cut(*full_name, '-');
      auto index = parse_uint(suffix);
      if (!index) {
        name = *full_name;
        index = used.contains(name) ? used.find(name)->second : 0;
      }
      used.insert_or_assign(std::string(name), *index + 1);
      const auto microjoules = host.sys.attribute_uint(join(dir, "energy_uj"));
      if (!microjoules) return no_data(dir + "/energy_uj cannot be read");
      const double joules = static_cast<double>(*microjoules) / 1e6;
      const std::string number = std::to_string(*index);
      const std::string path = join(host.sys.root(), dir);
      if (zone_label) {
        host.out.counter("node_rapl_joules_total", "Current RAPL value in joules")
            .add(joules, {{"index", number}, {"path", path}, {"rapl_zone", name}});
      } else {
        host.out
            .counter(fmt::format("node_rapl_{}_joules_total", metric_name_part(name)),
                     fmt::format("Current RAPL {} value in joules", name))
            .add(joules, {{"index", number}, {"path", path}});
      }
    }
    return {};
  };
}

Result<> collect_watchdog(Host& host) {
  static constexpr Attribute kValues[] = {
      {"bootstatus", "node_watchdog_bootstatus", MetricType::kGauge,
       "Value of /sys/class/watchdog/<watchdog>/bootstatus"},
      {"fw_version", "node_watchdog_fw_version", MetricType::kGauge,
       "Value of /sys/class/watchdog/<watchdog>/fw_version"},
      {"nowayout", "node_watchdog_nowayout", MetricType::kGauge,
       "Value of /sys/class/watchdog/<watchdog>/nowayout"},
      {"timeleft", "node_watchdog_timeleft_seconds", MetricType::kGauge,
       "Value of /sys/class/watchdog/<watchdog>/timeleft"},
      {"timeout", "node_watchdog_timeout_seconds", MetricType::kGauge,
       "Value of /sys/class/watchdog/<watchdog>/timeout"},
      {"pretimeout", "node_watchdog_pretimeout_seconds", MetricType::kGauge,
       "Value of /sys/class/watchdog/<watchdog>/pretimeout"},
      {"access_cs0", "node_watchdog_access_cs0", MetricType::kGauge,
       "Value of /sys/class/watchdog/<watchdog>/access_cs0"}};
  for (const std::string& name : TRY(host.sys.list("class/watchdog"))) {
    const std::string dir = join("class/watchdog", name);
    add_attributes(host, dir, kValues, {{"name", name}});
    const auto text = [&](std::string_view file) {
      return host.sys.attribute(join(dir, file)).value_or("");
    };
    const std::string options = text("options"), identity = text("identity");
    const std::string state = text("state"), status = text("status");
    const std::string governor = text("pretimeout_governor");
    host.out.gauge("node_watchdog_info", "Info of /sys/class/watchdog/<watchdog>")
        .add(1, {{"name", name},
                 {"options", options},
                 {"identity", identity},
                 {"state", state},
                 {"status", status},
                 {"pretimeout_governor", governor}});
  }
  return {};
}

namespace {

constexpr std::string_view kEdacDir = "devices/system/edac/mc";

void add_edac_row(Host& host, const std::string& dir, const std::vector<Label>& labels) {
  static constexpr Attribute kRow[] = {
      {"ce_count", "node_edac_csrow_correctable_errors_total", MetricType::kCounter,
       "Total correctable memory errors for this csrow."},
      {"ue_count", "node_edac_csrow_uncorrectable_errors_total", MetricType::kCounter,
       "Total uncorrectable memory errors for this csrow."}};
  add_attributes(host, dir, kRow, labels);
  for (const std::string& file : host.sys.numbered(dir, "ch")) {
    if (!file.ends_with("_ce_count")) continue;
    const std::string channel =
        file.substr(2, file.size() - 2 - std::string_view("_ce_count").size());
    std::string dimm =
        host.sys.attribute(fmt::format("{}/ch{}_dimm_label", dir, channel)).value_or("unknown");
    // "mc#0csrow#1channel#0" reads better as mc0_csrow1_channel0.
    std::erase(dimm, '#');
    for (const std::string_view word : {"csrow", "channel"}) {
      if (const size_t at = dimm.find(word); at != std::string::npos) dimm.insert(at, "_");
    }
    const std::string errors[] = {fmt::format("ch{}_ce_count", channel),
                                  fmt::format("ch{}_ue_count", channel)};
    const Attribute attributes[] = {
        {errors[0], "node_edac_channel_correctable_errors_total", MetricType::kCounter,
         "Total correctable memory errors for this channel."},
        {errors[1], "node_edac_channel_uncorrectable_errors_total", MetricType::kCounter,
         "Total uncorrectable memory errors for this channel."}};
    std::vector<Label> all = labels;
    all.push_back({"channel", channel});
    all.push_back({"dimm_label", dimm});
    add_attributes(host, dir, attributes, all);
  }
}

}  // namespace

Result<> collect_edac(Host& host) {
  static constexpr Attribute kController[] = {
      {"ce_count", "node_edac_correctable_errors_total", MetricType::kCounter,
       "Total correctable memory errors."},
      {"ue_count", "node_edac_uncorrectable_errors_total", MetricType::kCounter,
       "Total uncorrectable memory errors."}};
  static constexpr Attribute kUnknownRow[] = {
      {"ce_noinfo_count", "node_edac_csrow_correctable_errors_total", MetricType::kCounter,
       "Total correctable memory errors for this csrow."},
      {"ue_noinfo_count", "node_edac_csrow_uncorrectable_errors_total", MetricType::kCounter,
       "Total uncorrectable memory errors for this csrow."}};
  for (const std::string& controller : host.sys.numbered(kEdacDir, "mc")) {
    const std::string dir = join(kEdacDir, controller);
    const std::string number = controller.substr(2);
    add_attributes(host, dir, kController, {{"controller", number}});
    add_attributes(host, dir, kUnknownRow, {{"controller", number}, {"csrow", "unknown"}});
    for (const std::string& row : host.sys.numbered(dir, "csrow")) {
      const std::string_view row_number = std::string_view(row).substr(5);
      add_edac_row(host, join(dir, row), {{"controller", number}, {"csrow", row_number}});
    }
  }
  return {};
}

namespace {

void add_nvme_namespace(Host& host, const std::string& dir, std::string_view device,
                        std::string_view id) {
  const auto number = [&](std::string_view file) {
    return static_cast<double>(host.sys.attribute_uint(join(dir, file)).value_or(0));
  };
  const double block = number("queue/logical_block_size");
  const std::vector<Label> labels = {{"device", device}, {"nsid", id}};
  const std::string state = host.sys.attribute(join(dir, "ana_state")).value_or("unknown");
  host.out.gauge("node_nvme_namespace_info", "Information about NVMe namespaces. Value is always 1")
      .add(1, {{"device", device}, {"nsid", id}, {"ana_state", state}});
  host.out
      .gauge("node_nvme_namespace_capacity_bytes",
             "Capacity of the NVMe namespace in bytes. Computed as namespace_size * "
             "namespace_logical_block_size")
      .add(number("size") * block, labels);
  host.out
      .gauge("node_nvme_namespace_size_bytes",
             "Size of the NVMe namespace in bytes. Available in "
             "/sys/class/nvme/<device>/<namespace>/size")
      .add(number("size") * block, labels);
  host.out
      .gauge("node_nvme_namespace_used_bytes",
             "Used space of the NVMe namespace in bytes. Available in "
             "/sys/class/nvme/<device>/<namespace>/nuse")
      .add(number("nuse") * block, labels);
  host.out
      .gauge("node_nvme_namespace_logical_block_size_bytes",
             "Logical block size of the NVMe namespace in bytes. Usually 4Kb. Available in "
             "/sys/class/nvme/<device>/<namespace>/queue/logical_block_size")
      .add(block, labels);
}

// The 1 of nvme0n1; the paths of a multipath namespace (nvme0c0n1) are the subsystem's.
std::string_view namespace_id(std::string_view device, std::string_view name) {
  if (!name.starts_with(device)) return {};
  name.remove_prefix(device.size());
  if (!name.starts_with("n") || !parse_uint(name.substr(1))) return {};
  return name.substr(1);
}

}  // namespace

Result<> collect_nvme(Host& host) {
  for (const std::string& device : TRY(host.sys.list("class/nvme"))) {
    const std::string dir = join("class/nvme", device);
    const auto text = [&](std::string_view file) {
      return host.sys.attribute(join(dir, file)).value_or("");
    };
    const std::string firmware = text("firmware_rev"), model = text("model");
    const std::string serial = text("serial"), state = text("state"), id = text("cntlid");
    host.out
        .gauge("node_nvme_info",
               "Non-numeric data from /sys/class/nvme/<device>, value is always 1.")
        .add(1, {{"device", device},
                 {"firmware_revision", firmware},
                 {"model", model},
                 {"serial", serial},
                 {"state", state},
                 {"cntlid", id}});
    for (const std::string& name : host.sys.names(dir)) {
      const std::string_view nsid = namespace_id(device, name);
      if (!nsid.empty()) add_nvme_namespace(host, join(dir, name), device, nsid);
    }
  }
  return {};
}

}  // namespace strata::collect

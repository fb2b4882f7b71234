// node_network_*: what /sys/class/net says of each device, and node_bonding_*.
#include <fmt/format.h>

#include "base/number.h"
#include "collect/attributes.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

constexpr std::string_view kNetDir = "class/net";

struct Property {
  std::string_view file;
  std::string_view name;
  MetricType type = MetricType::kGauge;
};

constexpr Property kProperties[] = {
    {"addr_assign_type", "address_assign_type"},
    {"carrier", "carrier"},
    {"carrier_changes", "carrier_changes_total", MetricType::kCounter},
    {"carrier_up_count", "carrier_up_changes_total", MetricType::kCounter},
    {"carrier_down_count", "carrier_down_changes_total", MetricType::kCounter},
    {"dev_id", "device_id"},
    {"dormant", "dormant"},
    {"flags", "flags"},
    {"ifindex", "iface_id"},
    {"iflink", "iface_link"},
    {"link_mode", "iface_link_mode"},
    {"mtu", "mtu_bytes"},
    {"name_assign_type", "name_assign_type"},
    {"netdev_group", "net_dev_group"},
    {"speed", "speed_bytes"},
    {"tx_queue_len", "transmit_queue_length"},
    {"type", "protocol_type"}};

class NetclassCollector {
 public:
  explicit NetclassCollector(const Settings& settings)
      : ignored_(settings.regex("netclass.ignored-devices")),
        ignore_invalid_speed_(settings.flag("netclass.ignore-invalid-speed")) {}

  Result<> operator()(Host& host) {
    for (const std::string& device : TRY(host.sys.list(kNetDir))) {
      const std::string dir = join(kNetDir, device);
      if (ignored_ && ignored_->partial_match(device)) continue;
      if (host.sys.is_directory(dir)) add_device(host, device, dir);
    }
    return {};
  }

 private:
  void add_device(Host& host, std::string_view device, const std::string& dir) {
    const auto text = [&](std::string_view file) {
      return host.sys.attribute(join(dir, file)).value_or("");
    };
    const std::string state = text("operstate");
    host.out.gauge("node_network_up", "Value is 1 if operstate is 'up', 0 otherwise.")
        .add(state == "up" ? 1 : 0, {{"device", device}});

    const std::string address = text("address"), broadcast = text("broadcast");
    const std::string duplex = text("duplex"), alias = text("ifalias");
    host.out
        .gauge("node_network_info",
               "Non-numeric data from /sys/class/net/<iface>, value is always 1.")
        .add(1, {{"device", device},
                 {"address", address},
                 {"broadcast", broadcast},
                 {"duplex", duplex},
                 {"operstate", state},
                 {"adminstate", admin_state(text("flags"))},
                 {"ifalias", alias}});

    for (const Property& property : kProperties) {
      auto value = parse_attribute(text(property.file));
      if (!value) continue;
      if (property.name == "speed_bytes") {
        if (*value < 0 && ignore_invalid_speed_) continue;  // -1: the device does not know
        // From megabits, in whole bytes.
        value = static_cast<double>(static_cast<int64_t>(*value) * 1'000'000 / 8);
      }
      host.out
          .family(fmt::format("node_network_{}", property.name), property.type,
                  fmt::format("Network device property: {}", property.name))
          .add(*value, {{"device", device}});
    }
  }

  static std::string_view admin_state(std::string_view flags) {
    constexpr uint64_t kUp = 1;  // IFF_UP
    if (!flags.starts_with("0x")) return "unknown";
    const auto bits = parse_hex(flags.substr(2));
    if (!bits) return "unknown";
    return (*bits & kUp) != 0 ? "up" : "down";
  }

  std::optional<Regex> ignored_;
  bool ignore_invalid_speed_;
};

}  // namespace

Collector make_netclass(const Settings& settings) { return NetclassCollector(settings); }

Result<> collect_bonding(Host& host) {
  const auto masters = host.sys.attribute(join(kNetDir, "bonding_masters"));
  if (!masters) return no_data("the bonding driver is not loaded");
  const auto configured =
      host.out.gauge("node_bonding_slaves", "Number of configured slaves per bonding interface.");
  const auto active =
      host.out.gauge("node_bonding_active", "Number of active slaves per bonding interface.");
  std::string_view rest = *masters;
  for (auto master = next_field(rest); !master.empty(); master = next_field(rest)) {
    const std::string dir = join(kNetDir, master);
    const auto slaves = host.sys.attribute(join(dir, "bonding/slaves"));
    if (!slaves) return malformed(dir, "no bonding/slaves");
    double all = 0, up = 0;
    std::string_view names = *slaves;
    for (auto slave = next_field(names); !slave.empty(); slave = next_field(names)) {
      // Kernels before 3.13 say slave_eth0 for lower_eth0.
      auto state =
          host.sys.attribute(fmt::format("{}/lower_{}/bonding_slave/mii_status", dir, slave));
      if (!state) {
        state = host.sys.attribute(fmt::format("{}/slave_{}/bonding_slave/mii_status", dir, slave));
      }
      if (!state) return malformed(dir, "a slave without a state");
      ++all;
      if (*state == "up") ++up;
    }
    configured.add(all, {{"master", master}});
    active.add(up, {{"master", master}});
  }
  return {};
}

}  // namespace strata::collect

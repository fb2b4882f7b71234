// node_power_supply_*: batteries and mains adapters of /sys/class/power_supply.
#include <fmt/format.h>

#include "collect/attributes.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

constexpr std::string_view kPowerDir = "class/power_supply";

struct PowerValue {
  std::string_view file;
  std::string_view name;
  double per;  // micro-units, and tenths of a degree
};

constexpr PowerValue kValues[] = {
    {"authentic", "authentic", 1},
    {"calibrate", "calibrate", 1},
    {"capacity", "capacity", 1},
    {"capacity_alert_max", "capacity_alert_max", 1},
    {"capacity_alert_min", "capacity_alert_min", 1},
    {"cycle_count", "cyclecount", 1},
    {"online", "online", 1},
    {"present", "present", 1},
    {"time_to_empty_now", "time_to_empty_seconds", 1},
    {"time_to_full_now", "time_to_full_seconds", 1},
    {"current_boot", "current_boot", 1e6},
    {"current_max", "current_max", 1e6},
    {"current_now", "current_ampere", 1e6},
    {"energy_empty", "energy_empty", 1e6},
    {"energy_empty_design", "energy_empty_design", 1e6},
    {"energy_full", "energy_full", 1e6},
    {"energy_full_design", "energy_full_design", 1e6},
    {"energy_now", "energy_watthour", 1e6},
    {"voltage_boot", "voltage_boot", 1e6},
    {"voltage_max", "voltage_max", 1e6},
    {"voltage_max_design", "voltage_max_design", 1e6},
    {"voltage_min", "voltage_min", 1e6},
    {"voltage_min_design", "voltage_min_design", 1e6},
    {"voltage_now", "voltage_volt", 1e6},
    {"voltage_ocv", "voltage_ocv", 1e6},
    {"charge_control_limit", "charge_control_limit", 1e6},
    {"charge_control_limit_max", "charge_control_limit_max", 1e6},
    {"charge_counter", "charge_counter", 1e6},
    {"charge_empty", "charge_empty", 1e6},
    {"charge_empty_design", "charge_empty_design", 1e6},
    {"charge_full", "charge_full", 1e6},
    {"charge_full_design", "charge_full_design", 1e6},
    {"charge_now", "charge_ampere", 1e6},
    {"charge_term_current", "charge_term_current", 1e6},
    {"constant_charge_current", "constant_charge_current", 1e6},
    {"constant_charge_current_max", "constant_charge_current_max", 1e6},
    {"constant_charge_voltage", "constant_charge_voltage", 1e6},
    {"constant_charge_voltage_max", "constant_charge_voltage_max", 1e6},
    {"precharge_current", "precharge_current", 1e6},
    {"input_current_limit", "input_current_limit", 1e6},
    {"power_now", "power_watt", 1e6},
    {"temp", "temp_celsius", 10},
    {"temp_alert_max", "temp_alert_max_celsius", 10},
    {"temp_alert_min", "temp_alert_min_celsius", 10},
    {"temp_ambient", "temp_ambient_celsius", 10},
    {"temp_ambient_max", "temp_ambient_max_celsius", 10},
    {"temp_ambient_min", "temp_ambient_min_celsius", 10},
    {"temp_max", "temp_max_celsius", 10},
    {"temp_min", "temp_min_celsius", 10}};

// In this order they are read; as labels they are sorted.
constexpr std::string_view kTexts[] = {"capacity_level", "charge_type",   "health", "manufacturer",
                                       "model_name",     "serial_number", "status", "technology",
                                       "type",           "usb_type",      "scope"};

void add_supply(Host& host, const std::string& supply) {
  const std::string dir = join(kPowerDir, supply);
  for (const PowerValue& row : kValues) {
    const auto text = host.sys.attribute(join(dir, row.file));
    if (!text) continue;
    const auto value = parse_attribute(*text);
    if (!value) continue;
    host.out
        .gauge(fmt::format("node_power_supply_{}", row.name),
               fmt::format("{} value of /sys/class/power_supply/<power_supply>.", row.name))
        .add(*value / row.per, {{"power_supply", supply}});
  }
  std::vector<std::string> texts;
  texts.reserve(std::size(kTexts));  // labels hold views into it
  std::vector<Label> labels = {{"power_supply", supply}};
  for (const std::string_view file : kTexts) {
    if (auto text = host.sys.attribute(join(dir, file))) {
      labels.push_back({file, texts.emplace_back(*std::move(text))});
    }
  }
  host.out.gauge("node_power_supply_info", "info of /sys/class/power_supply/<power_supply>.")
      .add(1, labels);
}

}  // namespace

Collector make_powersupplyclass(const Settings& settings) {
  return [ignored = settings.regex("powersupply.ignored-supplies")](Host& host) -> Result<> {
    for (const std::string& supply : TRY(host.sys.list(kPowerDir))) {
      if (!ignored || !ignored->partial_match(supply)) add_supply(host, supply);
    }
    return {};
  };
}

}  // namespace strata::collect

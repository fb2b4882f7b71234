// node_hwmon_*: temperatures, fans, voltages and power of /sys/class/hwmon.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/number.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

constexpr std::string_view kHwmonDir = "class/hwmon";
constexpr std::string_view kTypes[] = {
    "vrm",  "beep_enable", "update_interval", "in",     "cpu",      "fan",       "pwm",
    "temp", "curr",        "power",           "energy", "humidity", "intrusion", "freq"};

/// Properties of one sensor, "" being the file without one: "fan1" -> {"input": "1200", …}.
using Sensor = std::map<std::string, std::string, std::less<>>;

struct SensorFile {
  std::string_view type;
  std::string sensor;  // type and number
  std::string_view property;
};

// "temp1_crit_alarm" is type temp, sensor temp1, property crit_alarm; a number is 0 when missing.
std::optional<SensorFile> parse_file_name(std::string_view name) {
  constexpr std::string_view kDigits = "0123456789";
  const size_t digit = name.find_first_of(kDigits);
  std::string_view number, rest;
  std::string_view type = name.substr(0, digit);
  if (digit != std::string_view::npos) {
    const size_t end = std::min(name.find_first_not_of(kDigits, digit), name.size());
    number = name.substr(digit, end - digit);
    rest = name.substr(end);
    if (!rest.empty() && !rest.starts_with("_")) return std::nullopt;
    if (!parse_uint(number)) return std::nullopt;
    if (!rest.empty()) rest.remove_prefix(1);
  }
  if (std::ranges::find(kTypes, type) == std::end(kTypes)) return std::nullopt;
  const uint64_t index = number.empty() ? 0 : *parse_uint(number);
  return SensorFile{type, fmt::format("{}{}", type, index), rest};
}

std::string clean_name(std::string_view text) {
  std::string out = lower_case(text);
  std::ranges::replace_if(
      out,
      [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':' || c == '_');
      },
      '_');
  const size_t begin = out.find_first_not_of('_');
  if (begin == std::string::npos) return {};
  return out.substr(begin, out.find_last_not_of('_') - begin + 1);
}

struct Unit {
  std::string name;  // of the metric, with its unit
  std::string help;
  double value = 0;
  MetricType type = MetricType::kGauge;
};

// Milli- and microunits become units: Documentation/hwmon/sysfs-interface.rst.
Unit with_unit(std::string_view type, std::string_view property, std::string name, double value) {
  const auto help = [&](std::string_view text) { return fmt::format("{} ({})", text, property); };
  if (property == "fault" || property == "alarm") {
    return {name, fmt::format("Hardware sensor {} status ({})", property, type), value};
  }
  if (property == "beep") {
    return {name + "_enabled", "Hardware monitor sensor has beeping enabled", value};
  }
  if (type == "in" || type == "cpu") {
    return {name + "_volts", help("Hardware monitor for voltage"), value * 0.001};
  }
  if (type == "temp" && property != "type") {
    if (property.empty()) property = "input";
    return {name + "_celsius", help("Hardware monitor for temperature"), value * 0.001};
  }
  if (type == "curr") return {name + "_amps", help("Hardware monitor for current"), value * 0.001};
  if (type == "energy") {
    return {name + "_joule_total", help("Hardware monitor for joules used so far"), value / 1e6,
            MetricType::kCounter};
  }
  if (type == "power" && property == "accuracy") {
    return {name, "Hardware monitor power meter accuracy, as a ratio", value / 1e6};
  }
  if (type == "power" && property.starts_with("average_interval")) {
    return {name + "_seconds", help("Hardware monitor power usage update interval"), value * 0.001};
  }
  if (type == "power") {
    return {name + "_watt", help("Hardware monitor for power usage in watts"), value / 1e6};
  }
  if (type == "humidity") {
    return {name,
            help("Hardware monitor for humidity, as a ratio (multiply with 100.0 to get the "
                 "humidity as a percentage)"),
            value / 1e6};
  }
  if (type == "fan" &&
      (property == "input" || property == "min" || property == "max" || property == "target")) {
    return {name + "_rpm", help("Hardware monitor for fan revolutions per minute"), value};
  }
  return {name, fmt::format("Hardware monitor {} element {}", type, property), value};
}

class HwmonCollector {
 public:
  explicit HwmonCollector(const Settings& settings)
      : chips_(settings, "hwmon.chip"), sensors_(settings, "hwmon.sensor") {}

  Result<> operator()(Host& host) {
    struct Chip {
      std::string dir, base, label;
    };
    std::vector<Chip> chips;
    for (const std::string& name : TRY(host.sys.list(kHwmonDir))) {
      const std::string dir = join(kHwmonDir, name);
      if (!host.sys.is_directory(dir)) continue;
      if (std::string base = chip_name(host.sys, dir); !base.empty()) {
        chips.push_back({dir, base, host.sys.attribute(join(dir, "name")).value_or("")});
      }
    }
    for (const Chip& chip : chips) {
      // Several monitors can hang off one device; then their names tell them apart, or their
      // directories.
      std::string name = chip.base;
      if (std::ranges::count(chips, chip.base, &Chip::base) > 1) {
        const bool ambiguous = std::ranges::count_if(chips, [&](const Chip& other) {
                                 return other.base == chip.base && other.label == chip.label;
                               }) > 1;
        std::string suffix = clean_name(chip.label);
        if (suffix.empty() || ambiguous) suffix = clean_name(chip.dir.substr(kHwmonDir.size() + 1));
        name += "_" + suffix;
      }
      if (chips_.keeps(name)) add_chip(host, chip.dir, name);
    }
    return {};
  }

 private:
  // By the device's place on its bus, which stays; then by the driver's name; then hwmonN, whose
  // number depends on the order in which drivers loaded.
  static std::string chip_name(Tree& sys, const std::string& dir) {
    if (const auto device = sys.resolve(join(dir, "device"))) {
      const auto [parent, name] = split_path(*device);
      const std::string clean = clean_name(name);
      const std::string bus = clean_name(split_path(parent).second);
      if (!clean.empty()) return bus.empty() ? clean : bus + "_" + clean;
    }
    if (const auto name = sys.attribute(join(dir, "name")); name && !clean_name(*name).empty()) {
      return clean_name(*name);
    }
    const auto real = sys.resolve(dir);
    return real ? clean_name(split_path(*real).second) : std::string();
  }

  static std::pair<std::string_view, std::string_view> split_path(std::string_view path) {
    const size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return {{}, path};
    return {path.substr(0, slash), path.substr(slash + 1)};
  }

  static void read_sensors(Tree& sys, const std::string& dir, std::map<std::string, Sensor>& into) {
    for (const std::string& file : sys.names(dir)) {
      const auto name = parse_file_name(file);
      if (!name) continue;
      if (auto value = sys.attribute(join(dir, file))) {
        into[name->sensor].insert_or_assign(std::string(name->property), *std::move(value));
      }
    }
  }

  void add_chip(Host& host, const std::string& dir, const std::string& chip) {
    if (const auto name = host.sys.attribute(join(dir, "name"))) {
      if (const std::string clean = clean_name(*name); !clean.empty()) {
        host.out.gauge("node_hwmon_chip_names", "Annotation metric for human-readable chip names")
            .add(1, {{"chip", chip}, {"chip_name", clean}});
      }
    }
    std::map<std::string, Sensor> sensors;
    read_sensors(host.sys, dir, sensors);
    read_sensors(host.sys, join(dir, "device"), sensors);  // where old drivers put them
    for (const auto& [name, sensor] : sensors) {
      if (sensors_.keeps(fmt::format("{};{}", chip, name)))
        add_sensor(host.out, chip, name, sensor);
    }
  }

  static void add_sensor(Families& out, const std::string& chip, const std::string& name,
                         const Sensor& sensor) {
    const std::string_view type =
        std::string_view(name).substr(0, name.find_first_of("0123456789"));
    const auto label = sensor.find("label");
    if (label != sensor.end()) {
      out.gauge("node_hwmon_sensor_label", "Label for given chip and sensor")
          .add(1, {{"chip", chip}, {"sensor", name}, {"label", label->second}});
    }
    if (type == "beep_enable" || type == "vrm" || type == "update_interval") {
      add_chip_setting(out, chip, name, type, sensor);
      return;
    }
    for (const auto& [property, text] : sensor) {
      const auto value = parse_double(text);
      if (property == "label" || !value) continue;
      if (type == "freq" && property == "input") {
        if (label == sensor.end()) continue;
        out.gauge(fmt::format("node_hwmon_{}_freq_mhz", type),
                  "Hardware monitor for GPU frequency in MHz")
            .add(*value / 1e6, {{"chip", chip}, {"sensor", clean_name(label->second)}});
        continue;
      }
      // The input is the sensor's value, unless there is a file of just its name.
      std::string metric = fmt::format("node_hwmon_{}", type);
      if (property == "input") {
        if (sensor.contains("")) metric += "_input";
      } else if (!property.empty()) {
        metric += "_" + clean_name(property);
      }
      const Unit unit = with_unit(type, property, std::move(metric), *value);
      out.family(unit.name, unit.type, unit.help)
          .add(unit.value, {{"chip", chip}, {"sensor", name}});
    }
  }

  static void add_chip_setting(Families& out, const std::string& chip, const std::string& name,
                               std::string_view type, const Sensor& sensor) {
    const auto text = sensor.find("");
    const std::string value = text == sensor.end() ? "" : text->second;
    const auto number = parse_double(value);
    const auto add = [&](std::string_view metric, std::string_view help, double v) {
      out.gauge(metric, help).add(v, {{"chip", chip}, {"sensor", name}});
    };
    if (type == "beep_enable") {
      add("node_hwmon_beep_enabled", "Hardware beep enabled", value == "1" ? 1 : 0);
    } else if (type == "vrm" && number) {
      add("node_hwmon_voltage_regulator_version", "Hardware voltage regulator", *number);
    } else if (type == "update_interval" && number) {
      add("node_hwmon_update_interval_seconds", "Hardware monitor update interval",
          *number * 0.001);
    }
  }

  NameFilter chips_;
  NameFilter sensors_;
};

}  // namespace

Collector make_hwmon(const Settings& settings) { return HwmonCollector(settings); }

}  // namespace strata::collect

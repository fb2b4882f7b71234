#include "sim/scenario.h"

#include <algorithm>

#include "base/number.h"
#include "config/decode.h"
#include "config/yaml.h"

namespace strata::sim {

struct FaultText {
  std::string fault;
  Millis at{0};
  Millis duration{300'000};
  double severity = 1;
  std::string node = "0";
  std::string engine = "0";
  std::string gpu = "0";
};

struct ScenarioText {
  std::string description;
  double requests_per_second = 0;
  std::vector<FaultText> faults;
};

template <class V>
void fields(V& v, FaultText& f) {
  v.field("fault", f.fault);
  v.field("at", f.at);
  v.field("for", f.duration);
  v.field("severity", f.severity);
  v.field("node", f.node);
  v.field("engine", f.engine);
  v.field("gpu", f.gpu);
}

template <class V>
void fields(V& v, ScenarioText& s) {
  v.field("description", s.description);
  v.field("requests_per_second", s.requests_per_second);
  v.field("faults", s.faults);
}

namespace {

void check_place(config::Decoder& d, const config::YamlNode& node, std::string_view key,
                 const std::string& text) {
  if (text == "all" || parse_uint(text)) return;
  const auto* entry = node.find(key);
  d.fail(entry == nullptr ? node.mark : entry->value.mark,
         fmt::format("{}: expected a number from 0, or all, found {:?}", key, text));
}

int place_of(const std::string& text) {
  return static_cast<int>(std::min<uint64_t>(parse_uint(text).value_or(0), 1'000'000));
}

}  // namespace

void check(config::Decoder& d, const config::YamlNode& node, FaultText& f) {
  if (find_fault_kind(f.fault) == nullptr) {
    std::vector<std::string_view> names;
    for (const FaultKind& kind : fault_kinds()) names.push_back(kind.name);
    const auto near = config::nearest_word(f.fault, names);
    const auto* entry = node.find("fault");
    d.fail(entry == nullptr ? node.mark : entry->value.mark,
           fmt::format("no fault {:?}{}; strata sim --list says which there are", f.fault,
                       near.empty() ? "" : fmt::format(" (did you mean {}?)", near)));
  }
  if (!(f.severity >= 0 && f.severity <= 1)) d.fail(node.mark, "severity is between 0 and 1");
  check_place(d, node, "node", f.node);
  check_place(d, node, "engine", f.engine);
  check_place(d, node, "gpu", f.gpu);
}

void check(config::Decoder& d, const config::YamlNode& node, ScenarioText& s) {
  if (s.faults.size() > Scenario::kMaxFaults) {
    d.fail(node.mark, fmt::format("at most {} faults", Scenario::kMaxFaults));
  }
  if (!(s.requests_per_second >= 0 && s.requests_per_second <= 1000)) {
    d.fail(node.mark, "requests_per_second is between 0 and 1000");
  }
}

Result<Scenario> Scenario::parse(std::string_view text, std::string_view file_name) {
  const auto tree = TRY(config::parse_yaml(text, file_name));
  config::Decoder decoder{std::string(file_name)};
  ScenarioText read;
  config::decode(decoder, "", tree, read);
  TRY(decoder.result());
  Scenario scenario;
  scenario.description_ = read.description;
  scenario.requests_per_second_ = read.requests_per_second;
  const auto index = [](const std::string& word) { return word == "all" ? -1 : place_of(word); };
  for (const FaultText& f : read.faults) {
    scenario.add({.kind = find_fault_kind(f.fault),
                  .place = {index(f.node), index(f.engine), index(f.gpu)},
                  .onset = static_cast<double>(f.at.count()) / 1000,
                  .duration = static_cast<double>(f.duration.count()) / 1000,
                  .severity = f.severity});
  }
  return scenario;
}

void Scenario::delay(double seconds) {
  for (Fault& fault : faults_) fault.onset += seconds;
}

void Scenario::apply(uint32_t node, double now, NodeConditions& conditions) const {
  for (const Fault& fault : faults_) {
    if (!fault.active(now)) continue;
    if (fault.place.node >= 0 && static_cast<uint32_t>(fault.place.node) != node) continue;
    fault.kind->apply({.place = fault.place,
                       .severity = fault.severity,
                       .age = now - fault.onset,
                       .left = fault.onset + fault.duration - now},
                      conditions);
  }
}

}  // namespace strata::sim

// node_md_*: software RAID, from /proc/mdstat and /sys/block/md*/md.
#include <fmt/format.h>

#include <algorithm>

#include "base/number.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

struct Array {
  std::string name;
  std::string state;  // active, inactive, recovering, resyncing, checking, reshaping
  uint64_t active = 0, failed = 0, spare = 0, required = 0;
  uint64_t blocks = 0, synced = 0;
};

uint64_t count(std::string_view text, std::string_view wanted) {
  uint64_t n = 0;
  for (size_t at = text.find(wanted); at != std::string_view::npos;
       at = text.find(wanted, at + 1)) {
    ++n;
  }
  return n;
}

bool contains(std::string_view text, std::string_view wanted) {
  return text.find(wanted) != std::string_view::npos;
}

// "195310144 blocks super 1.2 [2/1] [U_]": size, and disks required and active.
Result<> parse_status(std::string_view device, std::string_view line, Array& array) {
  std::string_view rest = line;
  array.blocks = TRY(to_uint(next_field(rest), "/proc/mdstat"));
  if (contains(device, "raid0") || contains(device, "linear")) {
    array.active = array.required = count(device, "[");
    return {};
  }
  if (contains(device, "inactive")) return {};
  // The last [n/m] of the line: chunk sizes and algorithms come before it.
  for (size_t open = line.rfind('['); open != std::string_view::npos && open > 0;
       open = line.rfind('[', open - 1)) {
    const auto [required, after] = cut(line.substr(open + 1), '/');
    const auto wanted = parse_uint(required);
    const auto working = parse_uint(cut(after, ']').first);
    if (!wanted || !working) continue;
    array.required = *wanted;
    array.active = *working;
    return {};
  }
  return malformed("/proc/mdstat", "a status line without [n/m]");
}

// "[=>....]  recovery =  8.5% (16775552/195310144) finish=17.0min speed=259783K/sec", or
// "resync=DELAYED".
Result<> parse_progress(std::string_view line, Array& array) {
  static constexpr std::pair<std::string_view, std::string_view> kStates[] = {
      {"recovery", "recovering"},
      {"reshape", "reshaping"},
      {"check", "checking"},
      {"resync", "resyncing"}};
  const auto* state = std::ranges::find_if(
      kStates, [&](const auto& candidate) { return contains(line, candidate.first); });
  if (state == std::end(kStates)) return {};
  array.state = state->second;
  array.synced = 0;
  if (contains(line, "PENDING") || contains(line, "DELAYED")) return {};
  const size_t open = line.find('(');
  if (open == std::string_view::npos) return malformed("/proc/mdstat", "progress without (n/m)");
  array.synced = TRY(to_uint(cut(line.substr(open + 1), '/').first, "/proc/mdstat"));
  return {};
}

Result<std::vector<Array>> parse_mdstat(std::string_view text) {
  std::vector<std::string_view> lines;
  for (Lines reader(text); reader.next();) lines.push_back(reader.line());
  const auto line = [&](size_t i) { return i < lines.size() ? lines[i] : std::string_view(); };
  std::vector<Array> arrays;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (trim(lines[i]).empty() || lines[i][0] == ' ' || lines[i].starts_with("unused") ||
        lines[i].starts_with("Personalities")) {
      continue;
    }
    std::string_view rest = lines[i];  // "md6 : active raid1 sdb2[2](F) sda2[0]"
    Array array;
    array.name = next_field(rest);
    next_field(rest);
    array.state = next_field(rest);
    if (array.state.empty()) return malformed("/proc/mdstat", "an array without a state");
    array.failed = count(lines[i], "(F)");
    array.spare = count(lines[i], "(S)");
    TRY(parse_status(lines[i], line(i + 1), array));
    array.synced = array.blocks;
    TRY(parse_progress(line(contains(line(i + 2), "bitmap") ? i + 3 : i + 2), array));
    arrays.push_back(std::move(array));
  }
  return arrays;
}

void add_array(Families& out, const Array& array) {
  const auto number = [](uint64_t value) { return static_cast<double>(value); };
  const std::string& device = array.name;
  out.gauge("node_md_disks_required", "Total number of disks of device.")
      .add(number(array.required), {{"device", device}});
  const auto disks = out.gauge("node_md_disks", "Number of active/failed/spare disks of device.");
  disks.add(number(array.active), {{"device", device}, {"state", "active"}});
  disks.add(number(array.failed), {{"device", device}, {"state", "failed"}});
  disks.add(number(array.spare), {{"device", device}, {"state", "spare"}});
  static constexpr std::pair<std::string_view, std::string_view> kStates[] = {
      {"active", "active"},
      {"inactive", "inactive"},
      {"recovering", "recovering"},
      {"resyncing", "resync"},
      {"checking", "check"}};
  const auto states = out.gauge("node_md_state", "Indicates the state of md-device.");
  for (const auto& [state, label] : kStates) {
    states.add(array.state == state ? 1 : 0, {{"device", device}, {"state", label}});
  }
  out.gauge("node_md_blocks", "Total number of blocks on device.")
      .add(number(array.blocks), {{"device", device}});
  out.gauge("node_md_blocks_synced", "Number of blocks synced on device.")
      .add(number(array.synced), {{"device", device}});
}

// raid_disks is "4", or "4 (3)" while the array changes its shape.
void add_sysfs(Host& host) {
  for (const std::string& device : host.sys.numbered("block", "md")) {
    const std::string dir = fmt::format("block/{}/md", device);
    const auto level = host.sys.attribute(join(dir, "level"));
    if (!level) continue;
    if (!level->empty() && *level != "container" && *level != "imsm" && *level != "ddf") {
      const auto disks = host.sys.attribute(join(dir, "raid_disks")).value_or("");
      if (const auto number = parse_uint(cut(disks, ' ').first)) {
        host.out.gauge("node_md_raid_disks", "Number of raid disks on device.")
            .add(static_cast<double>(*number), {{"device", device}});
      }
    }
    static constexpr std::string_view kRedundant[] = {"raid1", "raid4", "raid5", "raid6", "raid10"};
    const bool redundant = std::ranges::find(kRedundant, *level) != std::end(kRedundant);
    const auto degraded = host.sys.attribute_uint(join(dir, "degraded"));
    host.out.gauge("node_md_degraded", "Number of degraded disks on device.")
        .add(redundant ? static_cast<double>(degraded.value_or(0)) : 0, {{"device", device}});
  }
}

}  // namespace

Result<> collect_mdadm(Host& host) {
  const std::string_view text = TRY(host.proc.read("mdstat"));
  for (const Array& array : TRY(parse_mdstat(text))) add_array(host.out, array);
  add_sysfs(host);
  return {};
}

}  // namespace strata::collect

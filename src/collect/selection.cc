#include "collect/selection.h"

#include <algorithm>

#include "collect/host.h"

namespace strata::collect {
namespace {

constexpr std::string_view kGpuPrefix = "gpu.";

std::string all_names() {
  std::string names = "gpu";
  for (const std::string_view group : kGpuGroupNames) {
    names += ", " + std::string(kGpuPrefix) + std::string(group);
  }
  names += ", topology, process, host";
  for (const HostCollectorInfo& info : host_collectors()) names += ", " + std::string(info.name);
  return names;
}

}  // namespace

Result<Selection> Selection::from(std::span<const std::string> collect,
                                  std::span<const std::string> exclude) {
  Selection selection;
  if (!collect.empty() || !exclude.empty()) {
    selection.all_ = false;
    if (collect.empty()) {
      TRY(selection.change("host", true));
    } else {
      selection.gpu_ = GpuGroups::none();
      selection.topology_ = selection.process_ = false;
    }
  }
  for (const std::string& name : collect) TRY(selection.change(name, true));
  for (const std::string& name : exclude) TRY(selection.change(name, false));
  return selection;
}

Result<> Selection::change(std::string_view name, bool on) {
  if (name == "topology") return topology_ = on, Result<>();
  if (name == "process") return process_ = on, Result<>();
  if (name == "gpu") {
    gpu_ = on ? GpuGroups() : GpuGroups::none();
    return {};
  }
  if (name == "host") {
    host_.clear();
    if (!on) return {};
    for (const HostCollectorInfo& info : host_collectors()) host_.emplace(info.name);
    return {};
  }
  if (name.starts_with(kGpuPrefix)) {
    const auto group = std::ranges::find(kGpuGroupNames, name.substr(kGpuPrefix.size()));
    if (group != std::end(kGpuGroupNames)) {
      gpu_.set(static_cast<GpuGroup>(group - std::begin(kGpuGroupNames)), on);
      return {};
    }
  }
  const auto collectors = host_collectors();
  if (std::ranges::find(collectors, name, &HostCollectorInfo::name) != collectors.end()) {
    on ? static_cast<void>(host_.emplace(name)) : static_cast<void>(host_.erase(std::string(name)));
    return {};
  }
  return bad_data("there is no collector \"" + std::string(name) + "\"; there are: " + all_names());
}

}  // namespace strata::collect

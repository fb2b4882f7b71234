#include "notify/endpoints.h"

#include <algorithm>

#include "discover/relabel.h"
#include "discover/target_url.h"

namespace strata::notify {
namespace {

constexpr std::string_view kAddress = "__address__";
constexpr std::string_view kScheme = "__scheme__";
constexpr std::string_view kPath = "__alerts_path__";

/// The prefix's parts and the API's path, with one slash between any two (Go's path.Join).
std::string post_path(const config::AlertmanagerConfig& config) {
  std::vector<std::string_view> parts;
  for (std::string_view rest = config.path_prefix; !rest.empty();) {
    const size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
  }
  std::string path;
  for (const std::string_view part : parts) path.append("/").append(part);
  return path + "/api/" + config.api_version + "/alerts";
}

std::string url_of(const LabelsBuilder& labels) {
  return discover::make_url(labels.get(kScheme), labels.get(kAddress), labels.get(kPath), {});
}

}  // namespace

Endpoints endpoints_of(const config::AlertmanagerConfig& config,
                       std::span<const discover::TargetGroup> groups) {
  Endpoints out;
  const std::string path = post_path(config);
  LabelsBuilder labels;
  for (const discover::TargetGroup& group : groups) {
    std::vector<std::string> active;
    std::string error;
    for (const Labels& target : group.targets) {
      labels.reset(target);
      labels.set(kScheme, config.scheme).set(kPath, path);
      // A group's labels count for more than the configuration, a target's own for less.
      for (const Label& label : group.labels) {
        if (!target.has(label.name)) labels.set(label.name, label.value);
      }
      std::string before = url_of(labels);
      if (!discover::relabel(config.relabel_configs, labels)) {
        out.dropped.push_back(std::move(before));
        continue;
      }
      const std::string_view address = labels.get(kAddress);
      if (address.empty() || address.contains('/')) {
        error = fmt::format("{}: \"{}\" is not a host and port", group.source, address);
      }
      active.push_back(url_of(labels));
    }
    if (!error.empty()) {
      out.errors.push_back(std::move(error));
      continue;
    }
    for (std::string& url : active) {
      if (std::ranges::find(out.active, url) == out.active.end()) {
        out.active.push_back(std::move(url));
      }
    }
  }
  return out;
}

}  // namespace strata::notify

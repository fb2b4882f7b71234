#include "alerting/route.h"

#include <algorithm>

namespace strata::alerting {
namespace {

void merge_labels(config::StringPairs& into, const config::StringPairs& own) {
  for (const auto& [name, value] : own) {
    const auto at = std::ranges::find(into, name, &std::pair<std::string, std::string>::first);
    if (at == into.end()) {
      into.emplace_back(name, value);
    } else {
      at->second = value;
    }
  }
  std::ranges::sort(into);
}

std::unique_ptr<Route> make_route(const RouteConfig& config, const Route* parent, size_t index) {
  auto out = std::make_unique<Route>();
  if (parent != nullptr) {
    out->receiver = parent->receiver;
    out->group_by = parent->group_by;
    out->group_by_all = parent->group_by_all;
    out->group_wait = parent->group_wait;
    out->group_interval = parent->group_interval;
    out->repeat_interval = parent->repeat_interval;
    out->labels = parent->labels;
  }
  out->parent = parent;
  if (!config.receiver.empty()) out->receiver = config.receiver;
  if (config.group_by) {
    out->group_by = *config.group_by;
    std::ranges::sort(out->group_by);
    out->group_by_all = false;
  }
  if (config.group_by_all) out->group_by_all = true;
  out->group_wait = config.group_wait.value_or(out->group_wait);
  out->group_interval = config.group_interval.value_or(out->group_interval);
  out->repeat_interval = config.repeat_interval.value_or(out->repeat_interval);
  out->matchers = config.matchers;
  out->mute_time_intervals = config.mute_time_intervals;
  out->active_time_intervals = config.active_time_intervals;
  out->continues = config.continues;
  merge_labels(out->labels, config.labels);
  const std::string own = to_text(out->matchers);
  out->key = parent == nullptr ? own : parent->key + "/" + own;
  out->id = parent == nullptr ? own : fmt::format("{}/{}/{}", parent->id, own, index);
  for (size_t i = 0; i < config.routes.size(); ++i) {
    out->routes.push_back(make_route(config.routes[i], out.get(), i));
  }
  return out;
}

bool match_into(const Route& route, const Labels& labels, std::vector<const Route*>& out) {
  if (!matches_all(route.matchers, labels)) return false;
  const size_t before = out.size();
  for (const auto& child : route.routes) {
    if (match_into(*child, labels, out) && !child->continues) break;
  }
  if (out.size() == before) out.push_back(&route);
  return true;
}

}  // namespace

Labels Route::group_labels(const Labels& alert) const {
  if (group_by_all) return alert;
  std::vector<Label> out;
  for (const std::string& name : group_by) out.push_back({name, alert.get(name)});
  return Labels::from(std::move(out));
}

RouteTree::RouteTree(const RouteConfig& root) : root_(make_route(root, nullptr, 0)) {}

std::vector<const Route*> RouteTree::match(const Labels& labels) const {
  std::vector<const Route*> out;
  match_into(*root_, labels, out);
  return out;
}

}  // namespace strata::alerting

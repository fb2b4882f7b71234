// The routing tree with what each node takes over from its parent: which receivers an alert goes
// to, and how it is grouped. Immutable; thread-safe.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "alerting/config.h"
#include "model/labels.h"

namespace strata::alerting {

struct Route {
  const Route* parent = nullptr;
  std::string receiver;
  std::vector<std::string> group_by;  // sorted
  bool group_by_all = false;
  Matchers matchers;
  std::vector<std::string> mute_time_intervals;    // this node's only
  std::vector<std::string> active_time_intervals;  // likewise
  bool continues = false;
  Millis group_wait = std::chrono::seconds(30);
  Millis group_interval = std::chrono::minutes(5);
  Millis repeat_interval = std::chrono::hours(4);
  config::StringPairs labels;  // sorted by name; the parent's too
  std::vector<std::unique_ptr<Route>> routes;
  /// `{}/{a="b"}`: the matchers from the root on. Not unique.
  std::string key;
  /// The same with the node's number among its siblings: unique.
  std::string id;

  /// The labels that an alert is grouped by here, with their values.
  Labels group_labels(const Labels& alert) const;
};

class RouteTree {
 public:
  explicit RouteTree(const RouteConfig& root);
  const Route& root() const { return *root_; }
  /// Depth first; a node that has children that match stands back for them, and the first child
  /// that matches ends the search among its siblings unless it continues. Never empty.
  std::vector<const Route*> match(const Labels& labels) const;

 private:
  std::unique_ptr<Route> root_;
};

}  // namespace strata::alerting

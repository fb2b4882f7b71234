// From discovered groups to what can be scraped: labels filled in, relabelled and checked, and a
// URL (Prometheus' scrape.PopulateLabels and Target.URL).
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "discover/target_group.h"
#include "model/duration.h"
#include "model/labels.h"

namespace strata::discover {

/// A value; equal `labels` and `url` mean the same target.
struct Target {
  /// What its series get: no name starts with __; `job` and `instance` are there.
  Labels labels;
  /// Before relabelling, with all __ and __meta_ labels.
  Labels discovered_labels;
  /// Scheme, address, path and sorted query. No port is added to an address that has none
  /// (Prometheus 3).
  std::string url;
  /// __unix_socket__: the path of a socket to connect to instead of the URL's host; mostly empty.
  std::string unix_socket;
  Millis interval{0};
  Millis timeout{0};  // at most interval
  bool scrape_native_histograms = false;
  bool always_scrape_classic_histograms = false;
  bool convert_classic_histograms_to_nhcb = false;
};

struct TargetSet {
  /// No two the same; in the groups' order.
  std::vector<Target> active;
  /// Discovered labels of targets that relabelling dropped, at most keep_dropped_targets (0: all).
  std::vector<Labels> dropped;
  size_t dropped_count = 0;
  /// One line for each target that could not be made, e.g. for an address with a slash.
  std::vector<std::string> errors;
  /// More than target_limit: every scrape of the job is to fail.
  bool over_target_limit = false;
};

/// Pure.
TargetSet make_targets(const config::ScrapeConfig& config, std::span<const TargetGroup> groups);

/// The labels before relabelling: target's, group's, then job and the magic labels from `config`.
Labels discovered_labels(const config::ScrapeConfig& config, const Labels& target,
                         const Labels& group);

}  // namespace strata::discover

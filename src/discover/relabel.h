// Relabelling: rules that rewrite, keep or drop a label set (Prometheus' model/relabel). Used for
// targets before a scrape and for every series of one.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "config/relabel_config.h"
#include "model/labels.h"

namespace strata::discover {

/// Applies `rules` in order to `labels`; false when a rule drops the label set (what is in `labels`
/// then does not matter). Thread-safe for distinct builders.
bool relabel(std::span<const config::RelabelConfig> rules, LabelsBuilder& labels);

/// What one rule did, for the page that explains why a target is missing.
struct RelabelStep {
  size_t rule = 0;  // index
  Labels output;    // after it; as before it when it drops
  bool keep = true;
};

/// As relabel(), showing each step; ends at the rule that drops.
std::vector<RelabelStep> trace_relabel(std::span<const config::RelabelConfig> rules,
                                       const Labels& input);

/// The last eight bytes of `text`'s MD5, big endian: what hashmod takes the modulus of. MD5 only
/// because shards must be the same ones that Prometheus picks.
uint64_t hashmod_hash(std::string_view text);

}  // namespace strata::discover

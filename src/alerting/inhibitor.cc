#include "alerting/inhibitor.h"

#include <algorithm>

#include "model/fingerprint.h"

namespace strata::alerting {

Inhibitor::Inhibitor(std::vector<InhibitRule> rules) {
  for (InhibitRule& rule : rules) rules_.push_back({std::move(rule), {}});
}

std::string Inhibitor::equal_values(const InhibitRule& rule, const Labels& labels) {
  std::string out;
  for (const std::string& name : rule.equal) out.append(labels.get(name)).append(1, '\xff');
  return out;
}

void Inhibitor::update(const Alert& alert) {
  const uint64_t own = fingerprint(alert.labels);
  for (Rule& rule : rules_) {
    if (!matches_all(rule.config.source, alert.labels)) continue;
    auto& sources = rule.sources[equal_values(rule.config, alert.labels)];
    const auto at = std::ranges::find(sources, own, &Source::fingerprint);
    if (at != sources.end()) {
      at->ends_at = alert.ends_at;
    } else {
      sources.push_back({own, alert.ends_at, matches_all(rule.config.target, alert.labels)});
    }
  }
}

void Inhibitor::forget(const Alert& alert) {
  const uint64_t own = fingerprint(alert.labels);
  for (Rule& rule : rules_) {
    const auto at = rule.sources.find(equal_values(rule.config, alert.labels));
    if (at == rule.sources.end()) continue;
    std::erase_if(at->second, [&](const Source& s) { return s.fingerprint == own; });
    if (at->second.empty()) rule.sources.erase(at);
  }
}

std::optional<uint64_t> Inhibitor::inhibiting(const Labels& labels, TimestampMs now) const {
  for (const Rule& rule : rules_) {
    if (rule.sources.empty() || !matches_all(rule.config.target, labels)) continue;
    const auto at = rule.sources.find(equal_values(rule.config, labels));
    if (at == rule.sources.end()) continue;
    const bool two_sided = matches_all(rule.config.source, labels);
    for (const Source& source : at->second) {
      if (source.ends_at > now && !(two_sided && source.is_target)) return source.fingerprint;
    }
  }
  return std::nullopt;
}

}  // namespace strata::alerting

#include "alerting/inhibitor.h"

#include <utility>

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
    ByEnd& by_end =
        matches_all(rule.config.target, alert.labels) ? sources.targets_too : sources.plain;
    const auto [known, fresh] = sources.ends_at.try_emplace(own, alert.ends_at);
    if (!fresh) by_end.erase({std::exchange(known->second, alert.ends_at), own});
    by_end.emplace(alert.ends_at, own);
  }
}

void Inhibitor::forget(const Alert& alert) {
  const uint64_t own = fingerprint(alert.labels);
  for (Rule& rule : rules_) {
    const auto at = rule.sources.find(equal_values(rule.config, alert.labels));
    if (at == rule.sources.end()) continue;
    Sources& sources = at->second;
    const auto known = sources.ends_at.find(own);
    if (known == sources.ends_at.end()) continue;
    sources.plain.erase({known->second, own});
    sources.targets_too.erase({known->second, own});
    sources.ends_at.erase(known);
    if (sources.ends_at.empty()) rule.sources.erase(at);
  }
}

std::optional<uint64_t> Inhibitor::inhibiting(const Labels& labels, TimestampMs now) const {
  for (const Rule& rule : rules_) {
    if (rule.sources.empty() || !matches_all(rule.config.target, labels)) continue;
    const auto at = rule.sources.find(equal_values(rule.config, labels));
    if (at == rule.sources.end()) continue;
    const auto last = [&](const ByEnd& by_end) -> std::optional<uint64_t> {
      if (by_end.empty() || by_end.rbegin()->first <= now) return std::nullopt;
      return by_end.rbegin()->second;
    };
    if (const auto by = last(at->second.plain)) return by;
    if (matches_all(rule.config.source, labels)) continue;
    if (const auto by = last(at->second.targets_too)) return by;
  }
  return std::nullopt;
}

}  // namespace strata::alerting

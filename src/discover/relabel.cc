#include "discover/relabel.h"

#include <string>
#include <utility>

#include "base/check.h"
#include "discover/letter_case.h"
#include "discover/md5.h"

namespace strata::discover {
namespace {

using config::RelabelAction;
using config::RelabelConfig;

std::string joined_sources(const RelabelConfig& rule, const LabelsBuilder& labels) {
  std::string out;
  for (size_t i = 0; i < rule.source_labels.size(); ++i) {
    if (i > 0) out += rule.separator;
    out += labels.get(rule.source_labels[i]);
  }
  return out;
}

void replace(const RelabelConfig& rule, const std::string& source, LabelsBuilder& labels) {
  std::vector<std::string_view> groups;
  if (!rule.regex.full_match(source, &groups)) return;
  const std::string target = rule.regex.expand(rule.target_label, groups);
  if (!config::is_label_name(rule.name_validation, target)) return;
  labels.set(target, rule.regex.expand(rule.replacement, groups));
}

/// Copies labels to the names that the rule makes of theirs.
void map_labels(const RelabelConfig& rule, LabelsBuilder& labels) {
  std::vector<std::pair<std::string, std::string>> copies;
  std::vector<std::string_view> groups;
  for (const auto& [name, value] : labels.labels()) {
    if (!rule.regex.full_match(name, &groups)) continue;
    copies.emplace_back(rule.regex.expand(rule.replacement, groups), value);
  }
  for (const auto& [name, value] : copies) labels.set(name, value);
}

void keep_matching(const RelabelConfig& rule, bool matching, LabelsBuilder& labels) {
  std::vector<std::string> kept;
  for (const auto& [name, value] : labels.labels()) {
    if (rule.regex.full_match(name) == matching) kept.push_back(name);
  }
  labels.keep(kept);
}

/// False: the rule drops the label set.
bool apply(const RelabelConfig& rule, LabelsBuilder& labels) {
  const std::string source = joined_sources(rule, labels);
  switch (rule.action) {
    case RelabelAction::kReplace: replace(rule, source, labels); return true;
    case RelabelAction::kKeep: return rule.regex.full_match(source);
    case RelabelAction::kDrop: return !rule.regex.full_match(source);
    case RelabelAction::kKeepEqual: return labels.get(rule.target_label) == source;
    case RelabelAction::kDropEqual: return labels.get(rule.target_label) != source;
    case RelabelAction::kHashMod:
      DCHECK(rule.modulus > 0);  // config/ refuses 0
      labels.set(rule.target_label, std::to_string(hashmod_hash(source) % rule.modulus));
      return true;
    case RelabelAction::kLabelMap: map_labels(rule, labels); return true;
    case RelabelAction::kLabelDrop: keep_matching(rule, false, labels); return true;
    case RelabelAction::kLabelKeep: keep_matching(rule, true, labels); return true;
    case RelabelAction::kLowercase: labels.set(rule.target_label, to_lower(source)); return true;
    case RelabelAction::kUppercase: labels.set(rule.target_label, to_upper(source)); return true;
  }
  return true;
}

}  // namespace

bool relabel(std::span<const RelabelConfig> rules, LabelsBuilder& labels) {
  for (const RelabelConfig& rule : rules) {
    if (!apply(rule, labels)) return false;
  }
  return true;
}

std::vector<RelabelStep> trace_relabel(std::span<const RelabelConfig> rules, const Labels& input) {
  std::vector<RelabelStep> steps;
  LabelsBuilder labels(input);
  for (size_t i = 0; i < rules.size(); ++i) {
    const bool keep = apply(rules[i], labels);
    steps.push_back({i, labels.build(), keep});
    if (!keep) break;
  }
  return steps;
}

uint64_t hashmod_hash(std::string_view text) {
  const std::array<uint8_t, 16> digest = md5(text);
  uint64_t hash = 0;
  for (size_t i = 8; i < 16; ++i) hash = (hash << 8) | digest[i];
  return hash;
}

}  // namespace strata::discover

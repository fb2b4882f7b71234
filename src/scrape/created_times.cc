#include "scrape/created_times.h"

#include <algorithm>
#include <cmath>

namespace strata::scrape {
namespace {

constexpr std::string_view kCreated = "_created";
constexpr double kFarSeconds = 1e12;  // no sensible time; keeps milliseconds in range

bool counts(MetricType type) {
  return type == MetricType::kCounter || type == MetricType::kHistogram ||
         type == MetricType::kSummary;
}

}  // namespace

CreatedTimes::Role CreatedTimes::attach(uint32_t line, std::string_view family, MetricType type,
                                        const LabelsBuilder& labels) {
  const std::string_view name = labels.get(kMetricName);
  if (!counts(type) || family.empty() || !name.starts_with(family)) return Role::kNone;
  const bool is_mark = name.substr(family.size()) == kCreated;
  LabelsBuilder key(labels.build());
  key.set(kMetricName, family).remove("le").remove("quantile");
  const auto [found, is_new] =
      by_labels_.try_emplace(key.build(), static_cast<uint32_t>(groups_.size()));
  if (is_new) groups_.push_back(0);
  if (lines_.size() <= line) lines_.resize(size_t{line} + 1);
  lines_[line] = {.group = found->second, .is_mark = is_mark, .last = 0};
  return is_mark ? Role::kMark : Role::kMember;
}

void CreatedTimes::note(uint32_t line, double value) {
  if (line >= lines_.size() || !lines_[line].is_mark) return;
  const bool sensible = value > 0 && value < kFarSeconds;
  groups_[lines_[line].group] = sensible ? static_cast<TimestampMs>(std::floor(value * 1000)) : 0;
}

std::vector<CreatedTimes::Beginning> CreatedTimes::changed(std::span<const uint32_t> lines) {
  std::vector<Beginning> out;
  for (const uint32_t i : lines) {
    if (i >= lines_.size() || lines_[i].group == kNone || lines_[i].is_mark) continue;
    const TimestampMs t = groups_[lines_[i].group];
    if (t == 0 || t == std::exchange(lines_[i].last, t)) continue;
    out.push_back({i, t});
  }
  return out;
}

}  // namespace strata::scrape

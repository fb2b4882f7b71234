#include "promql/annotations.h"

#include <algorithm>
#include <ctime>

#include "promql/parser.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

std::string rfc3339(TimestampMs t) {
  const time_t seconds = static_cast<time_t>(t / 1000);
  tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace

void Annotations::warn(SourceSpan where, std::string text) {
  MutexLock lock(mutex_);
  if (warnings_.size() < kMax) warnings_.try_emplace(std::move(text), where);
}

void Annotations::info(SourceSpan where, std::string text) {
  MutexLock lock(mutex_);
  if (infos_.size() < kMax) infos_.try_emplace(std::move(text), where);
}

void Annotations::forced_monotonicity(SourceSpan where, std::string_view metric,
                                      const ForcedMonotonicity& what) {
  MutexLock lock(mutex_);
  if (monotonicity_.size() >= kMax) return;
  const auto [it, added] = monotonicity_.try_emplace(std::string(metric), where, what);
  if (added) return;
  ForcedMonotonicity& all = it->second.second;
  all.min_time = std::min(all.min_time, what.min_time);
  all.max_time = std::max(all.max_time, what.max_time);
  all.min_bucket = std::min(all.min_bucket, what.min_bucket);
  all.max_bucket = std::max(all.max_bucket, what.max_bucket);
  all.max_diff = std::max(all.max_diff, what.max_diff);
  all.count += what.count;
}

bool Annotations::empty() const {
  MutexLock lock(mutex_);
  return warnings_.empty() && infos_.empty() && monotonicity_.empty();
}

std::vector<std::string> Annotations::warnings(std::string_view query) const {
  MutexLock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [text, where] : warnings_) {
    out.push_back(
        fmt::format("PromQL warning: {} ({})", text, line_and_column(query, where.start)));
  }
  return out;
}

std::vector<std::string> Annotations::infos(std::string_view query) const {
  MutexLock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [text, where] : infos_) {
    out.push_back(fmt::format("PromQL info: {} ({})", text, line_and_column(query, where.start)));
  }
  for (const auto& [metric, entry] : monotonicity_) {
    const auto& [where, what] = entry;
    const std::string name =
        metric.empty() ? "" : fmt::format(" for metric name {}", quoted(metric));
    out.push_back(fmt::format(
        "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
        "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}, "
        "from buckets {:g} to {:g}, with a max diff of {:.2g}, over {} samples from {} to {} ({})",
        name, what.min_bucket, what.max_bucket, what.max_diff, what.count, rfc3339(what.min_time),
        rfc3339(what.max_time), line_and_column(query, where.start)));
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace strata::promql

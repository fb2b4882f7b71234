#include "promql/result_cache.h"

#include <algorithm>
#include <array>

#include "promql/function_table.h"

namespace strata::promql {
namespace {

// Of an entry besides the numbers.
constexpr size_t kBytesPerEntry = 256;

class Reach {
 public:
  explicit Reach(Millis lookback) : lookback_(lookback) {}

  std::optional<Millis> of(const Expr& root) {
    visit(root, Millis(0));
    if (!possible_ || selectors_ == 0) return std::nullopt;
    return reach_;
  }

 private:
  void visit(const Expr& expr, Millis offset) {
    switch (expr.kind) {
      case ExprKind::kVectorSelector: return selector(as<VectorSelector>(expr), offset);
      case ExprKind::kMatrixSelector:
        possible_ = possible_ && !as<MatrixSelector>(expr).range_expr;
        break;
      case ExprKind::kSubquery: {
        const auto& subquery = as<SubqueryExpr>(expr);
        possible_ = possible_ && !subquery.range_expr && !subquery.step_expr;
        offset = shifted(subquery.shift, offset);
        break;
      }
      case ExprKind::kCall: {
        // These depend on the range as a whole, or on which series there are in it.
        constexpr auto kWhole = std::to_array<std::string_view>({"start", "end", "range", "info"});
        if (std::ranges::count(kWhole, as<Call>(expr).function->name) > 0) possible_ = false;
        break;
      }
      case ExprKind::kAggregate: {
        const Aggregation op = as<AggregateExpr>(expr).op;
        if (op == Aggregation::kLimitk || op == Aggregation::kLimitRatio) possible_ = false;
        break;
      }
      default: break;
    }
    for_each_child(expr, [&](const Expr& child) { visit(child, offset); });
  }

  Millis shifted(const TimeShift& shift, Millis offset) {
    if (shift.at || shift.at_point != AtPoint::kNone || shift.offset_expr) possible_ = false;
    return offset + shift.offset;
  }

  void selector(const VectorSelector& selector, Millis offset) {
    ++selectors_;
    const bool named = std::ranges::any_of(selector.matchers, [](const Matcher& matcher) {
      return matcher.name() == kMetricName && matcher.op() == Matcher::Op::kEqual;
    });
    possible_ = possible_ && named;
    const Millis ahead = selector.smoothed ? lookback_ : Millis(0);
    reach_ = std::max(reach_, ahead - shifted(selector.shift, offset));
  }

  const Millis lookback_;
  bool possible_ = true;
  size_t selectors_ = 0;
  Millis reach_{0};
};

}  // namespace

std::optional<Millis> reach_of(const Expr& expr, Millis lookback) {
  return Reach(lookback).of(expr);
}

size_t CachedAnswer::bytes() const {
  size_t bytes = kBytesPerEntry;
  for (const Series& s : series) {
    bytes += sizeof(Series) + s.metric.bytes().size() + s.values.size() * sizeof(double);
  }
  return bytes;
}

size_t CachedAnswer::valid_steps(const Steps& wanted, TimestampMs changed_from,
                                 Millis reach) const {
  if (wanted.start < steps.start || changed_from == kMinTime) return 0;
  TimestampMs last = std::min(steps.last(), wanted.last());
  if (changed_from - 1 < last + reach.count()) last = changed_from - 1 - reach.count();
  if (last < wanted.start) return 0;
  return static_cast<size_t>((last - wanted.start) / steps.interval) + 1;
}

Matrix CachedAnswer::joined(const Steps& wanted, size_t count, Matrix rest) const {
  const auto first = static_cast<size_t>((wanted.start - steps.start) / steps.interval);
  Matrix out;
  out.reserve(std::max(series.size(), rest.size()));
  auto next = rest.begin();
  for (const Series& mine : series) {
    for (; next != rest.end() && next->metric < mine.metric; ++next) {
      out.push_back(std::move(*next));
    }
    const bool goes_on = next != rest.end() && next->metric == mine.metric;
    MatrixSeries whole{mine.metric, {}};
    whole.points.reserve(count + (goes_on ? next->points.size() : 0));
    for (size_t s = 0; s < count; ++s) {
      const double value = mine.values[first + s];
      if (!is_absent(value)) whole.points.push_back({wanted.at(s), value, nullptr});
    }
    if (goes_on) std::ranges::move((next++)->points, std::back_inserter(whole.points));
    if (!whole.points.empty()) out.push_back(std::move(whole));
  }
  std::move(next, rest.end(), std::back_inserter(out));
  return out;
}

std::shared_ptr<const CachedAnswer> CachedAnswer::of(const Matrix& matrix, const Steps& steps,
                                                     uint64_t version) {
  auto answer = std::make_shared<CachedAnswer>();
  answer->steps = steps;
  answer->version = version;
  answer->series.reserve(matrix.size());
  for (const MatrixSeries& from : matrix) {
    Series& to = answer->series.emplace_back();
    to.metric = from.metric;
    to.values.assign(steps.count, absent());
    for (const Point& point : from.points) {
      if (point.h) return nullptr;
      to.values[static_cast<size_t>((point.t - steps.start) / steps.interval)] = point.v;
    }
  }
  return answer;
}

std::shared_ptr<const CachedAnswer> ResultCache::find(const std::string& key) {
  MutexLock lock(mutex_);
  const auto it = by_key_.find(key);
  if (it == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, it->second);
  return it->second->answer;
}

void ResultCache::keep(const std::string& key, std::shared_ptr<const CachedAnswer> answer) {
  const size_t bytes = answer->bytes() + key.size();
  MutexLock lock(mutex_);
  const auto known = by_key_.find(key);
  if (known != by_key_.end()) drop(known->second);
  if (bytes > max_bytes_ / 8) return;
  while (!entries_.empty() && stats_.bytes + bytes > max_bytes_) drop(std::prev(entries_.end()));
  entries_.push_front({key, std::move(answer), bytes});
  by_key_.emplace(entries_.front().key, entries_.begin());
  stats_.bytes += bytes;
  ++stats_.answers;
}

void ResultCache::drop(std::list<Entry>::iterator entry) {
  stats_.bytes -= entry->bytes;
  --stats_.answers;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

void ResultCache::count(bool hit) {
  MutexLock lock(mutex_);
  ++(hit ? stats_.hits : stats_.misses);
}

ResultCacheStats ResultCache::stats() const {
  MutexLock lock(mutex_);
  return stats_;
}

}  // namespace strata::promql

// info(v, selector): adds the labels of info metrics (target_info by default) to the series that
// share their job and instance.
#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <unordered_map>

#include "promql/function_bodies.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

constexpr auto kIdentifying = std::to_array<std::string_view>({"instance", "job"});
constexpr std::string_view kDefaultInfo = "target_info";

/// When the info series are looked at: as the first selector of the argument is.
struct Reference {
  std::optional<TimestampMs> at;
  Millis offset{0};
};

// The first selector in `expr`, with what the subqueries around it add; false: there is none.
bool find_reference(const Expr& expr, Reference& out) {
  switch (expr.kind) {
    case ExprKind::kVectorSelector: {
      const TimeShift& shift = as<VectorSelector>(expr).shift;
      out = {shift.at, shift.offset};
      return true;
    }
    case ExprKind::kMatrixSelector: return find_reference(*as<MatrixSelector>(expr).vector, out);
    case ExprKind::kSubquery: {
      const auto& subquery = as<SubqueryExpr>(expr);
      if (!find_reference(*subquery.inner, out)) return false;
      if (!out.at) {
        out.offset += subquery.shift.offset;
        out.at = subquery.shift.at;
      }
      return true;
    }
    case ExprKind::kParen: return find_reference(*as<ParenExpr>(expr).inner, out);
    case ExprKind::kUnary: return find_reference(*as<UnaryExpr>(expr).inner, out);
    case ExprKind::kBinary:
      return find_reference(*as<BinaryExpr>(expr).lhs, out) ||
             find_reference(*as<BinaryExpr>(expr).rhs, out);
    case ExprKind::kAggregate: return find_reference(*as<AggregateExpr>(expr).inner, out);
    case ExprKind::kCall:
      return std::ranges::any_of(as<Call>(expr).args,
                                 [&](const ExprPtr& arg) { return find_reference(*arg, out); });
    default: return false;
  }
}

/// What the second argument asks for.
struct InfoSelector {
  std::vector<Matcher> names;                          // of __name__
  std::map<std::string, std::vector<Matcher>> labels;  // by data label

  bool wants(std::string_view label) const {
    return labels.empty() || labels.contains(std::string(label));
  }
  bool accepts_nothing() const {
    return std::ranges::all_of(labels, [](const auto& entry) {
      return std::ranges::all_of(entry.second, [](const Matcher& m) { return m.matches_empty(); });
    });
  }
};

InfoSelector info_selector(const Call& call) {
  InfoSelector out;
  if (call.args.size() > 1) {
    for (const Matcher& m : as<VectorSelector>(unwrap(*call.args[1])).matchers) {
      (m.name() == kMetricName ? out.names : out.labels[m.name()]).push_back(m);
    }
  }
  const std::string name(kMetricName);
  const bool positive = std::ranges::any_of(out.names, [](const Matcher& m) {
    return m.op() == Matcher::Op::kEqual || m.op() == Matcher::Op::kRegex;
  });
  if (out.names.empty()) {
    out.names.push_back(Matcher::equal(name, std::string(kDefaultInfo)));
  } else if (!positive) {
    // Only exclusions: from all that look like info metrics.
    out.names.insert(out.names.begin(), *Matcher::make(Matcher::Op::kRegex, name, ".+_info"));
  }
  return out;
}

bool is_info_series(const InfoSelector& selector, const Labels& labels) {
  return std::ranges::all_of(selector.names,
                             [&](const Matcher& m) { return m.matches(labels.metric_name()); });
}

std::string escaped_regex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").contains(c)) out += '\\';
    out += c;
  }
  return out;
}

Labels identity_of(const Labels& labels) {
  std::vector<Label> kept;
  for (const Label& label : labels) {
    if (std::ranges::count(kIdentifying, label.name) > 0) kept.push_back(label);
  }
  return Labels::from_sorted(kept);
}

class InfoJoin {
 public:
  InfoJoin(Evaluator& evaluator, const Call& call)
      : evaluator_(evaluator),
        query_(evaluator.query()),
        call_(call),
        steps_(evaluator.steps().count),
        selector_(info_selector(call)) {}

  Result<Value> run() {
    base_ = TRY(evaluator_.frame(*call_.args[0]));
    TRY(fetch_info());
    for (size_t i = 0; i < base_->size(); ++i) TRY(join(i));
    FramePtr out = TRY(Frame::make(query_, series_, steps_));
    for (size_t i = 0; i < out->size(); ++i) out->view(i).copy_from(rows_[i].view());
    return Value(TRY(merge_same_labels(query_, std::move(out), steps_)));
  }

 private:
  Result<> fetch_info() {
    std::map<std::string_view, std::set<std::string_view>> values;
    for (size_t i = 0; i < base_->size(); ++i) {
      const Labels& labels = *base_->series(i).labels;
      if (base_->view(i).empty() || is_info_series(selector_, labels)) continue;
      for (const auto name : kIdentifying) {
        if (labels.has(name)) values[name].insert(labels.get(name));
      }
    }
    if (values.empty()) return {};
    VectorSelector selector({});
    for (const auto& [name, alternatives] : values) {
      std::string pattern;
      for (const auto value : alternatives) {
        if (!pattern.empty()) pattern += '|';
        pattern += escaped_regex(value);
      }
      selector.matchers.push_back(
          TRY(Matcher::make(Matcher::Op::kRegex, std::string(name), std::move(pattern))));
    }
    for (const auto& [label, matchers] : selector_.labels) {
      selector.matchers.insert(selector.matchers.end(), matchers.begin(), matchers.end());
    }
    selector.matchers.insert(selector.matchers.end(), selector_.names.begin(),
                             selector_.names.end());
    Reference reference;
    find_reference(*call_.args[0], reference);
    selector.shift.at = reference.at;
    selector.shift.offset = reference.offset;
    VectorPtr times = TRY(evaluator_.select(selector, Evaluator::Sampled::kTimestamp));
    info_ = TRY(Frame::of(query_, std::move(times), steps_));
    TRY(forbid_histograms(selector));
    for (uint32_t i = 0; i < info_->size(); ++i) {
      const Labels& labels = *info_->series(i).labels;
      by_identity_[identity_of(labels).bytes()][std::string(labels.metric_name())].push_back(i);
    }
    return {};
  }

  // The times of samples do not tell their type.
  Result<> forbid_histograms(const VectorSelector& selector) {
    const VectorPtr values = TRY(evaluator_.select(selector, Evaluator::Sampled::kValue));
    return for_each_row(query_, *values, steps_, [](size_t, RowView row) -> Result<> {
      if (row.has_histograms()) return execution_error("info sample should be float");
      return {};
    });
  }

  // Of several series of one info metric the newest counts.
  Result<std::optional<uint32_t>> newest(const std::vector<uint32_t>& candidates,
                                         size_t step) const {
    std::optional<uint32_t> best;
    for (const uint32_t i : candidates) {
      const RowView row = info_->view(i);
      if (!row.has(step)) continue;
      if (best && info_->view(*best).v[step] == row.v[step]) {
        const auto millis = static_cast<int64_t>(row.v[step] * 1000);
        return execution_error(
            fmt::format("found duplicate series for info metric: existing {} @ {}, new {} @ {}",
                        info_->series(*best).labels->in_braces(), millis,
                        info_->series(i).labels->in_braces(), millis));
      }
      if (!best || info_->view(*best).v[step] < row.v[step]) best = i;
    }
    return best;
  }

  // The labels that the info series of a step add; none: the series has no match at this step.
  Result<std::optional<Labels>> added_labels(const Labels& base, size_t step) const {
    LabelsBuilder added;
    bool matched = false;
    const auto metrics = by_identity_.find(identity_of(base).bytes());
    if (metrics != by_identity_.end()) {
      for (const auto& [metric, candidates] : metrics->second) {
        const auto info = TRY(newest(candidates, step));
        if (!info) continue;
        matched = true;
        for (const Label& label : *info_->series(*info).labels) {
          if (label.name == kMetricName || !selector_.wants(label.name)) continue;
          const std::string_view present = added.get(label.name);
          if (!present.empty() && present != label.value) {
            return execution_error(fmt::format("conflicting label: {}", label.name));
          }
          if (!base.has(label.name)) added.set(label.name, label.value);
        }
      }
    }
    if (!matched && !selector_.accepts_nothing()) return std::optional<Labels>();
    return std::optional<Labels>(added.build());
  }

  Result<> join(size_t i) {
    const SeriesRef& series = base_->series(i);
    const RowView row = base_->view(i);
    std::unordered_map<std::string, size_t> outputs;  // by the labels added
    const bool is_info = is_info_series(selector_, *series.labels);
    for (size_t step = 0; step < steps_; ++step) {
      if (!row.has(step)) continue;
      std::optional<Labels> added =
          is_info ? std::optional<Labels>(Labels()) : TRY(added_labels(*series.labels, step));
      if (!added) continue;
      const auto [it, is_new] = outputs.try_emplace(added->bytes(), rows_.size());
      if (is_new) add_output(series, *added);
      const RowView out = rows_[it->second].view();
      row.is_histogram(step) ? out.set(step, row.histogram(step)) : out.set(step, row.v[step]);
    }
    return {};
  }

  void add_output(const SeriesRef& series, const Labels& added) {
    LabelsBuilder builder(*series.labels);
    for (const Label& label : added) builder.set(label.name, label.value);
    series_.push_back({query_.keep(builder.build()), series.drop_name});
    rows_.emplace_back(steps_);
    rows_.back().view().clear();
  }

  Evaluator& evaluator_;
  Query& query_;
  const Call& call_;
  const size_t steps_;
  const InfoSelector selector_;
  FramePtr base_;
  FramePtr info_;
  // identity -> info metric -> its series in info_
  std::unordered_map<std::string, std::map<std::string, std::vector<uint32_t>>> by_identity_;
  std::vector<SeriesRef> series_;
  std::vector<RowBuffer> rows_;
};

}  // namespace

Result<Value> call_info(Evaluator& evaluator, const Call& call) {
  return InfoJoin(evaluator, call).run();
}

}  // namespace strata::promql

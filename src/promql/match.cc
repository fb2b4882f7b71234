#include "promql/match.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "promql/binary_element.h"

namespace strata::promql {
namespace {

constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

// on(names): those labels; ignoring(names): all others but the name.
Labels matched_labels(const Labels& labels, const VectorMatching& matching) {
  std::vector<Label> kept;
  for (const Label& label : labels) {
    const bool named = std::ranges::count(matching.labels, label.name) > 0;
    const bool keep = matching.on ? named : !named && label.name != kMetricName;
    if (keep) kept.push_back(label);
  }
  return Labels::from_sorted(kept);
}

class VectorMatch {
 public:
  VectorMatch(Evaluator& evaluator, const BinaryExpr& expr, FramePtr lhs, FramePtr rhs)
      : query_(evaluator.query()),
        expr_(expr),
        matching_(*expr.matching),
        swapped_(matching_.card == Cardinality::kOneToMany),
        one_to_one_(matching_.card == Cardinality::kOneToOne),
        steps_(evaluator.steps().count),
        many_(swapped_ ? std::move(rhs) : std::move(lhs)),
        one_(swapped_ ? std::move(lhs) : std::move(rhs)),
        fill_many_(matching_.fill_left),
        fill_one_(matching_.fill_right) {}

  Result<Value> run() {
    const Signatures signatures = match_signatures(matching_, *many_, *one_);
    groups_.resize(signatures.count);
    for (uint32_t i = 0; i < many_->size(); ++i) groups_[signatures.lhs[i]].many.push_back(i);
    for (uint32_t i = 0; i < one_->size(); ++i) groups_[signatures.rhs[i]].one.push_back(i);
    for (Group& group : groups_) plan(group);

    out_ = TRY(Frame::make(query_, std::move(series_), steps_));
    for (size_t i = 0; i < out_->size(); ++i) out_->view(i).clear();
    TRY(query_.parallel(groups_.size(), [&](size_t g) -> Result<> {
      TRY(query_.check());
      return evaluate(groups_[g]);
    }));
    if (query_.options.delayed_name_removal) return Value(std::move(out_));
    return Value(TRY(merge_same_labels(query_, std::move(out_), steps_)));
  }

 private:
  struct Pair {
    uint32_t many;  // kNone: filled
    uint32_t one;
    uint32_t output;
  };
  /// Series that agree in the labels that match.
  struct Group {
    std::vector<uint32_t> many;
    std::vector<uint32_t> one;
    std::vector<Pair> pairs;
    bool shares_outputs = false;
  };

  // Which series can meet, and what their results are called.
  void plan(Group& group) {
    std::unordered_map<std::string_view, uint32_t> outputs;
    const auto add = [&](uint32_t many, uint32_t one) {
      const Labels* labels = query_.keep(result_labels(many, one));
      const auto [it, added] =
          outputs.try_emplace(labels->bytes(), static_cast<uint32_t>(series_.size()));
      if (added) {
        series_.push_back({labels, expr_.return_bool});
      } else {
        group.shares_outputs = true;
      }
      group.pairs.push_back({many, one, it->second});
    };
    for (const uint32_t many : group.many) {
      for (const uint32_t one : group.one) add(many, one);
      if (fill_one_) add(many, kNone);
    }
    if (!fill_many_) return;
    for (const uint32_t one : group.one) add(kNone, one);
  }

  Labels result_labels(uint32_t many, uint32_t one) const {
    const Labels filled_many =
        many == kNone ? matched_labels(*one_->series(one).labels, matching_) : Labels();
    const Labels filled_one =
        one == kNone ? matched_labels(*many_->series(many).labels, matching_) : Labels();
    const Labels& base = many == kNone ? filled_many : *many_->series(many).labels;
    const Labels& other = one == kNone ? filled_one : *one_->series(one).labels;
    LabelsBuilder builder(base);
    const bool drops_name =
        is_arithmetic(expr_.op) || (expr_.return_bool && !query_.options.delayed_name_removal);
    if (drops_name) builder.remove(kMetricName).remove("__type__").remove("__unit__");
    if (one_to_one_) {
      if (matching_.on) {
        builder.keep(matching_.labels);
      } else {
        for (const auto& name : matching_.labels) builder.remove(name);
      }
    }
    for (const auto& name : matching_.include) builder.set(name, other.get(name));
    return builder.build();
  }

  bool many_has(uint32_t i, size_t step) const { return many_->view(i).has(step); }
  bool one_has(uint32_t i, size_t step) const { return one_->view(i).has(step); }

  bool any_value(const Frame& frame, size_t step) const {
    for (size_t i = 0; i < frame.size(); ++i) {
      if (frame.view(i).has(step)) return true;
    }
    return false;
  }

  // The "one" side must have one series at a time.
  Result<> check_one_side(const Group& group) const {
    if (group.one.size() < 2) return {};
    for (size_t step = 0; step < steps_; ++step) {
      uint32_t first = kNone;
      for (const uint32_t one : group.one) {
        if (!one_has(one, step)) continue;
        if (first == kNone) {
          first = one;
        } else if (fill_many_ || fill_one_ || any_value(*many_, step)) {
          return duplicate_error(first, one);
        }
      }
    }
    return {};
  }

  std::unexpected<Error> duplicate_error(uint32_t first, uint32_t second) const {
    std::string a = one_->series(first).labels->in_braces();
    std::string b = one_->series(second).labels->in_braces();
    if (a > b) a.swap(b);
    const Labels group = matched_labels(*one_->series(first).labels, matching_);
    return execution_error(
        fmt::format("found duplicate series for the match group {} on the {} hand-side of the "
                    "operation: [{}, {}];many-to-many matching not allowed: matching labels must "
                    "be unique on one side",
                    group.to_string(), swapped_ ? "left" : "right", a, b));
  }

  Result<> evaluate(const Group& group) {
    TRY(check_one_side(group));
    const bool check_unique = group.shares_outputs || (one_to_one_ && group.many.size() > 1) ||
                              (fill_one_ && one_to_one_ && group.many.size() > 1);
    // Of one-to-one matches there is one a step; of others one a step and output.
    std::unordered_map<uint32_t, std::vector<bool>> matched;
    for (const Pair& pair : group.pairs) {
      std::vector<bool>* seen = nullptr;
      if (check_unique) {
        seen = &matched[one_to_one_ ? kNone : pair.output];
        seen->resize(steps_);
      }
      TRY(evaluate_pair(group, pair, seen));
    }
    return {};
  }

  // Whether the pair meets at a step, with a fill value for what is not there.
  bool meets(const Group& group, const Pair& pair, size_t step) const {
    if (pair.many == kNone) {
      return one_has(pair.one, step) &&
             std::ranges::none_of(group.many, [&](uint32_t i) { return many_has(i, step); });
    }
    if (!many_has(pair.many, step)) return false;
    if (pair.one != kNone) return one_has(pair.one, step);
    return std::ranges::none_of(group.one, [&](uint32_t i) { return one_has(i, step); });
  }

  Result<> evaluate_pair(const Group& group, const Pair& pair, std::vector<bool>* seen) {
    const RowView out = out_->view(pair.output);
    const bool plain = pair.many != kNone && pair.one != kNone;
    if (plain && seen == nullptr && is_arithmetic(expr_.op) &&
        !many_->view(pair.many).has_histograms() && !one_->view(pair.one).has_histograms()) {
      arithmetic_rows(pair, out);
      return {};
    }
    for (size_t step = 0; step < steps_; ++step) {
      if (!meets(group, pair, step)) continue;
      ElementResult result = element(pair, step);
      if (!result.exists) continue;
      if (seen != nullptr) {
        if ((*seen)[step]) return not_unique_error();
        (*seen)[step] = true;
      }
      if (expr_.return_bool) {
        out.set(step, result.keep ? 1 : 0);
      } else if (result.keep) {
        result.h ? out.set(step, std::move(result.h)) : out.set(step, result.v);
      }
    }
    return {};
  }

  void arithmetic_rows(const Pair& pair, RowView out) const {
    const RowView many = many_->view(pair.many);
    const RowView one = one_->view(pair.one);
    const RowView& lhs = swapped_ ? one : many;
    const RowView& rhs = swapped_ ? many : one;
    const auto loop = [&](auto body) {
      for (size_t s = 0; s < steps_; ++s) {
        const bool here = !is_absent(lhs.v[s]) && !is_absent(rhs.v[s]);
        const double result = body(lhs.v[s], rhs.v[s]);
        out.v[s] = here ? result : absent();
      }
    };
    switch (expr_.op) {
      case Op::kAdd: return loop(std::plus<>());
      case Op::kSub: return loop(std::minus<>());
      case Op::kMul: return loop(std::multiplies<>());
      case Op::kDiv: return loop(std::divides<>());
      default: return loop([this](double a, double b) { return arithmetic(expr_.op, a, b); });
    }
  }

  std::unexpected<Error> not_unique_error() const {
    return execution_error(
        one_to_one_ ? "multiple matches for labels: many-to-one matching must be explicit "
                      "(group_left/group_right)"
                    : "multiple matches for labels: grouping labels must ensure unique matches");
  }

  ElementResult element(const Pair& pair, size_t step) const {
    const auto at = [step](const Frame& frame, uint32_t i, const std::optional<double>& fill) {
      if (i == kNone) return Element{*fill};
      const RowView row = frame.view(i);
      return Element{row.v[step], row.is_histogram(step) ? &row.histogram(step) : nullptr};
    };
    const Element many = at(*many_, pair.many, fill_many_);
    const Element one = at(*one_, pair.one, fill_one_);
    return swapped_ ? combine(query_, expr_, one, many) : combine(query_, expr_, many, one);
  }

  Query& query_;
  const BinaryExpr& expr_;
  const VectorMatching& matching_;
  const bool swapped_;  // the "one" side is on the left
  const bool one_to_one_;
  const size_t steps_;
  const FramePtr many_;
  const FramePtr one_;
  const std::optional<double> fill_many_;
  const std::optional<double> fill_one_;
  std::vector<Group> groups_;
  std::vector<SeriesRef> series_;
  FramePtr out_;
};

}  // namespace

Signatures match_signatures(const VectorMatching& matching, const VectorSource& lhs,
                            const VectorSource& rhs) {
  Signatures out;
  std::unordered_map<std::string, uint32_t> ids;
  const auto assign = [&](const VectorSource& side, std::vector<uint32_t>& numbers) {
    numbers.reserve(side.size());
    for (const SeriesRef& series : side.all_series()) {
      const Labels labels = matched_labels(*series.labels, matching);
      numbers.push_back(
          ids.try_emplace(labels.bytes(), static_cast<uint32_t>(ids.size())).first->second);
    }
  };
  assign(lhs, out.lhs);
  assign(rhs, out.rhs);
  out.count = ids.size();
  return out;
}

Result<Value> match_vectors(Evaluator& evaluator, const BinaryExpr& expr) {
  FramePtr lhs = TRY(evaluator.frame(*expr.lhs));
  FramePtr rhs = TRY(evaluator.frame(*expr.rhs));
  return VectorMatch(evaluator, expr, std::move(lhs), std::move(rhs)).run();
}

}  // namespace strata::promql

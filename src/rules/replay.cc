#include "rules/replay.h"

#include <algorithm>
#include <map>
#include <set>

#include "rules/as_vector.h"
#include "rules/group.h"
#include "rules/memory_writer.h"

namespace strata::rules {
namespace {

/// Two sets as one.
class JoinedSet final : public SeriesSet {
 public:
  JoinedSet(std::unique_ptr<SeriesSet> first, std::vector<size_t> chosen,
            std::unique_ptr<SeriesSet> second)
      : first_(std::move(first)), chosen_(std::move(chosen)), second_(std::move(second)) {}
  size_t size() const override { return chosen_.size() + second_->size(); }
  const Labels& labels(size_t i) const override {
    return i < chosen_.size() ? first_->labels(chosen_[i]) : second_->labels(i - chosen_.size());
  }
  Result<> read(size_t i, TimeRange range, SampleColumns& out) const override {
    return i < chosen_.size() ? first_->read(chosen_[i], range, out)
                              : second_->read(i - chosen_.size(), range, out);
  }

 private:
  const std::unique_ptr<SeriesSet> first_;
  const std::vector<size_t> chosen_;  // of the first
  const std::unique_ptr<SeriesSet> second_;
};

/// History, but for the names that the replayed rules write, which are what they wrote.
class ReplaySource final : public SeriesSource {
 public:
  ReplaySource(const SeriesSource& history, const SeriesSource& written,
               const std::set<std::string, std::less<>>& names)
      : history_(history), written_(written), names_(names) {}

  Result<std::unique_ptr<SeriesSet>> select(std::span<const Matcher> matchers, TimeRange range,
                                            size_t limit) const override {
    auto stored = TRY(history_.select(matchers, range, limit));
    auto written = TRY(written_.select(matchers, range, limit));
    std::vector<size_t> chosen;
    for (size_t i = 0; i < stored->size(); ++i) {
      if (!names_.contains(stored->labels(i).metric_name())) chosen.push_back(i);
    }
    return std::make_unique<JoinedSet>(std::move(stored), std::move(chosen), std::move(written));
  }
  Result<std::vector<std::string>> label_names(std::span<const Matcher> matchers,
                                               TimeRange range) const override {
    return history_.label_names(matchers, range);
  }
  Result<std::vector<std::string>> label_values(std::string_view name,
                                                std::span<const Matcher> matchers,
                                                TimeRange range) const override {
    return history_.label_values(name, matchers, range);
  }

 private:
  const SeriesSource& history_;
  const SeriesSource& written_;
  const std::set<std::string, std::less<>>& names_;
};

struct Due {
  TimestampMs at = 0;
  size_t group = 0;
  friend auto operator<=>(const Due&, const Due&) = default;
};

}  // namespace

Result<ReplayReport> replay(const std::vector<RuleFile>& files, const RuleSettings& settings,
                            const SeriesSource& history, const promql::Engine& engine,
                            TimeRange range, size_t max_episodes) {
  std::set<std::string, std::less<>> names = {"ALERTS", "ALERTS_FOR_STATE"};
  promql::MemorySource memory;
  MemoryWriter writer(memory);
  const ReplaySource source(history, memory, names);
  const ManualClock clock(range.min);
  const GroupDeps deps{.query = [&](const promql::Expr& expr, const std::string& text,
                                    TimestampMs at) -> Result<Vector> {
                         return as_vector(engine.instant(source, expr, text, at));
                       },
                       .text_query = [&](std::string_view text, TimestampMs at) -> Result<Vector> {
                         return as_vector(engine.instant(source, text, at));
                       },
                       .writer = writer,
                       .sink = nullptr,
                       .state = nullptr,
                       .clock = clock};
  const auto shared = std::make_shared<const RuleSettings>(settings);
  std::vector<std::unique_ptr<Group>> groups;
  std::set<Due> due;
  for (const RuleFile& file : files) {
    for (const GroupSpec& spec : file.groups) {
      for (const RuleSpec& rule : spec.rules) names.insert(rule.record);
      due.insert({range.min, groups.size()});
      groups.push_back(std::make_unique<Group>(file.path, std::make_shared<const GroupSpec>(spec),
                                               shared, deps));
    }
  }
  ReplayReport report;
  std::map<std::pair<std::string, Labels>, Episode> open;  // fired and not ended
  while (!due.empty()) {
    const Due now = *due.begin();
    due.erase(due.begin());
    Group& group = *groups[now.group];
    const TimestampMs next = now.at + group.interval().count();
    if (next <= range.max) due.insert({next, now.group});
    group.on_change([&](const RuleSpec& rule, const AlertingRule::Changes& changes) {
      report.pending_only += changes.removed_pending;
      for (const Alert& alert : changes.changed) {
        const std::pair key(group.file() + rule.alert, alert.labels);
        if (alert.state == AlertState::kFiring) {
          open.try_emplace(key, Episode{rule.alert, alert.labels, alert.annotations,
                                        alert.active_at, alert.fired_at, 0, false});
        } else if (const auto found = open.find(key); found != open.end()) {
          if (alert.state != AlertState::kInactive) continue;
          found->second.ended_at = alert.resolved_at;
          found->second.without_data = alert.no_data_since != 0;
          report.episodes.push_back(std::move(found->second));
          open.erase(found);
        }
      }
    });
    group.evaluate(now.at);
    ++report.iterations;
    if (open.size() + report.episodes.size() > max_episodes) {
      return fail(ErrorCode::kLimit, fmt::format("more than {} alerts fire", max_episodes));
    }
    for (const RuleView& rule : group.view(Group::Detail::kRules).rules) {
      if (rule.last_error.empty()) continue;
      if (report.failures++ == 0) {
        report.first_failure = fmt::format("{}: {}", rule.spec->name(), rule.last_error);
      }
    }
  }
  for (auto& [key, episode] : open) report.episodes.push_back(std::move(episode));
  std::ranges::stable_sort(report.episodes, {}, &Episode::fired_at);
  return report;
}

}  // namespace strata::rules

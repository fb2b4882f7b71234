#include "app/rule_engine.h"

#include "base/log.h"
#include "rules/shipped.h"

namespace strata::app {

Result<rules::SeriesWriter::Series> StoreWriter::series(const Labels& labels) {
  return static_cast<Series>(tsdb::index_of(TRY(db_.series(labels))));
}

Result<rules::SeriesWriter::Counts> StoreWriter::append(TimestampMs t,
                                                        std::span<const Series> series,
                                                        std::span<const double> values) {
  std::vector<tsdb::TimedSample> samples(series.size());
  for (size_t i = 0; i < series.size(); ++i) {
    samples[i] = {static_cast<tsdb::SeriesId>(series[i]), t, values[i]};
  }
  const tsdb::AppendStats stats = TRY(db_.append_samples(samples));
  return Counts{.dropped = stats.duplicate + stats.too_old + stats.too_far_ahead};
}

Result<std::unique_ptr<RuleEngine>> RuleEngine::open(const std::string& directory,
                                                     const RuleEngineDeps& deps) {
  auto state = TRY(rules::StateLog::open(directory, real_fs(), deps.clock));
  return std::unique_ptr<RuleEngine>(new RuleEngine(deps, std::move(state)));
}

RuleEngine::RuleEngine(const RuleEngineDeps& deps, std::unique_ptr<rules::StateLog> state)
    : loop_(deps.loop),
      engine_(deps.engine, nullptr, deps.clock),
      writer_(deps.db),
      state_(std::move(state)),
      manager_(rules::ManagerDeps{.source = deps.source,
                                  .engine = engine_,
                                  .writer = writer_,
                                  .work = deps.work,
                                  .clock = deps.clock,
                                  .state = state_.get(),
                                  .sink = deps.sink}) {}

Result<std::vector<rules::RuleFile>> RuleEngine::load(const config::Config& config,
                                                      const promql::ParserOptions& syntax,
                                                      ServeOptions::ShippedRules shipped) {
  using enum ServeOptions::ShippedRules;
  auto files = TRY(rules::load_rule_files(
      config.rule_files, real_fs(),
      rules::RuleFileOptions{.names = config.global.metric_name_validation_scheme,
                             .syntax = syntax,
                             .ignore_unknown_fields = false}));
  if (shipped == kOn || (shipped == kAuto && config.rule_files.empty())) {
    std::ranges::move(TRY(rules::load_shipped_rules()), std::back_inserter(files));
  }
  for (const auto& file : files) {
    for (const auto& warning : file.warnings) log_warn("rules", {{"warning", warning}});
  }
  return files;
}

void RuleEngine::apply(std::vector<rules::RuleFile> files, const config::Config& config,
                       const ServeOptions& options, const config::RulesConfig& own,
                       const std::string& external_url) {
  engine_.set_default_subquery_step(config.global.evaluation_interval);
  manager_.apply(std::move(files),
                 rules::RuleSettings{.external_labels = config.global.external_labels,
                                     .external_url = external_url,
                                     .evaluation_interval = config.global.evaluation_interval,
                                     .query_offset = config.global.rule_query_offset,
                                     .resend_delay = options.alert_resend_delay,
                                     .no_data_hold = options.alert_no_data_hold,
                                     .outage_tolerance = options.alert_outage_tolerance,
                                     .on_scrape = own.on_scrape});
  loop_.post([this] { tick(); });
}

// On the loop's thread: which groups are due is a matter of microseconds.
void RuleEngine::tick() {
  MutexLock lock(mutex_);
  if (stopped_) return;
  if (timer_) loop_.cancel(*timer_);
  timer_ = loop_.after(manager_.poll(), [this] { tick(); });
}

void RuleEngine::scrape_ended() {
  if (scraped_.exchange(true)) return;
  loop_.post([this] {
    scraped_ = false;
    manager_.scrape_ended();
    tick();
  });
}

void RuleEngine::stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    if (timer_) loop_.cancel(*timer_);
  }
  manager_.stop();
}

}  // namespace strata::app

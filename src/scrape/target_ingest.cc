#include "scrape/target_ingest.h"

#include "discover/relabel.h"
#include "scrape/target_lines.h"

namespace strata::scrape {
namespace {

// Metadata hardly ever changes, and reading it costs as much as the numbers: so it is read when the
// lines changed, and once in so many scrapes.
constexpr uint64_t kMetadataEvery = 64;

constexpr std::string_view kReportNames[] = {
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
};
constexpr size_t kPlainReports = 5;  // the others come with extra_scrape_metrics

std::string store_key(const discover::Target& target) {
  return target.labels.to_string() + ' ' + target.url;
}

}  // namespace

void add_target_labels(LabelsBuilder& labels, const Labels& target, bool honor_labels) {
  for (const auto& label : target) {
    const auto own = labels.get(label.name);
    if (own.empty()) {
      labels.set(label.name, label.value);
      continue;
    }
    if (honor_labels) continue;
    std::string exported = "exported_" + std::string(label.name);
    while (!labels.get(exported).empty() || target.has(exported)) exported.insert(0, "exported_");
    labels.set(exported, std::string(own));
    labels.set(label.name, label.value);
  }
}

TargetIngest::TargetIngest(tsdb::Db& db, Metrics& metrics,
                           std::shared_ptr<const config::ScrapeConfig> config,
                           discover::Target target, std::shared_ptr<JobGuard> guard,
                           IngestFeatures features)
    : db_(db),
      metrics_(metrics),
      config_(std::move(config)),
      target_(std::move(target)),
      store_target_(db.target(store_key(target_))),
      lines_(std::make_unique<Lines>()),
      guard_(guard ? std::make_unique<TargetGuard>(std::move(guard), target_) : nullptr),
      canonical_(db, metrics),
      features_(features),
      metadata_(std::make_shared<const MetadataMap>()) {
  start_conversion();
}

TargetIngest::~TargetIngest() = default;

void TargetIngest::reconfigure(std::shared_ptr<const config::ScrapeConfig> config,
                               discover::Target target) {
  config_ = std::move(config);
  target_ = std::move(target);
  forget_series();
}

Result<> TargetIngest::ingest(TimestampMs t, std::string_view body, wire::ExpositionFormat format,
                              Report& report) {
  const Report given = report;
  auto stored = ingest_once(t, body, format, report);
  if (stored || stored.error().code != ErrorCode::kNotFound) return stored;
  // A line that came back after hours: the store has forgotten its series, so look all up again.
  forget_series();
  report = given;
  return ingest_once(t, body, format, report);
}

void TargetIngest::forget_series() {
  lines_ = std::make_unique<Lines>();
  native_series_.clear();
  start_conversion();
  if (guard_) guard_->start_anew();
  canonical_.start_anew();
  report_ids_.clear();
  previous_is_last_body_ = false;
}

void TargetIngest::translate_by(Translation translation) {
  if (translation == canonical_.translation()) return;
  forget_series();
  canonical_.start_anew(std::move(translation));
}

Result<> TargetIngest::ingest_once(TimestampMs t, std::string_view body,
                                   wire::ExpositionFormat format, Report& report) {
  if (guard_ && !guard_->begin(t)) forget_series();
  now_ = t;
  read_metadata_ = scrapes_++ % kMetadataEvery == 0 || !lines_->as_last_time;
  auto read = read_body(body, format, report);
  if (read) read = add_histograms(report);
  if (!read) {
    if (auto stored = fail(t, report); !stored) return stored;
    return read;
  }
  const bool changed = !lines_->as_last_time || !previous_is_last_body_;
  const size_t ended = changed ? settle_columns(report) : 0;
  canonical_.append(columns_, values_);
  canonical_.append_histograms(histograms_);
  add_report(true, report);
  TRY(append(t));
  if (guard_) guard_->count(lines_->guarded, lines_->folded);
  if (changed) {
    if (guard_) guard_->end(report.series_added, ended);
    previous_.swap(present_);
    previous_is_last_body_ = !repeats_series_;
    forget_old_lines();
  }
  if (read_metadata_) {
    canonical_.describe(families_);
    metadata_.set(std::make_shared<const MetadataMap>(std::move(families_)));
  }
  metrics_.samples.inc(report.post_relabel);
  return {};
}

Result<> TargetIngest::read_body(std::string_view body, wire::ExpositionFormat format,
                                 Report& report) {
  auto& lines = *lines_;
  columns_.clear();
  values_.clear();
  timed_.clear();
  exemplars_.clear();
  new_lines_.clear();
  families_.clear();
  histogram_family_.clear();
  if (conversion_) conversion_->begin_body();
  lines.next_order.clear();
  lines.expected = 0;
  lines.as_last_time = true;
  lines.guarded = lines.folded = 0;
  lines.folds.clear();

  wire::ExpositionParser parser(body, format);
  while (true) {
    const auto entry = TRY(parser.next(lines.hint()));
    switch (entry) {
      case wire::Entry::kSample: TRY(add_sample(parser, report)); break;
      case wire::Entry::kType:
        if (conversion_ || created_) note_family(parser);
        if (read_metadata_) families_[std::string(parser.family())].type = parser.type();
        break;
      case wire::Entry::kHelp:
        if (read_metadata_) families_[std::string(parser.family())].help = parser.text();
        break;
      case wire::Entry::kUnit:
        if (read_metadata_) families_[std::string(parser.family())].unit = parser.text();
        break;
      case wire::Entry::kComment: break;
      case wire::Entry::kEnd:
        lines.as_last_time &= lines.next_order.size() == lines.order.size();
        lines.order.swap(lines.next_order);
        return {};
    }
  }
}

Result<> TargetIngest::add_sample(wire::ExpositionParser& parser, Report& report) {
  auto& lines = *lines_;
  ++report.scraped;
  uint32_t index = 0;
  if (parser.as_expected()) {
    index = lines.order[lines.expected++];
  } else {
    lines.as_last_time = false;
    index = lines.find(parser.series());
    if (index != Lines::kNone) {
      // Lines after a moved one usually follow it still.
      const auto place = lines.lines[index].place;
      if (place < lines.order.size() && lines.order[place] == index) lines.expected = place + 1;
    } else {
      auto made = new_line(parser);
      if (!made) {
        if (made.error().code != ErrorCode::kLimit) return std::unexpected(made.error());
        return {};  // the series that there are go on
      }
      index = *made;
    }
  }
  auto& line = lines.lines[index];
  line.place = static_cast<uint32_t>(lines.next_order.size());
  lines.next_order.push_back(index);
  if (conversion_) conversion_->note(index, parser.value(), parser.timestamp());
  if (created_) created_->note(index, parser.value());
  if (parser.has_exemplar()) note_exemplar(parser, index);
  switch (line.fate) {
    case Fate::kStored: break;
    case Fate::kDropped: return {};
    case Fate::kGuarded: ++lines.guarded; return {};
    case Fate::kConverted: --report.scraped; return {};  // the histogram is counted
    case Fate::kFolded: add_folded(line.id, parser.value(), report); return {};
  }

  ++report.post_relabel;
  TRY(check_sample_limit(report));
  if (const auto own_time = parser.timestamp(); own_time && config_->honor_timestamps) {
    timed_.push_back({line.id, *own_time, parser.value()});
    lines.as_last_time = false;  // the row has another shape than the body
    return {};
  }
  columns_.push_back(line.id);
  values_.push_back(parser.value());
  return {};
}

Result<> TargetIngest::check_sample_limit(const Report& report) {
  if (config_->sample_limit == 0 || report.post_relabel <= config_->sample_limit) return {};
  metrics_.exceeded_sample_limit.inc();
  return bad_data(fmt::format("sample limit exceeded (limit: {})", config_->sample_limit));
}

// Counters, histograms' buckets and gauges that count add up to what all of them would have shown.
void TargetIngest::add_folded(tsdb::SeriesId id, double value, Report& report) {
  ++lines_->folded;
  const auto [at, is_first] = lines_->folds.try_emplace(id, columns_.size());
  if (is_first) {
    ++report.post_relabel;
    columns_.push_back(id);
    values_.push_back(value);
  } else if (double& sum = values_[at->second]; std::isnan(sum)) {
    sum = value;
  } else if (!std::isnan(value)) {
    sum += value;
  }
}

Result<uint32_t> TargetIngest::new_line(wire::ExpositionParser& parser) {
  tsdb::SeriesId id{};
  const auto converted = TRY(convert_line(parser, static_cast<uint32_t>(lines_->lines.size())));
  const Fate fate = converted ? *converted : created_ ? TRY(counting_series_of(parser, &id))
                               : TRY(series_of(parser, &id));
                               return lines_->add(parser.series(), id, fate);
}

// Error: kLimit when there may be no more series now.
Result<TargetIngest::Fate> TargetIngest::series_of(wire::ExpositionParser& parser,
                                                   tsdb::SeriesId* id) {
  LabelsBuilder labels;
  TRY(parser.labels(labels));
  return settle(labels, &parser, id);
}

// From labels as the body has them to a series of the store. `parser`, or null, knows the line.
Result<TargetIngest::Fate> TargetIngest::settle(LabelsBuilder& labels,
                                                const wire::ExpositionParser* parser,
                                                tsdb::SeriesId* id) {
  add_target_labels(labels, target_.labels, config_->honor_labels);
  if (!discover::relabel(config_->metric_relabel_configs, labels)) return Fate::kDropped;
  if (labels.get(kMetricName).empty()) {
    return bad_data(fmt::format("{}the sample has no metric name after relabelling",
                                parser ? fmt::format("line {}: ", parser->line()) : ""));
  }
  if (auto limits = check_label_limits(labels); !limits) {
    metrics_.exceeded_label_limit.inc();
    return std::unexpected(limits.error());
  }
  const auto verdict = guard_ ? guard_->admit(labels) : Verdict::kStore;
  if (verdict == Verdict::kDrop) return Fate::kGuarded;
  if (verdict == Verdict::kRefuse) return strata::fail(ErrorCode::kLimit, "the guard has no room");
  const Labels series = labels.build();
  auto made = db_.series(series);
  if (!made) {
    if (guard_ && verdict == Verdict::kStore) guard_->take_back();
    if (made.error().code == ErrorCode::kLimit) metrics_.series_refused.inc();
    return std::unexpected(std::move(made).error());
  }
  *id = *made;
  canonical_.add(*id, series);
  return verdict == Verdict::kFold ? Fate::kFolded : Fate::kStored;
}

Result<> TargetIngest::check_label_limits(const LabelsBuilder& labels) const {
  const auto& config = *config_;
  const auto metric = labels.get(kMetricName);
  if (config.label_limit > 0 && labels.labels().size() > config.label_limit) {
    return bad_data(
        fmt::format("label_limit exceeded (metric: {:.50}, number of labels: {}, "
                    "limit: {})",
                    metric, labels.labels().size(), config.label_limit));
  }
  for (const auto& [name, value] : labels.labels()) {
    if (config.label_name_length_limit > 0 && name.size() > config.label_name_length_limit) {
      return bad_data(
          fmt::format("label_name_length_limit exceeded (metric: {:.50}, label name: "
                      "{:.50}, length: {}, limit: {})",
                      metric, name, name.size(), config.label_name_length_limit));
    }
    if (config.label_value_length_limit > 0 && value.size() > config.label_value_length_limit) {
      return bad_data(
          fmt::format("label_value_length_limit exceeded (metric: {:.50}, label name: "
                      "{:.50}, value: {:.50}, length: {}, limit: {})",
                      metric, name, value, value.size(), config.label_value_length_limit));
    }
  }
  return {};
}

// Returns how many series ended.
size_t TargetIngest::settle_columns(Report& report) {
  drop_repeated_columns();
  report.post_relabel = columns_.size() + timed_.size() + histograms_.size();
  canonical_.plan(columns_, histogram_ids_);

  present_ = columns_;
  present_.insert(present_.end(), histogram_ids_.begin(), histogram_ids_.end());
  if (config_->track_timestamps_staleness) {
    for (const auto& sample : timed_) present_.push_back(sample.series);
  }
  std::ranges::sort(present_);
  present_.erase(std::ranges::unique(present_).begin(), present_.end());
  std::vector<tsdb::SeriesId> ended;
  std::ranges::set_difference(previous_, present_, std::back_inserter(ended));
  report.series_added = present_.size() - (previous_.size() - ended.size());
  for (const auto id : ended) {
    if (canonical_.has(id)) continue;  // the target no longer names it so itself: it goes on
    columns_.push_back(id);
    values_.push_back(stale_nan());
  }
  return ended.size();
}

// A series twice in one body: the first counts.
void TargetIngest::drop_repeated_columns() {
  std::vector<std::pair<tsdb::SeriesId, uint32_t>> sorted(columns_.size());
  for (uint32_t i = 0; i < columns_.size(); ++i) sorted[i] = {columns_[i], i};
  std::ranges::sort(sorted);
  std::vector<bool> repeated(columns_.size());
  size_t repetitions = 0;
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i].first != sorted[i - 1].first) continue;
    repeated[sorted[i].second] = true;
    ++repetitions;
  }
  repeats_series_ = repetitions > 0;
  if (!repeats_series_) return;
  metrics_.duplicate_timestamp.inc(repetitions);
  size_t kept = 0;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (repeated[i]) continue;
    columns_[kept] = columns_[i];
    values_[kept++] = values_[i];
  }
  columns_.resize(kept);
  values_.resize(kept);
}

void TargetIngest::add_report(bool up, const Report& report) {
  const size_t count = config_->extra_scrape_metrics ? std::size(kReportNames) : kPlainReports;
  while (report_ids_.size() < count) {
    LabelsBuilder labels(target_.labels);
    labels.set(kMetricName, kReportNames[report_ids_.size()]);
    auto id = db_.series(labels.build());
    if (!id) {
      metrics_.series_refused.inc();
      break;
    }
    report_ids_.push_back(*id);
  }
  const double values[] = {
      up ? 1.0 : 0.0,
      std::chrono::duration<double>(report.duration).count(),
      static_cast<double>(report.scraped),
      static_cast<double>(report.post_relabel),
      static_cast<double>(report.series_added),
      std::chrono::duration<double>(target_.timeout).count(),
      static_cast<double>(config_->sample_limit),
      static_cast<double>(report.body_bytes),
  };
  for (size_t i = 0; i < std::min(count, report_ids_.size()); ++i) {
    columns_.push_back(report_ids_[i]);
    values_.push_back(values[i]);
  }
}

Result<> TargetIngest::append(TimestampMs t) {
  if (!zeros_.empty() || !zero_histograms_.empty()) append_zeros();
  last_time_ = t;
  auto stats = db_.append_scrape(store_target_, t, columns_, values_);
  if (stats && !timed_.empty()) {
    if (auto timed = db_.append_samples(timed_)) {
      *stats += *timed;
    } else {
      stats = std::unexpected(timed.error());
    }
  }
  if (stats) append_histograms(stats);
  if (!stats) {
    metrics_.store_failures.inc();
    return std::unexpected(stats.error().within("storing the scrape"));
  }
  metrics_.duplicate_timestamp.inc(stats->duplicate);
  metrics_.out_of_order.inc(stats->too_old);
  metrics_.out_of_bounds.inc(stats->too_far_ahead);
  return {};
}

Result<> TargetIngest::fail(TimestampMs t, const Report& report) {
  timed_.clear();
  forget_histograms();
  columns_ = previous_;
  canonical_.end_all(columns_);
  values_.assign(columns_.size(), stale_nan());
  previous_.clear();
  previous_is_last_body_ = false;
  // Nothing of a failed scrape counts as scraped.
  Report shown;
  shown.duration = report.duration;
  shown.body_bytes = report.body_bytes;
  add_report(false, shown);
  auto stored = append(t);
  if (stored || stored.error().code != ErrorCode::kNotFound) return stored;
  forget_series();  // as in ingest(); what the store has forgotten needs no end
  columns_.clear();
  values_.clear();
  add_report(false, shown);
  return append(t);
}

Result<> TargetIngest::end(TimestampMs t) {
  timed_.clear();
  forget_histograms();
  columns_ = previous_;
  canonical_.end_all(columns_);
  previous_.clear();
  previous_is_last_body_ = false;
  columns_.insert(columns_.end(), report_ids_.begin(), report_ids_.end());
  values_.assign(columns_.size(), stale_nan());
  if (columns_.empty()) return {};
  return append(std::max(t, last_time_ + 1));  // of two samples at one time the first would stay
}

// Lines that have not been seen for long make room: the map is built anew from the last body.
void TargetIngest::forget_old_lines() {
  auto& lines = *lines_;
  if (lines.lines.size() < 2 * lines.order.size() + 1024) return;
  if (conversion_ || created_) return forget_series();  // they go by the lines' numbers
  auto fresh = std::make_unique<Lines>();
  for (const uint32_t index : lines.order) {
    const auto& line = lines.lines[index];
    if (fresh->find(line.text()) != Lines::kNone) continue;
    const uint32_t number = fresh->add(line.text(), line.id, line.fate);
    fresh->lines[number].place = number;
    fresh->order.push_back(number);
  }
  fresh->as_last_time = lines.as_last_time;
  if (guard_) guard_->forget(lines.stored() - fresh->stored());
  lines_ = std::move(fresh);
}

}  // namespace strata::scrape

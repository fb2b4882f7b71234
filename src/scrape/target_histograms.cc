// TargetIngest's native histograms and exemplars: those of protobuf bodies, classic histograms that
// are converted, and what becomes of them in the store.
#include "discover/relabel.h"
#include "scrape/histogram_limits.h"
#include "scrape/target_lines.h"

namespace strata::scrape {
namespace {

// Native series remembered beyond those of the last body, before all are looked up anew.
constexpr size_t kMoreNativeSeries = 1024;

}  // namespace

Result<> TargetIngest::ingest_protobuf(TimestampMs t, std::string_view body, Report& report) {
  wire::ProtobufExposition exposition;
  const wire::ProtobufOptions options{
      .native = config_->scrape_native_histograms,
      .classic_beside_native = config_->always_scrape_classic_histograms,
      .created_series = features_.created_zeros};
  const auto read = wire::read_protobuf_exposition(body, options, exposition);
  if (!read) {
    if (auto stored = fail(t, report); !stored) return stored;
    return read;
  }
  natives_ = exposition.native;
  auto stored = ingest(t, exposition.text, wire::ExpositionFormat::kOpenMetrics, report);
  natives_ = {};
  return stored;
}

void TargetIngest::start_conversion() {
  conversion_.reset();
  if (config_->convert_classic_histograms_to_nhcb) {
    conversion_ = std::make_unique<ClassicConversion>();
  }
  created_.reset();
  if (features_.created_zeros) created_ = std::make_unique<CreatedTimes>();
}

void TargetIngest::note_family(wire::ExpositionParser& parser) {
  family_ = parser.family();
  family_type_ = parser.type();
  histogram_family_.clear();
  if (conversion_ && family_type_ == MetricType::kHistogram) histogram_family_ = family_;
}

void TargetIngest::forget_histograms() {
  histograms_.clear();
  histogram_ids_.clear();
  exemplars_.clear();
  zeros_.clear();
  zero_histograms_.clear();
}

/// For a line that the bodies did not have before: joins it to its histogram when it is a part of
/// one that is converted. Its fate, when it is not to be stored itself.
Result<std::optional<TargetIngest::Fate>> TargetIngest::convert_line(wire::ExpositionParser& parser,
                                                                     uint32_t line) {
  if (histogram_family_.empty()) return std::nullopt;
  LabelsBuilder labels;
  TRY(parser.labels(labels));
  const auto part = ClassicConversion::part_of(histogram_family_, labels);
  if (!part) return std::nullopt;
  bool is_new = false;
  const uint32_t number = conversion_->histogram(labels.build(), is_new);
  if (is_new) {
    tsdb::SeriesId id{};
    const auto fate = settle(labels, &parser, &id);
    // At a limit it is left out; the other parts come by here no more.
    if (!fate && fate.error().code != ErrorCode::kLimit) return std::unexpected(fate.error());
    const bool stored = fate && *fate == Fate::kStored;
    conversion_->set_series(number, stored ? std::optional(id) : std::nullopt);
  }
  conversion_->attach(line, number, *part);
  if (config_->always_scrape_classic_histograms) return std::nullopt;
  return Fate::kConverted;
}

/// The native histograms of the body that was just read.
Result<> TargetIngest::add_histograms(Report& report) {
  histograms_.clear();
  zeros_.clear();
  zero_histograms_.clear();
  if (created_) add_zeros();
  for (wire::NativeHistogram& native : natives_) TRY(add_native(native, report));
  if (conversion_) TRY(add_converted(report));
  if (native_series_.size() > 2 * natives_.size() + kMoreNativeSeries) native_series_.clear();

  std::vector<tsdb::SeriesId> ids;
  ids.reserve(histograms_.size());
  for (const auto& sample : histograms_) ids.push_back(sample.series);
  // Series that come or go end or begin, as with lines.
  if (ids != histogram_ids_) lines_->as_last_time = false;
  histogram_ids_ = std::move(ids);
  return {};
}

Result<> TargetIngest::add_native(wire::NativeHistogram& native, Report& report) {
  ++report.scraped;
  auto known = native_series_.find(native.labels);
  if (known == native_series_.end()) {
    NativeSeries made;
    LabelsBuilder labels(native.labels);
    const auto fate = settle(labels, nullptr, &made.id);
    if (!fate) {
      if (fate.error().code != ErrorCode::kLimit) return std::unexpected(fate.error());
      return {};  // the series that there are go on
    }
    made.fate = *fate;
    made.labels = labels.build();
    known = native_series_.emplace(native.labels, std::move(made)).first;
  }
  NativeSeries& series = known->second;
  if (series.fate == Fate::kGuarded || series.fate == Fate::kFolded) ++lines_->guarded;
  if (series.fate != Fate::kStored) return {};
  ++report.post_relabel;
  TRY(check_sample_limit(report));
  if (auto fits = fit_limits(*config_, native.value); !fits) {
    metrics_.exceeded_bucket_limit.inc();
    return fits;
  }
  const TimestampMs created = features_.created_zeros ? native.created.value_or(0) : 0;
  if (created != 0 && created != std::exchange(series.created, created) &&
      begins_after_samples(series.labels, created)) {
    FloatHistogram zero;
    zero.counter_reset_hint = CounterResetHint::kReset;
    zero.schema = native.value.schema;
    zero.zero_threshold = native.value.zero_threshold;
    zero_histograms_.push_back(
        {series.id, created, std::make_shared<const FloatHistogram>(std::move(zero))});
  }
  const bool own_time = native.timestamp && config_->honor_timestamps;
  histograms_.push_back({series.id, own_time ? *native.timestamp : now_,
                         std::make_shared<const FloatHistogram>(native.value)});
  for (const Exemplar& exemplar : native.exemplars) {
    const TimestampMs t = exemplar.timestamp.value_or(now_);
    exemplars_.push_back({series.labels, exemplar, t});
  }
  return {};
}

Result<> TargetIngest::add_converted(Report& report) {
  std::vector<ClassicConversion::Converted> converted;
  metrics_.histograms_invalid.inc(conversion_->finish_body(converted));
  std::vector<tsdb::SeriesId> native;
  for (const auto& sample : histograms_) native.push_back(sample.series);
  std::ranges::sort(native);
  for (auto& [series, t, h] : converted) {
    // One that came as a native histogram needs no other.
    if (std::ranges::binary_search(native, series)) continue;
    ++report.scraped;
    ++report.post_relabel;
    TRY(check_sample_limit(report));
    const uint64_t limit = config_->native_histogram_bucket_limit;
    if (limit > 0 && h->positive_buckets.size() > limit) {
      metrics_.exceeded_bucket_limit.inc();
      return bad_data(fmt::format("native histogram bucket limit exceeded (buckets: {}, limit: {})",
                                  h->positive_buckets.size(), limit));
    }
    const bool own_time = t && config_->honor_timestamps;
    histograms_.push_back({series, own_time ? *t : now_, std::move(h)});
  }
  return {};
}

/// As series_of(), and what it counts since is remembered. A _created line is no series.
Result<TargetIngest::Fate> TargetIngest::counting_series_of(wire::ExpositionParser& parser,
                                                            tsdb::SeriesId* id) {
  const auto line = static_cast<uint32_t>(lines_->lines.size());
  LabelsBuilder labels;
  TRY(parser.labels(labels));
  const auto role = created_->attach(line, family_, family_type_, labels);
  if (role == CreatedTimes::Role::kMark) return Fate::kConverted;
  const Fate fate = TRY(settle(labels, &parser, id));
  if (role == CreatedTimes::Role::kMember && fate == Fate::kStored) {
    new_lines_.emplace(line, labels.build());
  }
  return fate;
}

/// Zeros for what began to count since the last body.
void TargetIngest::add_zeros() {
  for (const auto& [line, t] : created_->changed(lines_->order)) {
    if (lines_->lines[line].fate != Fate::kStored) continue;
    const auto fresh = new_lines_.find(line);
    const bool begins = fresh != new_lines_.end() ? begins_after_samples(fresh->second, t)
                                                  : t > last_time_ && t < now_;
    if (begins) zeros_.push_back({lines_->lines[line].id, t, 0});
  }
}

/// Whether the series has no sample since `created`, which is before this scrape: Prometheus takes
/// a zero only there. Asked of the store, because a restart does not know its series' samples.
bool TargetIngest::begins_after_samples(const Labels& labels, TimestampMs created) const {
  if (created >= now_) return false;
  std::vector<Matcher> matchers;
  for (const auto& [name, value] : labels) {
    matchers.push_back(Matcher::equal(std::string(name), std::string(value)));
  }
  const TimeRange since{created, kMaxTime};
  const auto found = db_.select(matchers, since, 0);
  if (!found) return false;
  for (size_t i = 0; i < (*found)->size(); ++i) {
    Sample sample;
    HistogramPtr histogram;
    if ((*found)->labels(i) != labels) continue;
    const auto last = (*found)->read_last(i, since, sample, histogram);
    if (!last || *last) return false;
  }
  return true;
}

/// Before the scrape, so that they are older than its samples. Without them it is as good as ever.
void TargetIngest::append_zeros() {
  bool stored = true;
  if (!zeros_.empty()) stored = db_.append_samples(zeros_).has_value();
  if (!zero_histograms_.empty()) stored &= db_.append_histograms(zero_histograms_).has_value();
  if (!stored) metrics_.store_failures.inc();
  zeros_.clear();
  zero_histograms_.clear();
}

/// A line's exemplar belongs to its series, or to the histogram that it is a part of.
void TargetIngest::note_exemplar(wire::ExpositionParser& parser, uint32_t index) {
  Lines& lines = *lines_;
  const Fate fate = lines.lines[index].fate;
  if (fate != Fate::kStored && fate != Fate::kConverted) return;
  auto known = lines.with_exemplars.find(index);
  if (known == lines.with_exemplars.end()) {
    LabelsBuilder labels;
    if (!parser.labels(labels)) return;
    if (fate == Fate::kConverted) (void)ClassicConversion::part_of(histogram_family_, labels);
    add_target_labels(labels, target_.labels, config_->honor_labels);
    if (!discover::relabel(config_->metric_relabel_configs, labels)) return;
    known = lines.with_exemplars.emplace(index, labels.build()).first;
  }
  tsdb::NewExemplar& out = exemplars_.emplace_back();
  if (!parser.exemplar(out.exemplar)) {  // too long, or a label twice: the sample is good
    exemplars_.pop_back();
    return;
  }
  out.series = known->second;
  const bool own_time = parser.timestamp() && config_->honor_timestamps;
  out.t = out.exemplar.timestamp.value_or(own_time ? *parser.timestamp() : now_);
}

/// Adds what became of the histograms to `stats`, or an error.
void TargetIngest::append_histograms(Result<tsdb::AppendStats>& stats) {
  if (!histograms_.empty()) {
    if (auto appended = db_.append_histograms(histograms_)) {
      *stats += *appended;
    } else {
      stats = std::unexpected(appended.error());
      return;
    }
  }
  if (exemplars_.empty()) return;
  // They are shown all the same; the scrape does not fail for them.
  if (!db_.append_exemplars(exemplars_)) metrics_.store_failures.inc();
}

}  // namespace strata::scrape

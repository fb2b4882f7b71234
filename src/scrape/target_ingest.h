// Turns one target's scrape bodies into rows of the store.
//
// It remembers, line by line, what the last body looked like and which series each line was: a line
// that reads as expected costs a comparison of bytes and the parsing of its number, no lookup and
// no allocation. Lines that moved are found by their text; lines that are new are decoded, get the
// target's labels, are relabelled and get a series. Series that were there last time and are not
// now end with a stale marker; a failed scrape ends all of them. Whatever happens, one scrape is
// one append: all of it becomes visible at once, or none.
//
// Owned by a ScrapeLoop; used by one thread at a time, except metadata(). Memory: the text of the
// lines (at most about twice those of the last body) and about 55 bytes a line.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/snapshot.h"
#include "config/config.h"
#include "discover/targets.h"
#include "model/metadata.h"
#include "scrape/canonical_columns.h"
#include "scrape/classic_conversion.h"
#include "scrape/created_times.h"
#include "scrape/guard.h"
#include "scrape/metrics.h"
#include "tsdb/db.h"
#include "wire/exposition.h"
#include "wire/protobuf_exposition.h"

namespace strata::scrape {

using MetadataMap = std::map<std::string, Metadata, std::less<>>;

/// What one scrape came to: the values of its report series.
struct Report {
  size_t scraped = 0;       // samples in the body
  size_t post_relabel = 0;  // of them, those that metric relabelling kept
  size_t series_added = 0;  // of these, series that the last scrape did not have
  uint64_t body_bytes = 0;
  std::chrono::nanoseconds duration{0};
};

/// What is experimental in Prometheus, and off unless it is asked for.
struct IngestFeatures {
  bool created_zeros = false;  // created-timestamp-zero-ingestion
};

class TargetIngest {
 public:
  /// `db` and `metrics` outlive this. `guard` is the job's; null: none.
  TargetIngest(tsdb::Db& db, Metrics& metrics, std::shared_ptr<const config::ScrapeConfig> config,
               discover::Target target, std::shared_ptr<JobGuard> guard = nullptr,
               IngestFeatures features = {});
  ~TargetIngest();
  TargetIngest(const TargetIngest&) = delete;
  TargetIngest& operator=(const TargetIngest&) = delete;

  /// Stores what `body` says as of `t`, with up 1 and the report series. Error: the body is
  /// malformed or beyond a limit (then the scrape is stored as failed), or the store cannot take
  /// it. `report.duration` and `body_bytes` are the caller's to fill; the rest is filled here.
  Result<> ingest(TimestampMs t, std::string_view body, wire::ExpositionFormat format,
                  Report& report);
  /// The same for a body in protobuf, with native histograms when the configuration wants them.
  Result<> ingest_protobuf(TimestampMs t, std::string_view body, Report& report);
  /// Stores a failed scrape: up 0, and every series of the last one ends.
  Result<> fail(TimestampMs t, const Report& report);
  /// The target is gone: every series ends, the report series too.
  Result<> end(TimestampMs t);

  /// The same target under another configuration: lines are decoded anew; series that go away
  /// thereby end with the next scrape.
  void reconfigure(std::shared_ptr<const config::ScrapeConfig> config, discover::Target target);

  /// How series get canonical names; until it is called, not at all. Between scrapes.
  void translate_by(Translation translation);

  const discover::Target& target() const { return target_; }
  /// What the last bodies said about their families. Any thread.
  std::shared_ptr<const MetadataMap> metadata() const { return metadata_.get(); }

 private:
  struct Lines;
  enum class Fate : uint8_t;

  Result<> ingest_once(TimestampMs t, std::string_view body, wire::ExpositionFormat format,
                       Report& report);
  void forget_series();
  Result<> read_body(std::string_view body, wire::ExpositionFormat format, Report& report);
  Result<> add_sample(wire::ExpositionParser& parser, Report& report);
  Result<uint32_t> new_line(wire::ExpositionParser& parser);
  Result<Fate> series_of(wire::ExpositionParser& parser, tsdb::SeriesId* id);
  Result<Fate> settle(LabelsBuilder& labels, const wire::ExpositionParser* parser,
                      tsdb::SeriesId* id);
  void add_folded(tsdb::SeriesId id, double value, Report& report);
  Result<> check_label_limits(const LabelsBuilder& labels) const;
  size_t settle_columns(Report& report);
  void drop_repeated_columns();
  void add_report(bool up, const Report& report);
  Result<> append(TimestampMs t);
  void forget_old_lines();
  Result<> check_sample_limit(const Report& report);

  // target_histograms.cc
  Result<std::optional<Fate>> convert_line(wire::ExpositionParser& parser, uint32_t line);
  Result<> add_histograms(Report& report);
  Result<> add_native(wire::NativeHistogram& native, Report& report);
  Result<> add_converted(Report& report);
  void note_exemplar(wire::ExpositionParser& parser, uint32_t line);
  void append_histograms(Result<tsdb::AppendStats>& stats);
  void start_conversion();
  Result<Fate> counting_series_of(wire::ExpositionParser& parser, tsdb::SeriesId* id);
  void add_zeros();
  void append_zeros();
  bool begins_after_samples(const Labels& labels, TimestampMs created) const;
  void note_family(wire::ExpositionParser& parser);
  void forget_histograms();

  tsdb::Db& db_;
  Metrics& metrics_;
  std::shared_ptr<const config::ScrapeConfig> config_;
  discover::Target target_;
  tsdb::TargetId store_target_;
  std::unique_ptr<Lines> lines_;
  std::unique_ptr<TargetGuard> guard_;
  CanonicalColumns canonical_;
  std::vector<Label> label_scratch_;

  // The row that is being made, and the samples that bring their own time.
  std::vector<tsdb::SeriesId> columns_;
  std::vector<double> values_;
  std::vector<tsdb::TimedSample> timed_;
  // Sorted: the series whose end has to be marked when they are not seen again, as of the last
  // stored scrape and of this one. The report's are not among them.
  std::vector<tsdb::SeriesId> previous_;
  std::vector<tsdb::SeriesId> present_;
  bool previous_is_last_body_ = false;
  TimestampMs last_time_ = 0;
  bool repeats_series_ = false;             // the last body had a series twice
  std::vector<tsdb::SeriesId> report_ids_;  // in the order of kReportNames; made when first needed

  // Native histograms: of the protobuf body that is being read, by the labels they had there, and
  // what is to be stored of them with those that were converted.
  struct NativeSeries {
    Fate fate{};
    tsdb::SeriesId id{};
    Labels labels;  // as stored
    TimestampMs created = 0;
  };
  std::span<wire::NativeHistogram> natives_;
  std::unordered_map<Labels, NativeSeries, LabelsHash> native_series_;
  std::unique_ptr<ClassicConversion> conversion_;  // null: not asked for
  std::string histogram_family_;                   // the classic one that is being read, or empty
  std::vector<tsdb::TimedHistogram> histograms_;
  std::vector<tsdb::SeriesId> histogram_ids_;  // of the last body, in its order
  std::vector<tsdb::NewExemplar> exemplars_;
  TimestampMs now_ = 0;  // of this scrape

  // created-timestamp-zero-ingestion.
  const IngestFeatures features_;
  std::unique_ptr<CreatedTimes> created_;           // null: not asked for
  std::unordered_map<uint32_t, Labels> new_lines_;  // of this body, as stored; only for that
  std::string family_;                              // that is being read
  MetricType family_type_ = MetricType::kUnknown;
  std::vector<tsdb::TimedSample> zeros_;
  std::vector<tsdb::TimedHistogram> zero_histograms_;

  MetadataMap families_;  // while a body is read
  bool read_metadata_ = true;
  uint64_t scrapes_ = 0;
  Snapshot<MetadataMap> metadata_;
};

}  // namespace strata::scrape

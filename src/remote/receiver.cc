#include "remote/receiver.h"

#include <algorithm>

#include "base/utf8.h"
#include "tsdb/histogram_sample.h"
#include "wire/snappy_block.h"

namespace strata::remote {
namespace {

// Samples that become one record of the log.
constexpr size_t kBatch = 100'000;

bool is_snappy(std::string_view encoding) { return encoding.empty() || encoding == "snappy"; }

// What a family is called of which `name` is a series: histograms and summaries have several.
std::string_view family_of(std::string_view name, MetricType type) {
  const bool parts = type == MetricType::kHistogram || type == MetricType::kGaugeHistogram ||
                     type == MetricType::kSummary;
  if (!parts) return name;
  for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  }
  return name;
}

}  // namespace

/// One request on its way into the store.
class Receiver::Intake {
 public:
  explicit Intake(Receiver& receiver) : receiver_(receiver) {}

  /// Error: what a later try may mend.
  Result<> take(wire::RemoteSeries& series, wire::RemoteWriteVersion version) {
    const size_t values = series.samples.size() + series.histograms.size();
    auto labels = identity(series.labels);
    if (!labels) return refuse("invalid_labels", values, labels.error().message), Result<>{};
    if (values == 0 && series.exemplars.empty() && version == wire::RemoteWriteVersion::k2) {
      return refuse("empty", 1, "a series without samples: " + labels->to_string()), Result<>{};
    }
    auto id = receiver_.db_.series(*labels);
    if (!id) {
      if (id.error().code != ErrorCode::kLimit) return std::unexpected(id.error());
      return refuse("series_limit", values, id.error().message), Result<>{};
    }
    for (const Sample& sample : series.samples) samples_.push_back({*id, sample.t, sample.v});
    for (auto& histogram : series.histograms) add_histogram(*id, *labels, histogram);
    for (const auto& exemplar : series.exemplars) {
      exemplars_.push_back({*labels,
                            {.labels = Labels::from(exemplar.labels),
                             .value = exemplar.value,
                             .timestamp = exemplar.t},
                            exemplar.t});
    }
    if (series.type != MetricType::kUnknown || !series.help.empty()) {
      receiver_.learn(family_of(labels->metric_name(), series.type), series.type, series.help,
                      series.unit);
    }
    return samples_.size() + histograms_.size() < kBatch ? Result<>{} : flush();
  }

  void refuse(std::string_view reason, size_t count, std::string_view message) {
    receiver_.refused_.with(reason).inc(count);
    refused_ += count;
    if (why_.empty()) why_ = message;
  }

  Result<> flush() {
    if (!samples_.empty()) {
      const auto stats = TRY(receiver_.db_.append_samples(samples_));
      samples_stored_ += account(stats);
      samples_.clear();
    }
    if (!histograms_.empty()) {
      const auto stats = TRY(receiver_.db_.append_histograms(histograms_));
      histograms_stored_ += account(stats);
      histograms_.clear();
    }
    if (!exemplars_.empty()) {
      TRY(receiver_.db_.append_exemplars(exemplars_));
      exemplars_stored_ += exemplars_.size();
      exemplars_.clear();
    }
    return {};
  }

  void report(WriteAnswer& answer) const {
    answer.samples = samples_stored_;
    answer.histograms = histograms_stored_;
    answer.exemplars = exemplars_stored_;
    receiver_.stored_.with("float").inc(samples_stored_);
    receiver_.stored_.with("histogram").inc(histograms_stored_);
    receiver_.stored_.with("exemplar").inc(exemplars_stored_);
    if (refused_ == 0 || answer.status != 204) return;
    answer.status = 400;
    answer.message = fmt::format("{} not stored, the rest is: {}", refused_, why_);
  }

 private:
  // Sorts `labels` when they are not, and leaves out empty values.
  static Result<Labels> identity(std::vector<Label>& labels) {
    std::erase_if(labels, [](const Label& label) { return label.value.empty(); });
    if (!std::ranges::is_sorted(labels, {}, &Label::name)) {
      std::ranges::sort(labels, {}, &Label::name);
    }
    bool named = false;
    for (size_t i = 0; i < labels.size(); ++i) {
      const auto& [name, value] = labels[i];
      if (i > 0 && name == labels[i - 1].name) {
        return bad_data(fmt::format("label {} twice in one series", name));
      }
      if (name.empty() || !is_utf8(name) || !is_utf8(value)) {
        return bad_data("a label that is not UTF-8, or has no name");
      }
      named |= name == kMetricName;
    }
    if (!named) return bad_data("a series without a metric name");
    return Labels::from_sorted(labels);
  }

  void add_histogram(tsdb::SeriesId id, const Labels& labels, wire::RemoteHistogram& histogram) {
    if (auto valid = tsdb::check_histogram(histogram.value); !valid) {
      return refuse("invalid_histogram", 1, labels.to_string() + ": " + valid.error().message);
    }
    histograms_.push_back(
        {id, histogram.t, std::make_shared<const FloatHistogram>(std::move(histogram.value))});
  }

  // Counts what the store left out; how many it has.
  size_t account(const tsdb::AppendStats& stats) {
    if (stats.too_old > 0) {
      refuse("too_old", stats.too_old, "samples older than the out-of-order window");
    }
    if (stats.duplicate > 0) {
      refuse("duplicate", stats.duplicate, "other values for times that have one");
    }
    if (stats.too_far_ahead > 0) {
      refuse("too_far_ahead", stats.too_far_ahead, "samples ahead of this server's clock");
    }
    return stats.appended + stats.repeated;
  }

  Receiver& receiver_;
  std::vector<tsdb::TimedSample> samples_;
  std::vector<tsdb::TimedHistogram> histograms_;
  std::vector<tsdb::NewExemplar> exemplars_;
  size_t samples_stored_ = 0;
  size_t histograms_stored_ = 0;
  size_t exemplars_stored_ = 0;
  size_t refused_ = 0;
  std::string why_;  // of the first that was refused
};

Receiver::Receiver(tsdb::Db& db, metrics::Registry& registry)
    : db_(db),
      requests_(registry.counter<"version">("strata_remote_write_received_requests_total",
                                            "Requests of remote write that could be read.")),
      stored_(registry.counter<"type">("strata_remote_write_received_samples_total",
                                       "What remote write brought and is stored.")),
      refused_(registry.counter<"reason">("strata_remote_write_refused_samples_total",
                                          "What remote write brought and is not stored.")) {}

WriteAnswer Receiver::write(const WriteRequest& request) {
  const auto version = wire::remote_write_version(request.content_type);
  if (!version) {
    return {
        .status = 415,
        .message = fmt::format("Content-Type {} is none of remote write", request.content_type)};
  }
  if (!is_snappy(request.content_encoding)) {
    return {.status = 415,
            .message = fmt::format("Content-Encoding is snappy, not {}", request.content_encoding)};
  }
  WriteAnswer answer{.version = *version};
  std::string message;
  if (auto done = wire::snappy_decompress(request.body, kMaxDecoded, message); !done) {
    answer.status = done.error().code == ErrorCode::kLimit ? 413 : 400;
    answer.message = done.error().message;
    return answer;
  }
  const auto reader = wire::RemoteWriteReader::open(message, *version);
  if (!reader) {
    answer.status = 400;
    answer.message = reader.error().message;
    return answer;
  }
  requests_.with(*version == wire::RemoteWriteVersion::k1 ? "1.0" : "2.0").inc();
  for (const auto& about : reader->metadata()) {
    learn(about.family, about.type, about.help, about.unit);
  }

  Intake intake(*this);
  wire::RemoteSeries series;
  Result<> stored;
  for (size_t i = 0; i < reader->size() && stored; ++i) {
    if (auto read = reader->read(i, series); !read) {
      intake.refuse("malformed", 1, read.error().message);
    } else {
      stored = intake.take(series, *version);
    }
  }
  if (stored) stored = intake.flush();
  if (!stored) {
    answer.status = stored.error().code == ErrorCode::kBadData ? 400 : 500;
    answer.message = stored.error().message;
  }
  intake.report(answer);
  return answer;
}

void Receiver::learn(std::string_view family, MetricType type, std::string_view help,
                     std::string_view unit) {
  if (family.empty()) return;
  MutexLock lock(mutex_);
  auto known = families_.find(family);
  if (known == families_.end()) {
    if (families_.size() >= kMaxFamilies) return refused_.with("metadata_limit").inc();
    known = families_.emplace(family, Metadata{}).first;
  }
  Metadata& about = known->second;
  if (about.type == type && about.help == help && about.unit == unit) return;
  about = {.type = type, .help = std::string(help), .unit = std::string(unit)};
}

Receiver::Families Receiver::families() const {
  MutexLock lock(mutex_);
  return families_;
}

}  // namespace strata::remote

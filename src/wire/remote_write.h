// The messages of Prometheus' remote write, both ways: prometheus.WriteRequest (1.0) and
// io.prometheus.write.v2.Request (2.0), without their compression (snappy_block.h).
// Source: https://prometheus.io/docs/specs/prw/, prompb/ of Prometheus.
//
// The reader walks a message series by series and keeps one series' memory for the next; the writer
// appends series to one buffer. Both are used by one thread at a time. Bounds: the message's size
// is the caller's to bound; what is read takes a small multiple of it.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/exemplar.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/metadata.h"
#include "model/sample.h"

namespace strata::wire {

enum class RemoteWriteVersion : uint8_t { k1, k2 };

/// "application/x-protobuf", with `;proto=` for 2.0.
std::string_view remote_write_content_type(RemoteWriteVersion version);
/// None: another type. Without a proto parameter it is 1.0.
std::optional<RemoteWriteVersion> remote_write_version(std::string_view content_type);

struct RemoteExemplar {
  std::vector<Label> labels;
  double value = 0;
  TimestampMs t = 0;
};
struct RemoteHistogram {
  FloatHistogram value;
  TimestampMs t = 0;
};

/// What a message says of one series. Views point into the message.
struct RemoteSeries {
  std::vector<Label> labels;  // as sent: neither checked nor sorted
  std::vector<Sample> samples;
  std::vector<RemoteHistogram> histograms;
  std::vector<RemoteExemplar> exemplars;
  /// 2.0 only: with each series.
  MetricType type = MetricType::kUnknown;
  std::string_view help, unit;

  void clear();
};

/// What a 1.0 message says of a metric family, beside the series.
struct RemoteMetadata {
  std::string_view family, help, unit;
  MetricType type = MetricType::kUnknown;
};

class RemoteWriteReader {
 public:
  /// `message` outlives the reader. Error: kBadData.
  static Result<RemoteWriteReader> open(std::string_view message, RemoteWriteVersion version);

  size_t size() const { return series_.size(); }
  /// Replaces `out` by series i. Error: kBadData; the other series can still be read.
  Result<> read(size_t i, RemoteSeries& out) const;
  const std::vector<RemoteMetadata>& metadata() const { return metadata_; }

 private:
  explicit RemoteWriteReader(RemoteWriteVersion version) : version_(version) {}

  RemoteWriteVersion version_;
  std::vector<std::string_view> symbols_;  // 2.0
  std::vector<std::string_view> series_;   // each a message
  std::vector<RemoteMetadata> metadata_;   // 1.0
};

/// Series for one message.
class RemoteWriteWriter {
 public:
  explicit RemoteWriteWriter(RemoteWriteVersion version) : version_(version) {}

  /// `about` may be null: nothing is known of its family (2.0 only; 1.0 sends metadata apart).
  void add(const Labels& labels, std::span<const Sample> samples,
           std::span<const RemoteHistogram> histograms, std::span<const Exemplar> exemplars,
           const Metadata* about);
  /// 1.0.
  void add_metadata(std::string_view family, const Metadata& about);

  bool empty() const { return body_.empty(); }
  /// Of what was added, about.
  size_t bytes() const { return body_.size(); }
  /// Replaces `out` by the message; the writer is empty again.
  void finish(std::string& out);

 private:
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  uint32_t symbol(std::string_view text);
  void add_1(const Labels& labels, std::span<const Sample> samples,
             std::span<const RemoteHistogram> histograms, std::span<const Exemplar> exemplars);
  void add_2(const Labels& labels, std::span<const Sample> samples,
             std::span<const RemoteHistogram> histograms, std::span<const Exemplar> exemplars,
             const Metadata* about);

  RemoteWriteVersion version_;
  std::string body_;
  std::string symbol_fields_;
  std::unordered_map<std::string, uint32_t, TextHash, std::equal_to<>> symbols_;
};

}  // namespace strata::wire

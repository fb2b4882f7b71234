// Classic histograms of a scrape body as native ones with custom buckets (NHCB), for
// convert_classic_histograms_to_nhcb.
//
// It remembers which line of the body is which part of which histogram, so that a body that reads
// like the last one costs an assignment a line. Owned by a TargetIngest, used by one thread. Bound:
// 8 bytes a line, 24 a bucket; TargetIngest starts it anew when lines come and go.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "tsdb/ids.h"

namespace strata::scrape {

class ClassicConversion {
 public:
  enum class PartKind : uint8_t { kBucket, kSum, kCount };
  struct Part {
    PartKind kind = PartKind::kBucket;
    double le = 0;
  };
  /// Whether a sample with `labels` is a part of a histogram of `family`; then `labels` become the
  /// histogram's: its own name, no le.
  static std::optional<Part> part_of(std::string_view family, LabelsBuilder& labels);

  /// The number of the histogram with these labels, as the body has them; `is_new` when it has to
  /// be given its series.
  uint32_t histogram(const Labels& labels, bool& is_new);
  /// Without one (relabelling dropped it) it is not built.
  void set_series(uint32_t histogram, std::optional<tsdb::SeriesId> series);
  /// From now on `line` is that part of the histogram.
  void attach(uint32_t line, uint32_t histogram, const Part& part);

  void begin_body() { ++body_; }
  /// `line` has this value in the body.
  void note(uint32_t line, double value, const std::optional<TimestampMs>& t);

  struct Converted {
    tsdb::SeriesId series{};
    std::optional<TimestampMs> t;
    HistogramPtr h;
  };
  /// Appends the histograms of the body. Returns how many were none: counts that go down from
  /// bucket to bucket, or do not add up (Prometheus' convertnhcb).
  size_t finish_body(std::vector<Converted>& out) const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kSumOf = UINT32_MAX - 1;
  static constexpr uint32_t kCountOf = UINT32_MAX - 2;
  struct Bucket {
    double le = 0;
    double count = 0;
    uint64_t body = 0;  // that it was last seen in
  };
  struct Histogram {
    std::optional<tsdb::SeriesId> series;
    std::vector<Bucket> buckets;
    std::vector<uint32_t> by_bound;  // `buckets`, ascending by le
    double sum = 0;
    double count = 0;
    uint64_t count_body = 0;
    uint64_t sum_body = 0;
    uint64_t body = 0;
    std::optional<TimestampMs> t;
  };
  struct LinePart {
    uint32_t histogram = kNone;
    uint32_t bucket = kNone;  // or kSumOf, kCountOf
  };
  HistogramPtr build(const Histogram& histogram) const;

  uint64_t body_ = 0;
  std::vector<LinePart> lines_;
  std::vector<Histogram> histograms_;
  std::unordered_map<Labels, uint32_t, LabelsHash> by_labels_;
};

}  // namespace strata::scrape

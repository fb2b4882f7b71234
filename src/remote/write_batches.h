// A round of remote write: samples of the log become the bodies of requests.
//
// What a series brought in a round goes into one lane, in order; the requests of a lane are sent
// one after the other, lanes beside each other. So the order of each series is kept, whatever the
// number of requests in flight. Labels get the external ones and are relabelled once a series; the
// result is remembered. One thread at a time. Bound: kMaxRemembered series.
#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "model/labels.h"
#include "tsdb/db.h"
#include "wire/remote_write.h"

namespace strata::remote {

/// One request's body, compressed.
struct WriteBatch {
  std::string body;
  size_t samples = 0;
  size_t histograms = 0;
  TimestampMs newest = kMinTime;
};
using Lane = std::vector<WriteBatch>;

/// What is known of metric families.
using Families = std::map<std::string, Metadata, std::less<>>;

class BatchMaker {
 public:
  static constexpr size_t kMaxRemembered = 500'000;

  BatchMaker(const config::RemoteWriteConfig& config, Labels external_labels,
             std::function<Labels(tsdb::SeriesId)> labels_of);

  /// Sorts `samples` and `histograms` by series. At most `max_lanes` lanes.
  std::vector<Lane> make(std::vector<tsdb::TimedSample>& samples,
                         std::vector<tsdb::TimedHistogram>& histograms, size_t max_lanes);
  /// 1.0: requests that only say what is known of families.
  Lane make_metadata(const Families& families) const;
  /// 2.0: what is said with each series from now on.
  void set_families(std::shared_ptr<const Families> families);

  /// Samples and histograms that relabelling, or their age, kept from being sent.
  size_t dropped() const { return dropped_; }
  /// Samples before this are left out (queue_config.sample_age_limit).
  void set_oldest(TimestampMs oldest) { oldest_ = oldest; }

 private:
  struct Prepared {
    Labels labels;  // empty: not sent
    const Metadata* about = nullptr;
  };
  const Prepared& prepared(tsdb::SeriesId id);
  const Metadata* about(std::string_view name) const;
  void finish(wire::RemoteWriteWriter& writer, WriteBatch& batch, Lane& lane) const;

  const config::RemoteWriteConfig& config_;
  const Labels external_labels_;
  const std::function<Labels(tsdb::SeriesId)> labels_of_;
  const wire::RemoteWriteVersion version_;
  std::shared_ptr<const Families> families_;
  std::unordered_map<uint32_t, Prepared> prepared_;
  TimestampMs oldest_ = kMinTime;
  size_t dropped_ = 0;
};

}  // namespace strata::remote

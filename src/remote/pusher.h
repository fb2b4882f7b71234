// Remote write of what this process collects itself, for an agent that nobody can scrape: each
// collection becomes requests that wait, in order, until the target took them.
//
// No thread of its own: push() and finish() are called by one thread at a time, whoever collects;
// an answer, or a timer, sends the next request, one at a time. Bound: kMaxWaiting bytes of
// compressed requests wait, an hour or more of an agent's; beyond that the oldest are dropped, said
// and counted.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "model/metric_family.h"
#include "remote/write_metrics.h"
#include "remote/write_target.h"

namespace strata::remote {

struct PusherDeps {
  discover::HttpFetch fetch;
  Fs& fs;
  const Clock& clock;
  WriteMetrics& metrics;
  /// Calls a function later, on any thread.
  std::function<void(std::chrono::nanoseconds, std::function<void()>)> after;
};

class Pusher : public std::enable_shared_from_this<Pusher> {
 public:
  static constexpr size_t kMaxWaiting = size_t{16} << 20;

  /// `external_labels` are added to what has no label of the name. All in `deps` outlive this.
  Pusher(PusherDeps deps, config::RemoteWriteConfig config, Labels external_labels);

  /// What was collected at `at`, of the target with the labels `target` (job and instance). Labels
  /// that a sample has itself count for more. `up` is 1; what was there the last time and is not
  /// there now gets a stale marker.
  void push(std::span<const MetricFamily> families, const Labels& target, TimestampMs at);
  /// There is no more: stale markers for all, and what fails from now on is not tried again. Waits
  /// for what is on its way, for `patience` at most. Call once.
  void finish(TimestampMs at, std::chrono::nanoseconds patience);

 private:
  struct Request {
    std::string body;
    size_t samples = 0;
    TimestampMs newest = kMinTime;
  };
  class Round;

  void enqueue(std::vector<Request> requests);
  void send_on();
  void answered(const Result<net::ClientResponse>& response, std::chrono::nanoseconds began);
  void add_metadata(std::span<const MetricFamily> families, std::vector<Request>& out);

  const PusherDeps deps_;
  const config::RemoteWriteConfig config_;
  const Labels external_labels_;
  const WriteTarget target_;
  WriteMetrics::Target& metrics_;

  // Of who collects.
  std::set<std::string> last_;  // Labels::bytes() of the last push
  std::chrono::nanoseconds next_metadata_{0};

  Mutex mutex_;
  CondVar idle_;
  std::deque<Request> waiting_ GUARDED_BY(mutex_);  // the first may be on its way
  size_t waiting_bytes_ GUARDED_BY(mutex_) = 0;
  bool busy_ GUARDED_BY(mutex_) = false;  // on its way, or a timer runs
  bool ending_ GUARDED_BY(mutex_) = false;
  std::chrono::nanoseconds backoff_ GUARDED_BY(mutex_){0};
  std::string last_error_ GUARDED_BY(mutex_);
};

}  // namespace strata::remote

#include "remote/pusher.h"

#include <algorithm>

#include "base/log.h"
#include "discover/relabel.h"
#include "wire/snappy_block.h"

namespace strata::remote {
namespace {

constexpr std::chrono::milliseconds kLookAgain{100};  // at the clock, which tests set

size_t at_once(int64_t configured) { return static_cast<size_t>(std::max<int64_t>(1, configured)); }

}  // namespace

/// The requests of one collection.
class Pusher::Round {
 public:
  Round(const Pusher& pusher, TimestampMs at)
      : pusher_(pusher), at_(at), writer_(pusher.target_.version()) {}

  /// Labels as they are sent; empty: relabelling drops the series.
  Labels labels(std::string_view name, const Labels& own, const Labels& target) {
    builder_.reset(own);
    builder_.set("__name__", name);
    for (const Labels* more : {&target, &pusher_.external_labels_}) {
      for (const Label& label : *more) {
        if (builder_.get(label.name).empty()) builder_.set(label.name, label.value);
      }
    }
    if (!discover::relabel(pusher_.config_.write_relabel_configs, builder_)) return {};
    return builder_.build();
  }

  void add(const Labels& labels, double value, const Metadata* about) {
    if (labels.empty()) return;
    const Sample sample{at_, value};
    writer_.add(labels, {&sample, 1}, {}, {}, about);
    if (++samples_ == at_once(pusher_.config_.queue_config.max_samples_per_send)) finish();
  }

  std::vector<Request> take() {
    finish();
    return std::move(requests_);
  }

 private:
  void finish() {
    if (writer_.empty()) return;
    std::string message;
    writer_.finish(message);
    Request& request = requests_.emplace_back();
    wire::snappy_compress(message, request.body);
    request.samples = std::exchange(samples_, 0);
    request.newest = at_;
  }

  const Pusher& pusher_;
  const TimestampMs at_;
  wire::RemoteWriteWriter writer_;
  LabelsBuilder builder_;
  size_t samples_ = 0;
  std::vector<Request> requests_;
};

Pusher::Pusher(PusherDeps deps, config::RemoteWriteConfig config, Labels external_labels)
    : deps_(std::move(deps)),
      config_(std::move(config)),
      external_labels_(std::move(external_labels)),
      target_(deps_.fetch, config_, deps_.fs, deps_.clock),
      metrics_(deps_.metrics.target(config_.name, config_.url)) {}

void Pusher::push(std::span<const MetricFamily> families, const Labels& target, TimestampMs at) {
  Round round(*this, at);
  std::set<std::string> now;
  const auto add = [&](const Labels& labels, double value, const Metadata* about) {
    round.add(labels, value, about);
    if (!labels.empty()) now.insert(labels.bytes());
  };
  for (const MetricFamily& family : families) {
    const Metadata about{family.type, family.help, ""};
    for (const MetricFamily::Sample& sample : family.samples) {
      add(round.labels(family.name + sample.suffix, sample.labels, target), sample.value, &about);
    }
  }
  if (!families.empty()) add(round.labels("up", {}, target), 1, nullptr);
  for (const std::string& gone : last_) {
    if (!now.contains(gone)) round.add(Labels::from_bytes(gone), stale_nan(), nullptr);
  }
  last_ = std::move(now);
  auto requests = round.take();
  add_metadata(families, requests);
  enqueue(std::move(requests));
}

// 1.0 says what families are in messages of their own; 2.0 with each series.
void Pusher::add_metadata(std::span<const MetricFamily> families, std::vector<Request>& out) {
  const auto now = deps_.clock.steady();
  if (target_.version() == wire::RemoteWriteVersion::k2 || !config_.metadata_config.send ||
      families.empty() || now < next_metadata_) {
    return;
  }
  next_metadata_ = now + config_.metadata_config.send_interval;
  wire::RemoteWriteWriter writer(target_.version());
  for (const MetricFamily& family : families) {
    writer.add_metadata(family.name, {family.type, family.help, ""});
  }
  std::string message;
  writer.finish(message);
  wire::snappy_compress(message, out.emplace_back().body);
}

void Pusher::enqueue(std::vector<Request> requests) {
  {
    MutexLock lock(mutex_);
    for (Request& request : requests) {
      waiting_bytes_ += request.body.size();
      waiting_.push_back(std::move(request));
    }
    size_t dropped = 0;
    // The first may be on its way.
    while (waiting_bytes_ > kMaxWaiting && waiting_.size() > 1) {
      const auto oldest = waiting_.begin() + 1;
      waiting_bytes_ -= oldest->body.size();
      dropped += oldest->samples;
      waiting_.erase(oldest);
    }
    if (dropped > 0) {
      metrics_.dropped.inc(dropped);
      log_warn("the target of remote write is away for too long; the oldest samples are dropped",
               {{"url", config_.url}, {"samples", fmt::format("{}", dropped)}});
    }
    metrics_.pending.set(static_cast<double>(waiting_.size()));
  }
  send_on();
}

void Pusher::send_on() {
  std::string body;
  {
    MutexLock lock(mutex_);
    if (busy_ || waiting_.empty()) return;
    busy_ = true;
    body = waiting_.front().body;
  }
  target_.send(std::move(body), [self = shared_from_this(), began = deps_.clock.steady()](
                                    const auto& response) { self->answered(response, began); });
}

void Pusher::answered(const Result<net::ClientResponse>& response, std::chrono::nanoseconds began) {
  const bool good = response && response->status / 100 == 2;
  const bool may_mend = !good && target_.may_mend(response);
  metrics_.duration.observe(std::chrono::duration<double>(deps_.clock.steady() - began).count());
  std::chrono::nanoseconds pause{0};
  {
    MutexLock lock(mutex_);
    const Request& sent = waiting_.front();
    const std::string error = good ? "" : refusal(response);
    if (error != last_error_ && !good) {
      log_warn(may_mend ? "remote write failed; it will be tried again"
                        : "the target of remote write refuses samples",
               {{"url", config_.url}, {"error", error}});
    }
    last_error_ = error;
    if (may_mend && !ending_) {
      metrics_.retried.inc(sent.samples);
      pause = target_.pause(backoff_, response);
    } else {
      (good ? metrics_.samples : metrics_.failed).inc(sent.samples);
      if (good && sent.newest != kMinTime) {
        metrics_.highest_sent.set(static_cast<double>(sent.newest) / 1000);
      }
      waiting_bytes_ -= sent.body.size();
      waiting_.pop_front();
      metrics_.pending.set(static_cast<double>(waiting_.size()));
      backoff_ = {};
    }
    if (pause == std::chrono::nanoseconds(0)) busy_ = false;
    if (waiting_.empty()) idle_.notify_all();
  }
  if (pause == std::chrono::nanoseconds(0)) return send_on();
  deps_.after(pause, [self = shared_from_this()] {
    {
      MutexLock lock(self->mutex_);
      self->busy_ = false;
    }
    self->send_on();
  });
}

void Pusher::finish(TimestampMs at, std::chrono::nanoseconds patience) {
  {
    MutexLock lock(mutex_);
    ending_ = true;
  }
  push({}, {}, at);
  const auto deadline = deps_.clock.steady() + patience;
  MutexLock lock(mutex_);
  while (!waiting_.empty()) {
    const auto left = deadline - deps_.clock.steady();
    if (left <= std::chrono::nanoseconds(0)) {
      log_warn("samples were not sent", {{"url", config_.url}});
      return;
    }
    idle_.wait_for(lock, std::min<std::chrono::nanoseconds>(left, kLookAgain));
  }
}

}  // namespace strata::remote

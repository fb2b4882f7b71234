#include "remote/writer.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/hash.h"
#include "base/log.h"
#include "base/number.h"

namespace strata::remote {
namespace {

using namespace std::chrono_literals;

// How often the log is looked at while nothing new is in it.
constexpr std::chrono::nanoseconds kLook = 100ms;

size_t max_lanes(const config::QueueConfig& queue) {
  const size_t most = Writer::kMaxRound / static_cast<size_t>(queue.max_samples_per_send);
  return std::clamp<size_t>(static_cast<size_t>(queue.max_shards), 1, std::max<size_t>(1, most));
}

TimestampMs newest_of(const std::vector<tsdb::TimedSample>& samples) {
  const auto newest = std::ranges::max_element(samples, {}, &tsdb::TimedSample::t);
  return newest == samples.end() ? 0 : newest->t;
}

}  // namespace

std::string Writer::position_name(const config::RemoteWriteConfig& config) {
  return fmt::format("{:016x}.position", xxh64(config.name + "\n" + config.url));
}

struct Writer::Round {
  std::vector<tsdb::TimedSample> samples;
  std::vector<tsdb::TimedHistogram> histograms;
  size_t size() const { return samples.size() + histograms.size(); }
};

/// A round on its way. Shared with the callbacks of requests, which only leave their answers here.
struct Writer::Sending {
  struct State {
    size_t next = 0;  // batch of the lane
    bool in_flight = false;
    std::chrono::nanoseconds not_before{0};
    std::chrono::nanoseconds began{0};
    std::chrono::nanoseconds backoff{0};
  };
  struct Answer {
    size_t lane = 0;
    Result<net::ClientResponse> response;
  };

  std::vector<Lane> lanes;
  std::vector<State> states;  // the writer's thread
  bool metadata = false;

  std::mutex mutex;
  std::condition_variable_any arrived;
  std::vector<Answer> answers;  // with mutex
};

Writer::Writer(WriterDeps deps, config::RemoteWriteConfig config, Labels external_labels,
               PositionFile position)
    : deps_(std::move(deps)),
      config_(std::move(config)),
      target_(deps_.fetch, config_, deps_.fs, deps_.clock),
      metrics_(deps_.metrics.target(config_.name, config_.url)),
      position_(std::move(position)),
      batches_(config_, std::move(external_labels),
               [this](tsdb::SeriesId id) { return cursor_->labels(id); }) {
  metrics_.shards_min.set(1);
  metrics_.shards_max.set(static_cast<double>(max_lanes(config_.queue_config)));
}

Result<std::unique_ptr<Writer>> Writer::open(WriterDeps deps, config::RemoteWriteConfig config,
                                             Labels external_labels, const std::string& directory) {
  auto file =
      TRY(PositionFile::open(deps.fs, fmt::format("{}/{}", directory, position_name(config))));
  if (!file.position()) {
    const auto [segment, offset] = deps.db.log_end();
    TRY(file.save({segment, offset}));
  }
  const tsdb::LogPosition at = *file.position();
  std::unique_ptr<Writer> writer(
      new Writer(std::move(deps), std::move(config), std::move(external_labels), std::move(file)));
  writer->cursor_ = writer->deps_.db.read_log(at.segment, at.offset);
  writer->resume_until_ = writer->position_.round_end();
  writer->needs_segment_ = at.segment;
  return writer;
}

void Writer::run(std::stop_token stop) {
  Round round;
  while (!stop.stop_requested()) {
    send_metadata(stop);
    if (!read_round(round, stop)) break;
    if (config_.queue_config.sample_age_limit.count() > 0) {
      batches_.set_oldest(deps_.clock.now_ms() - config_.queue_config.sample_age_limit.count());
    }
    const size_t dropped = batches_.dropped();
    metrics_.pending.set(static_cast<double>(round.size()));
    const TimestampMs newest = newest_of(round.samples);
    metrics_.highest_read.set(static_cast<double>(newest) / 1000);
    auto lanes = batches_.make(round.samples, round.histograms, max_lanes(config_.queue_config));
    metrics_.dropped.inc(batches_.dropped() - dropped);
    metrics_.shards.set(static_cast<double>(lanes.size()));
    report(position_.begin_round(cursor_->position()));
    request_seconds_ = 0;
    if (!send(std::move(lanes), stop)) break;
    pace_.sent(round.samples.size(), request_seconds_, newest, deps_.clock.now_ms());
    metrics_.shards_desired.set(pace_.desired_shards());
    metrics_.pending.set(0);
    keep_position();
    round.samples.clear(), round.histograms.clear();
  }
}

// Until there is enough for a request, or what there is has waited long enough. False: stopped with
// nothing read, or it cannot be read.
bool Writer::read_round(Round& round, const std::stop_token& stop) {
  const auto& queue = config_.queue_config;
  const auto enough = static_cast<size_t>(queue.max_samples_per_send);
  const size_t most = std::min(kMaxRound, enough * max_lanes(queue));
  std::chrono::nanoseconds first{0};
  while (true) {
    auto more = cursor_->next(round.samples, round.histograms);
    if (!more && more.error().message != last_error_) {
      last_error_ = more.error().message;
      log_error("remote write cannot read the log; it will be tried again",
                {{"url", config_.url}, {"error", last_error_}});
    }
    if (cursor_->skipped() > skipped_) {
      metrics_.skipped_log.inc(cursor_->skipped() - skipped_);
      skipped_ = cursor_->skipped();
      log_error("remote write was too far behind: parts of the log were gone",
                {{"url", config_.url}, {"skipped", skipped_}});
    }
    if (more && *more) {
      if (resume_until_ && cursor_->position() >= *resume_until_) {
        resume_until_.reset();
        return true;
      }
      if (round.size() >= most) return true;
      continue;
    }
    const auto now = deps_.clock.steady();
    if (round.size() == 0) {
      first = {};
      keep_position();
    } else if (first.count() == 0) {
      first = now;
    }
    if (round.size() >= enough) return true;
    if (round.size() > 0 && now - first >= queue.batch_send_deadline) return true;
    // What was read and not sent is read again after the next start.
    if (!wait(std::min<std::chrono::nanoseconds>(kLook, queue.batch_send_deadline), stop)) {
      return false;
    }
    if (round.size() == 0) send_metadata(stop);
  }
}

// False: asked to stop.
bool Writer::wait(std::chrono::nanoseconds at_most, const std::stop_token& stop) const {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, at_most, [] { return false; });
  return !stop.stop_requested();
}

void Writer::keep_position() {
  const auto at = cursor_->position();
  if (position_.position() == at) return;
  report(position_.save(at));
  needs_segment_ = at.segment;
  deps_.progressed();
}

void Writer::report(const Result<>& saved) const {
  if (saved) return;
  log_warn("remote write's position could not be written; a restart would send again",
           {{"url", config_.url}, {"error", saved.error().message}});
}

void Writer::send_metadata(const std::stop_token& stop) {
  if (!config_.metadata_config.send || deps_.clock.steady() < next_metadata_) return;
  next_metadata_ = deps_.clock.steady() + config_.metadata_config.send_interval;
  auto families = std::make_shared<const Families>(deps_.families());
  batches_.set_families(families);
  Lane lane = batches_.make_metadata(*families);
  if (lane.empty()) return;
  metrics_.metadata.inc(lane.size());
  std::vector<Lane> lanes;
  lanes.push_back(std::move(lane));
  (void)send(std::move(lanes), stop);
}

// True when each request was answered for good. Asked to stop, it waits a little for those in
// flight and sends no others.
bool Writer::send(std::vector<Lane> lanes, const std::stop_token& stop) {
  auto sending = std::make_shared<Sending>();
  sending->lanes = std::move(lanes);
  sending->states.resize(sending->lanes.size());
  std::optional<std::chrono::nanoseconds> stop_by;
  while (true) {
    const auto now = deps_.clock.steady();
    if (stop.stop_requested() && !stop_by) stop_by = now + kGrace;
    bool done = true;
    bool in_flight = false;
    auto wake = now + std::chrono::nanoseconds(1s);
    for (size_t lane = 0; lane < sending->lanes.size(); ++lane) {
      auto& state = sending->states[lane];
      if (state.next == sending->lanes[lane].size()) continue;
      done = false;
      if (!state.in_flight && !stop_by && state.not_before <= now) send_next(sending, lane);
      if (!state.in_flight) wake = std::min(wake, state.not_before);
      in_flight |= state.in_flight;
    }
    if (done) return true;
    if (stop_by && (!in_flight || now >= *stop_by)) return false;

    std::unique_lock lock(sending->mutex);
    const auto any = [&] { return !sending->answers.empty(); };
    if (stop_by) {
      sending->arrived.wait_for(lock, *stop_by - now, any);
    } else {
      sending->arrived.wait_for(lock, stop, std::max(wake - now, std::chrono::nanoseconds(1ms)),
                                any);
    }
    auto answers = std::exchange(sending->answers, {});
    lock.unlock();
    for (const auto& answer : answers) answered(*sending, answer.lane, answer.response);
  }
}

void Writer::send_next(const std::shared_ptr<Sending>& sending, size_t lane) {
  auto& state = sending->states[lane];
  state.in_flight = true;
  state.began = deps_.clock.steady();
  target_.send(sending->lanes[lane][state.next].body,
               [sending, lane](Result<net::ClientResponse> response) {
                 {
                   std::lock_guard lock(sending->mutex);
                   sending->answers.push_back({lane, std::move(response)});
                 }
                 sending->arrived.notify_one();
               });
}

void Writer::answered(Sending& sending, size_t lane, const Result<net::ClientResponse>& response) {
  auto& state = sending.states[lane];
  const WriteBatch& batch = sending.lanes[lane][state.next];
  const size_t samples = batch.samples + batch.histograms;
  const auto now = deps_.clock.steady();
  state.in_flight = false;
  const double seconds = std::chrono::duration<double>(now - state.began).count();
  request_seconds_ += seconds;
  metrics_.duration.observe(seconds);
  metrics_.bytes.inc(batch.body.size());
  const bool good = response && response->status / 100 == 2;
  if (!good) {
    const std::string error = refusal(response);
    if (error != last_error_) {
      last_error_ = error;
      log_warn(target_.may_mend(response) ? "remote write failed; it will be tried again"
                                          : "the target of remote write refuses samples",
               {{"url", config_.url}, {"error", error}});
    }
    if (target_.may_mend(response)) {
      metrics_.retried.inc(samples);
      state.not_before = now + target_.pause(state.backoff, response);
      return;
    }
    metrics_.failed.inc(samples);
  } else {
    last_error_.clear();
    metrics_.samples.inc(batch.samples);
    metrics_.histograms.inc(batch.histograms);
    if (batch.newest != kMinTime) {
      metrics_.highest_sent.set(static_cast<double>(batch.newest) / 1000);
    }
  }
  ++state.next;
  state.backoff = {};
  state.not_before = {};
}

}  // namespace strata::remote

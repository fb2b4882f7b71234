#include "notify/send_queue.h"

#include "base/log.h"
#include "net/http.h"

namespace strata::notify {
namespace {

constexpr size_t kMaxAnswer = 64u << 10;
constexpr std::chrono::milliseconds kLookAgain{100};  // at the clock, which tests set

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

Result<> taken(const Result<net::ClientResponse>& response) {
  if (!response) return std::unexpected(response.error());
  if (response->status / 100 == 2) return {};
  return fail(ErrorCode::kUnavailable,
              fmt::format("it answered {} {}: {}", response->status,
                          net::reason_phrase(response->status), response->body.substr(0, 200)));
}

}  // namespace

SendQueue::SendQueue(std::string url, std::shared_ptr<const discover::PeerClient> client,
                     Millis timeout, SendLimits limits, Metrics& metrics, const Clock& clock)
    : url_(std::move(url)),
      client_(std::move(client)),
      timeout_(timeout),
      limits_(limits),
      clock_(clock),
      metrics_(metrics.of(url_)) {}

void SendQueue::add(std::span<const EncodedAlert> alerts) {
  {
    MutexLock lock(mutex_);
    if (closed_) return;
    waiting_.insert(waiting_.end(), alerts.begin(), alerts.end());
    if (waiting_.size() > limits_.capacity) {
      const size_t over = waiting_.size() - limits_.capacity;
      log_warn("too many alerts wait for an Alertmanager; the oldest are dropped",
               {{"alertmanager", url_}, {"dropped", fmt::format("{}", over)}});
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(over));
      metrics_.dropped->inc(over);
    }
    metrics_.queue_length->set(static_cast<double>(waiting_.size()));
  }
  send_on();
}

// A request may be answered, or fail, before fetch() returns: then its batch's successor is sent by
// this loop and not from within the answer, however many there are.
void SendQueue::send_on() {
  {
    MutexLock lock(mutex_);
    if (std::exchange(sending_, true)) return;
  }
  while (true) {
    std::vector<EncodedAlert> batch;
    {
      MutexLock lock(mutex_);
      if (in_flight_ || waiting_.empty()) {
        sending_ = false;
        idle_.notify_all();
        return;
      }
      const auto end =
          waiting_.begin() + static_cast<ptrdiff_t>(std::min(limits_.batch, waiting_.size()));
      batch.assign(waiting_.begin(), end);
      waiting_.erase(waiting_.begin(), end);
      metrics_.queue_length->set(static_cast<double>(waiting_.size()));
      in_flight_ = true;
    }
    send(batch);
  }
}

void SendQueue::send(std::span<const EncodedAlert> batch) {
  net::ClientRequest request{.method = "POST", .url = url_};
  client_->prepare(request);
  request.timeout = timeout_;
  request.max_body_bytes = kMaxAnswer;
  request.stop = stop_.get_token();
  request.headers.set("Content-Type", "application/json");
  request.body = "[";
  for (const EncodedAlert& alert : batch) {
    if (request.body.size() > 1) request.body += ',';
    request.body += *alert;
  }
  request.body += ']';
  client_->fetch(std::move(request),
                 [self = shared_from_this(), alerts = batch.size(), began = clock_.steady()](
                     const auto& response) { self->answered(alerts, began, response); });
}

void SendQueue::answered(size_t alerts, std::chrono::nanoseconds began,
                         const Result<net::ClientResponse>& response) {
  const Result<> result = taken(response);
  if (result) {
    const double took = seconds(clock_.steady() - began);
    metrics_.latency->observe(took);
    metrics_.latency_histogram->observe(took);
    metrics_.sent->inc(alerts);
  } else {
    metrics_.errors->inc(alerts);
    metrics_.dropped->inc(alerts);
  }
  {
    MutexLock lock(mutex_);
    in_flight_ = false;
    const std::string error = result ? "" : result.error().message;
    if (error != last_error_ && result) {
      log_info("an Alertmanager takes alerts again", {{"alertmanager", url_}});
    } else if (error != last_error_) {
      log_error("alerts could not be sent to an Alertmanager",
                {{"alertmanager", url_}, {"alerts", fmt::format("{}", alerts)}, {"error", error}});
    }
    last_error_ = error;
  }
  send_on();
}

void SendQueue::drop_all() {
  if (waiting_.empty()) return;
  metrics_.dropped->inc(waiting_.size());
  metrics_.queue_length->set(0);
  log_warn("alerts were not sent to an Alertmanager",
           {{"alertmanager", url_}, {"alerts", fmt::format("{}", waiting_.size())}});
  waiting_.clear();
}

void SendQueue::close() {
  MutexLock lock(mutex_);
  closed_ = true;
  if (!limits_.drain) drop_all();
}

bool SendQueue::wait(std::chrono::nanoseconds deadline) {
  bool idle = false;
  {
    MutexLock lock(mutex_);
    while (in_flight_ || sending_ || !waiting_.empty()) {
      const auto left = deadline - clock_.steady();
      if (left <= std::chrono::nanoseconds(0)) break;
      idle_.wait_for(lock, std::min<std::chrono::nanoseconds>(left, kLookAgain));
    }
    idle = !in_flight_ && waiting_.empty();
    drop_all();
  }
  if (!idle) stop_.request_stop();
  return idle;
}

}  // namespace strata::notify

#include "alerting/delivery.h"

#include <algorithm>

#include "alerting/own_kinds.h"
#include "alerting/wechat.h"
#include "base/log.h"

namespace strata::alerting {
namespace {

// Alertmanager's words (provider.h, Verdict::reason).
constexpr std::string_view kReasons[] = {
    "clientError", "serverError", "authError", "rateLimited", "contextDeadlineExceeded", "other"};

}  // namespace

struct Delivery::Metrics {
  explicit Metrics(metrics::Registry& registry)
      : requests(registry.counter<"integration">("alertmanager_notification_requests_total",
                                                 "Attempts to deliver a notification.")),
        failed_requests(registry.counter<"integration">(
            "alertmanager_notification_requests_failed_total", "Attempts that failed.")),
        failed(registry.counter<"integration", "reason">(
            "alertmanager_notifications_failed_total",
            "Notifications that were given up, by what their last attempt met.")),
        latency(registry.histogram<"integration">("alertmanager_notification_latency_seconds",
                                                  "How long attempts took.", {1, 5, 10, 15, 20})) {
    // There from the start, at 0: the first failure is an increase only then.
    for (const auto& kinds : {integration_kinds(), own_integration_kinds()}) {
      for (const IntegrationKind& kind : kinds) {
        requests.with(kind.name);
        failed_requests.with(kind.name);
        for (const std::string_view reason : kReasons) failed.with(kind.name, reason);
      }
    }
  }

  metrics::Family<metrics::Counter, "integration">& requests;
  metrics::Family<metrics::Counter, "integration">& failed_requests;
  metrics::Family<metrics::Counter, "integration", "reason">& failed;
  metrics::Family<metrics::Histogram, "integration">& latency;
};

struct Delivery::Mail {
  Mutex mutex;
  std::vector<Outcome> outcomes GUARDED_BY(mutex);
  std::function<void()> wake GUARDED_BY(mutex);  // empty once the Delivery is gone

  void put(Outcome outcome) {
    std::function<void()> call;
    {
      MutexLock lock(mutex);
      outcomes.push_back(std::move(outcome));
      call = wake;
    }
    if (call) call();
  }
};

namespace {

std::string channel_of(const LogKey& key) {
  return fmt::format("{}/{}/{}", key.receiver, key.integration, key.index);
}

}  // namespace

Delivery::Delivery(DeliveryDeps deps)
    : deps_(std::move(deps)),
      metrics_(std::make_unique<Metrics>(deps_.metrics)),
      mail_(std::make_shared<Mail>()),
      tcp_(std::make_shared<const TcpTalk>(deps_.tcp)),
      tokens_(std::make_shared<AccessTokens>(deps_.clock)) {
  MutexLock lock(mail_->mutex);
  mail_->wake = deps_.wake;
}

Delivery::~Delivery() {
  stop_.request_stop();
  MutexLock lock(mail_->mutex);
  mail_->wake = nullptr;
}

std::optional<TimestampMs> Delivery::next_due() const {
  // While all places are taken, the next attempt waits for an outcome.
  return in_flight_ >= kMaxInFlight ? std::nullopt : deps_.outbox.next_due();
}

void Delivery::poll() {
  std::vector<Outcome> outcomes;
  {
    MutexLock lock(mail_->mutex);
    outcomes.swap(mail_->outcomes);
  }
  for (const Outcome& outcome : outcomes) write_down(outcome);
  if (in_flight_ >= kMaxInFlight) return;
  auto due = deps_.outbox.take_due(deps_.clock.now_ms(), kMaxInFlight - in_flight_);
  if (!due) {
    log_error("the outbox cannot be read", {{"error", due.error().message}});
    return;
  }
  std::vector<std::pair<int64_t, TimestampMs>> held;
  for (Message& message : *due) {
    const Provider* provider = find_provider(message.key.integration);
    const auto until = held_until(message, provider == nullptr ? Pace() : provider->pace);
    if (until) {
      held.emplace_back(message.id, *until);
    } else {
      begin(std::move(message));
    }
  }
  if (const auto done = deps_.outbox.postpone(held); !done) {
    log_error("messages could not be put off", {{"error", done.error().message}});
  }
}

// Until when the message has to wait for others to its channel; empty: it may go, and is counted.
std::optional<TimestampMs> Delivery::held_until(const Message& message, const Pace& pace) {
  constexpr TimestampMs kFullChannel = 500;
  Channel& channel = channels_[channel_of(message.key)];
  const TimestampMs now = deps_.clock.now_ms();
  if (channel.paused_until > now) return channel.paused_until;
  if (channel.in_flight >= kMaxOfOneChannel) return now + kFullChannel;
  if (pace.burst > 0 && reserved_.erase(message.id) == 0) {
    // The generic cell rate algorithm: `burst` may come early, the rest one each `every`.
    const TimestampMs every = pace.every.count();
    const TimestampMs due =
        std::max(channel.paced_until, now) - every * (static_cast<TimestampMs>(pace.burst) - 1);
    channel.paced_until = std::max(channel.paced_until, now) + every;
    if (due > now) {
      reserved_.insert(message.id);
      return due;
    }
  }
  ++channel.in_flight;
  return std::nullopt;
}

void Delivery::note_pause(const Outcome& outcome) {
  Channel& channel = channels_[channel_of(outcome.message.key)];
  --channel.in_flight;
  if (!outcome.verdict.delivered && outcome.verdict.retry_after) {
    channel.paused_until =
        std::max(channel.paused_until, outcome.attempt.at + outcome.verdict.retry_after->count());
  }
}

std::shared_ptr<const discover::PeerClient> Delivery::client_of(const Integration& integration) {
  auto& client = clients_[&integration];
  if (client == nullptr) {
    client = std::make_shared<const discover::PeerClient>(deps_.http, integration.http, deps_.fs,
                                                          deps_.clock);
  }
  return client;
}

void Delivery::begin(Message message) {
  ++in_flight_;
  if (auto config = deps_.config(); config != config_) {
    clients_.clear();
    config_ = std::move(config);
    std::erase_if(channels_, [](const auto& entry) { return entry.second.in_flight == 0; });
  }
  const TimestampMs began_at = deps_.clock.now_ms();
  const auto began = deps_.clock.steady();
  auto finish = [mail = mail_, &clock = deps_.clock, began_at, began](Message done,
                                                                      Verdict verdict) {
    const auto took = std::chrono::duration_cast<Millis>(clock.steady() - began);
    Attempt attempt{.message = done.id,
                    .at = began_at + took.count(),
                    .took = took,
                    .delivered = verdict.delivered,
                    .detail = verdict.detail};
    mail->put({std::move(done), std::move(attempt), std::move(verdict)});
  };
  const auto give_up = [&](std::string why) {
    finish(std::move(message), {.delivered = false,
                                .retriable = false,
                                .retry_after = {},
                                .reason = "clientError",
                                .detail = std::move(why)});
  };
  const Receiver* receiver = config_->receiver(message.key.receiver);
  if (receiver == nullptr) return give_up("the receiver is not in alertmanager.yml any more");
  const auto integration = std::ranges::find_if(receiver->integrations, [&](const Integration& i) {
    return i.kind->name == message.key.integration &&
           static_cast<int64_t>(i.index) == message.key.index;
  });
  const Provider* provider = find_provider(message.key.integration);
  if (integration == receiver->integrations.end() || provider == nullptr) {
    return give_up("the receiver has no such integration any more");
  }
  const Millis timeout = integration->settings.duration("timeout");
  const SendContext context{
      .file = config_,
      .integration = &*integration,
      .http = client_of(*integration),
      .tcp = tcp_,
      .tokens = tokens_,
      .fs = &deps_.fs,
      .clock = &deps_.clock,
      .timeout = timeout > Millis(0) ? std::chrono::nanoseconds(timeout) : kTimeout,
      .stop = stop_.get_token()};
  auto parts = std::move(message.parts);
  message.parts.clear();  // the outcome has no use for them
  // What could not take the place of another message is one of its own from then on.
  if (!message.reference.empty() && message.attempts == 1) {
    parts.emplace_back("reference", message.reference);
  }
  auto sent = [finish, message = std::move(message)](Verdict verdict) {
    finish(message, std::move(verdict));
  };
  if (provider->send != nullptr) return provider->send(context, parts, std::move(sent));
  auto request = provider->request(*integration, parts, deps_.fs);
  if (!request) return sent(unanswered(request.error()));
  send_request(context, *std::move(request),
               [context, provider, sent = std::move(sent)](Result<net::ClientResponse> response) {
                 sent(response ? provider->judge(*response) : unanswered(response.error()));
               });
}

void Delivery::write_down(const Outcome& outcome) {
  --in_flight_;
  note_pause(outcome);
  const auto& kind = outcome.message.key.integration;
  metrics_->requests.with(kind).inc();
  metrics_->latency.with(kind).observe(std::chrono::duration<double>(outcome.attempt.took).count());
  if (outcome.verdict.delivered) {
    if (const auto done =
            deps_.outbox.succeeded(outcome.message, outcome.attempt, outcome.verdict.reference);
        !done) {
      log_error("a delivery could not be written down", {{"error", done.error().message}});
    }
    return;
  }
  metrics_->failed_requests.with(kind).inc();
  const auto over = deps_.outbox.failed(outcome.message, outcome.attempt, outcome.verdict.retriable,
                                        outcome.verdict.retry_after);
  if (!over) {
    log_error("a failed delivery could not be written down", {{"error", over.error().message}});
    return;
  }
  if (*over) metrics_->failed.with(kind, outcome.verdict.reason).inc();
  log_warn(*over ? "a notification was given up" : "a notification was not delivered; trying again",
           {{"receiver", outcome.message.key.receiver},
            {"integration", kind},
            {"attempt", outcome.message.attempts},
            {"error", outcome.verdict.detail}});
}

}  // namespace strata::alerting

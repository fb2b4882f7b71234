#include "oncall/engine.h"

#include <pthread.h>

#include <algorithm>

#include "alerting/provider.h"
#include "base/log.h"
#include "oncall/key_press.h"

namespace strata::oncall {
namespace {

constexpr TimestampMs kObserveEvery = 5'000;  // silences begin and end without a word
constexpr TimestampMs kHeartbeatsEvery = 1'000;
constexpr TimestampMs kOwnAlertsEvery = 60'000;
constexpr TimestampMs kOwnAlertLasts = 5 * 60'000;
constexpr TimestampMs kCollectEvery = 3'600'000;
constexpr TimestampMs kFresh = 5 * 60'000;  // an alert that was told within this still comes
constexpr std::chrono::milliseconds kLongestSleep{1000};
constexpr std::chrono::seconds kPingTimeout{10};

}  // namespace

struct Engine::Metrics {
  explicit Metrics(metrics::Registry& registry)
      : live(registry.gauge("strata_oncall_incidents", "Incidents that are not over.")),
        problems(registry.counter<"kind">("strata_oncall_problems_total",
                                          "Calls that did not arrive, slots without anybody.")),
        failures(registry.counter("strata_oncall_failures_total",
                                  "Rounds that failed, as when the disk is full.")),
        pings(registry.counter<"result">("strata_oncall_pings_total",
                                         "Pings of the dead man's switch.")) {}
  metrics::Gauge& live;
  metrics::Family<metrics::Counter, "kind">& problems;
  metrics::Counter& failures;
  metrics::Family<metrics::Counter, "result">& pings;
};

Engine::Engine(EngineOptions options, EngineDeps deps)
    : options_(std::move(options)),
      deps_(std::move(deps)),
      metrics_(std::make_unique<Metrics>(deps_.metrics)) {}

Result<std::unique_ptr<Engine>> Engine::open(EngineOptions options, EngineDeps deps,
                                             const config::OncallConfig& config) {
  std::unique_ptr<Engine> out(new Engine(std::move(options), std::move(deps)));
  auto roster = TRY(out->check(config, *out->deps_.alerting.router().config()));
  const auto key = TRY(load_key(out->options_.directory + "/oncall.key", out->deps_.fs));
  auto& alerting = out->deps_.alerting;
  out->links_ = std::make_unique<AckLinks>(key);
  out->audit_ = TRY(Audit::open(alerting.database(), key));
  out->store_ = TRY(Store::open(alerting.database(), alerting.outbox(), *out->audit_));
  out->desk_ = TRY(Desk::open(
      {.store = *out->store_,
       .outbox = alerting.outbox(),
       .render = [&alerting](
                     const std::string& receiver,
                     const alerting::Notification& n) { return alerting.render(receiver, n); },
       .ack_url =
           [engine = out.get()](int64_t page, TimestampMs now) {
             return engine->options_.external_url + "/ack/" + engine->links_->token(page, now);
           }},
      std::move(roster), out->deps_.clock.now_ms()));
  alerting.set_listener([engine = out.get()] {
    MutexLock lock(engine->mutex_);
    engine->alerts_changed_ = true;
    engine->woken_ = true;
    engine->changed_.notify_one();
  });
  return out;
}

Engine::~Engine() {
  deps_.alerting.set_listener(nullptr);
  stop_.request_stop();
  thread_.request_stop();
  wake();
}

void Engine::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "oncall");
    run(stop);
  });
}

Result<std::shared_ptr<const Roster>> Engine::check(const config::OncallConfig& config,
                                                    const alerting::AlertmanagerFile& file) const {
  return Roster::make(
      config, [&](const std::string& name) { return file.receiver(name) != nullptr; }, deps_.fs,
      deps_.clock.now_ms());
}

void Engine::apply(std::shared_ptr<const Roster> roster) {
  desk_->set_roster(std::move(roster));
  wake();
}

void Engine::wake() {
  MutexLock lock(mutex_);
  woken_ = true;
  changed_.notify_one();
}

void Engine::sleep(const std::stop_token& stop) {
  auto wait = kLongestSleep;
  if (const auto due = desk_->next_due(); due && !failing_) {
    wait = std::clamp(std::chrono::milliseconds(*due - deps_.clock.now_ms()),
                      std::chrono::milliseconds(10), wait);
  }
  MutexLock lock(mutex_);
  if (!woken_ && !stop.stop_requested()) changed_.wait_for(lock, wait);
  woken_ = false;
}

void Engine::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    run_once();
    sleep(stop);
  }
}

void Engine::run_once() {
  const TimestampMs now = deps_.clock.now_ms();
  bool observing = now - observed_at_ >= kObserveEvery || now < observed_at_;
  {
    MutexLock lock(mutex_);
    observing |= std::exchange(alerts_changed_, false);
  }
  if (observing) observe(now);
  const auto problems = desk_->tick(now);
  failing_ = !problems;
  if (problems) {
    report(*problems, now);
  } else {
    metrics_->failures.inc();
    log_error("calls cannot be made; tried again", {{"error", problems.error().message}});
  }
  watch_heartbeats(now);
  put_own_alerts(now);
  send_pings(now);
  metrics_->live.set(static_cast<double>(desk_->live()));
  deps_.alerting.wake();  // what is in the outbox now
  if (now - collected_at_ < kCollectEvery) return;
  collected_at_ = now;
  for (const auto& done : {store_->collect_garbage(now), audit_->collect_garbage(now)}) {
    if (!done) log_error("old incidents could not be deleted", {{"error", done.error().message}});
  }
}

void Engine::observe(TimestampMs now) {
  observed_at_ = now;
  std::vector<Observed> observed;
  auto& router = deps_.alerting.router();
  for (alerting::Alert& alert : router.all_alerts()) {
    const bool suppressed = !alert.resolved_at(now) && router.suppressed(alert.labels, now);
    observed.push_back({.alert = std::move(alert), .suppressed = suppressed});
  }
  if (const auto done = desk_->observe(observed, now); !done) {
    metrics_->failures.inc();
    log_error("incidents cannot be written down; tried again", {{"error", done.error().message}});
    MutexLock lock(mutex_);
    alerts_changed_ = true;
  }
}

void Engine::report(const std::vector<Problem>& problems, TimestampMs now) {
  for (const Problem& problem : problems) {
    const bool delivery = problem.kind == Problem::Kind::kDeliveryFailed;
    metrics_->problems.with(delivery ? "delivery" : "slot").inc();
    log_error(delivery ? "a call did not arrive" : "nobody is on call",
              {{delivery ? "receiver" : "schedule", problem.name}, {"error", problem.detail}});
    alerting::Alert alert;
    alert.labels = Labels{{"alertname", delivery ? "OncallDeliveryFailed" : "OncallSlotEmpty"},
                          {"severity", "P1"},
                          {"instance", problem.name}};
    alert.annotations = {
        {"summary", delivery ? "Calls to " + problem.name + " do not arrive: " + problem.detail
                             : "Nobody is on call in " + problem.name}};
    alert.starts_at = now;
    alert.ends_at = now + kOwnAlertLasts;
    const auto known = own_alerts_.find(alert.labels.bytes());
    if (known != own_alerts_.end()) alert.starts_at = known->second.starts_at;
    own_alerts_.insert_or_assign(alert.labels.bytes(), alert);
    own_alerts_put_at_ = 0;
  }
}

void Engine::watch_heartbeats(TimestampMs now) {
  if (now - heartbeats_watched_at_ < kHeartbeatsEvery && now >= heartbeats_watched_at_) return;
  heartbeats_watched_at_ = now;
  const auto roster = desk_->roster();
  if (roster->config().heartbeats.empty()) return;
  const auto all = heartbeats(now);
  if (!all) return;
  for (const HeartbeatStatus& one : *all) {
    const auto& config =
        *std::ranges::find(roster->config().heartbeats, one.name, &config::OncallHeartbeat::name);
    // One that never came is missing a while after it was asked for.
    const TimestampMs since = heartbeats_known_since_.try_emplace(one.name, now).first->second;
    const bool missing = one.last ? one.missing : now - since > one.timeout.count();
    alerting::Alert alert;
    alert.labels = Labels{{"alertname", "HeartbeatMissing"},
                          {"severity", config.severity},
                          {"instance", one.name},
                          {"heartbeat", one.name}};
    const std::string key = alert.labels.bytes();
    const auto known = own_alerts_.find(key);
    if (!missing) {
      if (known != own_alerts_.end()) known->second.ends_at = std::min(known->second.ends_at, now);
      continue;
    }
    alert.annotations = {{"summary", fmt::format("No heartbeat of {} for {}", one.name,
                                                 format_duration(one.timeout))}};
    alert.starts_at = known == own_alerts_.end() ? now : known->second.starts_at;
    alert.ends_at = now + kOwnAlertLasts;
    if (known == own_alerts_.end()) own_alerts_put_at_ = 0;
    own_alerts_.insert_or_assign(key, std::move(alert));
  }
}

// Tells the router what fires of ours, every now and then and when something ended.
void Engine::put_own_alerts(TimestampMs now) {
  const bool ended =
      std::ranges::any_of(own_alerts_, [&](const auto& e) { return e.second.resolved_at(now); });
  if (own_alerts_.empty() || (now - own_alerts_put_at_ < kOwnAlertsEvery && !ended)) return;
  own_alerts_put_at_ = now;
  std::vector<alerting::Alert> alerts;
  for (const auto& [key, alert] : own_alerts_) alerts.push_back(alert);
  std::erase_if(own_alerts_, [&](const auto& entry) { return entry.second.resolved_at(now); });
  if (const auto put = deps_.alerting.put(std::move(alerts)); !put) {
    log_error("own alerts could not be routed", {{"error", put.error().message}});
  }
}

void Engine::send_pings(TimestampMs now) {
  if (const auto roster = desk_->roster(); roster != pings_of_) {
    pings_of_ = roster;
    pings_.clear();
    for (const auto& config : roster->config().dead_mans_switch) {
      pings_.push_back({.config = config,
                        .client = std::make_unique<discover::PeerClient>(deps_.http, config.http,
                                                                         deps_.fs, deps_.clock),
                        .next_at = now});
    }
  }
  for (Ping& ping : pings_) {
    if (now < ping.next_at && ping.next_at - now <= ping.config.interval.count()) continue;
    ping.next_at = now + ping.config.interval.count();
    const auto alive = [&] {
      if (ping.config.alert.empty()) return true;
      return std::ranges::any_of(deps_.alerting.router().alerts(now), [&](const auto& alert) {
        return alert.name() == ping.config.alert && now - alert.updated_at < kFresh;
      });
    };
    // What cannot be written cannot call anybody either.
    if (!alive() || !store_->beat("strata:self", now)) {
      metrics_->pings.with("withheld").inc();
      log_warn("a ping is withheld: the pipeline does not work", {{"url", ping.config.url}});
      continue;
    }
    net::ClientRequest request;
    request.method = "POST";
    request.url = ping.config.url;
    request.timeout = kPingTimeout;
    request.stop = stop_.get_token();
    ping.client->prepare(request);
    ping.client->fetch(std::move(request), [&family = metrics_->pings](auto response) {
      const bool arrived = response && response->status / 100 == 2;
      family.with(arrived ? "arrived" : "failed").inc();
      if (!arrived) log_warn("a ping of the dead man's switch did not arrive");
    });
  }
}

Result<> Engine::beat(const std::string& name, TimestampMs now) {
  const auto roster = desk_->roster();
  const auto& known = roster->config().heartbeats;
  if (std::ranges::find(known, name, &config::OncallHeartbeat::name) == known.end()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("strata.yml has no heartbeat \"{}\" in its section oncall", name));
  }
  return store_->beat(name, now);
}

Result<std::vector<HeartbeatStatus>> Engine::heartbeats(TimestampMs now) const {
  const auto last = TRY(store_->heartbeats());
  std::vector<HeartbeatStatus> out;
  for (const auto& config : desk_->roster()->config().heartbeats) {
    HeartbeatStatus& one = out.emplace_back(
        HeartbeatStatus{.name = config.name, .timeout = config.timeout, .last = {}});
    const auto at = last.find(config.name);
    if (at == last.end()) continue;
    one.last = at->second;
    one.missing = now - at->second > config.timeout.count();
  }
  return out;
}

Result<Override> Engine::add_override(Override made, const std::string& actor, TimestampMs now) {
  const auto roster = desk_->roster();
  if (roster->schedule(made.schedule) == nullptr) {
    return bad_data(fmt::format("schedule: there is no \"{}\"", made.schedule));
  }
  if (roster->person(made.person) == nullptr) {
    return bad_data(fmt::format("person: there is no \"{}\"", made.person));
  }
  if (made.ends_at <= std::max(made.starts_at, now)) return bad_data("end: is over already");
  made.created_by = actor;
  const Event event{.at = now,
                    .actor = actor,
                    .action = "override added",
                    .incident = 0,
                    .detail = fmt::format("{} for {} from {} to {}", made.person, made.schedule,
                                          made.starts_at / 1000, made.ends_at / 1000)};
  return store_->add_override(std::move(made), event, now);
}

Result<> Engine::remove_override(int64_t id, const std::string& actor, TimestampMs now) {
  return store_->remove_override(id, {.at = now,
                                      .actor = actor,
                                      .action = "override removed",
                                      .incident = 0,
                                      .detail = std::to_string(id)});
}

Result<std::vector<Incident>> Engine::acknowledge_page(int64_t page, TimestampMs now) {
  const auto called = TRY(store_->page(page));
  if (!called) return fail(ErrorCode::kNotFound, "this call is not known any more");
  std::vector<Incident> out;
  for (const int64_t id : called->incidents) {
    const auto incident = TRY(store_->incident(id));
    if (!incident) continue;
    out.push_back(*incident);
    if (incident->status != Status::kOpen) continue;
    auto done = desk_->acknowledge(id, called->person, {}, now);
    if (done) out.back() = *std::move(done);
    // One that was resolved in between needs nobody.
    if (!done && done.error().code != ErrorCode::kConflict) return std::unexpected(done.error());
  }
  wake();
  return out;
}

Result<> Engine::check_key_press(int64_t page, std::string_view link_token,
                                 const net::FormValues& form, std::string_view signature) const {
  const auto called = TRY(store_->page(page));
  if (!called) return fail(ErrorCode::kNotFound, "this call is not known any more");
  const auto file = deps_.alerting.router().config();
  const alerting::Receiver* receiver = file->receiver(called->receiver);
  const std::string url = fmt::format("{}/ack/{}", options_.external_url, link_token);
  bool by_twilio = false;
  bool by_others = false;
  for (const auto& integration :
       receiver == nullptr ? std::vector<alerting::Integration>() : receiver->integrations) {
    by_others |= integration.kind->name == "phone";
    if (integration.kind->name != "twilio_voice") continue;
    by_twilio = true;
    const auto token = TRY(alerting::inline_or_file(integration.settings, "auth_token", deps_.fs));
    if (signed_by_twilio(token, url, form, signature)) return {};
  }
  if (signature.empty() && (by_others || !by_twilio)) return {};
  return fail(ErrorCode::kUnauthorized,
              signature.empty()
                  ? "the key press is not signed (X-Twilio-Signature)"
                  : fmt::format("X-Twilio-Signature is not what the token of receiver \"{}\" makes "
                                "for {}; behind a proxy set --web.external-url",
                                called->receiver, url));
}

Result<Incident> Engine::drill(Priority priority, std::string receiver, const std::string& actor,
                               TimestampMs now) {
  const auto roster = desk_->roster();
  if (receiver.empty()) receiver = roster->config().drill_receiver;
  if (receiver.empty()) {
    return bad_data(
        "receiver is missing: a drill calls nobody but a receiver that is named, here "
        "or as drill_receiver in strata.yml");
  }
  if (deps_.alerting.router().config()->receiver(receiver) == nullptr) {
    return bad_data(fmt::format("receiver: alertmanager.yml has no \"{}\"", receiver));
  }
  if (!roster->configured()) return bad_data("strata.yml has nobody to call in its section oncall");
  auto incident = desk_->drill(priority, receiver, actor, now);
  wake();
  return incident;
}

}  // namespace strata::oncall

#include "alerting/engine.h"

#include <algorithm>

#include "alerting/own_kinds.h"
#include "base/log.h"
#include "config/strata_config.h"

namespace strata::alerting {
namespace {

constexpr std::string_view kNobody = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";
constexpr TimestampMs kCollectEvery = 3'600'000;
// Also a jump of the wall clock is noticed within this.
constexpr std::chrono::milliseconds kLongestSleep{1000};

Result<AlertmanagerFile> load(const EngineOptions& options, Fs& fs) {
  auto file = options.config_file.empty() ? TRY(parse_alertmanager_file(kNobody, "", fs))
                                          : TRY(load_alertmanager_file(options.config_file, fs));
                                          const auto own = TRY(config::load_strata_config(
                                              options.strata_config_file, fs));
                                          TRY(add_own_receivers(own.receivers,
                                                                options.strata_config_file, file));
                                          return file;
}

void log_warnings(const AlertmanagerFile& file) {
  for (const std::string& warning : file.warnings) log_warn(warning);
  for (const std::string& what : unsupported(file)) log_warn(what);
}

}  // namespace

std::vector<std::string> unsupported(const AlertmanagerFile& file) {
  std::vector<std::string> out;
  for (const Receiver& receiver : file.receivers) {
    for (const Integration& integration : receiver.integrations) {
      if (find_provider(integration.kind->name) != nullptr) continue;
      out.push_back(fmt::format("receiver \"{}\": {} is not supported yet: nothing is sent to it",
                                receiver.name, integration.kind->name));
    }
  }
  return out;
}

Result<std::unique_ptr<Engine>> Engine::open(EngineOptions options, EngineDeps deps) {
  std::unique_ptr<Engine> out(new Engine(std::move(options), std::move(deps)));
  auto file = TRY(load(out->options_, out->deps_.fs));
  log_warnings(file);
  TRY(out->deps_.fs.create_directories(out->options_.directory));
  out->db_ = TRY(state::Database::open(out->options_.directory + "/state.db"));
  const TimestampMs now = out->deps_.clock.now_ms();
  out->silences_ = TRY(Silences::open(*out->db_));
  out->log_ = TRY(NotificationLog::open(*out->db_));
  out->outbox_ = TRY(Outbox::open(*out->db_, now));
  const RenderContext context{.external_url = out->options_.external_url};
  out->router_ = std::make_unique<Router>(RouterDeps{
      .silences = *out->silences_,
      .log = *out->log_,
      .outbox = *out->outbox_,
      .render = [context](const Notification& notification,
                          const Destination& to) -> Result<MessageParts> {
        return find_provider(to.integration->kind->name)->render(context, notification, to);
      },
      .metrics = out->deps_.metrics});
  out->router_->set_config(std::make_shared<const AlertmanagerFile>(std::move(file)), now);
  out->delivery_ = std::make_unique<Delivery>(
      DeliveryDeps{.outbox = *out->outbox_,
                   .http = out->deps_.http,
                   .tcp = out->deps_.tcp,
                   .fs = out->deps_.fs,
                   .clock = out->deps_.clock,
                   .metrics = out->deps_.metrics,
                   .config = [router = out->router_.get()] { return router->config(); },
                   .wake = [engine = out.get()] { engine->wake(); }});
  return out;
}

Engine::~Engine() {
  thread_.request_stop();
  wake();
  if (thread_.joinable()) thread_.join();
  delivery_.reset();  // nothing calls back into us after this
}

void Engine::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Result<std::shared_ptr<const AlertmanagerFile>> Engine::read() const {
  return std::make_shared<const AlertmanagerFile>(TRY(load(options_, deps_.fs)));
}

void Engine::apply(std::shared_ptr<const AlertmanagerFile> file) {
  log_warnings(*file);
  router_->set_config(std::move(file), deps_.clock.now_ms());
  wake();
}

Result<> Engine::put(std::vector<Alert> alerts) {
  const auto put = router_->put(std::move(alerts), deps_.clock.now_ms());
  wake();
  std::function<void()> listener;
  {
    MutexLock lock(mutex_);
    listener = listener_;
  }
  if (listener) listener();
  return put;
}

void Engine::set_listener(std::function<void()> listener) {
  MutexLock lock(mutex_);
  listener_ = std::move(listener);
}

Result<std::vector<Rendered>> Engine::render(const std::string& receiver,
                                             const Notification& notification) const {
  const auto config = router_->config();
  const Receiver* to = config->receiver(receiver);
  std::vector<Rendered> out;
  if (to != nullptr) {
    for (const Integration& integration : to->integrations) {
      const Provider* provider = find_provider(integration.kind->name);
      if (provider == nullptr) continue;
      const RenderContext context{.external_url = options_.external_url};
      out.push_back({
        .key = {.group = notification.group_key,
                .receiver = receiver,
                .integration = std::string(integration.kind->name),
                .index = static_cast<int64_t>(integration.index)},
        .parts =
            TRY(provider->render(context, notification, {to, &integration, config->texts.get()}))
      });
    }
  }
  if (!out.empty()) return out;
  return fail(ErrorCode::kNotFound,
              fmt::format("receiver \"{}\" {}", receiver,
                          to == nullptr ? "is not in alertmanager.yml" : "cannot deliver"));
}

void Engine::wake() {
  MutexLock lock(mutex_);
  woken_ = true;
  changed_.notify_one();
}

void Engine::sleep(const std::stop_token& stop) {
  auto wait = kLongestSleep;
  const TimestampMs now = deps_.clock.now_ms();
  for (const auto due : {router_->next_due(), delivery_->next_due()}) {
    if (due) wait = std::clamp(std::chrono::milliseconds(*due - now), {}, wait);
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
  router_->tick(now);
  delivery_->poll();
  if (now - collected_at_ >= kCollectEvery) collect_garbage(now);
}

void Engine::collect_garbage(TimestampMs now) {
  collected_at_ = now;
  const auto silences = silences_->collect_garbage(now);
  const auto log = log_->collect_garbage(now);
  const auto outbox = outbox_->collect_garbage(now);
  for (const auto& error : {silences ? "" : silences.error().message,
                            log ? "" : log.error().message, outbox ? "" : outbox.error().message}) {
    if (!error.empty()) log_error("old alerting state could not be deleted", {{"error", error}});
  }
}

}  // namespace strata::alerting

#include "gateway/gateway.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/write.hpp>
#include <future>

#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "gateway/connection.h"
#include "gateway/engine_load.h"
#include "net/http_client.h"
#include "net/listener.h"
#include "net/loop_impl.h"
#include "net/tls_stream.h"

namespace strata::gateway {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::seconds kTick{1};
constexpr std::chrono::seconds kCanaryTimeout{10};
constexpr std::chrono::seconds kLoadTimeout{2};
constexpr std::chrono::milliseconds kShortestInterval{100};

/// What an upstream is asked for to show that it works: one token.
net::ClientRequest canary_request(const Upstream& upstream) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = upstream.config().url + "/v1/completions";
  request.headers.set("Content-Type", "application/json");
  if (!upstream.authorization().empty()) {
    request.headers.set("Authorization", upstream.authorization());
  }
  JsonWriter json(request.body);
  json.begin_object().key("model").string(upstream.last_model).key("prompt").string("1");
  json.key("max_tokens").integer(1).end_object();
  request.timeout = kCanaryTimeout;
  request.follow_redirects = false;
  request.tls = upstream.tls();
  return request;
}

Result<std::string> authorization_of(const config::GatewayUpstream& upstream, Fs& fs) {
  std::string key = upstream.api_key.reveal();
  if (!upstream.api_key_file.empty()) {
    key = TRY(fs.read_file(upstream.api_key_file));
    while (key.ends_with('\n') || key.ends_with('\r')) key.pop_back();
  }
  if (key.empty()) return std::string();
  if (!net::is_header_value(key)) {
    return bad_data("the API key of upstream " + upstream.name + " has bytes that cannot be sent");
  }
  return "Bearer " + key;
}

/// The texts of the files that refresh() watches, one after the other.
Result<std::string> watched_texts(const config::GatewayConfig& config, Fs& fs) {
  std::string all;
  std::vector<std::string> files = config.prices;
  if (!config.tenants.file.empty()) {
    files.push_back(config.tenants.file);
    files.push_back(config.tenants.hmac_key_file);
  }
  for (const std::string& file :
       {config.tenants.jwt.secret_file, config.tenants.jwt.public_key_file}) {
    if (!file.empty()) files.push_back(file);
  }
  for (const std::string& file : files) all.append(TRY(fs.read_file(file))).append("\0", 1);
  return all;
}

}  // namespace

class Gateway::Impl : public std::enable_shared_from_this<Gateway::Impl> {
 public:
  Impl(net::Loop& loop, const config::GatewayConfig& config, Fs& fs)
      : fs_(fs), core_(std::make_shared<GatewayCore>(loop, config)), client_(loop) {
    core_->client = &client_;
  }

  Result<> start(const config::GatewayConfig& config) {
    if (!config.tls_cert_file.empty()) {
      core_->server_tls = TRY(net::ServerTlsContext::load(
          {.cert_file = config.tls_cert_file, .key_file = config.tls_key_file}));
    }
    TRY(apply(config));
    if (!config.ledger.path.empty()) {
      core_->ledger = TRY(Ledger::open(config.ledger, fs_, core_->clock));
    }
    TRY(charge_today(config));
    listener_ = TRY(net::Listener::open(core_->loop, config.listen));
    core_->running.began();
    core_->loop.post([self = shared_from_this()] {
      self->listener_->start(
          [impl = self.get()](tcp::socket socket, std::string remote) {
            impl->take(std::move(socket), std::move(remote));
          },
          [self] { self->core_->running.ended(); });
      self->tick();
      self->ask_load();
    });
    return {};
  }

  /// Loads what `config` names and hands it to the loop.
  Result<> apply(const config::GatewayConfig& config) {
    MutexLock lock(apply_mutex_);
    return apply_locked(config);
  }

  Result<> refresh() {
    MutexLock lock(apply_mutex_);
    if (TRY(watched_texts(config_, fs_)) == texts_) return {};
    const config::GatewayConfig config = config_;
    TRY(apply_locked(config));
    log_info("the gateway read its tenants and prices again");
    return {};
  }

  void stop(std::chrono::milliseconds grace) {
    CHECK(!core_->loop.here());
    if (std::exchange(stopped_, true) || !core_->loop.running()) return;
    const auto until = std::chrono::steady_clock::now() + grace;
    core_->loop.post([self = shared_from_this()] {
      self->core_->stopping = true;
      self->listener_->close();
      const auto connections = self->core_->connections;
      for (Connection* connection : connections) connection->finish();
    });
    if (!core_->running.wait_until(core_->loop, until)) {
      core_->loop.post([self = shared_from_this()] {
        const auto connections = self->core_->connections;
        for (Connection* connection : connections) connection->cut();
      });
      core_->running.wait_until(core_->loop, std::chrono::steady_clock::time_point::max());
    }
    on_loop([this] {
      core_->ledger.reset();
      core_->settings.reset();
    });
  }

  const tcp::endpoint& local() const { return listener_->local(); }

 private:
  Result<> apply_locked(const config::GatewayConfig& config) REQUIRES(apply_mutex_) {
    auto settings = std::make_shared<Settings>();
    std::string texts = TRY(watched_texts(config, fs_));
    settings->config = config;
    settings->tenants = TRY(Tenants::load(config.tenants, fs_));
    settings->prices = TRY(PriceTable::load(config.prices, fs_));
    std::vector<std::string> authorizations;
    for (const auto& upstream : config.upstreams) {
      TRY(net::parse_url(upstream.url));
      authorizations.push_back(TRY(authorization_of(upstream, fs_)));
    }
    on_loop([&] {
      settings->router = make_router(config, authorizations);
      core_->settings = settings;
      core_->budgets.configure(config.tenants.budgets);
    });
    config_ = config;
    texts_ = std::move(texts);
    return {};
  }

  /// Runs `task` on the loop's thread and waits for it.
  template <class Task>
  void on_loop(Task task) {
    std::promise<void> done;
    core_->loop.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  /// On the loop's thread. Upstreams that did not change keep their connections and their past.
  std::shared_ptr<Router> make_router(const config::GatewayConfig& config,
                                      const std::vector<std::string>& authorizations) {
    std::vector<std::shared_ptr<Upstream>> upstreams;
    for (size_t i = 0; i < config.upstreams.size(); ++i) {
      std::shared_ptr<Upstream> same;
      if (core_->settings) {
        for (const auto& old : core_->settings->router->upstreams()) {
          const bool equal =
              old->config() == config.upstreams[i] && old->authorization() == authorizations[i];
          if (equal) same = old;
        }
      }
      if (!same) {
        same = std::make_shared<Upstream>(core_->loop, config.upstreams[i], authorizations[i]);
      }
      upstreams.push_back(std::move(same));
    }
    return std::make_shared<Router>(config.policy, std::move(upstreams),
                                    [weak = weak_from_this()](std::shared_ptr<Upstream> upstream,
                                                              std::chrono::milliseconds pause) {
                                      if (const auto self = weak.lock())
                                        self->send_canary(std::move(upstream), pause);
                                    });
  }

  /// What the ledger says of today, so that a restart forgives nothing.
  Result<> charge_today(const config::GatewayConfig& config) {
    if (config.ledger.path.empty() || config.tenants.budgets.empty()) return {};
    const TimestampMs now = core_->clock.now_ms();
    std::vector<RequestRecord> rows;
    TRY(read_ledger(fs_, config.ledger.path, day_of(now), INT64_MAX, [&](const auto& row) {
      const auto has_budget = [&](const auto& budget) { return budget.tenant == row.tenant; };
      if (std::ranges::any_of(config.tenants.budgets, has_budget)) rows.push_back(row);
    }));
    on_loop([&] {
      for (const RequestRecord& row : rows) core_->budgets.charge(row);
    });
    return {};
  }

  /// Asks engines how busy they are, when there is a choice between them.
  void ask_load() {
    if (core_->stopping || !core_->settings) return;
    const config::GatewayConfig& config = core_->settings->config;
    const auto upstreams = core_->settings->router->upstreams();
    const bool matters = config.load_interval > Millis(0) && upstreams.size() > 1 &&
                         config.policy != config::RoutingPolicy::kRoundRobin;
    for (const auto& upstream : upstreams) {
      if (!matters || !upstream->counts_running()) continue;
      net::ClientRequest request;
      request.url = upstream->config().url + "/metrics";
      request.timeout = kLoadTimeout;
      request.tls = upstream->tls();
      client_.fetch(std::move(request), [upstream](Result<net::ClientResponse> answer) {
        const auto load = answer ? engine_load(answer->body) : std::nullopt;
        if (!load) return;
        const double all = load->running + load->waiting;
        upstream->foreign = std::max(0.0, all - static_cast<double>(upstream->in_flight));
        upstream->waiting = load->waiting;
        upstream->kv_usage = load->kv_usage;
        upstream->load_seen = std::chrono::steady_clock::now();
      });
    }
    const auto pause =
        matters ? std::max<std::chrono::milliseconds>(config.load_interval, kShortestInterval)
                : std::chrono::milliseconds(kTick);
    core_->loop.after(pause, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->ask_load();
    });
  }

  void send_canary(std::shared_ptr<Upstream> upstream, std::chrono::milliseconds pause) {
    core_->loop.after(pause, [weak = weak_from_this(), upstream = std::move(upstream)] {
      const auto self = weak.lock();
      if (!self || self->core_->stopping) return;
      self->client_.fetch(canary_request(*upstream),
                          [weak, upstream](Result<net::ClientResponse> answer) {
                            const auto gateway = weak.lock();
                            if (!gateway || gateway->core_->stopping) return;
                            Router& router = *gateway->core_->settings->router;
                            // A refusal shows that it works as well as a token does.
                            const bool works = answer && answer->status < 500;
                            works ? router.readmit(*upstream) : router.still_failing(upstream);
                          });
    });
  }

  void take(tcp::socket socket, std::string remote) {
    if (core_->stopping) return;
    if (core_->connections.size() >= core_->settings->config.max_connections) {
      core_->meter.refused_connection();
      return refuse(socket);
    }
    auto stream = core_->server_tls != nullptr
                      ? net::make_tls_server_stream(std::move(socket), core_->server_tls->current())
                      : net::make_plain_stream(std::move(socket));
    std::make_shared<Connection>(core_, std::move(stream), std::move(remote))->start();
  }

  void refuse(tcp::socket& socket) {
    if (core_->server_tls != nullptr) return;
    static constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";
    net::answer_and_close(socket, kBusy);
  }

  /// Every second: gauges of what only the loop knows.
  void tick() {
    if (core_->stopping || !core_->settings) return;
    for (const auto& upstream : core_->settings->router->upstreams()) {
      core_->meter.upstream_state(upstream->name(), !Router::is_aside(*upstream),
                                  upstream->in_flight);
    }
    uint64_t waiting = 0;
    const auto now = std::chrono::steady_clock::now();
    auto oldest = now;
    for (const Connection* connection : core_->connections) {
      const auto since = connection->waiting_since();
      if (!since) continue;
      ++waiting;
      oldest = std::min(oldest, *since);
    }
    core_->meter.waiting(waiting, std::chrono::duration<double>(now - oldest).count());
    if (core_->ledger != nullptr) {
      for (const uint64_t lost = core_->ledger->lost(); lost_rows_ < lost; ++lost_rows_) {
        core_->meter.lost_ledger_row();
      }
    }
    core_->loop.after(kTick, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->tick();
    });
  }

  Fs& fs_;
  Mutex apply_mutex_;  // one at a time; not needed by the loop
  config::GatewayConfig config_ GUARDED_BY(apply_mutex_);
  std::string texts_ GUARDED_BY(apply_mutex_);
  const std::shared_ptr<GatewayCore> core_;
  net::HttpClient client_;  // for canaries, load, lists of models
  std::shared_ptr<net::Listener> listener_;
  uint64_t lost_rows_ = 0;
  bool stopped_ = false;
};

Gateway::Gateway(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gateway::~Gateway() { stop(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<Gateway>> Gateway::start(net::Loop& loop,
                                                const config::GatewayConfig& config, Fs& fs) {
  CHECK(loop.running());
  auto impl = std::make_shared<Impl>(loop, config, fs);
  if (auto started = impl->start(config); !started) return std::unexpected(started.error());
  return std::unique_ptr<Gateway>(new Gateway(std::move(impl)));
}

std::string Gateway::address() const { return net::text_of(impl_->local()); }
uint16_t Gateway::port() const { return impl_->local().port(); }
Result<> Gateway::reload(const config::GatewayConfig& config) { return impl_->apply(config); }
Result<> Gateway::refresh() { return impl_->refresh(); }
void Gateway::stop(std::chrono::milliseconds grace) { impl_->stop(grace); }

}  // namespace strata::gateway

#include "app/server.h"

#include <signal.h>
#include <unistd.h>

#include "app/memory_limit.h"
#include "app/own_series.h"
#include "app/tls_options.h"
#include "base/build_info.h"
#include "collect/self.h"
#include "config/web_config.h"
#include "metrics/own_metrics.h"
#include "net/url.h"
#include "promql/parser.h"
#include "wire/text_writer.h"

namespace strata::app {
namespace {

constexpr std::chrono::milliseconds kStoreTick{200};
constexpr std::chrono::seconds kCompactionCheck{30};
constexpr std::chrono::seconds kWebConfigCheck{2};
constexpr std::chrono::seconds kStopGrace{5};
constexpr std::chrono::milliseconds kProbeTimeout{1000};
// More threads of the pool when queries go elsewhere: there they wait, and take no core.
constexpr size_t kThreadsThatWait = 24;
constexpr size_t kProbeBytes = 4u << 20;

size_t thread_count(size_t asked) {
  return asked > 0 ? asked : std::max(1u, std::thread::hardware_concurrency());
}

// This machine's name, as the instance of its own series.
std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != 0 ? name : "localhost";
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

size_t max_exemplars(const config::Config& config) {
  return static_cast<size_t>(std::max<int64_t>(0, config.storage.max_exemplars));
}

// Where people reach this server, without a slash at its end.
std::string own_url(const ServeOptions& options) {
  std::string url = options.external_url;
  while (url.ends_with('/')) url.pop_back();
  if (!url.empty()) return url;
  const auto where = net::parse_host_port(options.listen_address);
  const bool anywhere =
      where && (where->host.empty() || where->host == "0.0.0.0" || where->host == "::");
  return "http://" +
         (anywhere ? net::join_host_port(host_name(), where->port) : options.listen_address) +
         options.route_prefix;
}

// Calls `work` every `period` until asked to stop.
void run_every(std::chrono::milliseconds period, const std::stop_token& stop,
               const std::function<void()>& work) {
  std::mutex mutex;
  std::condition_variable_any wake;
  while (!stop.stop_requested()) {
    work();
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, period, [] { return false; });
  }
}

}  // namespace

Result<promql::EngineOptions> engine_options(const ServeOptions& options) {
  promql::EngineOptions engine;
  engine.lookback = options.lookback;
  engine.timeout = options.query_timeout;
  engine.max_samples = options.max_samples;
  if (options.max_query_memory > 0) engine.max_memory = options.max_query_memory;
  if (options.max_query_memory == 0) engine.max_memory = SIZE_MAX;
  engine.result_cache_bytes = options.result_cache_bytes;
  for (const auto& feature : options.features) {
    if (feature == "promql-experimental-functions") {
      engine.syntax.experimental_functions = true;
    } else if (feature == "promql-extended-range-selectors") {
      engine.syntax.extended_range_selectors = true;
    } else if (feature == "promql-binop-fill-modifiers") {
      engine.syntax.binop_fill_modifiers = true;
    } else if (feature == "promql-delayed-name-removal") {
      engine.delayed_name_removal = true;
    } else if (feature == "created-timestamp-zero-ingestion") {
      // Scraping's: see ManagerDeps.
    } else if (feature == "exemplar-storage" || feature == "native-histograms") {
      // Always on here.
    } else {
      log_warn("unknown feature; ignored", {{"enable-feature", feature}});
    }
  }
  return engine;
}

Result<std::vector<tsdb::RetentionRule>> retention_rules(const config::StoreConfig& storage) {
  std::vector<tsdb::RetentionRule> rules;
  for (const auto& rule : storage.retention) {
    auto matchers = promql::parse_selector(rule.match);
    if (!matchers) return std::unexpected(matchers.error().within(rule.place));
    rules.push_back({.matchers = std::move(*matchers), .keep = rule.keep});
  }
  return rules;
}

Server::Server(ServeOptions options, FlagValues flags)
    : options_(std::move(options)),
      flags_(std::move(flags)),
      collect_(std::make_unique<ThreadPool>("collect", 1)) {}

Server::~Server() { stop(); }

Result<std::unique_ptr<Server>> Server::start(ServeOptions options, FlagValues flags) {
  auto server = std::unique_ptr<Server>(new Server(std::move(options), std::move(flags)));
  server->take(TRY(server->read_configuration()));
  TRY(server->open());
  TRY(server->listen());
  server->apply_discovery();
  server->apply_rules();
  TRY(server->apply_gateway());
  server->ready_ = true;
  server->registry_.gauge("prometheus_ready", "Whether the server answers queries.").set(1);
  return server;
}

Result<Server::Configuration> Server::read_configuration() const {
  Configuration out;
  auto own = TRY(config::load_strata_config(options_.strata_config_file, real_fs()));
  out.own = std::make_shared<const config::StrataConfig>(std::move(own));
  auto retention = TRY(retention_rules(out.own->storage));
  out.retention = std::make_shared<const std::vector<tsdb::RetentionRule>>(std::move(retention));
  out.catalog = TRY(catalog::load_catalog(out.own->catalog.files, real_fs()));
  if (options_.config_file.empty()) {
    out.config = std::make_shared<const config::Config>(config::default_config(host_name()));
  } else {
    auto parsed = TRY(config::load_config(options_.config_file, real_fs()));
    for (const auto& warning : parsed.warnings) log_warn("configuration", {{"warning", warning}});
    out.config = std::make_shared<const config::Config>(std::move(parsed.config));
  }
  TRY(check_source(*out.config, *out.own));
  const auto engine = TRY(engine_options(options_));
  out.rule_files = TRY(RuleEngine::load(*out.config, engine.syntax, options_.shipped_rules));
  return out;
}

void Server::take(Configuration configuration) {
  rule_files_ = std::move(configuration.rule_files);
  config_.set(std::move(configuration.config));
  strata_config_.set(std::move(configuration.own));
  catalog_.set(std::move(configuration.catalog));
  retention_rules_.set(std::move(configuration.retention));
  reload_status_.set(
      std::make_shared<const api::ReloadStatus>(api::ReloadStatus{true, clock_.now_ms()}));
  reload_succeeded_.set(1);
  reload_time_.set(static_cast<double>(clock_.now_ms()) / 1000);
}

Result<> Server::open() {
  tsdb::Options store;
  store.path = options_.storage_path;
  store.retention_time = options_.retention_time;
  store.retention_bytes = options_.retention_bytes;
  store.wal_sync = options_.wal_sync;
  store.max_series = options_.max_series;
  store.max_exemplars = max_exemplars(*config_.get());
  store.memory_budget = options_.memory_budget.value_or(memory_limit(real_fs()) / 2);
  const bool waits =
      !strata_config_.get()->query.backend.url.empty() || !config_.get()->remote_read.empty();
  work_ = std::make_unique<ThreadPool>(
      "work", thread_count(options_.threads) + (waits ? kThreadsThatWait : 0));
  db_ = TRY(tsdb::Db::open(std::move(store), real_fs(), clock_));
  db_->set_retention(*retention_rules_.get());

  collect::NodeOptions host;
  host.node = host_name();
  host.host.procfs = options_.procfs;
  host.host.sysfs = options_.sysfs;
  host.host.rootfs = options_.rootfs;
  host_ = TRY(collect::NodeCollector::create(std::move(host)));

  loop_.start();
  const net::HttpClientOptions client{.user_agent = fmt::format("strata/{}", build_info().version)};
  client_ = std::make_unique<net::HttpClient>(loop_, client);
  tcp_ = std::make_unique<net::TcpClient>(loop_);
  prober_ = std::make_unique<probe::Prober>(
      probe::ProberDeps{*client_, *tcp_, real_fs(), clock_, registry_});
  scrape_loop_.start();
  scrape_client_ = std::make_unique<net::HttpClient>(scrape_loop_, client);
  dns_ = std::make_unique<net::DnsClient>(loop_);
  scrape_ = std::make_unique<scrape::Manager>(scrape::ManagerDeps{
      .db = *db_,
      .loop = scrape_loop_,
      .client = *scrape_client_,
      .work = *work_,
      .collect = *collect_,
      .clock = clock_,
      .metrics = registry_,
      .sources = {{"host", [this](std::string& out) { append_host_exposition(out); }},
                  {"self",
                   [this](std::string& out) {
                     append_own_exposition(out, metrics::Format::kText);
                   }}},
      .features = {.created_zeros =
                       std::ranges::find(options_.features, "created-timestamp-zero-ingestion") !=
                       options_.features.end()},
      // There are no targets before listen(), which comes after the rules.
      .on_scrape_end = [this] { rules_->scrape_ended(); }});
  configure_own_parts();
  choose_source();
  engine_ = std::make_unique<promql::Engine>(TRY(engine_options(options_)), work_.get(), clock_);
  alerting_ = TRY(alerting::Engine::open(
      {.directory = options_.storage_path + "/alerting",
       .config_file = options_.alertmanager_config_file,
       .external_url = own_url(options_),
       .strata_config_file = options_.strata_config_file},
      {.http = [client = client_.get()](
                   auto request, auto done) { client->fetch(std::move(request), std::move(done)); },
       .tcp = [tcp = tcp_.get()](auto request,
                                 auto done) { tcp->talk(std::move(request), std::move(done)); },
       .fs = real_fs(),
       .clock = clock_,
       .metrics = registry_}));
  oncall_ = TRY(oncall::Engine::open(
      {.directory = options_.storage_path + "/alerting", .external_url = own_url(options_)},
      {.alerting = *alerting_,
       .http = [client = client_.get()](
                   auto request, auto done) { client->fetch(std::move(request), std::move(done)); },
       .fs = real_fs(),
       .clock = clock_,
       .metrics = registry_},
      strata_config_.get()->oncall));

  dashboards_ = TRY(dashboards::Store::open({.directory = options_.storage_path + "/dashboards",
                                             .folder = strata_config_.get()->dashboards.folder},
                                            real_fs(), clock_));
  annotations_ =
      TRY(dashboards::Annotations::open(options_.storage_path + "/dashboards", real_fs(), clock_));
  notify_ = std::make_unique<notify::Sender>(
      notify::SenderDeps{.fetch =
                             [client = client_.get()](auto request, auto done) {
                               client->fetch(std::move(request), std::move(done));
                             },
                         .fs = real_fs(),
                         .clock = clock_,
                         .registry = registry_},
      notify::SendLimits{.capacity = options_.notification_queue_capacity,
                         .batch = options_.notification_batch_size,
                         .drain = options_.drain_notifications});
  notify_->apply(*config_.get());
  alert_sink_ = std::make_unique<AlertSink>(*alerting_, *notify_, [this] { return config_.get(); });
  rules_ = TRY(RuleEngine::open(options_.storage_path + "/rules",
                                RuleEngineDeps{.db = *db_,
                                               .source = *source_,
                                               .engine = engine_->options(),
                                               .work = *work_,
                                               .loop = loop_,
                                               .clock = clock_,
                                               .sink = alert_sink_.get()}));

  if (options_.remote_write_receiver) {
    receiver_ = std::make_unique<remote::Receiver>(*db_, registry_);
  }

  metrics::register_build_info(registry_);
  add_metrics(store_metrics(registry_, *db_));
  add_metrics(pool_metrics(registry_, *work_));
  add_metrics(rules_->manager().register_metrics(registry_));
  add_metrics(engine_metrics(registry_, *engine_));
  remote_write_ = std::make_unique<RemoteWrite>(RemoteWriteDeps{
      .db = *db_,
      .fetch = [client = client_.get()](
                   auto request, auto done) { client->fetch(std::move(request), std::move(done)); },
      .fs = real_fs(),
      .clock = clock_,
      .registry = registry_,
      .families = [this] { return metric_families(); },
      .directory = options_.storage_path + "/remote-write",
      .buffer_bytes = options_.remote_write_buffer});
  TRY(remote_write_->apply(*config_.get()));
  start_store_threads();
  return {};
}

// What targets, and senders of remote write, say of their families: the first word counts.
remote::Families Server::metric_families() const {
  remote::Families families;
  for (const auto& job : scrape_->status()) {
    for (const auto& target : job.active) {
      for (const auto& [family, about] : *target.metadata) families.try_emplace(family, about);
    }
  }
  if (receiver_) {
    for (auto& [family, about] : receiver_->families()) families.try_emplace(family, about);
  }
  return families;
}

// What strata.yml says.
void Server::configure_own_parts() {
  const auto config = strata_config_.get();
  scrape_->set_guard(config->guard);
  scrape_->set_catalog(catalog_.get(), config->catalog);
  prober_->configure(config->probes);
}

Result<> Server::listen() {
  net::HttpServerOptions http;
  http.listen = options_.listen_address;
  http.max_connections = options_.max_connections;
  http.body_timeout = options_.read_timeout;
  if (!options_.web_config_file.empty()) {
    const auto web = TRY(config::load_web_config(options_.web_config_file, real_fs()));
    if (web.tls) http.tls = tls_options(web.tls_server_config);
    has_users_ = !web.basic_auth_users.empty();
  }
  const auto where = TRY(net::parse_host_port(options_.listen_address));
  if (!is_loopback(where.host) && !has_users_ && !options_.allow_unauthenticated) {
    return bad_data(fmt::format(
        "--web.listen-address={} can be reached from other machines, and nobody has to log in; "
        "name users in --web.config.file, listen on 127.0.0.1, or accept that with "
        "--web.allow-unauthenticated",
        options_.listen_address));
  }
  auto cors_origin = Regex::compile(options_.cors_origin);
  if (!cors_origin) return std::unexpected(cors_origin.error().within("--web.cors.origin"));
  auto services = this->services();
  services.cors_origin = std::move(*cors_origin);
  api_ = std::make_unique<api::Api>(std::move(services));
  TRY(load_web_users());
  http_ = TRY(net::HttpServer::start(
      loop_, std::move(http),
      [api = api_.get()](std::shared_ptr<net::Exchange> exchange) { api->handle(exchange); }));
  address_ = http_->address();

  make_discovery();
  add_metrics(net_metrics(registry_, *http_, {client_.get(), scrape_client_.get()}));
  add_metrics(discovery_metrics(registry_, *discovery_));
  alerting_->start();
  oncall_->start();
  return {};
}

// Made after listening: discovery must know our port so as not to find ourselves.
void Server::make_discovery() {
  const discover::DiscoveryDeps deps{
      .fs = real_fs(),
      .probe = [this](const std::string& url) { return probe(url); },
      .own_ports = {http_->port()},
      .http = [client = client_.get()](
                  auto request, auto done) { client->fetch(std::move(request), std::move(done)); },
      .dns =
          [dns = dns_.get()](std::string name, net::DnsType type, net::DnsClient::Callback done) {
            dns->lookup(std::move(name), type, std::move(done));
          },
      .clock = clock_,
      .registry = registry_};
  discovery_ = std::make_unique<discover::DiscoveryManager>(
      "scrape", deps, [this](const discover::DiscoveryManager::Update& update) {
        scrape_->set_job(update.job, update.gone ? nullptr : scrape_config(update.job),
                         update.groups);
      });
  alertmanager_discovery_ = std::make_unique<discover::DiscoveryManager>(
      "notify", deps, [this](const discover::DiscoveryManager::Update& update) {
        notify_->set_groups(update.job, update.groups);
      });
}

// A job of the configuration as it is now; null when it has none of that name.
std::shared_ptr<const config::ScrapeConfig> Server::scrape_config(const std::string& job) const {
  const auto config = config_.get();
  const auto found =
      std::ranges::find(config->scrape_configs, job, &config::ScrapeConfig::job_name);
  if (found == config->scrape_configs.end()) return nullptr;
  return {config, &*found};  // shares ownership with the whole configuration
}

void Server::apply_discovery() {
  discovery_->apply(discover::scrape_jobs(*config_.get()));
  alertmanager_discovery_->apply(discover::alertmanager_jobs(*config_.get()));
}

void Server::add_metrics(std::vector<metrics::Callback> callbacks) {
  std::ranges::move(callbacks, std::back_inserter(callbacks_));
}

api::Services Server::services() {
  return {
      .source = *source_,
      .engine = *engine_,
      .db = *db_,
      .scrape = *scrape_,
      .metrics = registry_,
      .pool = *work_,
      .clock = clock_,
      .started_at = started_at_,
      .own_exposition = [this](std::string& out,
                               metrics::Format format) { append_own_exposition(out, format); },
      .config_yaml = [this] { return config::to_yaml(*config_.get()); },
      .flags =
          [this] {
            return std::vector<std::pair<std::string, std::string>>(flags_.begin(), flags_.end());
          },
      .reload = [this] { return reload(); },
      .last_reload = [this] { return *reload_status_.get(); },
      .ready = [this] { return ready_.load(); },
      .external_labels = [this] { return config_.get()->global.external_labels; },
      .probe = [this](const net::HttpRequest& request, std::stop_token stop,
                      auto done) { prober_->answer(request, std::move(stop), std::move(done)); },
      .quit = [] { ::kill(::getpid(), SIGTERM); },  // the main thread takes it from there
      .max_queries = options_.max_queries,
      .slow_query = options_.slow_query,
      .alerting = alerting_.get(),
      .oncall = oncall_.get(),
      .admin_api = options_.admin_api,
      .snapshot_dir = options_.storage_path + "/snapshots",
      .stage_backup = [this] { return stage_backup(); },
      .drop_backup = [this] { return drop_backup(); },
      .lifecycle = options_.lifecycle,
      .storage_retention = format_duration(options_.retention_time),
      .annotations = annotations_.get(),
      .route_prefix = options_.route_prefix,
      .receiver = receiver_.get(),
      .backend = backend_.get(),
      .rules = &rules_->manager(),
      .dashboards = dashboards_.get(),
      .notify = notify_.get()};
}

// Users and headers; certificates are the HTTP server's to read again.
Result<> Server::load_web_users() {
  if (options_.web_config_file.empty()) return {};
  auto text = TRY(real_fs().read_file(options_.web_config_file));
  if (text == web_config_text_) return {};
  const auto web = TRY(config::parse_web_config(text, options_.web_config_file));
  if (has_users_ && web.basic_auth_users.empty()) {
    return bad_data(options_.web_config_file +
                    ": the last user is gone; to let everybody in, start Strata anew");
  }
  web_config_text_ = std::move(text);
  api_->set_web(web);
  return {};
}

void Server::poll_web_config() {
  if (clock_.steady() < next_web_check_) return;
  next_web_check_ = clock_.steady() + kWebConfigCheck;
  refresh_gateway();
  const auto loaded = load_web_users();
  if (!loaded && loaded.error().message != web_config_error_) {
    log_error("web.yml was not read again; the users of before stay",
              {{"error", loaded.error().message}});
  }
  web_config_error_ = loaded ? "" : loaded.error().message;
}

std::chrono::nanoseconds Server::poll_discovery() {
  const auto now = clock_.steady();
  return std::min(discovery_->poll(now), alertmanager_discovery_->poll(now));
}

// All files are read and checked before any of them counts.
Result<> Server::take_what_is_right() {
  auto configuration = TRY(read_configuration());
  auto routing = TRY(alerting_->read());
  auto roster = TRY(oncall_->check(configuration.own->oncall, *routing));
  TRY(dashboards_->reload(configuration.own->dashboards.folder));
  take(std::move(configuration));
  alerting_->apply(std::move(routing));
  oncall_->apply(std::move(roster));
  return {};
}

Result<> Server::reload() {
  if (!ready_) return fail(ErrorCode::kUnavailable, "Strata is starting or stopping");
  MutexLock lock(reload_mutex_);
  if (const auto loaded = take_what_is_right(); !loaded) {
    auto status = *reload_status_.get();
    status.success = false;
    reload_succeeded_.set(0);
    reload_status_.set(std::make_shared<const api::ReloadStatus>(status));
    log_error("the configuration was not reloaded; the old one stays",
              {{"error", loaded.error().message}});
    return loaded;
  }
  db_->set_retention(*retention_rules_.get());
  db_->set_max_exemplars(max_exemplars(*config_.get()));
  configure_own_parts();
  set_read_peers();
  notify_->apply(*config_.get());
  apply_discovery();
  apply_rules();
  if (auto applied = apply_gateway(); !applied) {
    log_error("the gateway keeps what it had", {{"error", applied.error().message}});
    return applied;
  }
  TRY(remote_write_->apply(*config_.get()));
  log_info("configuration reloaded");
  return {};
}

// The gateway of strata.yml, when it has one.
Result<> Server::apply_gateway() {
  const auto config = strata_config_.get();
  if (!config->gateway.enabled) {
    if (gateway_) gateway_->stop(kStopGrace);
    gateway_.reset();
    return {};
  }
  if (gateway_) return gateway_->reload(config->gateway);
  if (!gateway_loop_.running()) gateway_loop_.start();
  gateway_ = TRY(gateway::Gateway::start(gateway_loop_, config->gateway));
  log_info("the gateway is ready", {{"address", gateway_->address()}});
  return {};
}

void Server::refresh_gateway() {
  MutexLock lock(reload_mutex_);
  if (!gateway_) return;
  if (const auto read = gateway_->refresh(); !read) {
    log_error("the gateway keeps what it had", {{"error", read.error().message}});
  }
}

void Server::apply_rules() {
  const std::string url =
      options_.external_url.empty()
          ? fmt::format("http://{}:{}{}", host_name(), http_->port(), options_.route_prefix)
          : options_.external_url.substr(0, options_.external_url.find_last_not_of('/') + 1);
  engine_->set_default_subquery_step(config_.get()->global.evaluation_interval);
  rules_->apply(std::exchange(rule_files_, {}), *config_.get(), options_,
                strata_config_.get()->rules, url);
}

void Server::stop() {
  if (stopped_) return;
  stopped_ = true;
  ready_ = false;
  if (http_) http_->stop(kStopGrace);
  if (backend_) backend_->stop();
  if (merged_) merged_->stop();
  if (gateway_) gateway_->stop(kStopGrace);
  gateway_.reset();
  gateway_loop_.stop();
  if (rules_) rules_->stop();
  if (notify_) notify_->stop();
  if (scrape_) scrape_->stop();
  if (remote_write_) remote_write_->stop();
  // A query may still run: nothing that it uses may go before it has ended.
  callbacks_.clear();
  work_.reset();
  collect_.reset();
  store_ = {};  // asks to stop and joins
  compaction_ = {};
  if (db_) {
    if (auto flushed = db_->flush(); !flushed) {
      log_error("the store could not be synced", {{"error", flushed.error().message}});
    }
  }
  discovery_.reset();  // asks for nothing more
  alertmanager_discovery_.reset();
  oncall_.reset();
  alerting_.reset();  // what is under way is tried again after the next start
  dns_.reset();
  tcp_.reset();
  scrape_client_.reset();
  scrape_loop_.stop();
  client_.reset();
  loop_.stop();
}

void Server::start_store_threads() {
  store_ = std::jthread([this](std::stop_token stop) {
    pthread_setname_np(pthread_self(), "store");
    run_every(kStoreTick, stop, [this] { db_->maintain(); });
  });
  // Merging blocks may take minutes, for which the log's syncs cannot wait.
  compaction_ = std::jthread([this](std::stop_token stop) {
    pthread_setname_np(pthread_self(), "compact");
    run_every(kCompactionCheck, stop, [this] {
      if (auto merged = db_->compact(); !merged) {
        log_error("blocks could not be merged", {{"error", merged.error().message}});
      }
    });
  });
}

void Server::append_host_exposition(std::string& out) {
  host_families_.clear();
  // Our own process has a job of its own.
  static const auto kWanted = collect::Selection::from({}, std::array{std::string("process")});
  host_->collect(host_families_, *kWanted);
  wire::append_exposition(out, host_families_, wire::ExpositionFormat::kText);
}

void Server::append_own_exposition(std::string& out, metrics::Format format) {
  constexpr std::string_view kEnd = "# EOF\n";
  metrics::append_own_metrics(out, format, registry_);
  const bool open_metrics = format == metrics::Format::kOpenMetrics;
  if (open_metrics && out.ends_with(kEnd)) out.resize(out.size() - kEnd.size());
  std::vector<MetricFamily> process;
  collect::collect_self(process, options_.procfs);
  wire::append_exposition(
      out, process,
      open_metrics ? wire::ExpositionFormat::kOpenMetrics : wire::ExpositionFormat::kText);
}

Result<discover::ProbeResponse> Server::probe(const std::string& url) {
  net::ClientRequest request;
  request.url = url;
  request.timeout = kProbeTimeout;
  request.max_body_bytes = kProbeBytes;
  auto response = TRY(client_->fetch_sync(std::move(request)));
  return discover::ProbeResponse{response.status,
                                 std::string(response.headers.value("Content-Type")),
                                 std::move(response.body)};
}

}  // namespace strata::app

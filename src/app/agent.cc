#include "app/agent.h"

#include <signal.h>

#include <cstdio>

#include "app/commands.h"
#include "app/tls_options.h"
#include "base/build_info.h"
#include "base/fs.h"
#include "config/web_config.h"
#include "metrics/own_metrics.h"
#include "net/http.h"
#include "net/url.h"
#include "wire/text_writer.h"

namespace strata::app {
namespace {

constexpr std::chrono::seconds kStopGrace{5};

constexpr std::string_view kPage =
    "<!doctype html><title>Strata agent</title><h1>Strata agent</h1>"
    "<p><a href=\"/metrics\">Metrics</a>, <a href=\"/metrics?collect[]=gpu\">of the GPUs</a>, "
    "<a href=\"/metrics?collect[]=host\">of the host</a></p>";

std::vector<std::string> strings(const std::vector<std::string_view>& views) {
  return {views.begin(), views.end()};
}

}  // namespace

Agent::Agent(AgentOptions options)
    : options_(std::move(options)),
      collect_(std::make_unique<ThreadPool>("collect", 1, kMaxWaiting)) {}

Agent::~Agent() { stop(); }

Result<std::unique_ptr<Agent>> Agent::start(AgentOptions options) {
  auto agent = std::unique_ptr<Agent>(new Agent(std::move(options)));
  agent->node_ = TRY(collect::NodeCollector::create(agent->options_.node));
  metrics::register_build_info(agent->registry_);
  agent->loop_.start();
  TRY(agent->listen());
  if (!agent->options_.push_config_file.empty()) TRY(agent->start_pushing());
  return agent;
}

Result<> Agent::start_pushing() {
  const auto port = TRY(net::parse_host_port(addresses().front()))
  .port;
  push_ = TRY(AgentPush::open(options_.push_config_file, loop_,
                              fmt::format("{}:{}", options_.node.node, port), registry_));
  collect_and_push();
  return {};
}

// Now, and every interval from now on. While scrapes keep the collector busy a push is left out.
void Agent::collect_and_push() {
  loop_.after(push_->interval(), [this] { collect_and_push(); });
  const bool taken = collect_->submit(Lane::kIngest, [this] {
    families_.clear();
    const TimestampMs now = real_clock().now_ms();
    static const auto kAll = collect::Selection::from({}, {});
    node_->collect(families_, *kAll);
    push_->push(families_, now);
  });
  if (!taken) refused_.inc();
}

Result<> Agent::listen() {
  std::vector<config::WebUser> users;
  std::optional<net::ServerTlsOptions> tls;
  if (!options_.web_config_file.empty()) {
    const auto web = TRY(config::load_web_config(options_.web_config_file, real_fs()));
    if (web.tls) tls = tls_options(web.tls_server_config);
    users = web.basic_auth_users;
  }
  has_users_ = !users.empty();
  users_ = std::make_unique<api::Authenticator>(std::move(users));
  for (const std::string& address : options_.listen) {
    net::HttpServerOptions http;
    http.listen = address;
    http.max_connections = kMaxConnections;
    http.max_body_bytes = 0;
    http.tls = tls;
    servers_.push_back(TRY(net::HttpServer::start(
        loop_, std::move(http),
        [this](std::shared_ptr<net::Exchange> exchange) { handle(std::move(exchange)); })));
  }
  return {};
}

std::vector<std::string> Agent::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& server : servers_) addresses.push_back(server->address());
  return addresses;
}

void Agent::stop() {
  if (stopped_) return;
  stopped_ = true;
  for (const auto& server : servers_) server->stop(kStopGrace);
  collect_.reset();
  if (push_) push_->finish();
  loop_.stop();
}

void Agent::handle(std::shared_ptr<net::Exchange> exchange) {
  const std::string& path = exchange->request().path;
  if (path == "/-/healthy" || path == "/health") {
    return exchange->respond(net::text_response(200, "Strata agent is healthy.\n"));
  }
  switch (users_->remembered(exchange->request().headers)) {
    case api::Authenticator::Verdict::kAllowed:
      return on_collector(std::move(exchange), [this](net::Exchange& e) { answer(e); });
    case api::Authenticator::Verdict::kUnknown:
      return on_collector(std::move(exchange), [this](net::Exchange& e) {
        if (users_->verify(e.request().headers)) return answer(e);
        e.respond(net::text_response(401, "Unauthorized\n"));
      });
    case api::Authenticator::Verdict::kRefused: break;
  }
  auto response = net::text_response(401, "Unauthorized\n");
  response.headers.set("WWW-Authenticate", "Basic");
  exchange->respond(std::move(response));
}

void Agent::on_collector(std::shared_ptr<net::Exchange> exchange,
                         std::function<void(net::Exchange&)> work) {
  const bool taken = collect_->submit(Lane::kIngest, [exchange, work = std::move(work)] {
    if (!exchange->stop_token().stop_requested()) work(*exchange);  // else who asked has left
  });
  if (taken) return;
  refused_.inc();
  exchange->respond(net::text_response(503, "too many scrapes wait for the collectors\n"));
}

void Agent::answer(net::Exchange& exchange) {
  const net::HttpRequest& request = exchange.request();
  if (request.method != "GET" && request.method != "HEAD") {
    return exchange.respond(net::text_response(405, "only GET\n"));
  }
  if (request.path == "/metrics") return exchange.respond(metrics(request));
  if (request.path != "/") return exchange.respond(net::text_response(404, "see /metrics\n"));
  net::HttpResponse page;
  page.headers.set("Content-Type", "text/html; charset=utf-8");
  page.body = kPage;
  exchange.respond(std::move(page));
}

net::HttpResponse Agent::metrics(const net::HttpRequest& request) {
  const auto values = net::form_values(request);
  if (!values) return net::text_response(400, values.error().message + "\n");
  const auto wanted = collect::Selection::from(strings(values->all("collect[]")),
                                               strings(values->all("exclude[]")));
  if (!wanted) return net::text_response(400, wanted.error().message + "\n");
  const auto format = metrics::negotiate_format(request.headers.value("Accept"));
  const auto wire_format = format == metrics::Format::kText ? wire::ExpositionFormat::kText
                                                            : wire::ExpositionFormat::kOpenMetrics;
  net::HttpResponse response;
  response.headers.set("Content-Type", wire::content_type_of(wire_format));
  if (wanted->process()) {
    constexpr std::string_view kEnd = "# EOF\n";
    metrics::append_own_metrics(response.body, format, registry_);
    if (response.body.ends_with(kEnd)) response.body.resize(response.body.size() - kEnd.size());
  }
  families_.clear();
  node_->collect(families_, *wanted);
  wire::append_exposition(response.body, families_, wire_format);
  net::gzip_response(request, response);
  return response;
}

int agent(const AgentFlags& flags) {
  auto options = agent_options(flags);
  if (!options) {
    fmt::print(stderr, "strata agent: {}\n", options.error().message);
    return 2;
  }
  configure_logging(options->log_level, options->log_format);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  const auto running = Agent::start(std::move(*options));
  if (!running) {
    log_error("strata agent cannot start", {{"error", running.error().message}});
    return 1;
  }
  for (const std::string& address : (*running)->addresses()) {
    log_info("strata agent is ready", {{"address", address}, {"version", build_info().version}});
  }
  if (!(*running)->has_users()) {
    log_info("whoever reaches this port can read its metrics; --web.config.file names users");
  }
  int signal = 0;
  sigwait(&signals, &signal);
  log_info("stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
  (*running)->stop();
  return 0;
}

}  // namespace strata::app

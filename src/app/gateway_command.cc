// strata gateway: the gateway alone, beside an engine, with its own /metrics.
#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <iostream>

#include "app/file_limit.h"
#include "app/gateway_commands.h"
#include "base/build_info.h"
#include "base/fs.h"
#include "base/log.h"
#include "config/strata_config.h"
#include "gateway/gateway.h"
#include "gateway/tenants.h"
#include "metrics/own_metrics.h"
#include "model/duration.h"
#include "net/http_server.h"
#include "wire/text_writer.h"

namespace strata::app {
namespace {

constexpr timespec kLookAtFiles{2, 0};

int failed(const std::string& message, int code = 1) {
  fmt::print(stderr, "strata gateway: {}\n", message);
  return code;
}

Result<config::GatewayConfig> load(const GatewayCommand& command) {
  auto file = TRY(config::load_strata_config(command.config, real_fs()));
  if (!file.gateway.enabled) {
    return bad_data(command.config + " has no section gateway; docs/gateway.md has an example");
  }
  if (!command.listen.empty()) file.gateway.listen = command.listen;
  return std::move(file.gateway);
}

void answer(net::Exchange& exchange) {
  const net::HttpRequest& request = exchange.request();
  if (request.path == "/-/healthy" || request.path == "/-/ready") {
    return exchange.respond(net::text_response(200, "Strata gateway is ready.\n"));
  }
  if (request.path != "/metrics") {
    return exchange.respond(net::text_response(404, "see /metrics\n"));
  }
  const auto format = metrics::negotiate_format(request.headers.value("Accept"));
  net::HttpResponse response;
  response.headers.set("Content-Type",
                       wire::content_type_of(format == metrics::Format::kText
                                                 ? wire::ExpositionFormat::kText
                                                 : wire::ExpositionFormat::kOpenMetrics));
  metrics::append_own_metrics(response.body, format);
  exchange.respond(std::move(response));
}

/// Until a signal to end; files are looked at meanwhile.
void wait_for_the_end(const sigset_t& signals, const GatewayCommand& command,
                      gateway::Gateway& gateway) {
  while (true) {
    const int signal = sigtimedwait(&signals, nullptr, &kLookAtFiles);
    Result<> done;
    if (signal == SIGHUP) {
      auto config = load(command);
      done = config ? gateway.reload(*std::move(config)) : std::unexpected(config.error());
      if (done) log_info("the configuration was read again");
    } else if (signal == SIGINT || signal == SIGTERM) {
      log_info("stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
      return;
    } else {
      done = gateway.refresh();
    }
    if (!done) log_error("the gateway keeps what it had", {{"error", done.error().message}});
  }
}

}  // namespace

int gateway(const GatewayCommand& command) {
  const auto drain = parse_duration(command.drain);
  if (!drain) return failed("--drain is a duration such as 30s", 2);
  auto config = load(command);
  if (!config) return failed(config.error().message);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  raise_file_limit();

  metrics::register_build_info();
  net::Loop loop("gateway");
  net::Loop web_loop("net");
  loop.start();
  web_loop.start();
  auto running = gateway::Gateway::start(loop, *std::move(config));
  if (!running) return failed(running.error().message);
  auto web =
      net::HttpServer::start(web_loop, {.listen = command.web_listen},
                             [](std::shared_ptr<net::Exchange> exchange) { answer(*exchange); });
  if (!web) return failed(web.error().message);
  log_info("strata gateway is ready", {{"address", (*running)->address()},
                                       {"metrics", (*web)->address()},
                                       {"version", build_info().version}});
  wait_for_the_end(signals, command, **running);
  (*running)->stop(*drain);
  (*web)->stop(std::chrono::milliseconds(100));
  running->reset();
  loop.stop();
  web_loop.stop();
  return 0;
}

int gateway_hash_keys(const std::string& hmac_key_file, const std::string& tenant) {
  auto key = real_fs().read_file(hmac_key_file);
  if (!key) return failed(key.error().message);
  while (key->ends_with('\n') || key->ends_with('\r')) key->pop_back();
  if (key->empty()) return failed(hmac_key_file + " is empty");
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty()) fmt::print("{} {}\n", gateway::key_hash(*key, line), tenant);
  }
  return 0;
}

}  // namespace strata::app

#include <chrono>
#include <csignal>
#include <cstdio>

#include "base/number.h"
#include "fleet/commands.h"
#include "net/gzip.h"
#include "net/http_server.h"

namespace strata::bench {
namespace {

constexpr size_t kMaxConnections = 16'384;
constexpr std::string_view kTextFormat = "text/plain; version=0.0.4; charset=utf-8";

// All of it lives on the loop's thread.
class FleetHandler {
 public:
  explicit FleetHandler(const ServeOptions& options)
      : options_(options),
        fleet_(options.fleet),
        compressed_(fleet_.size()),
        start_(std::chrono::steady_clock::now()) {}

  void operator()(net::Exchange& exchange) {
    const std::string_view path = exchange.request().path;
    if (path.starts_with("/t/") && path.ends_with("/metrics")) {
      const auto target = parse_uint(path.substr(3, path.size() - 3 - 8));
      if (target && *target < fleet_.size()) return scrape(exchange, *target);
    }
    if (path == "/targets") return exchange.respond(net::json_response(200, targets()));
    if (path == "/gzip/on" || path == "/gzip/off") {
      gzip_ = path == "/gzip/on";
      return exchange.respond(net::text_response(200, "ok\n"));
    }
    exchange.respond(net::text_response(404, "no such path\n"));
  }

 private:
  struct Compressed {
    int64_t step = -1;
    std::string body;
  };

  int64_t step() const {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
    return static_cast<int64_t>(passed.count() / options_.interval_seconds) + 1;
  }

  void scrape(net::Exchange& exchange, size_t target) {
    const int64_t now = step();
    const std::string& body = fleet_.body_at_step(target, now);
    net::HttpResponse response{.headers = {{"Content-Type", kTextFormat}}};
    if (gzip_ && exchange.request().headers.has_token("Accept-Encoding", "gzip")) {
      Compressed& compressed = compressed_[target];
      if (compressed.step != now) {
        compressed = {now, net::gzip_compress(body, options_.gzip_level)};
      }
      response.headers.add("Content-Encoding", "gzip");
      response.body = compressed.body;
    } else {
      response.body = body;
    }
    exchange.respond(std::move(response));
  }

  std::string targets() const {
    std::string json = "[";
    for (size_t i = 0; i < fleet_.size(); ++i) {
      const auto& member = fleet_.member(i);
      fmt::format_to(std::back_inserter(json),
                     "{}{{\"job\": \"{}\", \"instance\": \"{}\", \"lines\": {}}}", i ? ", " : "",
                     job_of(member.kind), member.instance, member.target->page().size());
    }
    return json + "]";
  }

  const ServeOptions options_;
  Fleet fleet_;
  std::vector<Compressed> compressed_;
  const std::chrono::steady_clock::time_point start_;
  bool gzip_ = false;
};

}  // namespace

Result<> serve(const ServeOptions& options) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  FleetHandler handler(options);
  net::Loop loop("fleet");
  net::HttpServerOptions server_options{.listen = fmt::format("127.0.0.1:{}", options.port),
                                        .max_connections = kMaxConnections};
  const auto server = TRY(net::HttpServer::start(
      loop, server_options,
      [&handler](const std::shared_ptr<net::Exchange>& exchange) { handler(*exchange); }));
  loop.start();
  fmt::print("listening on {}\n", server->port());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  server->stop(std::chrono::milliseconds(0));
  return {};
}

}  // namespace strata::bench

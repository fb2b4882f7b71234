#include "api/api.h"

#include "api/active_queries.h"
#include "api/auth.h"
#include "api/cross_origin.h"
#include "api/handlers.h"
#include "api/query_batch.h"
#include "api/rate_limit.h"
#include "api/router.h"
#include "api/turns.h"
#include "base/snapshot.h"

namespace strata::api {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr size_t kMaxPasswordsWaiting = 256;

// A request on its way through the Api.
struct Visit {
  std::shared_ptr<net::Exchange> exchange;
  std::chrono::nanoseconds began;
  const net::HttpRequest& request() const { return exchange->request(); }
};

}  // namespace

struct Api::Impl : std::enable_shared_from_this<Api::Impl> {
  // What web.yml says, as of the last time that it was read.
  struct Web {
    std::unique_ptr<Authenticator> users = std::make_unique<Authenticator>();
    std::unique_ptr<RateLimit> limit = std::make_unique<RateLimit>(std::chrono::seconds(0), 0);
    config::StringPairs headers;
  };

  explicit Impl(Services s);

  bool below_prefix(const Visit& visit);
  void enter(Visit visit);
  void authenticate(Visit visit);
  void dispatch(Visit visit);
  void run(Visit visit, const Match& match);
  void no_route(const Visit& visit);
  void wrong_method(const Visit& visit, const Route& route);
  Reply answer(const Match& match, Visit& visit, std::chrono::nanoseconds waited) const;
  void finish(const Visit& visit, std::string_view handler, Reply reply);
  void probe(const Visit& visit);
  void batch(const Visit& visit);
  void add_headers(const net::HttpRequest& request, net::Headers& headers) const;
  void refuse(const Visit& visit);
  void overload(const Visit& visit, std::string_view handler);

  static Services with(Services services, ActiveQueries& active) {
    services.active = &active;
    return services;
  }

  ActiveQueries active;
  const Services services;
  // One password at a time, ahead of queries: a worker's while for somebody who may be about to
  // stop the query that has all the others.
  const std::shared_ptr<Turns> passwords =
      std::make_shared<Turns>(services.pool, Lane::kIngest, 1, kMaxPasswordsWaiting);
  const std::shared_ptr<Turns> queries =
      std::make_shared<Turns>(services.pool, Lane::kQuery, services.max_queries, kMaxWaiting);
  metrics::Family<metrics::Counter, "handler", "code">& requests;
  metrics::Family<metrics::Histogram, "handler">& durations;
  metrics::Counter& overloaded;
  metrics::Counter& limited;
  Snapshot<Web> web{std::make_shared<const Web>()};
  const metrics::Callback queries_now;
};

Api::Impl::Impl(Services s)
    : active(s.metrics),
      services(with(std::move(s), active)),
      requests(services.metrics.counter<"handler", "code">("prometheus_http_requests_total",
                                                           "HTTP requests answered.")),
      durations(services.metrics.histogram<"handler">(
          "prometheus_http_request_duration_seconds",
          "From the request to its answer, or to the first part of a large one.",
          {0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120})),
      overloaded(services.metrics.counter("strata_http_overload_total",
                                          "Requests refused: the query queue was full.")),
      limited(services.metrics.counter("strata_http_rate_limited_total",
                                       "Requests refused by web.yml's rate_limit.")),
      queries_now(services.metrics.callback_gauge(
          "prometheus_engine_queries", "Queries that run or wait for their turn.",
          [this] { return static_cast<double>(active.count() + queries->waiting()); })) {
  services.metrics
      .gauge("prometheus_engine_queries_concurrent_max", "Queries that may run at a time.")
      .set(static_cast<double>(services.max_queries));
}

Api::Api(Services services) : impl_(std::make_shared<Impl>(std::move(services))) {}
Api::~Api() = default;

void Api::set_web(const config::WebConfig& web) {
  auto next = std::make_shared<Impl::Web>();
  next->users = std::make_unique<Authenticator>(web.basic_auth_users);
  next->limit = std::make_unique<RateLimit>(web.rate_limit_interval,
                                            static_cast<size_t>(web.rate_limit_burst));
  next->headers = web.headers;
  impl_->web.set(std::move(next));
}

void Api::handle(std::shared_ptr<net::Exchange> exchange) {
  Visit visit{std::move(exchange), impl_->services.clock.steady()};
  if (impl_->below_prefix(visit)) impl_->enter(std::move(visit));
}

// Takes the prefix off. What is not below it is answered: who asks for the root, or for the prefix
// without its slash, is sent to where the page's relative addresses are right.
bool Api::Impl::below_prefix(const Visit& visit) {
  const std::string& prefix = services.route_prefix;
  if (prefix.empty()) return true;
  const std::string& path = visit.request().path;
  if (path.starts_with(prefix) && path.substr(prefix.size()).starts_with('/')) {
    visit.exchange->cut_path(prefix.size());
    return true;
  }
  if (path != "/" && path != prefix) {
    finish(visit, "unknown", error_response(404, "not_found", "no such path: " + path));
    return false;
  }
  net::HttpResponse response{.status = 302};
  response.headers.set("Location", prefix + "/");
  finish(visit, "/static", std::move(response));
  return false;
}

void Api::Impl::enter(Visit visit) {
  if (web.get()->limit->allow(visit.began)) return authenticate(std::move(visit));
  limited.inc();
  auto response = net::text_response(429, "Too Many Requests\n");
  response.headers.set("Retry-After", "1");
  finish(visit, "rate_limit", std::move(response));
}

void Api::Impl::authenticate(Visit visit) {
  // The address of such a page is a permission of its own.
  if (visit.request().path.starts_with("/ack/")) return dispatch(std::move(visit));
  const auto current = web.get();
  switch (current->users->remembered(visit.request().headers)) {
    case Authenticator::Verdict::kAllowed: return dispatch(std::move(visit));
    case Authenticator::Verdict::kRefused: return refuse(visit);
    case Authenticator::Verdict::kUnknown: break;
  }
  auto work = [self = shared_from_this(), current, visit] {
    if (current->users->verify(visit.request().headers)) {
      self->dispatch(visit);
    } else {
      self->refuse(visit);
    }
  };
  if (!passwords->submit(std::move(work))) overload(visit, "auth");
}

void Api::Impl::refuse(const Visit& visit) {
  auto response = net::text_response(401, "Unauthorized\n");
  response.headers.set("WWW-Authenticate", "Basic");
  finish(visit, "auth", std::move(response));
}

void Api::Impl::overload(const Visit& visit, std::string_view handler) {
  overloaded.inc();
  auto response = error_response(503, "unavailable", "too many queries are waiting; try again");
  response.headers.set("Retry-After", "1");
  finish(visit, handler, std::move(response));
}

void Api::Impl::dispatch(Visit visit) {
  const auto& request = visit.request();
  if (request.method == "OPTIONS" && request.path.starts_with("/api/v1/")) {
    return finish(visit, "options", net::HttpResponse{.status = 204});
  }
  if (request.path == "/probe" && request.method == "GET" && services.probe) return probe(visit);
  const auto match = find_route(request.method, request.path);
  if (match.route == nullptr) return no_route(visit);
  if (!match.method_allowed) return wrong_method(visit, *match.route);
  if (match.route->acts && is_cross_site(request)) {
    return finish(visit, match.route->path,
                  error_response(403, "forbidden", "not from a page of another site"));
  }
  run(std::move(visit), match);
}

// Takes as long as a peer takes, and no thread meanwhile.
void Api::Impl::probe(const Visit& visit) {
  services.probe(visit.request(), visit.exchange->stop_token(),
                 [self = shared_from_this(), visit](net::HttpResponse response) {
                   self->finish(visit, "/probe", std::move(response));
                 });
}

void Api::Impl::batch(const Visit& visit) {
  auto work = [self = shared_from_this(), visit] {
    net::Headers headers;
    self->add_headers(visit.request(), headers);
    answer_batch(self->services, self->queries, visit.exchange, std::move(headers));
  };
  constexpr std::string_view kPath = "/api/v1/query_batch";
  if (!services.pool.submit(Lane::kQuery, std::move(work))) return overload(visit, kPath);
  requests.with(kPath, "200").inc();
}

// The page and what it loads, or 404.
void Api::Impl::no_route(const Visit& visit) {
  const auto& request = visit.request();
  const bool reading = request.method == "GET" || request.method == "HEAD";
  if (auto page = reading ? asset(request) : nullptr) {
    return finish(visit, "/static", std::move(*page));
  }
  finish(visit, "unknown", error_response(404, "not_found", "no such path: " + request.path));
}

void Api::Impl::wrong_method(const Visit& visit, const Route& route) {
  const auto& request = visit.request();
  auto response = error_response(
      405, "bad_data",
      fmt::format("{} does not take {}; it takes {}", request.path, request.method, route.methods));
  response.headers.set("Allow", route.methods);
  finish(visit, route.path, std::move(response));
}

void Api::Impl::run(Visit visit, const Match& match) {
  const auto& route = *match.route;
  const auto queued = services.clock.steady();
  auto work = [self = shared_from_this(), match, visit, queued]() mutable {
    self->finish(visit, match.route->path,
                 self->answer(match, visit, self->services.clock.steady() - queued));
  };
  switch (route.runs) {
    case Runs::kOnLoop: return work();
    case Runs::kAsBatch: return batch(visit);
    case Runs::kInTurn:
      if (!queries->submit(std::move(work))) overload(visit, route.path);
      return;
    case Runs::kIngesting:
      if (!services.pool.submit(Lane::kIngest, std::move(work))) overload(visit, route.path);
      return;
    case Runs::kOnPool:
      if (!services.pool.submit(Lane::kQuery, std::move(work))) overload(visit, route.path);
      return;
  }
}

Reply Api::Impl::answer(const Match& match, Visit& visit, std::chrono::nanoseconds waited) const {
  auto call = Call::make(visit.request(), visit.exchange->stop_token());
  if (!call) return error_response(call.error());
  call->path_parameter = match.parameter;
  call->waited = waited;
  auto reply = match.route->handler(services, *call);
  if (!reply) return error_response(reply.error());
  return std::move(*reply);
}

// Those of web.yml, and whose pages may read the answer.
void Api::Impl::add_headers(const net::HttpRequest& request, net::Headers& headers) const {
  for (const auto& [name, value] : web.get()->headers) headers.set(name, value);
  if (services.cors_origin && request.path.starts_with("/api/v1/")) {
    allow_origin(*services.cors_origin, request, headers);
  }
}

void Api::Impl::finish(const Visit& visit, std::string_view handler, Reply reply) {
  const auto took = services.clock.steady() - visit.began;
  auto& head = reply.head;
  requests.with(handler, std::to_string(head.status)).inc();
  durations.with(handler).observe(Seconds(took).count());
  add_headers(visit.request(), head.headers);
  send(services.pool, visit.exchange, std::move(reply));
}

}  // namespace strata::api

#include "api/api.h"

#include "api/active_queries.h"
#include "api/auth.h"
#include "api/handlers.h"
#include "api/router.h"
#include "base/snapshot.h"

namespace strata::api {
namespace {

using Seconds = std::chrono::duration<double>;

// Answers on the event loop's thread when that costs microseconds and must work when the pool is
// busy: an orchestrator's health checks above all.
bool is_light(const Route& route) { return route.path == "/-/healthy" || route.path == "/-/ready"; }

}  // namespace

struct Api::Impl : std::enable_shared_from_this<Api::Impl> {
  // What web.yml says, as of the last time that it was read.
  struct Web {
    std::unique_ptr<Authenticator> users = std::make_unique<Authenticator>();
    config::StringPairs headers;
  };

  explicit Impl(Services s)
      : services(with(std::move(s), active)),
        requests(services.metrics.counter<"handler", "code">("prometheus_http_requests_total",
                                                             "HTTP requests answered.")),
        durations(services.metrics.histogram<"handler">("prometheus_http_request_duration_seconds",
                                                        "From the request to its answer.",
                                                        {0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120})),
        overloaded(services.metrics.counter("strata_http_overload_total",
                                            "Requests refused: the query queue was full.")) {}

  void authenticate(std::shared_ptr<net::Exchange> exchange, std::chrono::nanoseconds began);
  void refuse(net::Exchange& exchange, std::chrono::nanoseconds began);
  void dispatch(std::shared_ptr<net::Exchange> exchange, std::chrono::nanoseconds began);
  void overload(net::Exchange& exchange, std::string_view handler, std::chrono::nanoseconds began);

  net::HttpResponse answer(const Match& match, const net::HttpRequest& request,
                           std::stop_token stop) const {
    auto call = Call::make(request, std::move(stop));
    if (!call) return error_response(call.error());
    call->path_parameter = match.parameter;
    auto response = match.route->handler(services, *call);
    if (!response) return error_response(response.error());
    return std::move(*response);
  }

  void finish(net::Exchange& exchange, std::string_view handler, std::chrono::nanoseconds began,
              net::HttpResponse response) {
    const auto took = services.clock.steady() - began;
    requests.with(handler, std::to_string(response.status)).inc();
    durations.with(handler).observe(Seconds(took).count());
    for (const auto& [name, value] : web.get()->headers) response.headers.set(name, value);
    exchange.respond(std::move(response));
  }

  static Services with(Services services, ActiveQueries& active) {
    services.active = &active;
    return services;
  }

  ActiveQueries active;
  const Services services;
  metrics::Family<metrics::Counter, "handler", "code">& requests;
  metrics::Family<metrics::Histogram, "handler">& durations;
  metrics::Counter& overloaded;
  Snapshot<Web> web{std::make_shared<const Web>()};
};

Api::Api(Services services) : impl_(std::make_shared<Impl>(std::move(services))) {}
Api::~Api() = default;

void Api::set_web(const config::WebConfig& web) {
  auto next = std::make_shared<Impl::Web>();
  next->users = std::make_unique<Authenticator>(web.basic_auth_users);
  next->headers = web.headers;
  impl_->web.set(std::move(next));
}

void Api::handle(std::shared_ptr<net::Exchange> exchange) {
  impl_->authenticate(std::move(exchange), impl_->services.clock.steady());
}

void Api::Impl::authenticate(std::shared_ptr<net::Exchange> exchange,
                             std::chrono::nanoseconds began) {
  const auto current = web.get();
  switch (current->users->remembered(exchange->request().headers)) {
    case Authenticator::Verdict::kAllowed: return dispatch(std::move(exchange), began);
    case Authenticator::Verdict::kRefused: return refuse(*exchange, began);
    case Authenticator::Verdict::kUnknown: break;
  }
  auto work = [self = shared_from_this(), current, exchange, began] {
    if (current->users->verify(exchange->request().headers)) {
      self->dispatch(exchange, began);
    } else {
      self->refuse(*exchange, began);
    }
  };
  if (!services.pool.submit(Lane::kQuery, std::move(work))) overload(*exchange, "auth", began);
}

void Api::Impl::refuse(net::Exchange& exchange, std::chrono::nanoseconds began) {
  auto response = net::text_response(401, "Unauthorized\n");
  response.headers.set("WWW-Authenticate", "Basic");
  finish(exchange, "auth", began, std::move(response));
}

void Api::Impl::overload(net::Exchange& exchange, std::string_view handler,
                         std::chrono::nanoseconds began) {
  overloaded.inc();
  auto response = error_response(503, "unavailable", "too many queries are waiting; try again");
  response.headers.set("Retry-After", "1");
  finish(exchange, handler, began, std::move(response));
}

void Api::Impl::dispatch(std::shared_ptr<net::Exchange> exchange, std::chrono::nanoseconds began) {
  const auto& request = exchange->request();
  const auto match = find_route(request.method, request.path);
  if (match.route == nullptr) {
    const bool reading = request.method == "GET" || request.method == "HEAD";
    if (auto page = reading ? asset(request) : nullptr) {
      return finish(*exchange, "/static", began, std::move(*page));
    }
    return finish(*exchange, "unknown", began,
                  error_response(404, "not_found", "no such path: " + request.path));
  }
  if (!match.method_allowed) {
    auto response = error_response(405, "bad_data",
                                   fmt::format("{} does not take {}; it takes {}", request.path,
                                               request.method, match.route->methods));
    response.headers.set("Allow", match.route->methods);
    return finish(*exchange, match.route->path, began, std::move(response));
  }
  if (is_light(*match.route)) {
    return finish(*exchange, match.route->path, began,
                  answer(match, request, exchange->stop_token()));
  }
  auto work = [self = shared_from_this(), match, exchange, began] {
    auto response = self->answer(match, exchange->request(), exchange->stop_token());
    net::gzip_response(exchange->request(), response);
    self->finish(*exchange, match.route->path, began, std::move(response));
  };
  if (services.pool.submit(Lane::kQuery, std::move(work))) return;
  overload(*exchange, match.route->path, began);
}

}  // namespace strata::api

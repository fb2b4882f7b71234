#include "api/api.h"

#include "api/handlers.h"
#include "api/router.h"
#include "base/log.h"

namespace strata::api {
namespace {

using Seconds = std::chrono::duration<double>;

// Answers on the event loop's thread when that costs microseconds and must work when the pool is
// busy: an orchestrator's health checks above all.
bool is_light(const Route& route) { return route.path == "/-/healthy" || route.path == "/-/ready"; }

}  // namespace

struct Api::Impl {
  explicit Impl(Services s)
      : services(std::move(s)),
        requests(services.metrics.counter<"handler", "code">("prometheus_http_requests_total",
                                                             "HTTP requests answered.")),
        durations(services.metrics.histogram<"handler">("prometheus_http_request_duration_seconds",
                                                        "From the request to its answer.",
                                                        {0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120})),
        overloaded(services.metrics.counter("strata_http_overload_total",
                                            "Requests refused: the query queue was full.")) {}

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
    exchange.respond(std::move(response));
  }

  const Services services;
  metrics::Family<metrics::Counter, "handler", "code">& requests;
  metrics::Family<metrics::Histogram, "handler">& durations;
  metrics::Counter& overloaded;
};

Api::Api(Services services) : impl_(std::make_shared<Impl>(std::move(services))) {}
Api::~Api() = default;

void Api::handle(std::shared_ptr<net::Exchange> exchange) {
  const auto& request = exchange->request();
  const auto began = impl_->services.clock.steady();
  auto match = find_route(request.method, request.path);
  if (match.route == nullptr) {
    const bool reading = request.method == "GET" || request.method == "HEAD";
    if (auto page = reading ? asset(request) : nullptr) {
      return impl_->finish(*exchange, "/static", began, std::move(*page));
    }
    return impl_->finish(*exchange, "unknown", began,
                         error_response(404, "not_found", "no such path: " + request.path));
  }
  if (!match.method_allowed) {
    auto response = error_response(405, "bad_data",
                                   fmt::format("{} does not take {}; it takes {}", request.path,
                                               request.method, match.route->methods));
    response.headers.set("Allow", match.route->methods);
    return impl_->finish(*exchange, match.route->path, began, std::move(response));
  }
  if (is_light(*match.route)) {
    return impl_->finish(*exchange, match.route->path, began,
                         impl_->answer(match, request, exchange->stop_token()));
  }
  auto work = [impl = impl_, match, exchange, began] {
    auto response = impl->answer(match, exchange->request(), exchange->stop_token());
    net::gzip_response(exchange->request(), response);
    impl->finish(*exchange, match.route->path, began, std::move(response));
  };
  if (impl_->services.pool.submit(Lane::kQuery, std::move(work))) return;
  impl_->overloaded.inc();
  auto response = error_response(503, "unavailable", "too many queries are waiting; try again");
  response.headers.set("Retry-After", "1");
  impl_->finish(*exchange, match.route->path, began, std::move(response));
}

}  // namespace strata::api

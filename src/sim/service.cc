#include "sim/service.h"

#include <fmt/format.h>

#include "base/json.h"
#include "sim/completions.h"

namespace strata::sim {
namespace {

constexpr std::chrono::seconds kStopGrace{1};
constexpr std::chrono::seconds kHang{600};  // longer than any scrape's timeout

constexpr std::string_view kIndex =
    "A simulated fleet.\n\n"
    "/sd               its targets, for http_sd_configs\n"
    "/scenario         what goes wrong, where and when\n"
    "/gateway/metrics  /node-0/gpu/metrics  /node-0/node/metrics  /node-0/agent/metrics\n"
    "/node-0/topology/metrics  /node-0/engine-0/metrics  /node-0/engine-0/v1/chat/completions\n";

Answer failure(int status, std::string text) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(text)};
}

}  // namespace

std::string discovery_json(const Fleet& fleet, std::string_view host) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const FleetTarget& target : fleet_targets(fleet)) {
    json.begin_object().key("targets").begin_array().string(host).end_array();
    json.key("labels").begin_object().key("__metrics_path__").string(target.path);
    json.key("job").string(target.job).key("instance").string(target.instance);
    if (!target.node.empty()) json.key("node").string(target.node);
    if (!target.model.empty()) json.key("model").string(target.model);
    json.end_object().end_object();
  }
  json.end_array();
  return out;
}

std::string prometheus_config(std::string_view host) {
  return fmt::format(
      "# The fleet of `strata sim`: one job; each target's own job comes from discovery.\n"
      "global:\n"
      "  scrape_interval: 15s\n"
      "  evaluation_interval: 15s\n"
      "\n"
      "scrape_configs:\n"
      "  - job_name: sim\n"
      "    honor_labels: true # strata_topology_info's instance is the engine's\n"
      "    http_sd_configs:\n"
      "      - url: http://{}/sd\n"
      "        refresh_interval: 15s\n",
      host);
}

std::string scenario_json(const Fleet& fleet, double seconds) {
  std::string out;
  JsonWriter json(out);
  const auto place = [&json](std::string_view key, int index) {
    json.key(key);
    if (index < 0) {
      json.string("all");
    } else {
      json.integer(index);
    }
  };
  json.begin_object().key("description").string(fleet.scenario().description());
  json.key("now").number(fleet.unix_time(seconds)).key("faults").begin_array();
  for (const Fault& fault : fleet.scenario().faults()) {
    json.begin_object().key("fault").string(fault.kind->name);
    json.key("cause").integer(fault.kind->cause).key("what").string(fault.kind->what);
    json.key("evidence").string(fault.kind->evidence);
    json.key("onset").number(fleet.unix_time(fault.onset));
    json.key("end").number(fleet.unix_time(fault.onset + fault.duration));
    json.key("severity").number(fault.severity);
    place("node", fault.place.node);
    place("engine", fault.place.engine);
    place("gpu", fault.place.gpu);
    json.key("active").boolean(fault.active(seconds)).end_object();
  }
  json.end_array().end_object();
  return out;
}

Service::Service(net::Loop& loop, ServiceOptions options, std::unique_ptr<Fleet> fleet,
                 const Clock& clock)
    : loop_(loop),
      options_(std::move(options)),
      fleet_(std::move(fleet)),
      clock_(clock),
      started_(clock.steady()),
      worker_(std::make_unique<ThreadPool>("sim", 1, kMaxQueued)) {}

Service::~Service() {
  server_->stop(kStopGrace);
  worker_.reset();
}

Result<std::unique_ptr<Service>> Service::start(net::Loop& loop, ServiceOptions options,
                                                std::unique_ptr<Fleet> fleet, const Clock& clock) {
  net::HttpServerOptions http;
  http.listen = options.listen;
  http.max_connections = 20'000;
  http.server_name = "strata-sim";
  auto service =
      std::unique_ptr<Service>(new Service(loop, std::move(options), std::move(fleet), clock));
  service->server_ = TRY(net::HttpServer::start(
      loop, std::move(http), [self = service.get()](std::shared_ptr<net::Exchange> exchange) {
        self->handle(std::move(exchange));
      }));
  return service;
}

double Service::now() const {
  const std::chrono::duration<double> passed = clock_.steady() - started_;
  return kWarmUp + passed.count() * options_.speed;
}

void Service::handle(std::shared_ptr<net::Exchange> exchange) {
  const bool taken = worker_->submit(Lane::kIngest, [this, exchange] { answer(exchange); });
  if (!taken) exchange->respond(net::text_response(503, "too many requests wait\n"));
}

void Service::answer(const std::shared_ptr<net::Exchange>& exchange) {
  if (exchange->stop_token().stop_requested()) return;  // who asked has left
  const net::HttpRequest& request = exchange->request();
  if (complete(exchange)) return;
  Answer answer;
  if (request.path == "/sd") {
    const std::string_view host = request.headers.value("Host");
    answer.content_type = "application/json";
    fleet_->advance_to(now());
    answer.body = discovery_json(*fleet_, host.empty() ? server_->address() : host);
  } else if (request.path == "/scenario") {
    answer.content_type = "application/json";
    answer.body = scenario_json(*fleet_, now());
  } else if (request.path == "/") {
    answer = failure(200, std::string(kIndex));
  } else {
    answer = metrics_answer(*fleet_, request.path, now());
  }
  if (answer.hangs) {
    loop_.after(kHang, [exchange] {});
    return;
  }
  net::HttpResponse response;
  response.status = answer.status;
  response.headers.set("Content-Type", answer.content_type);
  response.body = std::move(answer.body);
  net::gzip_response(request, response);
  if (answer.seconds == 0) return exchange->respond(std::move(response));
  const auto delay = std::chrono::microseconds(static_cast<int64_t>(answer.seconds * 1e6));
  loop_.after(delay, [exchange, late = std::make_shared<net::HttpResponse>(std::move(response))] {
    exchange->respond(std::move(*late));
  });
}

bool Service::complete(const std::shared_ptr<net::Exchange>& exchange) {
  const EnginePath at = engine_path(exchange->request().path);
  Node* node = at.is_engine ? fleet_->node(at.node) : nullptr;
  if (node == nullptr || at.engine >= node->engines().size() || at.rest == "/metrics") return false;
  node->advance_to(now());
  Engine& engine = node->engines()[at.engine];
  if (!engine.up()) {
    exchange->respond(net::text_response(503, "the engine is down\n"));
  } else {
    answer_engine_api(loop_, exchange, at.rest, engine, options_.speed);
  }
  return true;
}

}  // namespace strata::sim

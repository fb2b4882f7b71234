#include "sim/service.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/number.h"
#include "sim/completions.h"
#include "sim/expositions.h"

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

std::string_view job_of(Dialect dialect) { return dialect == Dialect::kSglang ? "sglang" : "vllm"; }

Answer failure(int status, std::string text) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(text)};
}

// "engine-2" with "engine-" is 2.
std::optional<size_t> index_after(std::string_view word, std::string_view prefix) {
  if (!word.starts_with(prefix)) return std::nullopt;
  return parse_uint(word.substr(prefix.size()));
}

Answer engine_metrics(const Node& node, size_t index) {
  if (index >= node.engines().size()) return failure(404, "no such engine\n");
  if (node.conditions().engines.size() > index && node.conditions().targets.engine_hangs) {
    return {.body = {}, .hangs = true};
  }
  Answer answer;
  append_engine(answer.body, node, index);
  if (answer.body.empty()) return failure(503, "the engine is down\n");
  return answer;
}

}  // namespace

EnginePath engine_path(std::string_view path) {
  EnginePath found;
  if (!path.starts_with('/')) return found;
  path.remove_prefix(1);
  const size_t first = path.find('/');
  if (first == std::string_view::npos) return found;
  const size_t second = path.find('/', first + 1);
  if (second == std::string_view::npos) return found;
  const auto node = index_after(path.substr(0, first), "node-");
  if (!node) return found;
  found.is_node = true;
  found.node = *node;
  found.part = path.substr(first + 1, second - first - 1);
  found.rest = path.substr(second);
  if (const auto engine = index_after(found.part, "engine-")) {
    found.is_engine = true;
    found.engine = *engine;
  }
  return found;
}

Answer metrics_answer(Fleet& fleet, std::string_view path, double seconds) {
  Answer answer;
  if (path == "/gateway/metrics") {
    fleet.advance_to(seconds);
    append_gateway(answer.body, fleet);
    return answer;
  }
  const EnginePath at = engine_path(path);
  Node* node = at.is_node ? fleet.node(at.node) : nullptr;
  if (node == nullptr || at.rest != "/metrics") return failure(404, "see /\n");
  node->advance_to(seconds);
  const TargetConditions& targets = node->conditions().targets;
  if (at.is_engine) return engine_metrics(*node, at.engine);
  if (at.part == "node") {
    if (targets.node_down) return failure(503, "the exporter is down\n");
    append_node(answer.body, *node, fleet.unix_time(seconds));
    return answer;
  }
  if (at.part == "topology") {
    append_topology(answer.body, *node);
    return answer;
  }
  if (targets.gpu_hangs) return {.body = {}, .hangs = true};
  if (targets.gpu_down) return failure(503, "the exporter is down\n");
  if (at.part == "gpu") {
    append_dcgm(answer.body, *node);
  } else if (at.part == "agent") {
    append_agent(answer.body, *node);
  } else {
    return failure(404, "see /\n");
  }
  return answer;
}

std::string discovery_json(const Fleet& fleet, std::string_view host) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  const auto target = [&](const std::string& path, std::string_view job,
                          const std::string& instance, std::string_view node,
                          std::string_view model) {
    json.begin_object().key("targets").begin_array().string(host).end_array();
    json.key("labels").begin_object().key("__metrics_path__").string(path);
    json.key("job").string(job).key("instance").string(instance);
    if (!node.empty()) json.key("node").string(node);
    if (!model.empty()) json.key("model").string(model);
    json.end_object().end_object();
  };
  for (const auto& node : fleet.nodes()) {
    const std::string& name = node->name();
    target("/" + name + "/gpu/metrics", "dcgm-exporter", name + ":9400", name, {});
    target("/" + name + "/node/metrics", "node", name + ":9100", name, {});
    target("/" + name + "/topology/metrics", "strata-agent", name + ":9401", name, {});
    for (size_t i = 0; i < node->engines().size(); ++i) {
      target(fmt::format("/{}/engine-{}/metrics", name, i),
             job_of(node->options().engines[i].dialect), fmt::format("{}:{}", name, 8000 + i), name,
             node->engines()[i].options().placement.model->name);
    }
  }
  target("/gateway/metrics", "gateway", "gateway:8080", {}, {});
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
  exchange->respond(std::move(response));
}

bool Service::complete(const std::shared_ptr<net::Exchange>& exchange) {
  const EnginePath at = engine_path(exchange->request().path);
  Node* node = at.is_engine ? fleet_->node(at.node) : nullptr;
  if (node == nullptr || at.engine >= node->engines().size() || at.rest == "/metrics") return false;
  node->advance_to(now());
  const Engine& engine = node->engines()[at.engine];
  if (!engine.up()) {
    exchange->respond(net::text_response(503, "the engine is down\n"));
  } else if (engine.conditions().hung && at.rest.starts_with("/v1/") && at.rest != "/v1/models") {
    loop_.after(kHang, [exchange] {});
  } else {
    answer_engine_api(loop_, exchange, at.rest, engine, options_.speed);
  }
  return true;
}

}  // namespace strata::sim

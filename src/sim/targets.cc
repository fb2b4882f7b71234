#include "sim/targets.h"

#include <fmt/format.h>

#include "base/number.h"
#include "sim/expositions.h"

namespace strata::sim {
namespace {

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

// The body with what `line_of` makes of each sample's line, which has its end.
template <class F>
std::string with_samples(std::string_view body, F line_of) {
  std::string out;
  out.reserve(body.size() * 2);
  while (!body.empty()) {
    const std::string_view line = body.substr(0, body.find('\n') + 1);
    body.remove_prefix(line.size());
    if (line.starts_with('#')) {
      out += line;
    } else {
      line_of(out, line);
    }
  }
  return out;
}

std::string with_lines_twice(std::string_view body) {
  return with_samples(body,
                      [](std::string& out, std::string_view line) { out += line, out += line; });
}

std::string with_times(std::string_view body, double unix_seconds) {
  const std::string time = fmt::format(" {}\n", static_cast<int64_t>(unix_seconds * 1000));
  return with_samples(body, [&](std::string& out, std::string_view line) {
    out += line.substr(0, line.size() - 1);
    out += time;
  });
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

std::vector<FleetTarget> fleet_targets(const Fleet& fleet) {
  std::vector<FleetTarget> all;
  for (const auto& node : fleet.nodes()) {
    const std::string& name = node->name();
    const auto add = [&](std::string_view part, std::string_view job, int port,
                         std::string_view model) {
      all.push_back({.path = fmt::format("/{}/{}/metrics", name, part),
                     .job = job,
                     .instance = fmt::format("{}:{}", name, port),
                     .node = name,
                     .model = std::string(model)});
    };
    if (!node->conditions().targets.gpu_gone) add("gpu", "dcgm-exporter", 9400, {});
    add("node", "node", 9100, {});
    add("topology", "strata-agent", 9401, {});
    for (size_t i = 0; i < node->engines().size(); ++i) {
      add(fmt::format("engine-{}", i), job_of(node->options().engines[i].dialect),
          8000 + static_cast<int>(i), node->engines()[i].options().placement.model->name);
    }
  }
  all.push_back({"/gateway/metrics", "gateway", "gateway:8080", {}, {}});
  return all;
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
  if (at.part != "gpu" && at.part != "agent") return failure(404, "see /\n");
  if (targets.gpu_gone) return failure(404, "no such exporter any more\n");
  at.part == "gpu" ? append_dcgm(answer.body, *node) : append_agent(answer.body, *node);
  answer.seconds = targets.gpu_seconds;
  if (targets.gpu_twice) answer.body = with_lines_twice(answer.body);
  if (targets.gpu_late > 0) {
    answer.body = with_times(answer.body, fleet.unix_time(seconds) - targets.gpu_late);
  }
  return answer;
}

}  // namespace strata::sim

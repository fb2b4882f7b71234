// The fleet's targets: where each is found, and what it answers a scrape with at a moment of the
// simulation. No sockets: service.h serves them, tests ingest them in process.
//
// One thread, that of the fleet.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sim/fleet.h"

namespace strata::sim {

/// "/node-3/engine-0/v1/models" taken apart; views into the path.
struct EnginePath {
  bool is_node = false;
  bool is_engine = false;
  size_t node = 0;
  size_t engine = 0;
  std::string_view part;  // "engine-0", "gpu"
  std::string_view rest;  // "/v1/models"
};
EnginePath engine_path(std::string_view path);

/// As discovery lists it.
struct FleetTarget {
  std::string path;  // "/node-3/gpu/metrics"
  std::string_view job;
  std::string instance;  // "node-3:9400"
  std::string node;      // empty: of no node
  std::string model;     // empty: of no engine
};

/// Those that there are at this moment of the simulation: exporters can vanish.
std::vector<FleetTarget> fleet_targets(const Fleet& fleet);

/// What a path is answered with.
struct Answer {
  int status = 200;
  std::string content_type = "text/plain; version=0.0.4; charset=utf-8";
  std::string body;
  bool hangs = false;  // takes the request and never answers
  double seconds = 0;  // that it takes
};

/// Metrics of the fleet at `seconds`, which it is advanced to.
Answer metrics_answer(Fleet& fleet, std::string_view path, double seconds);

}  // namespace strata::sim

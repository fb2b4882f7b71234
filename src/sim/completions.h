// A simulated engine's OpenAI API: words at the pace that its batch would have at this moment. The
// request itself is not put into the batch, whose load is the scenario's: what stands behind a
// gateway is an engine as busy as it shows.
#pragma once
#include <cstddef>
#include <memory>
#include <string_view>

#include "net/http_server.h"
#include "net/loop.h"
#include "sim/engine.h"

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

/// Answers /health, /v1/models, /v1/completions and /v1/chat/completions, streamed or whole; 404
/// for other paths. `engine` is read within the call only.
void answer_engine_api(net::Loop& loop, const std::shared_ptr<net::Exchange>& exchange,
                       std::string_view path, const Engine& engine, double speed);

}  // namespace strata::sim

// A simulated engine's OpenAI API. A request joins the engine's batch with the next tick of its
// node (a second at most) and waits, runs, fills the cache and is counted there like those that the
// fleet makes itself; its words come at the pace that the batch has when it arrives. A client that
// leaves early is not noticed by the batch.
#pragma once
#include <memory>
#include <string_view>

#include "net/http_server.h"
#include "net/loop.h"
#include "sim/engine.h"

namespace strata::sim {

/// Answers /health, /v1/models, /v1/completions and /v1/chat/completions, streamed or whole; 404
/// for other paths, 503 when the engine has too many that wait. A hung engine takes requests and
/// never answers. `engine` is used within the call only.
void answer_engine_api(net::Loop& loop, const std::shared_ptr<net::Exchange>& exchange,
                       std::string_view path, Engine& engine, double speed);

}  // namespace strata::sim

#include "sim/completions.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "gateway/mock_answer.h"
#include "sim/expositions.h"

namespace strata::sim {
namespace {

using gateway::MockTask;

constexpr uint64_t kUsualTokens = 128;
constexpr uint64_t kMostTokens = 4096;
constexpr uint64_t kMostPromptTokens = 30'000;
constexpr std::chrono::seconds kHang{600};  // longer than any client waits

// One answer that takes time; kept alive by the timer that it waits for.
class Speech : public std::enable_shared_from_this<Speech> {
 public:
  Speech(net::Loop& loop, std::shared_ptr<net::Exchange> exchange, MockTask task)
      : loop_(loop), exchange_(std::move(exchange)), task_(std::move(task)) {}

  void start() {
    if (task_.stream) {
      exchange_->begin(200, {{"Content-Type", "text/event-stream; charset=utf-8"}});
      append_opening(task_, pending_);
    }
    after(task_.stream ? task_.ttft_us : task_.ttft_us + task_.tokens * task_.itl_us);
  }

 private:
  void after(uint64_t us) {
    loop_.after(std::chrono::microseconds(us), [self = shared_from_this()] { self->step(); });
  }

  void step() {
    if (exchange_->stop_token().stop_requested()) return;  // the client left
    if (!task_.stream) return exchange_->respond(net::json_response(200, whole_answer(task_)));
    if (said_ < task_.tokens) append_token(task_, said_++, pending_);
    const bool over = said_ >= task_.tokens;
    if (over) append_closing(task_, pending_);
    switch (exchange_->write(pending_)) {
      case net::Exchange::Wrote::kGone: return;
      // Whoever reads slower than an engine speaks is not simulated: the connection is cut.
      case net::Exchange::Wrote::kFull: return;
      case net::Exchange::Wrote::kTaken: break;
    }
    pending_.clear();
    if (over) return exchange_->end();
    after(task_.itl_us);
  }

  net::Loop& loop_;
  const std::shared_ptr<net::Exchange> exchange_;
  const MockTask task_;
  std::string pending_;
  uint64_t said_ = 0;
};

std::string model_list(const std::string& model) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("object").string("list").key("data").begin_array();
  json.begin_object().key("id").string(model).key("object").string("model").end_object();
  json.end_array().end_object();
  return out;
}

uint64_t microseconds(double seconds, double speed) {
  return static_cast<uint64_t>(std::clamp(seconds / speed, 0.0, 600.0) * 1e6);
}

}  // namespace

void answer_engine_api(net::Loop& loop, const std::shared_ptr<net::Exchange>& exchange,
                       std::string_view path, Engine& engine, double speed) {
  if (path == "/health") return exchange->respond(net::text_response(200, ""));
  const std::string model = served_model(engine);
  if (path == "/v1/models") return exchange->respond(net::json_response(200, model_list(model)));
  const auto api = gateway::mock_api(path);
  if (!api) return exchange->respond(net::text_response(404, "Not Found\n"));
  if (exchange->request().method != "POST") {
    return exchange->respond(net::text_response(405, "only POST\n"));
  }
  MockTask task;
  task.api = *api;
  task.id = "sim-1";
  task.model = model;
  task.tokens = kUsualTokens;
  if (!read_mock_task(exchange->request(), task)) {
    return exchange->respond(net::text_response(400, "the body is no JSON object\n"));
  }
  task.tokens = std::clamp<uint64_t>(task.tokens, 1, kMostTokens);
  Request request;
  request.prompt =
      static_cast<uint32_t>(std::clamp<uint64_t>(task.prompt_tokens, 1, kMostPromptTokens));
  request.output = static_cast<uint32_t>(task.tokens);
  // What it will wait for is decided by those before it, so it is asked before it joins them.
  task.ttft_us = microseconds(engine.expected_ttft(static_cast<double>(task.prompt_tokens)), speed);
  task.itl_us = microseconds(engine.expected_itl(), speed);
  if (!engine.submit(request)) {
    return exchange->respond(net::text_response(503, "too many requests wait\n"));
  }
  if (engine.conditions().hung) {
    loop.after(kHang, [exchange] {});
    return;
  }
  std::make_shared<Speech>(loop, exchange, std::move(task))->start();
}

}  // namespace strata::sim

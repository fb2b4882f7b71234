#include "gateway/mock_engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/number.h"
#include "gateway/mock_answer.h"

namespace strata::gateway {
namespace {

constexpr size_t kPiece = size_t{32} << 10;  // of a stream without pauses
constexpr std::chrono::seconds kStopGrace{1};

net::HttpResponse error_response(int status, std::string_view message) {
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("error").begin_object().key("message").string(message);
  json.key("type").string(status < 500 ? "invalid_request_error" : "server_error");
  json.key("code").integer(status).end_object().end_object();
  auto response = net::json_response(status, std::move(body));
  if (status == 429 || status == 503) response.headers.set("Retry-After", "1");
  return response;
}

}  // namespace

struct MockEngine::Core : std::enable_shared_from_this<MockEngine::Core> {
  Core(net::Loop& l, MockEngineOptions o) : loop(l), options(std::move(o)) {}

  void handle(std::shared_ptr<net::Exchange> exchange);
  void serve(std::shared_ptr<net::Exchange> exchange, MockApi api);
  std::string metrics() const;
  std::string model_list() const;

  net::Loop& loop;
  const MockEngineOptions options;
  std::atomic<uint64_t> requests = 0;
  std::atomic<uint64_t> running = 0;
  std::atomic<uint64_t> cancelled = 0;
  std::atomic<uint64_t> prompt_tokens = 0;
  std::atomic<uint64_t> generated_tokens = 0;
};

namespace {

/// One request that takes time. Kept alive by the timer or the callback that it waits for.
class Run : public std::enable_shared_from_this<Run> {
 public:
  Run(std::shared_ptr<MockEngine::Core> core, std::shared_ptr<net::Exchange> exchange,
      MockTask task)
      : core_(std::move(core)), exchange_(std::move(exchange)), task_(std::move(task)) {
    ++core_->running;
  }
  ~Run() {
    --core_->running;
    if (!finished_) ++core_->cancelled;
  }

  void start() {
    if (task_.stream) {
      exchange_->begin(200, {{"Content-Type", "text/event-stream; charset=utf-8"}});
      append_opening(task_, pending_);
    }
    const uint64_t wait =
        task_.stream ? task_.ttft_us : task_.ttft_us + task_.tokens * task_.itl_us;
    after(wait);
  }

 private:
  void after(uint64_t us) {
    if (us == 0) return step();
    core_->loop.after(std::chrono::microseconds(us), [self = shared_from_this()] { self->step(); });
  }

  void step() {
    if (exchange_->stop_token().stop_requested()) return;  // the client left
    if (!task_.stream) {
      finished_ = true;
      core_->generated_tokens += task_.tokens;
      return exchange_->respond(net::json_response(200, whole_answer(task_)));
    }
    bool over = false;
    do {
      over = !speak();
    } while (!over && task_.itl_us == 0 && pending_.size() < kPiece);
    send(over);
  }

  /// One more token into pending_; false when that was all.
  bool speak() {
    if (task_.reset_after && said_ >= *task_.reset_after) {
      cut_ = true;
      return false;
    }
    if (task_.error_after && said_ >= *task_.error_after) {
      append_error_event(task_, pending_);
      return false;
    }
    if (said_ < task_.tokens) append_token(task_, said_++, pending_);
    if (said_ < task_.tokens || task_.reset_after || task_.error_after) return true;
    append_closing(task_, pending_);
    return false;
  }

  void send(bool over) {
    const auto wrote = pending_.empty() ? net::Exchange::Wrote::kTaken : exchange_->write(pending_);
    if (wrote == net::Exchange::Wrote::kGone) return;
    if (wrote == net::Exchange::Wrote::kFull) {
      // A turn of the loop between: write() may take it within when_writable() already.
      exchange_->when_writable([self = shared_from_this(), over] {
        self->core_->loop.post([self, over] { self->send(over); });
      });
      return;
    }
    core_->generated_tokens += said_ - counted_;
    counted_ = said_;
    pending_.clear();
    if (!over) {
      if (task_.itl_us > 0) return after(task_.itl_us);
      core_->loop.post([self = shared_from_this()] { self->step(); });
      return;
    }
    finished_ = true;
    if (cut_) return exchange_.reset();
    exchange_->end();
  }

  const std::shared_ptr<MockEngine::Core> core_;
  std::shared_ptr<net::Exchange> exchange_;
  const MockTask task_;
  std::string pending_;
  uint64_t said_ = 0;
  uint64_t counted_ = 0;
  bool finished_ = false;
  bool cut_ = false;
};

}  // namespace

void MockEngine::Core::handle(std::shared_ptr<net::Exchange> exchange) {
  const net::HttpRequest& request = exchange->request();
  if (request.path == "/health") return exchange->respond(net::text_response(200, ""));
  if (request.path == "/metrics") return exchange->respond(net::text_response(200, metrics()));
  if (request.path == "/v1/models") return exchange->respond(net::json_response(200, model_list()));
  const auto api = mock_api(request.path);
  if (!api) return exchange->respond(error_response(404, "Not Found"));
  if (request.method != "POST") return exchange->respond(error_response(405, "only POST"));
  serve(std::move(exchange), *api);
}

void MockEngine::Core::serve(std::shared_ptr<net::Exchange> exchange, MockApi api) {
  const uint64_t number = ++requests;
  const net::HttpRequest& request = exchange->request();
  if (const auto status = parse_uint(request.headers.value("x-mock-status"))) {
    return exchange->respond(error_response(static_cast<int>(*status), "as asked for"));
  }
  MockTask task;
  task.api = api;
  const std::string_view given = request.headers.value("x-mock-id");
  task.id = given.empty() ? fmt::format("mock-{}", number) : std::string(given);
  task.model = options.models.front();
  task.ttft_us = static_cast<uint64_t>(options.ttft.count());
  task.itl_us = static_cast<uint64_t>(options.itl.count());
  task.tokens = options.tokens;
  if (!read_mock_task(request, task)) {
    return exchange->respond(error_response(400, "the body is no JSON object"));
  }
  task.tokens = std::min(task.tokens, kMaxTokens);
  if (api == MockApi::kEmbeddings) task.tokens = 0;
  prompt_tokens += task.prompt_tokens;
  std::make_shared<Run>(shared_from_this(), std::move(exchange), std::move(task))->start();
}

std::string MockEngine::Core::metrics() const {
  const std::string labels = fmt::format("{{model_name=\"{}\"}}", options.models.front());
  std::string out;
  const auto add = [&](std::string_view name, std::string_view type, uint64_t value) {
    fmt::format_to(std::back_inserter(out), "# TYPE {} {}\n{}{} {}\n", name, type, name, labels,
                   value);
  };
  add("vllm:num_requests_running", "gauge", running);
  add("vllm:num_requests_waiting", "gauge", 0);
  add("vllm:kv_cache_usage_perc", "gauge", 0);
  add("vllm:prompt_tokens_total", "counter", prompt_tokens);
  add("vllm:generation_tokens_total", "counter", generated_tokens);
  add("mock_engine_requests_total", "counter", requests);
  add("mock_engine_cancelled_requests_total", "counter", cancelled);
  return out;
}

std::string MockEngine::Core::model_list() const {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("object").string("list").key("data").begin_array();
  for (const std::string& model : options.models) {
    json.begin_object().key("id").string(model).key("object").string("model").end_object();
  }
  json.end_array().end_object();
  return out;
}

MockEngine::MockEngine(std::shared_ptr<Core> core) : core_(std::move(core)) {}
MockEngine::~MockEngine() { server_->stop(kStopGrace); }

Result<std::unique_ptr<MockEngine>> MockEngine::start(net::Loop& loop, MockEngineOptions options) {
  net::HttpServerOptions http;
  http.listen = options.listen;
  http.max_connections = 100'000;
  http.server_name = "strata-mock-engine";
  if (options.models.empty()) options.models.emplace_back("mock");
  auto core = std::make_shared<Core>(loop, std::move(options));
  auto engine = std::unique_ptr<MockEngine>(new MockEngine(core));
  engine->server_ = TRY(net::HttpServer::start(
      loop, std::move(http),
      [core](std::shared_ptr<net::Exchange> exchange) { core->handle(std::move(exchange)); }));
  return engine;
}

std::string MockEngine::address() const { return server_->address(); }
uint16_t MockEngine::port() const { return server_->port(); }

MockEngineStats MockEngine::stats() const {
  return {core_->requests, core_->running, core_->cancelled, core_->prompt_tokens,
          core_->generated_tokens};
}

}  // namespace strata::gateway

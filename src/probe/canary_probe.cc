#include "base/json.h"
#include "discover/json_reader.h"
#include "probe/probes.h"

namespace strata::probe {
namespace {

constexpr size_t kMaxAnswer = size_t{1} << 20;

// What an engine says when it was asked for a token (OpenAI's chat completion object).
struct Completion {
  std::string model;
  int64_t choices = 0;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
};

Result<Completion> read_completion(std::string_view body) {
  Completion out;
  discover::JsonReader json(body);
  json.object([&](std::string_view key) {
    if (key == "model") {
      json.string(out.model);
    } else if (key == "choices") {
      json.array([&] {
        json.skip();
        ++out.choices;
      });
    } else if (key == "usage") {
      json.object([&](std::string_view name) {
        if (name == "prompt_tokens") {
          json.integer(out.prompt_tokens);
        } else if (name == "completion_tokens") {
          json.integer(out.completion_tokens);
        } else {
          json.skip();
        }
      });
    } else {
      json.skip();
    }
  });
  TRY(json.finish());
  return out;
}

// The first model that /v1/models lists.
Result<std::string> first_model(std::string_view body) {
  std::string model;
  discover::JsonReader json(body);
  json.object([&](std::string_view key) {
    if (key != "data") return void(json.skip());
    json.array([&] {
      std::string id;
      json.object([&](std::string_view name) {
        if (name == "id") {
          json.string(id);
        } else {
          json.skip();
        }
      });
      if (model.empty()) model = std::move(id);
    });
  });
  TRY(json.finish());
  if (model.empty()) return bad_data("/v1/models lists no model");
  return model;
}

// One probe on its way from question to question.
class Canary : public std::enable_shared_from_this<Canary> {
 public:
  Canary(std::shared_ptr<const discover::PeerClient> peer, const config::CanaryProbe& config,
         const ProbeRequest& request, Done done)
      : peer_(std::move(peer)), config_(config), request_(request), done_(std::move(done)) {
    base_ = request_.target;
    const bool has_scheme = base_.starts_with("http://") || base_.starts_with("https://");
    if (!has_scheme) base_.insert(0, "http://");
    while (base_.ends_with('/')) base_.pop_back();
  }

  void start() {
    if (!config_.model.empty()) return ask_for_token(config_.model);
    peer_->fetch(request_to("/v1/models"),
                 [self = shared_from_this()](Result<net::ClientResponse> response) {
                   const auto model = model_of(response);
                   if (!model) return self->end(std::unexpected(model.error().within("models")));
                   self->ask_for_token(*model);
                 });
  }

 private:
  net::ClientRequest request_to(std::string_view path) {
    net::ClientRequest ask;
    ask.url = base_ + std::string(path);
    ask.timeout = request_.timeout - (std::chrono::steady_clock::now() - began_);
    ask.max_body_bytes = kMaxAnswer;
    ask.keep_alive = false;
    ask.stop = request_.stop;
    peer_->prepare(ask);
    return ask;
  }

  void ask_for_token(const std::string& model) {
    auto ask = request_to(config_.path);
    ask.method = "POST";
    ask.headers.set("Content-Type", "application/json");
    JsonWriter json(ask.body);
    json.begin_object().key("model").string(model).key("messages").begin_array().begin_object();
    json.key("role").string("user").key("content").string(config_.prompt).end_object().end_array();
    json.key("max_tokens").integer(1).key("temperature").integer(0).end_object();
    trace_ = ask.trace = std::make_shared<net::RequestTrace>();
    peer_->fetch(std::move(ask), [self = shared_from_this()](Result<net::ClientResponse> response) {
      if (response) self->status_ = response->status;
      self->end(completion_of(response));
    });
  }

  static Result<std::string> body_of(const Result<net::ClientResponse>& response) {
    if (!response) return std::unexpected(response.error());
    if (response->status / 100 != 2) {
      return bad_data(fmt::format("the status is {}", response->status));
    }
    return response->body;
  }

  static Result<std::string> model_of(const Result<net::ClientResponse>& response) {
    const std::string body = TRY(body_of(response));
    return first_model(body);
  }
  static Result<Completion> completion_of(const Result<net::ClientResponse>& response) {
    const std::string body = TRY(body_of(response));
    auto completion = TRY(read_completion(body));
    if (completion.choices == 0) return bad_data("the answer has no choices");
    return completion;
  }

  void end(Result<Completion> completion) {
    Outcome outcome;
    outcome.success = completion.has_value();
    outcome.gauge("probe_http_status_code", "Status of the response; 0: none came.", status_);
    if (completion) {
      outcome.gauge("probe_canary_prompt_tokens", "Tokens of the prompt, as the engine says.",
                    static_cast<double>(completion->prompt_tokens));
      outcome.gauge("probe_canary_completion_tokens", "Tokens it made, as the engine says.",
                    static_cast<double>(completion->completion_tokens));
      outcome.gauge("probe_canary_info", "The model that answered.", 1,
                    Labels{{"model", completion->model}});
    } else {
      outcome.fail(completion.error().message);
    }
    if (trace_) {
      if (status_ != 0) {
        const auto first = trace_->in(net::Phase::kSend) + trace_->in(net::Phase::kWait);
        outcome.gauge(
            "probe_canary_time_to_first_byte_seconds",
            "From sending the request to the first byte of its answer, which has a token.",
            std::chrono::duration<double>(first).count());
      }
      add_http_trace(outcome, *trace_);
    }
    done_(std::move(outcome));
  }

  const std::shared_ptr<const discover::PeerClient> peer_;
  const config::CanaryProbe config_;
  const ProbeRequest request_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  Done done_;
  std::string base_;
  std::shared_ptr<net::RequestTrace> trace_;
  int status_ = 0;
};

}  // namespace

void probe_canary(std::shared_ptr<const discover::PeerClient> peer,
                  const config::CanaryProbe& config, const ProbeRequest& request, Done done) {
  std::make_shared<Canary>(std::move(peer), config, request, std::move(done))->start();
}

}  // namespace strata::probe

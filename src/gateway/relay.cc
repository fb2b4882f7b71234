// Connection's other half: choosing an upstream, asking it, passing its answer on.
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "base/hash.h"
#include "base/log.h"
#include "gateway/connection.h"
#include "gateway/form_body.h"
#include "gateway/json_cursor.h"
#include "net/headers.h"

namespace strata::gateway {
namespace {

namespace asio = boost::asio;
using net::equals_ignoring_case;

constexpr size_t kJoin = size_t{16} << 10;        // a body up to this goes out with its head
constexpr size_t kPrefixBytes = size_t{1} << 10;  // of a prompt, for affinity
constexpr std::chrono::minutes kNoUsageFor{10};
constexpr uint64_t kBytesPerToken = 4;
constexpr std::string_view kModelsPath = "/v1/models";
constexpr std::string_view kModelPath = "/v1/models/";  // of one

constexpr std::array<WantedMember, 3> kAnswer = {{{"usage"}, {"error"}, {"usage", "response"}}};
enum AnswerMember : size_t { kUsage, kError, kInnerUsage };

bool says_event_stream(std::string_view content_type) {
  static constexpr std::string_view kType = "text/event-stream";
  return content_type.size() >= kType.size() &&
         equals_ignoring_case(content_type.substr(0, kType.size()), kType);
}

bool is_retried_status(int status) { return status == 502 || status == 503 || status == 504; }

/// The field is the gateway's to write, of a request.
bool is_ours(std::string_view name) {
  return equals_ignoring_case(name, "host") || equals_ignoring_case(name, "content-length") ||
         equals_ignoring_case(name, "expect");
}

bool is_credential(std::string_view name) {
  return equals_ignoring_case(name, "authorization") || equals_ignoring_case(name, "x-api-key") ||
         equals_ignoring_case(name, "api-key");
}

}  // namespace

/// Tries upstreams until one answered; false when the connection is to be closed.
asio::awaitable<bool> Connection::relay() {
  read_prompt();
  Router& router = *settings_->router;
  const bool asks_models = endpoint_->path == kModelsPath && head_.method != "POST";
  if (asks_models && router.upstreams().size() > 1) co_return co_await list_models();
  model_label_ = core_->meter.model_label(record_.model, router.lists(record_.model));
  if (!router.serves(record_.model)) {
    co_return co_await refuse(404, "no upstream serves this model", Outcome::kInvalid);
  }
  const uint64_t prefix = hash64(std::string_view(body_).substr(0, kPrefixBytes));
  core_->meter.began(model_label_);
  std::vector<const Upstream*> tried;
  auto upstream = router.choose(record_.model, prefix, tried);
  Attempt came_to = Attempt::kElsewhere;
  bool fresh = false;
  bool again = false;
  while (upstream != nullptr && came_to != Attempt::kAnswered && came_to != Attempt::kGivenUp) {
    if (came_to != Attempt::kAgain) tried.push_back(upstream.get());
    auto next = router.choose(record_.model, prefix, tried);
    const bool last =
        next == nullptr || tried.size() > settings_->config.retries || core_->retry_budget < 1;
    came_to = co_await attempt(upstream, fresh, last);
    fresh = came_to == Attempt::kAgain;
    if (came_to == Attempt::kElsewhere) {
      core_->meter.retried(upstream->name());
      core_->retry_budget -= 1;
      upstream = std::move(next);
    }
  }
  if (came_to == Attempt::kAnswered) again = co_await pass_answer();
  if (came_to == Attempt::kGivenUp && !client_gone_) {
    const bool late = record_.outcome == Outcome::kUpstreamTimeout;
    again = co_await refuse(late ? 504 : 502,
                            late ? "the upstream took too long" : "the upstream cannot be reached",
                            record_.outcome);
  }
  core_->meter.ended(model_label_);
  co_return again;
}

/// What the request says of model and stream.
void Connection::read_prompt() {
  if (endpoint_->json) {
    if (prompt_[kModel].there()) record_.model = json_string(prompt_[kModel].value).value_or("");
    stream_ = prompt_[kStream].there() && json_bool(prompt_[kStream].value).value_or(false);
  } else if (endpoint_->form) {
    const std::string boundary = form_boundary(head_.value("content-type"));
    record_.model = form_field(body_, boundary, "model").value_or("");
    stream_ = form_field(body_, boundary, "stream") == "true";
  } else if (const auto path = head_.path(); path.starts_with(kModelPath)) {
    const std::string_view model = path.substr(kModelPath.size());
    if (settings_->router->lists(model)) record_.model = model;
  }
  record_.stream = stream_;
}

/// One attempt up to the answer's head. `last`: whatever comes of it is what the client gets.
asio::awaitable<Connection::Attempt> Connection::attempt(std::shared_ptr<Upstream> upstream,
                                                         bool fresh, bool last) {
  call_ = std::make_unique<UpstreamCall>(core_->call_context(), upstream, body_.size());
  record_.upstream = upstream->name();
  if (!fresh) ++record_.attempts;
  timed_out_ = false;
  plan_usage(*upstream);
  write_request_head(*upstream);
  const CallError error = co_await ask(fresh);
  deadline_.clear();
  on_upstream_ = false;
  if (client_gone_) co_return Attempt::kGivenUp;
  if (error != CallError::kNone) co_return judge_failure(error, last);

  const int status = call_->head().status;
  if (status >= 500) {
    settings_->router->failed(upstream);
  } else {
    settings_->router->succeeded(*upstream);
  }
  if (is_retried_status(status) && !last) co_return Attempt::kElsewhere;
  if (status >= 400 && status < 500 && usage_request_.splice && co_await refused_usage()) {
    upstream->no_usage_until = Clock::now() + kNoUsageFor;
    log_info("an upstream does not take stream_options; its streams are counted by events",
             {{"upstream", upstream->name()}});
    co_return Attempt::kAgain;
  }
  co_return client_gone_ ? Attempt::kGivenUp : Attempt::kAnswered;
}

/// Connects, sends, and waits for the answer's head.
asio::awaitable<CallError> Connection::ask(bool fresh) {
  const config::GatewayConfig& config = settings_->config;
  on_upstream_ = true;
  deadline_.set(config.connect_timeout);
  auto error = co_await call_->connect(fresh, config.connect_timeout);
  if (error != CallError::kNone || client_gone_) co_return error;
  deadline_.set(config.idle_timeout);
  const std::string_view body = body_;
  std::array<std::string_view, 4> pieces = {out_, body};
  if (const auto& splice = usage_request_.splice) {
    pieces = {out_, body.substr(0, splice->at), splice->insert,
              body.substr(splice->at + splice->erase)};
  }
  if (body.size() <= kJoin) {
    for (size_t i = 1; i < pieces.size(); ++i) out_ += pieces[i];
    pieces = {out_};
  }
  const auto sent = co_await call_->send(pieces);
  if (config.first_byte_timeout > Millis(0)) {
    deadline_.set(config.first_byte_timeout);
  } else {
    deadline_.clear();
  }
  // An upstream that refuses may close before it has read everything: its answer counts.
  error = co_await call_->read_head(head_.method == "HEAD");
  co_return error != CallError::kNone&& sent != CallError::kNone && !call_->answered() ? sent
                                                                                       : error;
}

Connection::Attempt Connection::judge_failure(CallError error, bool last) {
  const auto upstream = call_->upstream_ptr();
  log_debug("an upstream failed", {{"upstream", upstream->name()}, {"error", call_->why()}});
  // The upstream may close a connection that was idle just as we use it: no fault of anyone's.
  const bool stale = error == CallError::kReset && call_->reused() && !call_->answered();
  if (stale && !timed_out_) return Attempt::kAgain;
  settings_->router->failed(upstream);
  record_.outcome = timed_out_ && error != CallError::kUnreachable ? Outcome::kUpstreamTimeout
                    : error == CallError::kMalformed               ? Outcome::kUpstreamError
                                                                   : Outcome::kUpstreamReset;
  const bool may_retry = !last && record_.outcome != Outcome::kUpstreamTimeout;
  return may_retry ? Attempt::kElsewhere : Attempt::kGivenUp;
}

void Connection::plan_usage(const Upstream& upstream) {
  usage_request_ = {};
  if (!endpoint_->asks_usage || !stream_) return;
  usage_request_ = request_usage(prompt_, upstream.counts_running());
  const bool may = settings_->config.request_usage && upstream.asks_usage() && prompt_.whole() &&
                   Clock::now() >= upstream.no_usage_until;
  if (!may) usage_request_.splice.reset();
}

/// Into out_: the client's fields in their order, but for what is about the connection.
void Connection::write_request_head(const Upstream& upstream) {
  out_.clear();
  out_.append(head_.method).append(" ").append(head_.target).append(" HTTP/1.1\r\nHost: ");
  out_.append(upstream.url().authority()).append("\r\n");
  const bool own_key = !upstream.authorization().empty();
  bool has_id = false;
  for (const auto& [name, value] : head_.fields) {
    if (is_ours(name) || is_hop_by_hop(head_, name)) continue;
    // What is compressed cannot be read in passing.
    if (endpoint_->reads_answer() && equals_ignoring_case(name, "accept-encoding")) continue;
    if (own_key && is_credential(name)) continue;
    has_id = has_id || equals_ignoring_case(name, "x-request-id");
    out_.append(name).append(": ").append(value).append("\r\n");
  }
  if (own_key) out_.append("Authorization: ").append(upstream.authorization()).append("\r\n");
  if (!has_id) fmt::format_to(std::back_inserter(out_), "X-Request-Id: {:016x}\r\n", record_.id);
  if (head_.framing != Framing::kNone) {
    uint64_t size = body_.size();
    if (const auto& splice = usage_request_.splice) {
      size = size - splice->erase + splice->insert.size();
    }
    fmt::format_to(std::back_inserter(out_), "Content-Length: {}\r\n", size);
  }
  out_ += "\r\n";
}

/// Whether an answer of 4xx is about the stream_options that the gateway put in. The piece that it
/// looks at stays for the client.
asio::awaitable<bool> Connection::refused_usage() {
  on_upstream_ = true;
  deadline_.set(settings_->config.idle_timeout);
  has_ahead_ = co_await call_->read_body(ahead_) == CallError::kNone;
  on_upstream_ = false;
  const bool about_it = ahead_.contains("stream_options") || ahead_.contains("include_usage") ||
                        ahead_.contains("continuous_usage");
  if (about_it) has_ahead_ = false;
  co_return about_it;
}

asio::awaitable<bool> Connection::pass_answer() {
  const ResponseHead& head = call_->head();
  record_.status = static_cast<uint16_t>(head.status);
  note_answer(head);
  const bool chunked = write_answer_head();
  head_pending_ = true;
  const bool whole = co_await pass_body(chunked);
  settle_outcome(whole);
  settle_usage();
  if (whole) call_->finish();
  co_return whole;
}

/// Sets up what reads the answer in passing.
void Connection::note_answer(const ResponseHead& head) {
  if (!endpoint_->reads_answer() || head.has("content-encoding")) return;
  if (head.status / 100 == 2) {
    call_->upstream().last_model = record_.model;
    model_label_ = core_->meter.model_label(record_.model, true);
  }
  if (says_event_stream(head.value("content-type"))) {
    const bool asked = usage_request_.splice.has_value();
    const bool running = asked && call_->upstream().counts_running();
    sse_.emplace(SseRelay::Options{.strip_frame = asked && !usage_request_.client_wants_frame,
                                   .strip_members = running && !usage_request_.client_wants_running,
                                   .strip_null_usage = asked && !usage_request_.client_wants_frame,
                                   .exclusive_usage = endpoint_->exclusive});
  } else if (head.status / 100 == 2) {
    answer_.emplace(kAnswer);
  }
}

/// Into out_; true when the body goes out in chunks.
bool Connection::write_answer_head() {
  const ResponseHead& head = call_->head();
  const bool may_shrink = sse_.has_value() && usage_request_.splice.has_value();
  const bool as_it_is =
      head.framing == Framing::kNone || (head.framing == Framing::kLength && !may_shrink);
  const bool chunked = !as_it_is && head_.version >= 11;
  if (!as_it_is && !chunked) keep_alive_ = false;  // HTTP/1.0: the end is the connection's
  out_ = fmt::format("HTTP/1.1 {} {}\r\n", head.status, head.reason);
  bool has_id = false;
  for (const auto& [name, value] : head.fields) {
    if (is_hop_by_hop(head, name)) continue;
    if (!as_it_is && equals_ignoring_case(name, "content-length")) continue;
    has_id = has_id || equals_ignoring_case(name, "x-request-id");
    out_.append(name).append(": ").append(value).append("\r\n");
  }
  if (!has_id && !head_.has("x-request-id")) {
    fmt::format_to(std::back_inserter(out_), "X-Request-Id: {:016x}\r\n", record_.id);
  }
  if (chunked) out_ += "Transfer-Encoding: chunked\r\n";
  if (!keep_alive_ || finishing_) {
    out_ += "Connection: close\r\n";
    keep_alive_ = false;
  } else if (head_.version < 11) {
    out_ += "Connection: keep-alive\r\n";
  }
  out_ += "\r\n";
  return chunked;
}

/// True when the client got all of the body.
asio::awaitable<bool> Connection::pass_body(bool chunked) {
  body_ = {};  // no more attempts: the prompt's memory goes back
  core_->buffered_bytes -= std::exchange(accounted_, 0);
  record_.ttfb = since_request();
  while (true) {
    std::string_view piece = ahead_;
    if (!std::exchange(has_ahead_, false)) {
      if (head_pending_ && !call_->has_more() && !call_->body_done()) {
        head_pending_ = false;  // the body takes its time: the head does not wait for it
        if (!co_await write(out_)) co_return false;
      }
      on_upstream_ = true;
      deadline_.set(settings_->config.idle_timeout);
      const auto error = co_await call_->read_body(piece);
      deadline_.clear();
      on_upstream_ = false;
      if (client_gone_ || error != CallError::kNone) co_return false;
    }
    const bool over = piece.empty();
    record_.response_bytes += piece.size();
    note_piece(piece);
    if (sse_) piece = over ? sse_->finish() : sse_->feed(piece);
    if (sse_ && !over) note_piece({});
    if (!co_await send_piece(piece, chunked)) co_return false;
    if (!over) continue;
    std::string_view end = chunked ? "0\r\n\r\n" : "";
    if (std::exchange(head_pending_, false)) {
      out_ += end;
      end = out_;
    }
    co_return end.empty() || co_await write(end);
  }
}

/// What the answer says, and when.
void Connection::note_piece(std::string_view piece) {
  if (answer_ && !piece.empty()) answer_->feed(piece);
  if (!sse_ || sse_->content_events() == events_seen_) return;
  events_seen_ = sse_->content_events();
  record_.last = since_request();
  if (record_.ttft == RequestRecord::kNever) record_.ttft = record_.last;
}

asio::awaitable<bool> Connection::send_piece(std::string_view piece, bool chunked) {
  if (piece.empty()) co_return true;
  if (must_look_) {
    pollfd socket{client_->socket().native_handle(), POLLRDHUP, 0};
    if (::poll(&socket, 1, 0) > 0) {
      client_gone_ = true;
      co_return false;
    }
  }
  if (!std::exchange(head_pending_, false)) out_.clear();
  if (chunked) fmt::format_to(std::back_inserter(out_), "{:x}\r\n", piece.size());
  if (piece.size() <= kJoin) {
    out_ += piece;
    if (chunked) out_ += "\r\n";
    co_return co_await write(out_);
  }
  if (!co_await write(out_, piece)) co_return false;
  co_return !chunked || co_await write("\r\n");
}

void Connection::settle_outcome(bool whole) {
  const int status = record_.status;
  if (client_gone_) {
    record_.outcome = Outcome::kClientCancel;
  } else if (!whole) {
    record_.outcome = timed_out_ ? Outcome::kUpstreamTimeout : Outcome::kUpstreamReset;
    keep_alive_ = false;
    cut();  // so that the client sees that the answer is not whole
    client_gone_ = false;
  } else if (status >= 500 || (sse_ && sse_->error())) {
    record_.outcome = Outcome::kUpstreamError;
  } else if (status == 429) {
    record_.outcome = Outcome::kRateLimited;
  } else {
    record_.outcome = status >= 400 ? Outcome::kInvalid : Outcome::kOk;
  }
}

/// The ladder of usage_source: the engine's last word, its running count, events, bytes.
void Connection::settle_usage() {
  if (!endpoint_->tokens || record_.status / 100 != 2) return;
  const bool whole = record_.outcome == Outcome::kOk;
  Usage& usage = record_.usage;
  if (sse_) {
    usage = sse_->usage();
    if (usage.any()) {
      record_.usage_source =
          whole || sse_->final_usage() ? UsageSource::kFinal : UsageSource::kContinuous;
      if (whole || !endpoint_->exclusive || sse_->content_events() <= usage.output) return;
      usage.output = sse_->content_events();  // message_start says 1 and the rest at the end
    } else if (endpoint_->estimates) {
      usage.output = sse_->content_events();
      usage.input = record_.request_bytes / kBytesPerToken;
    } else {
      return;
    }
    record_.usage_source = UsageSource::kCounted;
    return;
  }
  if (!answer_) return;
  for (const size_t member : {kUsage, kInnerUsage}) {
    if (!(*answer_)[member].there()) continue;
    read_usage((*answer_)[member].value, endpoint_->exclusive, usage);
  }
  if (usage.any()) {
    record_.usage_source = UsageSource::kFinal;
  } else if (whole && endpoint_->estimates) {
    usage.input = record_.request_bytes / kBytesPerToken;
    usage.output = record_.response_bytes / kBytesPerToken;
    record_.usage_source = UsageSource::kEstimated;
  }
}

}  // namespace strata::gateway

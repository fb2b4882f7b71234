#include "gateway/connection.h"

#include <fmt/format.h>
#include <poll.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>

#include "base/json.h"
#include "base/log.h"
#include "gateway/json_cursor.h"
#include "net/http.h"
#include "net/loop_impl.h"

namespace strata::gateway {
namespace {

namespace asio = boost::asio;
constexpr size_t kRead = size_t{4} << 10;
constexpr size_t kBodyRead = size_t{256} << 10;
constexpr size_t kLingerBytes = size_t{2} << 20;
constexpr std::chrono::seconds kLinger{2};
constexpr std::chrono::seconds kHeadTimeout{30};
constexpr std::chrono::seconds kBodyTimeout{60};  // without a byte
constexpr std::chrono::seconds kIdleTimeout{120};
constexpr uint16_t kClientLeft = 499;  // nginx' number for it

/// An error as the API's clients expect it.
std::string error_body(const Endpoint& endpoint, int status, std::string_view message) {
  const std::string_view type = status == 401   ? "authentication_error"
                                : status == 429 ? "rate_limit_error"
                                : status < 500  ? "invalid_request_error"
                                                : "server_error";
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  if (endpoint.exclusive) json.key("type").string("error");
  json.key("error").begin_object().key("message").string(message).key("type").string(type);
  if (!endpoint.exclusive) json.key("param").null().key("code").null();
  json.end_object().end_object();
  return out;
}

}  // namespace

Connection::Connection(std::shared_ptr<GatewayCore> core, std::unique_ptr<net::Stream> client,
                       std::string remote)
    : core_(std::move(core)),
      client_(std::move(client)),
      remote_(std::move(remote)),
      deadline_(core_->loop.impl().io, [this] { on_deadline(); }) {
  core_->connections.insert(this);
  core_->running.began();
}

Connection::~Connection() {
  core_->connections.erase(this);
  core_->running.ended();
}

void Connection::start() {
  asio::co_spawn(core_->loop.impl().io, run(),
                 [self = shared_from_this()](const std::exception_ptr& e) {
                   if (e) log_error("a connection ended by an exception");
                 });
}

void Connection::finish() {
  finishing_ = true;
  boost::system::error_code ignored;
  if (idle_) client_->socket().cancel(ignored);
}

void Connection::cut() {
  finishing_ = true;
  client_gone_ = true;
  client_->close();
  if (call_) call_->abort();
}

std::optional<std::chrono::steady_clock::time_point> Connection::waiting_since() const {
  if (!exchanging_ || record_.ttfb != RequestRecord::kNever) return std::nullopt;
  return asked_at_;
}

void Connection::on_deadline() {
  timed_out_ = true;
  if (on_upstream_) {
    if (call_) call_->abort();
    return;
  }
  boost::system::error_code ignored;
  client_->socket().cancel(ignored);
}

asio::awaitable<void> Connection::run() {
  const auto self = shared_from_this();
  deadline_.set(kHeadTimeout);
  if (const Result<> shook = co_await client_->handshake(); shook) {
    bool again = true;
    while (again) again = co_await serve_one();
    if (!client_gone_) co_await linger();
  }
  deadline_.clear();
  client_->close();
}

/// False when the connection is to be closed.
asio::awaitable<bool> Connection::serve_one() {
  in_.shrink(0);
  if (!co_await read_head()) co_return false;
  begin_record();
  std::string_view why;
  int status = 0;
  Outcome outcome = Outcome::kInvalid;
  bool again = false;
  if (!admit(why, status, outcome)) {
    keep_alive_ = false;  // its body is not read
    co_await refuse(status, why, outcome);
  } else if (co_await read_body()) {
    exchanging_ = true;
    in_.shrink(0);
    watch_client();
    again = co_await relay();
    exchanging_ = false;
  }
  end_record();
  co_return again&& keep_alive_ && !finishing_ && !client_gone_;
}

/// False when there is no request to serve; a head that cannot be is answered here.
asio::awaitable<bool> Connection::read_head() {
  size_t size = 0;
  size_t looked_at = 0;
  idle_ = in_.unread().empty();
  timed_out_ = false;
  on_upstream_ = false;
  keep_alive_ = false;
  deadline_.set(idle_ ? kIdleTimeout : kHeadTimeout);
  while ((size = head_size(in_.unread(), looked_at)) == 0) {
    if (in_.unread().starts_with("\r\n")) {  // empty lines before a request (RFC 9112, 2.2)
      in_.consume(2);
      continue;
    }
    looked_at = in_.unread().size();
    if (looked_at > kMaxHead) break;
    if (finishing_ && looked_at == 0) co_return false;
    if (!co_await read_more(kRead)) {
      idle_ = false;
      if (looked_at == 0 || !timed_out_) co_return false;
      co_return co_await refuse_head(408, "the header took too long");
    }
    if (std::exchange(idle_, false)) deadline_.set(kHeadTimeout);
  }
  idle_ = false;
  if (size == 0 || size > kMaxHead) {
    co_return co_await refuse_head(431, "a header of more than 64 KiB");
  }
  head_text_ = in_.unread().substr(0, size);
  in_.consume(size);
  if (const auto fault = parse_request_head(head_text_, head_)) {
    co_return co_await refuse_head(fault->status, fault->reason);
  }
  co_return true;
}

/// What came is no request, so that nobody can be named for it.
asio::awaitable<bool> Connection::refuse_head(int status, std::string_view reason) {
  core_->meter.malformed();
  endpoint_ = &endpoint_of("");
  co_await refuse(status, reason, Outcome::kInvalid);
  co_return false;
}

void Connection::begin_record() {
  settings_ = core_->settings;
  endpoint_ = &endpoint_of(head_.path());
  began_at_ = asked_at_ = Clock::now();
  record_ = RequestRecord();
  record_.at_ms = core_->clock.now_ms();
  record_.id = ++core_->last_id;
  record_.endpoint = endpoint_->path;
  keep_alive_ = head_.keep_alive;
  stream_ = false;
  must_look_ = false;
  retry_after_ = 1;
  events_seen_ = 0;
  has_ahead_ = false;
  head_pending_ = false;
  body_.clear();
  prompt_.reset();
  sse_.reset();
  answer_.reset();
  usage_request_ = {};
  ++core_->in_flight;
  core_->retry_budget =
      std::min(GatewayCore::kRetryBurst, core_->retry_budget + GatewayCore::kRetryShare);
}

/// Whether the request may go on to its body.
bool Connection::admit(std::string_view& why, int& status, Outcome& outcome) {
  const config::GatewayConfig& config = settings_->config;
  const auto no = [&](int with, std::string_view reason, Outcome of = Outcome::kInvalid) {
    status = with;
    why = reason;
    outcome = of;
    return false;
  };
  auto who = settings_->tenants->who(head_, remote_, record_.at_ms);
  record_.tenant = std::move(who.tenant);
  tenant_label_ = core_->meter.tenant_label(record_.tenant, record_.at_ms);
  model_label_ = core_->meter.model_label({}, false);
  if (who.verdict == Tenants::Verdict::kRefused) return no(401, "the API key is not known");
  if (const auto wait = core_->budgets.exhausted(record_.tenant, record_.at_ms)) {
    retry_after_ = *wait;
    return no(429, "the tenant's budget of the day is spent", Outcome::kRateLimited);
  }
  if (head_.method == "CONNECT") return no(405, "no CONNECT");
  const auto most = static_cast<uint64_t>(config.max_body.bytes);
  if (head_.length > most) return no(413, "the body is larger than the gateway takes");
  if (core_->in_flight > config.max_requests) {
    return no(503, "too many requests are under way", Outcome::kOverload);
  }
  if (core_->buffered_bytes + head_.length > static_cast<uint64_t>(config.max_buffered.bytes)) {
    return no(503, "too many bytes of requests wait", Outcome::kOverload);
  }
  accounted_ = head_.length;
  core_->buffered_bytes += accounted_;
  return true;
}

void Connection::end_record() {
  deadline_.clear();
  call_.reset();
  body_ = {};
  core_->buffered_bytes -= std::exchange(accounted_, 0);
  --core_->in_flight;
  record_.duration = Clock::now() - began_at_;
  if (client_gone_ && record_.status == 0) record_.status = kClientLeft;
  if (client_gone_ && record_.outcome != Outcome::kOk) record_.outcome = Outcome::kClientCancel;
  if (const auto cost = settings_->prices->cost(record_.model, record_.at_ms, record_.usage);
      cost && record_.usage_source != UsageSource::kNone) {
    record_.cost_nano_usd = cost->nano_usd;
    record_.price_version = cost->price_version;
  }
  core_->meter.record(record_, model_label_, tenant_label_);
  core_->budgets.charge(record_);
  if (core_->ledger != nullptr) core_->ledger->append(record_);
  settings_.reset();
}

asio::awaitable<bool> Connection::read_body() {
  if (head_.framing == Framing::kNone || (head_.framing == Framing::kLength && head_.length == 0)) {
    co_return true;
  }
  deadline_.set(kBodyTimeout);
  if (head_.expects_continue && in_.unread().empty()) {
    if (!co_await write("HTTP/1.1 100 Continue\r\n\r\n")) co_return false;
    deadline_.set(kBodyTimeout);
  }
  const bool whole =
      head_.framing == Framing::kLength ? co_await read_plain_body() : co_await read_chunked_body();
  asked_at_ = Clock::now();
  record_.request_bytes = body_.size();
  if (!whole && record_.status == 0) {
    client_gone_ = true;
    record_.outcome = Outcome::kClientCancel;
  }
  co_return whole;
}

void Connection::take_body(std::string_view bytes) {
  body_ += bytes;
  if (endpoint_->json) prompt_.feed(bytes);
  deadline_.set(kBodyTimeout);
}

asio::awaitable<bool> Connection::read_plain_body() {
  body_.reserve(head_.length);  // at most max_body; pages come when they are written
  while (true) {
    const size_t left = head_.length - body_.size();
    const std::string_view piece = in_.unread().substr(0, left);
    take_body(piece);
    in_.consume(piece.size());
    if (body_.size() == head_.length) co_return true;
    if (!co_await read_more(std::min(left - piece.size(), kBodyRead))) co_return false;
  }
}

asio::awaitable<bool> Connection::read_chunked_body() {
  ChunkedDecoder chunks;
  const auto most = static_cast<uint64_t>(settings_->config.max_body.bytes);
  const auto room = static_cast<uint64_t>(settings_->config.max_buffered.bytes);
  while (true) {
    const auto decoded = chunks.decode(in_.unread_bytes());
    take_body(in_.unread().substr(0, decoded.payload));
    in_.consume(decoded.used);
    core_->buffered_bytes += decoded.payload;
    accounted_ += decoded.payload;
    int status = 0;
    if (chunks.failed()) status = 400;
    if (body_.size() > most) status = 413;
    if (core_->buffered_bytes > room) status = 503;
    if (status != 0) {
      keep_alive_ = false;
      co_await refuse(status,
                      status == 400   ? "chunks that are none"
                      : status == 413 ? "the body is larger than the gateway takes"
                                      : "too many bytes of requests wait",
                      status == 503 ? Outcome::kOverload : Outcome::kInvalid);
      co_return false;
    }
    if (chunks.done()) co_return true;
    if (!co_await read_more(kBodyRead)) co_return false;
  }
}

/// At least one more byte is in in_; false at the end, on an error or past the deadline.
asio::awaitable<bool> Connection::read_more(size_t at_least) {
  if (idle_) {  // no buffer waits with it
    if (const auto error = co_await client_->wait_readable()) {
      if (!timed_out_ && error != asio::error::operation_aborted) client_gone_ = true;
      co_return false;
    }
  }
  const auto room = in_.prepare(at_least);
  const net::IoResult read = co_await client_->read_some(asio::buffer(room.data(), room.size()));
  if (read.error) {
    if (!timed_out_ && read.error != asio::error::operation_aborted) client_gone_ = true;
    co_return false;
  }
  in_.commit(read.bytes);
  co_return true;
}

asio::awaitable<bool> Connection::write(std::string_view first, std::string_view second) {
  on_upstream_ = false;
  const std::chrono::nanoseconds most =
      settings_ ? settings_->config.write_timeout : std::chrono::milliseconds(kBodyTimeout);
  const auto error = co_await client_->write_all({asio::buffer(first), asio::buffer(second)},
                                                 [&] { deadline_.set(most); });
  if (error || timed_out_) client_gone_ = true;
  deadline_.clear();
  co_return !client_gone_;
}

asio::awaitable<bool> Connection::refuse(int status, std::string_view message, Outcome outcome) {
  if (endpoint_ == nullptr) endpoint_ = &endpoint_of("");
  record_.status = static_cast<uint16_t>(status);
  record_.outcome = outcome;
  timed_out_ = false;  // that of the upstream, or of the head, is not this answer's
  const std::string body = error_body(*endpoint_, status, message);
  out_ = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
                     status, net::reason_phrase(status), body.size());
  if (status == 503 || status == 429) {
    fmt::format_to(std::back_inserter(out_), "Retry-After: {}\r\n", retry_after_);
  }
  if (status == 401) out_ += "WWW-Authenticate: Bearer\r\n";
  if (!keep_alive_) out_ += "Connection: close\r\n";
  out_.append("\r\n").append(body);
  co_return co_await write(out_) && keep_alive_;
}

/// Closing with bytes unread makes the kernel reset the connection, and the client lose the answer
/// (RFC 9112, 9.6).
asio::awaitable<void> Connection::linger() {
  timed_out_ = false;
  on_upstream_ = false;
  deadline_.set(kLinger);
  co_await client_->shutdown_write();
  for (size_t dropped = 0; dropped < kLingerBytes;) {
    dropped += in_.unread().size();
    in_.consume(in_.unread().size());
    if (timed_out_ || !co_await read_more(kRead)) break;
  }
}

/// While the upstream works, the client's socket tells when the client leaves; no buffer waits for
/// it.
void Connection::watch_client() {
  if (watching_ || client_gone_) return;
  if (!in_.unread().empty()) {
    must_look_ = true;
    return;
  }
  watching_ = true;
  client_->socket().async_wait(asio::socket_base::wait_read,
                               [self = shared_from_this()](const boost::system::error_code& error) {
                                 self->watching_ = false;
                                 if (!error) self->client_moved();
                               });
}

void Connection::client_moved() {
  if (!exchanging_ || client_gone_) return;
  pollfd socket{client_->socket().native_handle(), POLLRDHUP, 0};
  if (::poll(&socket, 1, 0) <= 0) {
    must_look_ = true;  // it sent ahead: this wait would end at once from now on
    return;
  }
  client_gone_ = true;
  if (call_) call_->abort();
}

}  // namespace strata::gateway

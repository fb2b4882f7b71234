#include "net/http_connection.h"

#include <boost/asio/co_spawn.hpp>
#include <charconv>

#include "base/log.h"
#include "net/http_date.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;

constexpr size_t kLargeRead = size_t{64} << 10;  // while a body comes
constexpr size_t kJoin = size_t{16} << 10;       // a body up to this goes out with its header
constexpr size_t kLingerBytes = size_t{1} << 20;
constexpr std::chrono::seconds kLinger{2};

void append_number(std::string& out, size_t number, int base = 10) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, base).ptr;
  out.append(digits, end);
}

bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

/// Fields that are the server's to set.
bool is_ours(std::string_view name) {
  return equals_ignoring_case(name, "content-length") || equals_ignoring_case(name, "connection") ||
         equals_ignoring_case(name, "transfer-encoding") || equals_ignoring_case(name, "date") ||
         equals_ignoring_case(name, "server");
}

}  // namespace

HttpConnection::HttpConnection(std::shared_ptr<ServerCore> core, std::unique_ptr<Stream> stream,
                               std::string remote_address)
    : core_(std::move(core)),
      stream_(std::move(stream)),
      remote_address_(std::move(remote_address)),
      deadline_(core_->loop.impl().io,
                [this] {
                  boost::system::error_code ignored;
                  stream_->socket().cancel(ignored);
                }),
      signal_(core_->loop.impl().io) {
  core_->connections.insert(this);
  ++core_->open;
  core_->running.began();
}

HttpConnection::~HttpConnection() {
  // The loop ended under us: the handler may still hold its Exchange.
  if (answer_) answer_->abandon();
  core_->connections.erase(this);
  --core_->open;
  core_->running.ended();
}

void HttpConnection::start() {
  asio::co_spawn(
      core_->loop.impl().io, run(), [self = shared_from_this()](const std::exception_ptr& e) {
        if (e) log_error("a connection ended by an exception", {{"client", self->remote_address_}});
      });
}

void HttpConnection::finish() {
  finishing_ = true;
  if (!idle_) return;
  boost::system::error_code ignored;
  stream_->socket().cancel(ignored);
}

void HttpConnection::cut() {
  cut_ = true;
  if (answer_) answer_->abandon();
  stream_->close();
  signal_.notify();
}

asio::awaitable<void> HttpConnection::run() {
  const auto self = shared_from_this();
  deadline_.set(core_->options.header_timeout);
  const Result<> shook = co_await stream_->handshake();
  if (!shook) {
    ++core_->rejected;
    log_debug("connection refused",
              {{"client", remote_address_}, {"error", shook.error().message}});
  } else {
    while (co_await serve_one()) {
    }
    if (answered_) co_await linger();
  }
  deadline_.clear();
  stream_->close();
  while (reading_ahead_) co_await signal_.wait();
}

HttpConnection::Awaitable HttpConnection::serve_one() {
  HttpRequest request;
  std::optional<RequestParser> parser(
      std::in_place, request,
      RequestParser::Limits{core_->options.max_header_bytes, core_->options.max_body_bytes});
  if (!co_await read_request(*parser)) co_return false;
  const bool keep_alive = parser->keep_alive();
  parser.reset();
  input_.shrink(kSmallRead);
  read_size_ = kSmallRead;

  ++core_->requests;
  const bool head_only = request.method == "HEAD";
  const int version = request.version;
  request.remote_address = remote_address_;
  request.tls = core_->tls != nullptr;
  if (request.tls) request.tls_client_name = stream_->peer_name();
  auto exchange = std::make_shared<ServerExchange>(std::move(request));
  auto wake = [loop = &core_->loop, weak = weak_from_this()] {
    // From the loop's own thread, inside the handler, nobody waits yet: the answer is seen there.
    auto notify = [weak] {
      if (const auto self = weak.lock()) self->signal_.notify();
    };
    loop->here() ? notify() : loop->post(std::move(notify));
  };
  answer_ = std::make_shared<Answer>(std::move(wake), exchange->stop_source(),
                                     core_->options.max_buffered_bytes);
  exchange->set_answer(answer_);
  deadline_.clear();
  core_->handler(std::move(exchange));

  if (!answer_->begun()) watch_client();
  while (!answer_->begun() && !cut_) co_await signal_.wait();
  const bool again = !cut_ && co_await send(answer_, head_only, version, keep_alive);
  if (again) {
    answer_->detach();
  } else {
    answer_->abandon();
  }
  answer_.reset();
  co_return again;
}

HttpConnection::Awaitable HttpConnection::read_request(RequestParser& parser) {
  bool begun = false;
  bool in_body = false;
  idle_ = true;
  answered_ = false;
  deadline_.set(core_->options.idle_timeout);
  while (true) {
    // Empty lines before a request are to be ignored (RFC 9112, 2.2).
    while (!begun && (input_.unread().starts_with('\r') || input_.unread().starts_with('\n'))) {
      input_.consume(1);
    }
    if (!input_.unread().empty()) {
      if (!begun) deadline_.set(core_->options.header_timeout);
      begun = true;
      idle_ = false;
      input_.consume(parser.feed(input_.unread()));
      if (parser.rejected()) co_return co_await reject(*parser.rejected());
      if (parser.done()) co_return true;
    }
    if (parser.header_done() && !in_body) {
      in_body = true;
      deadline_.set(core_->options.body_timeout);
      if (parser.expects_continue() && input_.unread().empty()) {
        if (!co_await write("HTTP/1.1 100 Continue\r\n\r\n", {})) co_return false;
        deadline_.set(core_->options.body_timeout);
      }
    }
    if (idle_ && finishing_) co_return false;
    if (!co_await read_more()) break;
  }
  idle_ = false;
  if (begun && deadline_.expired()) {
    co_return co_await reject(
        {408, in_body ? "the body took too long" : "the header took too long"});
  }
  co_return false;
}

HttpConnection::Awaitable HttpConnection::reject(Rejection rejection) {
  ++core_->rejected;
  log_debug(
      "request refused",
      {{"client", remote_address_}, {"status", rejection.status}, {"reason", rejection.reason}});
  const HttpResponse response = text_response(rejection.status, rejection.reason + "\n");
  write_head(response, 11, false, response.body.size(), false);
  head_ += response.body;
  co_await write(head_, {});
  co_return false;
}

HttpConnection::Awaitable HttpConnection::send(std::shared_ptr<Answer> answer, bool head_only,
                                               int version, bool keep_alive) {
  const bool whole = answer->state() == Answer::State::kWhole;
  const HttpResponse response = answer->take_head();
  keep_alive = keep_alive && !finishing_ && !peer_done_ &&
               !response.headers.has_token("connection", "close");
  if (has_no_body(response.status)) {
    write_head(response, version, keep_alive, std::nullopt, false);
    co_return co_await write(head_, {}) && keep_alive&& whole;
  }
  if (!whole) {
    const bool chunked = version >= 11;
    write_head(response, version, keep_alive && chunked, std::nullopt, chunked);
    if (!co_await write(head_, {})) co_return false;
    co_return co_await send_stream(std::move(answer), head_only, chunked) && keep_alive&& chunked;
  }
  write_head(response, version, keep_alive, response.body.size(), false);
  if (head_only) co_return co_await write(head_, {}) && keep_alive;
  if (response.body.size() <= kJoin) {
    head_ += response.body;
    co_return co_await write(head_, {}) && keep_alive;
  }
  watch_client();  // a large body may take long: hear of a client that leaves
  co_return co_await write(head_, response.body) && keep_alive;
}

HttpConnection::Awaitable HttpConnection::send_stream(std::shared_ptr<Answer> answer,
                                                      bool head_only, bool chunked) {
  watch_client();
  while (!cut_) {
    const Answer::State state = answer->take_body(piece_);
    if (!piece_.empty() && !head_only) {
      answer->offer_room();  // the next piece is made while this one is sent
      std::string size;
      if (chunked) {
        append_number(size, piece_.size(), 16);
        size += "\r\n";
        piece_ += "\r\n";
      }
      if (!co_await write(size, piece_)) co_return false;
    } else {
      if (state == Answer::State::kDropped) co_return false;
      if (state == Answer::State::kEnded) {
        co_return head_only || !chunked || co_await write("0\r\n\r\n", {});
      }
      answer->offer_room();
      // What offer_room() led to on this thread announced itself to nobody: look again.
      if (answer->quiet()) co_await signal_.wait();
    }
  }
  co_return false;
}

HttpConnection::Awaitable HttpConnection::write(std::string_view first, std::string_view second) {
  answered_ = true;
  Stream::Pieces pieces{asio::buffer(first), asio::buffer(second)};
  const auto error =
      co_await stream_->write_all(pieces, [this] { deadline_.set(core_->options.write_timeout); });
  const bool in_time = !deadline_.expired();
  deadline_.clear();
  co_return !error && in_time;
}

HttpConnection::Awaitable HttpConnection::read_more() {
  if (reading_ahead_) {
    const size_t had = input_.unread().size();
    while (reading_ahead_) co_await signal_.wait();
    if (input_.unread().size() > had) co_return true;
    if (idle_ && finishing_) co_return false;
  }
  if (peer_done_ || cut_ || deadline_.expired()) co_return false;
  const auto room = input_.prepare(read_size_);
  const IoResult read = co_await stream_->read_some(asio::buffer(room.data(), room.size()));
  if (read.error) {
    peer_done_ = read.error != asio::error::operation_aborted;
    co_return false;
  }
  input_.commit(read.bytes);
  if (read.bytes == room.size()) read_size_ = std::min(read_size_ * 4, kLargeRead);
  co_return true;
}

/// While the handler works, a read shows when the client leaves. Bytes that come (the next request)
/// end the watch: one read at most is ahead.
void HttpConnection::watch_client() {
  if (reading_ahead_ || peer_done_ || !input_.unread().empty()) return;
  reading_ahead_ = true;
  asio::co_spawn(core_->loop.impl().io, read_ahead(),
                 [self = shared_from_this()](const std::exception_ptr&) {});
}

asio::awaitable<void> HttpConnection::read_ahead() {
  const auto self = shared_from_this();
  const auto room = input_.prepare(kSmallRead);
  const IoResult read = co_await stream_->read_some(asio::buffer(room.data(), room.size()));
  reading_ahead_ = false;
  if (!read.error) {
    input_.commit(read.bytes);
  } else if (read.error != asio::error::operation_aborted) {
    peer_done_ = true;
    // It may only have closed its sending side: an answer that comes is still sent.
    if (answer_) answer_->request_stop();
  }
  signal_.notify();
}

/// Closing with bytes unread makes the kernel reset the connection, and the client lose the answer:
/// so say that we are done, and read on until it closes too (RFC 9112, 9.6).
asio::awaitable<void> HttpConnection::linger() {
  if (peer_done_ || cut_) co_return;
  deadline_.set(kLinger);
  co_await stream_->shutdown_write();
  for (size_t dropped = 0; dropped < kLingerBytes;) {
    dropped += input_.unread().size();
    input_.consume(input_.unread().size());
    if (!co_await read_more()) break;
  }
}

void HttpConnection::write_head(const HttpResponse& response, int version, bool keep_alive,
                                std::optional<size_t> length, bool chunked) {
  head_ = "HTTP/1.1 ";
  append_number(head_, static_cast<size_t>(response.status));
  head_.append(" ").append(reason_phrase(response.status)).append("\r\n");
  for (const auto [name, value] : response.headers) {
    if (is_ours(name)) continue;
    if (!is_header_name(name) || !is_header_value(value)) {
      log_error("a response header that cannot be sent was left out", {{"name", name}});
      continue;
    }
    head_.append(name).append(": ").append(value).append("\r\n");
  }
  if (length) {
    head_ += "Content-Length: ";
    append_number(head_, *length);
    head_ += "\r\n";
  }
  if (chunked) head_ += "Transfer-Encoding: chunked\r\n";
  if (!keep_alive) {
    head_ += "Connection: close\r\n";
  } else if (version < 11) {
    head_ += "Connection: keep-alive\r\n";
  }
  if (!core_->options.server_name.empty()) {
    head_.append("Server: ").append(core_->options.server_name).append("\r\n");
  }
  head_.append("Date: ").append(http_date_now()).append("\r\n\r\n");
}

}  // namespace strata::net

#include "net/fetch.h"

#include <boost/asio/co_spawn.hpp>
#include <charconv>

#include "base/log.h"
#include "model/duration.h"
#include "net/basic_auth.h"
#include "net/http_parser.h"
#include "net/proxy.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;
constexpr size_t kRead = size_t{64} << 10;
constexpr size_t kReadHead = size_t{2} << 10;
constexpr size_t kReadDirect = size_t{1} << 20;
constexpr size_t kJoin = size_t{16} << 10;  // a body up to this goes out with its header

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

InputBuffer ClientCore::take_buffer() {
  if (spare_buffers.empty()) return {};
  InputBuffer buffer = std::move(spare_buffers.back());
  spare_buffers.pop_back();
  return buffer;
}

void ClientCore::give_back(InputBuffer buffer) {
  buffer.consume(buffer.unread().size());
  buffer.shrink(2 * kRead);
  if (spare_buffers.size() < kMaxSpare) spare_buffers.push_back(std::move(buffer));
}

std::unique_ptr<Gunzip> ClientCore::take_gunzip() {
  if (spare_gunzips.empty()) return std::make_unique<Gunzip>();
  std::unique_ptr<Gunzip> gunzip = std::move(spare_gunzips.back());
  spare_gunzips.pop_back();
  return gunzip;
}

void ClientCore::give_back(std::unique_ptr<Gunzip> gunzip) {
  if (spare_gunzips.size() < kMaxSpare) spare_gunzips.push_back(std::move(gunzip));
}

Fetch::Fetch(std::shared_ptr<ClientCore> core, ClientRequest request, HttpClient::Callback done)
    : core_(std::move(core)),
      request_(std::move(request)),
      done_(std::move(done)),
      deadline_(core_->loop.impl().io, [this] { give_up(timeout_error()); }),
      deadline_at_(std::chrono::steady_clock::now() + request_.timeout),
      dialer_(core_->loop, core_->resolver, core_->tls, phase_) {
  core_->fetches.insert(this);
}

Fetch::~Fetch() { core_->fetches.erase(this); }

void Fetch::start() {
  asio::co_spawn(core_->loop.impl().io, run(),
                 [self = shared_from_this()](const std::exception_ptr& e) {
                   if (e) log_error("a request ended by an exception", {{"url", self->host_}});
                 });
}

void Fetch::give_up(Error error) {
  if (given_up_) return;
  given_up_ = std::move(error);
  dialer_.abort();
  if (stream_) stream_->close();
}

asio::awaitable<void> Fetch::run() {
  const auto self = shared_from_this();
  deadline_.set_at(deadline_at_);
  if (request_.stop.stop_possible()) {
    on_stop_.emplace(request_.stop, [weak = weak_from_this(), loop = &core_->loop] {
      loop->post([weak] {
        if (const auto fetch = weak.lock()) fetch->give_up({ErrorCode::kCanceled, "given up"});
      });
    });
  }
  if (core_->closing) give_up({ErrorCode::kCanceled, "the client is shutting down"});
  input_ = core_->take_buffer();
  response_.body = std::move(request_.body_buffer);
  Result<> result = check();
  if (result) result = co_await follow();
  deadline_.clear();
  on_stop_.reset();
  stream_.reset();
  if (request_.trace) finish_trace();
  core_->give_back(std::move(input_));
  if (gunzip_) core_->give_back(std::move(gunzip_));
  // What was broken off failed for the reason that it was broken off for.
  if (!result && given_up_) result = std::unexpected(*given_up_);
  if (result) {
    done_(std::move(response_));
  } else {
    done_(std::unexpected(std::move(result).error()));
  }
  done_ = nullptr;  // what it holds goes before the client may
  MutexLock lock(core_->mutex);
  if (--core_->in_flight == 0) core_->all_ended.notify_all();
}

void Fetch::finish_trace() {
  phase_.enter(Phase::kStart);
  request_.trace->spent = phase_.spent();
  request_.trace->address = dialer_.address();
}

Result<> Fetch::check() const {
  if (!is_header_name(request_.method)) {
    return bad_data("\"" + request_.method + "\" is not an HTTP method");
  }
  for (const Headers* headers : {&request_.headers, &request_.proxy_connect_headers}) {
    for (const auto [name, value] : *headers) {
      if (is_header_name(name) && is_header_value(value)) continue;
      return bad_data("header \"" + std::string(name) + "\" has bytes that cannot be sent");
    }
  }
  return {};
}

Result<> Fetch::choose_proxy(const Url& url) {
  proxy_ =
      TRY(proxy_for(url, {request_.proxy_url, request_.no_proxy, request_.proxy_from_environment}));
  proxy_headers_.clear();
  if (!proxy_ || url.scheme != "https") return {};
  for (const auto [name, value] : request_.proxy_connect_headers) {
    proxy_headers_.append(name).append(": ").append(value).append("\r\n");
  }
  return {};
}

Fetch::Awaitable<> Fetch::follow() {
  Url url = CO_TRY(parse_url(request_.url));
  for (size_t redirects = 0;; ++redirects) {
    if (auto chosen = choose_proxy(url); !chosen) co_return chosen;
    const auto fetched = co_await fetch_one(url);
    if (!fetched) co_return fetched;
    response_.url = url.to_string();
    const auto location = response_.headers.get("location");
    if (!request_.follow_redirects || !is_redirect(response_.status) || !location) {
      co_return Result<>{};
    }
    if (redirects == core_->options.max_redirects) {
      co_return fail(ErrorCode::kLimit, "stopped after " +
                                            std::to_string(core_->options.max_redirects) +
                                            " redirects, at " + url.to_string());
    }
    auto next = resolve_url(url, *location);
    if (!next) co_return std::unexpected(next.error().within("redirect"));
    redirect(url, *next);
    if (request_.trace) ++request_.trace->redirects;
    url = *std::move(next);
  }
}

/// RFC 9110, 15.4: what the request becomes. Credentials stay on the host that they were meant for.
void Fetch::redirect(const Url& from, Url& to) {
  const int status = response_.status;
  const bool to_get =
      status == 303 || ((status == 301 || status == 302) && request_.method == "POST");
  if (to_get && request_.method != "HEAD" && request_.method != "GET") {
    request_.method = "GET";
    request_.body.clear();
    for (const char* name : {"content-type", "content-length", "content-encoding"}) {
      request_.headers.remove(name);
    }
  }
  request_.headers.remove("host");
  const bool downgraded = from.scheme == "https" && to.scheme == "http";
  if (to.host == from.host && !downgraded) {
    if (to.user_info.empty()) to.user_info = from.user_info;
    return;
  }
  for (const char* name : {"authorization", "cookie", "proxy-authorization"}) {
    request_.headers.remove(name);
  }
  request_.tls.cert_file.clear(), request_.tls.cert_pem.clear();
  request_.tls.key_file.clear(), request_.tls.key_pem.clear();
  request_.tls.server_name.clear();
  request_.unix_socket.clear();
}

Fetch::Awaitable<> Fetch::fetch_one(Url url) {
  PoolKey key{.scheme = url.scheme,
              .host = url.host,
              .port = url.port,
              .unix_socket = request_.unix_socket,
              .proxy_headers = proxy_headers_};
  if (proxy_) key.proxy_url = proxy_->user_info + "@" + proxy_->authority();
  if (url.scheme == "https") key.tls = request_.tls;
  host_ = url.authority();
  bool pooled = false;
  for (bool fresh = false;; fresh = true) {
    auto connected = co_await connect(key, url, fresh);
    pooled = CO_TRY(std::move(connected));
    auto exchanged = co_await exchange(url);
    if (exchanged) break;
    stream_.reset();
    const bool stale = pooled && !received_ && !given_up_ && is_idempotent(request_.method);
    if (!stale) co_return exchanged;
    ++core_->retried;
  }
  if (can_reuse_ && input_.unread().empty()) core_->pool.give_back(key, std::move(stream_));
  stream_.reset();
  co_return Result<>{};
}

/// True when the connection has served before.
Fetch::Awaitable<bool> Fetch::connect(const PoolKey& key, Url url, bool fresh) {
  if (given_up_) co_return std::unexpected(*given_up_);
  if (!fresh && request_.keep_alive) stream_ = core_->pool.take(key);
  if (stream_) {
    ++core_->reused;
    co_return true;
  }
  Dialer::Target target{.url = std::move(url),
                        .unix_socket = request_.unix_socket,
                        .proxy = proxy_,
                        .proxy_headers = proxy_headers_,
                        .tls = request_.tls,
                        .connect_timeout = core_->options.connect_timeout,
                        .deadline = deadline_at_};
  auto dialled = co_await dialer_.dial(std::move(target));
  stream_ = CO_TRY(std::move(dialled));
  if (request_.trace) request_.trace->tls = stream_->tls_peer();
  ++core_->connections;
  co_return false;
}

Fetch::Awaitable<> Fetch::exchange(Url url) {
  received_ = false;
  can_reuse_ = false;
  input_.consume(input_.unread().size());
  if (given_up_) co_return std::unexpected(*given_up_);
  const auto sent = co_await send(std::move(url));
  // A server that refuses a request may close before it has read all of it: its answer counts.
  const auto answered = co_await receive(request_.method == "HEAD");
  if (!answered && !sent && !received_) co_return sent;
  if (!sent) can_reuse_ = false;
  co_return answered;
}

Fetch::Awaitable<> Fetch::send(Url url) {
  phase_.enter(Phase::kSend);
  std::string head = head_for(url);
  std::string_view body = request_.body;
  if (body.size() <= kJoin) {
    head += body;
    body = {};
  }
  const auto error = co_await stream_->write_all({asio::buffer(head), asio::buffer(body)}, [] {});
  phase_.enter(Phase::kWait);
  if (error) co_return fail(ErrorCode::kUnavailable, "send to " + host_ + ": " + describe(error));
  co_return Result<>{};
}

Fetch::Awaitable<> Fetch::receive(bool head_only) {
  if (request_.accept_gzip && !gunzip_) gunzip_ = core_->take_gunzip();
  const ResponseParser::Options options{head_only, request_.max_header_bytes,
                                        request_.max_body_bytes,
                                        request_.accept_gzip ? gunzip_.get() : nullptr};
  std::optional<ResponseParser> parser;
  do {  // again for each 1xx, which comes before the response proper (RFC 9110, 15.2)
    response_.status = 0;
    response_.headers.clear();
    response_.body.clear();
    response_.wire_bytes = 0;
    parser.emplace(response_, options);
    while (!parser->done()) {
      if (input_.unread().empty() || needs_more_) {
        auto more = co_await read_more(*parser);
        if (!CO_TRY(std::move(more))) break;
      }
      const auto used = parser->feed(input_.unread());
      if (!used) co_return std::unexpected(used.error());
      input_.consume(*used);
      needs_more_ = true;
      if (parser->header_done() && phase_.phase() != Phase::kRead) phase_.enter(Phase::kRead);
      hand_over_body();
    }
    needs_more_ = false;
  } while (response_.status / 100 == 1 && response_.status != 101);
  if (request_.trace) request_.trace->http_version = parser->http_version();
  can_reuse_ = parser->keep_alive() && request_.keep_alive;
  co_return Result<>{};
}

/// Into the body, where that is possible, without a copy; else into input_. False at the end of a
/// response that ends with its connection.
Fetch::Awaitable<bool> Fetch::read_more(ResponseParser& parser) {
  std::string& body = response_.body;
  const size_t had = body.size();
  const size_t direct = std::min(parser.direct_left(), kReadDirect);
  asio::mutable_buffer into;
  if (direct > 0 && input_.unread().empty()) {
    body.resize_and_overwrite(had + direct, [](char*, size_t size) { return size; });
    into = asio::buffer(body.data() + had, direct);
  } else {
    const auto room = input_.prepare(kRead);
    into = asio::buffer(room.data(), parser.header_done() ? room.size() : kReadHead);
  }
  const IoResult read = co_await stream_->read_some(into);
  if (direct > 0 && input_.unread().empty()) {
    body.resize(had + read.bytes);
    parser.took(read.bytes);
  } else {
    input_.commit(read.bytes);
  }
  if (read.error == asio::error::eof) {
    const auto whole = parser.finish();
    if (!whole) co_return std::unexpected(whole.error().within(host_));
    co_return false;
  }
  if (read.error) {
    co_return fail(ErrorCode::kUnavailable,
                   "read from " + host_ + ": " + describe(read.error) + so_far());
  }
  received_ = true;
  co_return true;
}

void Fetch::hand_over_body() {
  if (!request_.on_body || response_.status / 100 != 2 || response_.body.empty()) return;
  request_.on_body(response_.body);
  response_.body.clear();
}

std::string Fetch::head_for(const Url& url) const {
  const Headers& given = request_.headers;
  std::string head = request_.method + ' ';
  const bool via_proxy = proxy_ && url.scheme == "http";
  if (via_proxy) head.append("http://").append(url.authority());
  head.append(url.target).append(" HTTP/1.1\r\n");
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!given.contains(name)) head.append(name).append(": ").append(value).append("\r\n");
  };
  add("Host", url.authority());
  for (const auto [name, value] : given) {
    if (equals_ignoring_case(name, "content-length") ||
        equals_ignoring_case(name, "transfer-encoding") ||
        equals_ignoring_case(name, "connection")) {
      continue;
    }
    head.append(name).append(": ").append(value).append("\r\n");
  }
  if (!core_->options.user_agent.empty()) add("User-Agent", core_->options.user_agent);
  if (request_.accept_gzip) add("Accept-Encoding", "gzip");
  if (!url.user_info.empty()) add("Authorization", basic_authorization(url.user_info));
  if (via_proxy && !proxy_->user_info.empty()) {
    add("Proxy-Authorization", basic_authorization(proxy_->user_info));
  }
  const bool has_body = !request_.body.empty() || request_.method == "POST" ||
                        request_.method == "PUT" || request_.method == "PATCH";
  if (has_body) {
    head.append("Content-Length: ").append(std::to_string(request_.body.size())).append("\r\n");
  }
  if (!request_.keep_alive) head.append("Connection: close\r\n");
  return head.append("\r\n");
}

Error Fetch::timeout_error() const {
  const auto ms = std::chrono::duration_cast<Millis>(request_.timeout);
  std::string text = "timeout after " + format_duration(std::max(ms, Millis(0))) + " while ";
  switch (phase_.phase()) {
    case Phase::kStart: text += "starting"; break;
    case Phase::kResolve: text += "looking up " + host_; break;
    case Phase::kConnect: text += "connecting to " + host_; break;
    case Phase::kProxy: text += "waiting for the proxy to connect to " + host_; break;
    case Phase::kTls: text += "in the TLS handshake with " + host_; break;
    case Phase::kSend: text += "sending the request to " + host_; break;
    case Phase::kWait: text += "waiting for a response from " + host_; break;
    case Phase::kRead: text += "reading the response from " + host_ + so_far(); break;
  }
  return {ErrorCode::kTimeout, std::move(text)};
}

std::string Fetch::so_far() const {
  return " (after " + std::to_string(response_.wire_bytes) + " bytes of the body)";
}

}  // namespace strata::net

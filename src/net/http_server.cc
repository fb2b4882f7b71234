#include "net/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/check.h"
#include "base/log.h"
#include "net/http_connection.h"
#include "net/tls_stream.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

std::string text_of(const tcp::endpoint& endpoint) {
  asio::ip::address address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return join_host_port(address.to_string(), endpoint.port());
}

Error listen_error(const std::string& listen, const boost::system::error_code& error) {
  std::string message = "listen " + listen + ": " + describe(error);
  if (error == asio::error::address_in_use) {
    message +=
        "; another program listens there: stop it, or choose another port (port 0 takes a free "
        "one)";
    return {ErrorCode::kConflict, std::move(message)};
  }
  if (error == asio::error::access_denied) {
    message += "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
  }
  return {ErrorCode::kIo, std::move(message)};
}

/// The first address that the text names, IPv4 before IPv6, as Go listens.
Result<tcp::endpoint> endpoint_of(asio::io_context& io, const std::string& listen) {
  const auto parts = parse_host_port(listen);
  if (!parts) return std::unexpected(parts.error().within("listen address"));
  if (parts->host.empty()) return tcp::endpoint(tcp::v6(), parts->port);
  boost::system::error_code error;
  const auto address = asio::ip::make_address(parts->host, error);
  if (!error) return tcp::endpoint(address, parts->port);
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(parts->host, std::to_string(parts->port), error);
  if (error || found.empty()) {
    return bad_data("listen address \"" + listen + "\": no such host: " + describe(error));
  }
  for (const auto& entry : found) {
    if (entry.endpoint().address().is_v4()) return entry.endpoint();
  }
  return found.begin()->endpoint();
}

Result<> open(tcp::acceptor& acceptor, tcp::endpoint endpoint, const std::string& listen) {
  boost::system::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (error && endpoint.address().is_v6() && endpoint.address().is_unspecified()) {
    endpoint = tcp::endpoint(tcp::v4(), endpoint.port());  // a kernel without IPv6
    acceptor.open(endpoint.protocol(), error);
  }
  if (error) return std::unexpected(listen_error(listen, error));
  acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (endpoint.protocol() == tcp::v6()) acceptor.set_option(asio::ip::v6_only(false), error);
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return std::unexpected(listen_error(listen, error));
  return {};
}

}  // namespace

class HttpServer::Impl : public std::enable_shared_from_this<HttpServer::Impl> {
 public:
  Impl(Loop& loop, HttpServerOptions options, HttpHandler handler)
      : core_(std::make_shared<ServerCore>(loop, std::move(options), std::move(handler))),
        acceptor_(loop.impl().io),
        pause_(loop.impl().io) {}

  Result<> listen() {
    if (core_->options.tls) core_->tls = TRY(ServerTlsContext::load(*core_->options.tls));
    const std::string& listen = core_->options.listen;
    const auto endpoint = TRY(endpoint_of(core_->loop.impl().io, listen));
    if (auto opened = open(acceptor_, endpoint, listen); !opened) return opened;
    boost::system::error_code ignored;
    local_ = acceptor_.local_endpoint(ignored);
    core_->began();
    asio::co_spawn(
        core_->loop.impl().io, accept(),
        [self = shared_from_this()](const std::exception_ptr&) { self->core_->ended(); });
    return {};
  }

  void stop(std::chrono::milliseconds grace) {
    CHECK(!core_->loop.here());
    if (std::exchange(stopped_, true) || !core_->loop.running()) return;
    const auto until = std::chrono::steady_clock::now() + grace;
    core_->loop.post([self = shared_from_this()] {
      self->core_->stopping = true;
      boost::system::error_code ignored;
      self->acceptor_.close(ignored);
      self->pause_.cancel();
      for (HttpConnection* connection : self->core_->connections) connection->finish();
    });
    if (wait_until(until)) return;
    core_->loop.post([self = shared_from_this()] {
      const auto connections = self->core_->connections;
      for (HttpConnection* connection : connections) connection->cut();
    });
    wait_until(std::chrono::steady_clock::time_point::max());
  }

  HttpServerStats stats() const {
    HttpServerStats stats;
    stats.accepted = core_->accepted;
    stats.refused = core_->refused;
    stats.requests = core_->requests;
    stats.rejected = core_->rejected;
    stats.open = core_->open;
    return stats;
  }

  const tcp::endpoint& local() const { return local_; }

 private:
  /// Whether all connections have ended. The loop may be stopped under us: then they never will.
  bool wait_until(std::chrono::steady_clock::time_point until) {
    MutexLock lock(core_->mutex);
    while (core_->running > 0) {
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= left.zero()) return false;
      const std::chrono::nanoseconds look_at_loop = std::chrono::milliseconds(100);
      core_->all_ended.wait_for(lock, std::min<std::chrono::nanoseconds>(left, look_at_loop));
      if (!core_->loop.running()) return true;
    }
    return true;
  }

  asio::awaitable<void> accept() {
    const auto self = shared_from_this();
    while (acceptor_.is_open()) {
      auto [error, socket] = co_await acceptor_.async_accept(kAwait);
      if (!error) {
        take(std::move(socket));
      } else if (error == asio::error::no_descriptors || error == asio::error::no_memory ||
                 error == asio::error::no_buffer_space) {
        log_warn("cannot accept connections for the moment", {{"error", describe(error)}});
        pause_.expires_after(std::chrono::milliseconds(100));
        co_await pause_.async_wait(kAwait);
      }
    }
  }

  void take(tcp::socket socket) {
    boost::system::error_code error;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error || core_->stopping) return;  // it left already, or we do
    socket.set_option(tcp::no_delay(true), error);
    if (core_->connections.size() >= core_->options.max_connections) {
      ++core_->refused;
      refuse(socket);
      return;
    }
    ++core_->accepted;
    auto stream = core_->tls != nullptr
                      ? make_tls_server_stream(std::move(socket), core_->tls->current())
                      : make_plain_stream(std::move(socket));
    std::make_shared<HttpConnection>(core_, std::move(stream), text_of(remote))->start();
  }

  void refuse(tcp::socket& socket) {
    if (core_->tls != nullptr) return;
    static constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 21\r\nConnection: close\r\n\r\ntoo many connections\n";
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(kBusy), ignored);
    socket.shutdown(asio::socket_base::shutdown_send, ignored);
  }

  const std::shared_ptr<ServerCore> core_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  tcp::endpoint local_;
  bool stopped_ = false;
};

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { stop(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(Loop& loop, HttpServerOptions options,
                                                      HttpHandler handler) {
  auto impl = std::make_shared<Impl>(loop, std::move(options), std::move(handler));
  if (auto listening = impl->listen(); !listening) return std::unexpected(listening.error());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

uint16_t HttpServer::port() const { return impl_->local().port(); }
std::string HttpServer::address() const { return text_of(impl_->local()); }
void HttpServer::stop(std::chrono::milliseconds grace) { impl_->stop(grace); }
HttpServerStats HttpServer::stats() const { return impl_->stats(); }

}  // namespace strata::net

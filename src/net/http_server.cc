#include "net/http_server.h"

#include <boost/asio/ip/tcp.hpp>

#include "base/check.h"
#include "net/http_connection.h"
#include "net/listener.h"
#include "net/tls_stream.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

}  // namespace

class HttpServer::Impl : public std::enable_shared_from_this<HttpServer::Impl> {
 public:
  Impl(Loop& loop, HttpServerOptions options, HttpHandler handler)
      : core_(std::make_shared<ServerCore>(loop, std::move(options), std::move(handler))) {}

  Result<> listen() {
    if (core_->options.tls) core_->tls = TRY(ServerTlsContext::load(*core_->options.tls));
    listener_ = TRY(Listener::open(core_->loop, core_->options.listen));
    core_->running.began();
    listener_->start([this](tcp::socket socket,
                            std::string remote) { take(std::move(socket), std::move(remote)); },
                     [self = shared_from_this()] { self->core_->running.ended(); });
    return {};
  }

  void stop(std::chrono::milliseconds grace) {
    CHECK(!core_->loop.here());
    if (std::exchange(stopped_, true) || !core_->loop.running()) return;
    const auto until = std::chrono::steady_clock::now() + grace;
    core_->loop.post([self = shared_from_this()] {
      self->core_->stopping = true;
      self->listener_->close();
      for (HttpConnection* connection : self->core_->connections) connection->finish();
    });
    if (core_->running.wait_until(core_->loop, until)) return;
    core_->loop.post([self = shared_from_this()] {
      const auto connections = self->core_->connections;
      for (HttpConnection* connection : connections) connection->cut();
    });
    core_->running.wait_until(core_->loop, std::chrono::steady_clock::time_point::max());
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

  const tcp::endpoint& local() const { return listener_->local(); }

 private:
  void take(tcp::socket socket, std::string remote) {
    if (core_->stopping) return;
    if (core_->connections.size() >= core_->options.max_connections) {
      ++core_->refused;
      refuse(socket);
      return;
    }
    ++core_->accepted;
    auto stream = core_->tls != nullptr
                      ? make_tls_server_stream(std::move(socket), core_->tls->current())
                      : make_plain_stream(std::move(socket));
    std::make_shared<HttpConnection>(core_, std::move(stream), std::move(remote))->start();
  }

  void refuse(tcp::socket& socket) {
    if (core_->tls != nullptr) return;
    static constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 21\r\nConnection: close\r\n\r\ntoo many connections\n";
    answer_and_close(socket, kBusy);
  }

  const std::shared_ptr<ServerCore> core_;
  std::shared_ptr<Listener> listener_;
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

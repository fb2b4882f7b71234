#include "net/listener.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "net/loop_impl.h"
#include "net/stream.h"
#include "net/url.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

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

Result<> listen_on(tcp::acceptor& acceptor, tcp::endpoint endpoint, const std::string& listen) {
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

std::string text_of(const tcp::endpoint& endpoint) {
  asio::ip::address address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return join_host_port(address.to_string(), endpoint.port());
}

void answer_and_close(tcp::socket& socket, std::string_view response) {
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(response), ignored);
  socket.shutdown(asio::socket_base::shutdown_send, ignored);
}

Listener::Listener(Loop& loop) : loop_(loop), acceptor_(loop.impl().io), pause_(loop.impl().io) {}

Result<std::shared_ptr<Listener>> Listener::open(Loop& loop, const std::string& listen) {
  auto listener = std::shared_ptr<Listener>(new Listener(loop));
  const auto endpoint = TRY(endpoint_of(loop.impl().io, listen));
  TRY(listen_on(listener->acceptor_, endpoint, listen));
  boost::system::error_code ignored;
  listener->local_ = listener->acceptor_.local_endpoint(ignored);
  return listener;
}

void Listener::start(Taker take, std::function<void()> ended) {
  take_ = std::move(take);
  asio::co_spawn(loop_.impl().io, accept(),
                 [self = shared_from_this(), ended = std::move(ended)](const std::exception_ptr&) {
                   ended();
                 });
}

void Listener::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

asio::awaitable<void> Listener::accept() {
  const auto self = shared_from_this();
  while (acceptor_.is_open()) {
    auto [error, socket] = co_await acceptor_.async_accept(kAwait);
    if (!error) {
      const tcp::endpoint remote = socket.remote_endpoint(error);
      if (error || !acceptor_.is_open()) continue;  // it left already, or we do
      socket.set_option(tcp::no_delay(true), error);
      take_(std::move(socket), text_of(remote));
    } else if (error == asio::error::no_descriptors || error == asio::error::no_memory ||
               error == asio::error::no_buffer_space) {
      log_warn("cannot accept connections for the moment", {{"error", describe(error)}});
      pause_.expires_after(std::chrono::milliseconds(100));
      co_await pause_.async_wait(kAwait);
    }
  }
}

}  // namespace strata::net

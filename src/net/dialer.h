// Makes connections: name, address, socket, proxy, TLS.
//
// One Dialer makes one connection for one request, on the loop's thread. abort() ends it early from
// another task on that thread.
#pragma once
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "net/deadline.h"
#include "net/request_trace.h"
#include "net/resolver.h"
#include "net/stream.h"
#include "net/tls_context.h"
#include "net/url.h"

namespace strata::net {

class Dialer {
 public:
  struct Target {
    Url url;                    // where the request goes
    std::string unix_socket;    // connect here instead; or empty
    std::optional<Url> proxy;   // connect there first
    std::string proxy_headers;  // whole lines, sent with CONNECT
    TlsOptions tls;
    std::chrono::milliseconds connect_timeout{0};
    std::chrono::steady_clock::time_point deadline;
  };

  Dialer(Loop& loop, Resolver& resolver, ClientTlsContexts& tls, PhaseClock& phase);
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  /// Error: kUnavailable or kBadData; after abort(), any.
  boost::asio::awaitable<Result<std::unique_ptr<Stream>>> dial(Target target);
  /// Goes on in TLS on a plain stream of dial()'s. Errors: those.
  boost::asio::awaitable<Result<std::unique_ptr<Stream>>> upgrade(std::unique_ptr<Stream> plain,
                                                                  TlsOptions options,
                                                                  std::string host);
  void abort();
  /// The IP address that dial() reached; empty before, and for a unix socket.
  const std::string& address() const { return address_; }

 private:
  template <class T = void>
  using Awaitable = boost::asio::awaitable<Result<T>>;
  using Endpoint = boost::asio::generic::stream_protocol::endpoint;

  Awaitable<Resolver::Addresses> resolve(std::string host);
  Awaitable<Socket> connect_any(std::string host, uint16_t port, const Target& target);
  Awaitable<Socket> connect(Endpoint endpoint, std::string name, std::chrono::nanoseconds at_most);
  Awaitable<> tunnel(Stream& stream, const Target& target);
  Awaitable<std::unique_ptr<Stream>> start_tls(Socket socket, const Target& target);

  struct Lookup;
  Loop& loop_;
  Resolver& resolver_;
  ClientTlsContexts& tls_;
  PhaseClock& phase_;
  std::string address_;
  bool aborted_ = false;
  std::shared_ptr<Lookup> lookup_;
  Socket* connecting_ = nullptr;
  Stream* stream_ = nullptr;
  Deadline attempt_;
};

}  // namespace strata::net

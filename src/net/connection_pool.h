// Connections that wait to be used again.
//
// Used on the loop's thread only. Bounds: HttpClientOptions' idle limits; beyond them a connection
// that is given back is closed.
#pragma once
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/deadline.h"
#include "net/http_client.h"
#include "net/stream.h"

namespace strata::net {

/// What two requests must have in common to share a connection.
struct PoolKey {
  std::string scheme = {};
  std::string host = {};
  uint16_t port = 0;
  std::string unix_socket = {};
  std::string proxy_url = {};
  std::string proxy_headers = {};  // sent with CONNECT
  TlsOptions tls = {};             // as it is by default for http
  auto operator<=>(const PoolKey&) const = default;
};

class ConnectionPool {
 public:
  ConnectionPool(boost::asio::io_context& io, const HttpClientOptions& options);

  /// The connection that was used last; null when there is none that is still open.
  std::unique_ptr<Stream> take(const PoolKey& key);
  void give_back(const PoolKey& key, std::unique_ptr<Stream> stream);
  void clear();

  size_t idle() const { return idle_; }

 private:
  struct Idle {
    std::unique_ptr<Stream> stream;
    std::chrono::steady_clock::time_point until;
  };
  void sweep();

  const HttpClientOptions& options_;
  std::map<PoolKey, std::vector<Idle>> idle_by_key_;
  std::atomic<size_t> idle_ = 0;  // read by stats()
  Deadline next_sweep_;
};

}  // namespace strata::net

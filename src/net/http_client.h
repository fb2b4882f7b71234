// An HTTP/1.1 client on a Loop, for scraping, service discovery, remote write, receivers and the
// command line. Responses are read whole, into one string, up to a limit; or, for answers that go
// on for minutes, handed over in pieces as they come (ClientRequest::on_body).
//
// Connections are kept alive and used again: one pool per scheme, host, port, TLS options and
// proxy. A request that finds its pooled connection closed by the server before a byte of the
// response came is sent once more on a new one, when its method is idempotent (RFC 9110, 9.2.2).
// Names are resolved off the loop, and all addresses are tried.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/request_trace.h"
#include "net/tls.h"

namespace strata::net {

struct ClientRequest {
  std::string method = "GET";
  std::string url = {};  // absolute; user:password@ in it becomes Basic authorization
  /// Host, Content-Length, Connection and Accept-Encoding are added when they are not here.
  Headers headers = {};
  std::string body = {};
  /// From the call to the last byte of the body, redirects and name resolution included.
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  size_t max_body_bytes = size_t{64} << 20;  // after decompression
  size_t max_header_bytes = size_t{64} << 10;
  bool accept_gzip = true;  // asks for gzip; what comes is decompressed
  bool follow_redirects = true;
  bool keep_alive = true;
  TlsOptions tls = {};
  // The proxy, chosen for each hop of a redirect (net/proxy.h).
  std::string proxy_url = {};  // "http://[user:password@]host:port"; empty: none
  std::string no_proxy = {};   // hosts that are reached without it
  bool proxy_from_environment = false;
  Headers proxy_connect_headers = {};  // sent with CONNECT, for https
  std::string unix_socket = {};        // connect to this path; the URL's host only names the server
  std::string body_buffer = {};        // becomes ClientResponse::body; its memory is used again
  std::stop_token stop = {};           // asks to give up: the callback gets kCanceled
  /// When set, gets the body of a 2xx response in pieces, on the loop's thread; then
  /// ClientResponse::body is empty, and max_body_bytes bounds a piece. A piece is only lent.
  std::function<void(std::string_view piece)> on_body = {};
  /// When set, is filled until the callback runs. Of a connection that served before it says no
  /// TLS.
  std::shared_ptr<RequestTrace> trace = {};
};

struct ClientResponse {
  int status = 0;
  Headers headers = {};
  std::string body = {};    // decompressed
  uint64_t wire_bytes = 0;  // of the body as it came, before decompression
  std::string url = {};     // that answered, after redirects
};

struct HttpClientOptions {
  size_t max_idle_connections = 20'000;
  size_t max_idle_per_host = 100;
  std::chrono::milliseconds idle_timeout{300'000};
  size_t max_redirects = 10;
  size_t max_in_flight = 50'000;
  std::string user_agent = "strata";
  /// Of one address before the next is tried, when there are several.
  std::chrono::milliseconds connect_timeout{10'000};
};

struct HttpClientStats {
  uint64_t requests = 0;
  uint64_t connections = 0;  // made
  uint64_t reused = 0;       // requests sent on a connection from the pool
  uint64_t retried = 0;      // on a stale connection
  uint64_t idle = 0;         // connections in the pool now
};

/// Thread-safe. Must be destroyed before its Loop.
class HttpClient {
 public:
  /// Error: kBadData for a request that cannot be sent (URL, header, certificate files);
  /// kUnavailable for a peer that cannot be reached or breaks off; kTimeout, saying what it was
  /// waiting for; kLimit for a body or header above the request's limits, or for
  /// too many requests in flight; kCanceled.
  /// A response of any status is a success here.
  using Callback = std::move_only_function<void(Result<ClientResponse>)>;

  explicit HttpClient(Loop& loop, HttpClientOptions options = {});
  /// Gives up what is in flight (kCanceled) and waits for those callbacks, unless it is called on
  /// the loop's thread or the loop was stopped.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// `done` is called once, on the loop's thread.
  void fetch(ClientRequest request, Callback done);
  /// Waits. For the command line and tests; not on the loop's thread. The loop must be running.
  Result<ClientResponse> fetch_sync(ClientRequest request);

  HttpClientStats stats() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace strata::net

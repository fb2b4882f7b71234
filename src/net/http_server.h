// An HTTP/1.1 server on a Loop. It reads requests and sends responses; which path goes to whom is
// the handler's business (api/).
//
// One handler function is called on the loop's thread with an Exchange, a request to be answered
// once. It answers at once, or passes the Exchange on (to the work pool, usually) and answers from
// there: every method of Exchange may be called from any thread, though by one thread at a time.
// Requests on one connection are handled one after another, in order.
//
// Bounds, all in HttpServerOptions: connections, header and body bytes, bytes buffered for a slow
// reader, and a timeout for each state a connection can be in. What exceeds one is answered (431,
// 413, 408, 503) where there is still someone to answer, then closed.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/tls.h"

namespace strata::net {

class Exchange {
 public:
  /// What became of a chunk.
  enum class Wrote : uint8_t {
    kTaken,
    kFull,  // not taken: the client reads slowly; try again in when_writable()
    kGone,  // not taken, nor will be: the client left, or the server stops
  };

  virtual ~Exchange() = default;

  /// Valid while the Exchange is.
  const HttpRequest& request() const { return request_; }
  /// Takes the first `size` bytes off the request's path: a prefix that its routes do not have.
  /// Before anybody else sees the request.
  void cut_path(size_t size) { request_.path.erase(0, size); }
  /// The body, moved out of the request.
  std::string take_body() { return std::move(request_.body); }

  /// Fires when the client leaves before it was answered, and when the server gives up on finishing
  /// exchanges (HttpServer::stop). It fires on the loop's thread.
  std::stop_token stop_token() const { return stop_.get_token(); }

  /// Answers. Once; no more after begin(). An Exchange that is dropped unanswered answers 500.
  virtual void respond(HttpResponse response) = 0;

  /// Begins an answer whose length is not known yet: chunked, or until the connection closes for
  /// HTTP/1.0. Then write() and, when all was written, end(). Dropped without end(), the connection
  /// is cut, so that the client sees that the answer is not whole.
  virtual void begin(int status, Headers headers) = 0;
  /// At most max_buffered_bytes wait to be sent; one chunk larger than that is taken when none do.
  [[nodiscard]] virtual Wrote write(std::string_view chunk) = 0;
  /// Calls `ready` once, when write() will take the chunk that it refused, or say kGone: on the
  /// loop's thread, or within this call when the client is gone already.
  virtual void when_writable(std::function<void()> ready) = 0;
  virtual void end() = 0;

 protected:
  HttpRequest request_;
  std::stop_source stop_;
};

/// Called on the loop's thread; must not block, and must not throw.
using HttpHandler = std::function<void(std::shared_ptr<Exchange>)>;

struct HttpServerOptions {
  /// "host:port": "127.0.0.1:9090", "[::]:9090", ":9090" (every address, both families). Port 0
  /// takes a free one (HttpServer::port).
  std::string listen = "127.0.0.1:0";
  size_t max_connections = 512;
  size_t max_header_bytes = size_t{64} << 10;
  size_t max_body_bytes = size_t{64} << 20;
  size_t max_buffered_bytes = size_t{1} << 20;
  std::chrono::milliseconds header_timeout{30'000};  // from the first byte; TLS handshake too
  std::chrono::milliseconds body_timeout{300'000};   // from the end of the header
  std::chrono::milliseconds idle_timeout{300'000};   // between requests
  std::chrono::milliseconds write_timeout{60'000};   // without the client taking a byte
  std::optional<ServerTlsOptions> tls = {};
  std::string server_name = "strata";  // the Server header; empty: none
};

struct HttpServerStats {
  uint64_t accepted = 0;  // connections
  uint64_t refused = 0;   // connections above max_connections
  uint64_t open = 0;      // connections now
  uint64_t requests = 0;  // handed to the handler
  uint64_t rejected = 0;  // malformed, too large or too slow
};

/// Thread-safe. Owned by app/; must be destroyed before its Loop.
class HttpServer {
 public:
  /// Listens; accepts from the moment the loop runs. Error: kBadData for an address that cannot be
  /// read or a certificate that cannot be used, kConflict for a port in use, kIo otherwise.
  static Result<std::unique_ptr<HttpServer>> start(Loop& loop, HttpServerOptions options,
                                                   HttpHandler handler);
  ~HttpServer();  // stop(0)
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  /// "127.0.0.1:9090", with the port it got.
  std::string address() const;

  /// Accepts no more, closes idle connections, waits up to `grace` for the exchanges in flight,
  /// then fires their stop tokens and closes. Returns when the handler will not be called again.
  /// Not from the loop's thread. Further calls do nothing.
  void stop(std::chrono::milliseconds grace);

  HttpServerStats stats() const;

 private:
  class Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace strata::net

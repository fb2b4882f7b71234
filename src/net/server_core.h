// What the connections of one HttpServer share.
#pragma once
#include <atomic>
#include <string>
#include <unordered_set>

#include "net/connection_count.h"
#include "net/http_server.h"
#include "net/loop_impl.h"
#include "net/tls_context.h"

namespace strata::net {

class HttpConnection;

struct ServerCore {
  ServerCore(Loop& l, HttpServerOptions o, HttpHandler h)
      : loop(l), options(std::move(o)), handler(std::move(h)) {}

  Loop& loop;
  const HttpServerOptions options;
  HttpHandler handler;
  std::unique_ptr<ServerTlsContext> tls;  // null: plain

  // On the loop's thread.
  std::unordered_set<HttpConnection*> connections;
  bool stopping = false;

  std::atomic<uint64_t> accepted = 0;
  std::atomic<uint64_t> refused = 0;
  std::atomic<uint64_t> open = 0;
  std::atomic<uint64_t> requests = 0;
  std::atomic<uint64_t> rejected = 0;

  ConnectionCount running;  // its acceptor counts, too
};

}  // namespace strata::net

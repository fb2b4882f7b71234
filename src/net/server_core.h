// What the connections of one HttpServer share.
#pragma once
#include <atomic>
#include <string>
#include <unordered_set>

#include "base/mutex.h"
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

  /// Connections whose coroutine has not ended, and the acceptor's.
  Mutex mutex;
  CondVar all_ended;
  size_t running GUARDED_BY(mutex) = 0;

  void began() {
    MutexLock lock(mutex);
    ++running;
  }
  void ended() {
    MutexLock lock(mutex);
    if (--running == 0) all_ended.notify_all();
  }
};

}  // namespace strata::net

// What a handler answers with: a response that is whole, or one whose body is made in pieces while
// it is sent, so that a large answer never exists as one text.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/call.h"
#include "base/thread_pool.h"
#include "net/http_server.h"

namespace strata::api {

/// The rest of a body. Used by one thread at a time; cannot fail: what may is done before.
class Pieces {
 public:
  virtual ~Pieces() = default;
  /// Appends what comes next; false when that was the last of it. A few hundred KB at most.
  virtual bool next(std::string& out) = 0;
};

struct Reply {
  Reply(net::HttpResponse response) : head(std::move(response)) {}  // NOLINT: meant to convert
  Reply(net::HttpResponse response, std::unique_ptr<Pieces> rest)
      : head(std::move(response)), pieces(std::move(rest)) {}

  net::HttpResponse head;
  std::unique_ptr<Pieces> pieces;  // null: the head has the whole body
};

/// The success envelope around `count` elements of an array, each appended by `element(i, out)`;
/// what that holds it holds until the last piece was made. Warnings and infos are the call's.
Reply array_reply(const Call& call, size_t count,
                  std::function<void(size_t i, std::string& out)> element);

/// Sends `reply` to whoever asked, gzipped when that is accepted. Makes pieces on the caller and,
/// when the client is slower than that, on `pool` (kQuery) as it takes them: no thread waits. A
/// body of at most kWholeBytes goes as one, with its length. A client that leaves ends it.
void send(ThreadPool& pool, std::shared_ptr<net::Exchange> exchange, Reply reply);

inline constexpr size_t kWholeBytes = size_t{256} << 10;

}  // namespace strata::api

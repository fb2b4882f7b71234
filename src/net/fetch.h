// One request of an HttpClient on its way: connection, request, response, redirects.
//
// Lives on the loop's thread; kept alive by its own coroutine. Bounds: those of its request.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "net/connection_pool.h"
#include "net/dialer.h"
#include "net/gzip.h"
#include "net/http_client.h"
#include "net/input_buffer.h"
#include "net/loop_impl.h"

namespace strata::net {

class Fetch;
class ResponseParser;

/// What the requests of one HttpClient share.
struct ClientCore {
  ClientCore(Loop& l, HttpClientOptions o)
      : loop(l), options(std::move(o)), pool(l.impl().io, options), resolver(l) {}

  /// Buffers go from one request to the next; this many wait.
  static constexpr size_t kMaxSpare = 32;
  InputBuffer take_buffer();
  void give_back(InputBuffer buffer);
  std::unique_ptr<Gunzip> take_gunzip();
  void give_back(std::unique_ptr<Gunzip> gunzip);

  Loop& loop;
  const HttpClientOptions options;

  // On the loop's thread.
  ConnectionPool pool;
  Resolver resolver;
  ClientTlsContexts tls;
  std::vector<InputBuffer> spare_buffers;
  std::vector<std::unique_ptr<Gunzip>> spare_gunzips;
  std::unordered_set<Fetch*> fetches;
  bool closing = false;

  std::atomic<uint64_t> requests = 0;
  std::atomic<uint64_t> connections = 0;
  std::atomic<uint64_t> reused = 0;
  std::atomic<uint64_t> retried = 0;

  Mutex mutex;
  CondVar all_ended;
  size_t in_flight GUARDED_BY(mutex) = 0;  // callbacks owed
};

class Fetch : public std::enable_shared_from_this<Fetch> {
 public:
  Fetch(std::shared_ptr<ClientCore> core, ClientRequest request, HttpClient::Callback done);
  ~Fetch();

  void start();
  /// The callback gets this error; the first one counts.
  void give_up(Error error);

 private:
  template <class T = void>
  using Awaitable = boost::asio::awaitable<Result<T>>;

  boost::asio::awaitable<void> run();
  Awaitable<> follow();
  Awaitable<> fetch_one(Url url);
  Awaitable<> exchange(Url url);
  Awaitable<> send(Url url);
  Awaitable<> receive(bool head_only);
  Awaitable<bool> read_more(ResponseParser& parser);
  Awaitable<bool> connect(const PoolKey& key, Url url, bool fresh);
  Result<> check() const;
  Result<> choose_proxy(const Url& url);
  void redirect(const Url& from, Url& to);
  void hand_over_body();
  void finish_trace();
  std::string head_for(const Url& url) const;
  Error timeout_error() const;
  std::string so_far() const;

  const std::shared_ptr<ClientCore> core_;
  ClientRequest request_;
  HttpClient::Callback done_;
  ClientResponse response_;
  std::optional<Url> proxy_;
  std::string proxy_headers_;  // as lines, for CONNECT
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;

  Deadline deadline_;
  std::chrono::steady_clock::time_point deadline_at_;
  PhaseClock phase_;
  std::string host_;  // of the URL under way, for messages
  Dialer dialer_;
  std::unique_ptr<Stream> stream_;
  InputBuffer input_;
  std::unique_ptr<Gunzip> gunzip_;
  std::optional<Error> given_up_;
  bool needs_more_ = false;  // the parser has used what it can of input_
  bool received_ = false;    // a byte of the response to this request came
  bool can_reuse_ = false;   // the connection may serve another request
};

}  // namespace strata::net

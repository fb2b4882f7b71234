#include "net/http_client.h"

#include <future>

#include "base/check.h"
#include "net/fetch.h"

namespace strata::net {

class HttpClient::Impl {
 public:
  Impl(Loop& loop, HttpClientOptions options)
      : core_(std::make_shared<ClientCore>(loop, std::move(options))) {}

  ~Impl() {
    const auto close = [core = core_] {
      core->closing = true;
      const auto fetches = core->fetches;
      for (Fetch* fetch : fetches) {
        fetch->give_up({ErrorCode::kCanceled, "the client is shutting down"});
      }
      core->pool.clear();
    };
    Loop& loop = core_->loop;
    if (loop.here()) {
      close();
      return;
    }
    if (!loop.running()) return;
    loop.post(close);
    {
      MutexLock lock(core_->mutex);
      while (core_->in_flight > 0 && loop.running()) {
        core_->all_ended.wait_for(lock, std::chrono::milliseconds(100));
      }
    }
    // Sockets and timers end on the thread that uses them.
    loop.post([core = std::move(core_)] {});
  }

  void fetch(ClientRequest request, Callback done) {
    ++core_->requests;
    bool too_many = false;
    {
      MutexLock lock(core_->mutex);
      too_many = core_->in_flight >= core_->options.max_in_flight;
      ++core_->in_flight;
    }
    core_->loop.post(
        [core = core_, request = std::move(request), done = std::move(done), too_many]() mutable {
          const auto fetch =
              std::make_shared<Fetch>(std::move(core), std::move(request), std::move(done));
          if (too_many) fetch->give_up({ErrorCode::kLimit, "too many requests in flight"});
          fetch->start();
        });
  }

  HttpClientStats stats() const {
    return {core_->requests, core_->connections, core_->reused, core_->retried, core_->pool.idle()};
  }

  Loop& loop() { return core_->loop; }

 private:
  std::shared_ptr<ClientCore> core_;
};

HttpClient::HttpClient(Loop& loop, HttpClientOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}
HttpClient::~HttpClient() = default;

void HttpClient::fetch(ClientRequest request, Callback done) {
  impl_->fetch(std::move(request), std::move(done));
}

Result<ClientResponse> HttpClient::fetch_sync(ClientRequest request) {
  CHECK(!impl_->loop().here());
  std::promise<Result<ClientResponse>> promise;
  auto answer = promise.get_future();
  fetch(std::move(request),
        [&](Result<ClientResponse> result) { promise.set_value(std::move(result)); });
  return answer.get();
}

HttpClientStats HttpClient::stats() const { return impl_->stats(); }

}  // namespace strata::net

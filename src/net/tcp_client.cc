#include "net/tcp_client.h"

#include <boost/asio/co_spawn.hpp>
#include <unordered_set>

#include "base/mutex.h"
#include "model/duration.h"
#include "net/dialer.h"
#include "net/input_buffer.h"
#include "net/loop_impl.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;
constexpr size_t kRead = 4096;

class Talk;

}  // namespace

// What the dialogues of one client share; on the loop's thread but for `mutex`'s.
struct TcpClient::Core {
  explicit Core(Loop& l) : loop(l), resolver(l) {}
  Loop& loop;
  Resolver resolver;
  ClientTlsContexts tls;
  std::unordered_set<Talk*> talks;
  bool closing = false;

  Mutex mutex;
  CondVar all_ended;
  size_t in_flight GUARDED_BY(mutex) = 0;
};

namespace {

// One dialogue; kept alive by its own coroutine.
class Talk : public std::enable_shared_from_this<Talk> {
 public:
  Talk(std::shared_ptr<void> owner, Loop& loop, Resolver& resolver, ClientTlsContexts& tls,
       TcpRequest request)
      : owner_(std::move(owner)),
        request_(std::move(request)),
        deadline_(loop.impl().io, [this] { give_up(timeout_error()); }),
        deadline_at_(std::chrono::steady_clock::now() + request_.timeout),
        dialer_(loop, resolver, tls, phase_) {
    if (!request_.stop.stop_possible()) return;
    on_stop_.emplace(request_.stop, [this, &loop] {
      loop.post([weak = weak_from_this()] {
        if (const auto talk = weak.lock()) talk->give_up({ErrorCode::kCanceled, "given up"});
      });
    });
  }

  void give_up(Error error) {
    if (given_up_) return;
    given_up_ = std::move(error);
    dialer_.abort();
    if (stream_) stream_->close();
  }

  asio::awaitable<Result<>> run() {
    deadline_.set_at(deadline_at_);
    Result<> result;
    if (!given_up_) result = co_await converse();
    deadline_.clear();
    on_stop_.reset();
    stream_.reset();
    if (request_.trace) {
      phase_.enter(Phase::kStart);
      request_.trace->spent = phase_.spent();
      request_.trace->address = dialer_.address();
    }
    if (given_up_) result = std::unexpected(*given_up_);
    co_return result;
  }

 private:
  asio::awaitable<Result<>> converse() {
    Url url;
    url.scheme = request_.tls ? "https" : "http";  // to the dialer: with TLS or without
    url.host = request_.host;
    url.port = request_.port;
    Dialer::Target target{.url = std::move(url),
                          .unix_socket = {},
                          .proxy = {},
                          .proxy_headers = {},
                          .tls = request_.tls.value_or(TlsOptions()),
                          .connect_timeout = std::chrono::seconds(10),
                          .deadline = deadline_at_};
    auto dialled = co_await dialer_.dial(std::move(target));
    stream_ = CO_TRY(std::move(dialled));
    if (request_.trace) request_.trace->tls = stream_->tls_peer();
    if (request_.dialogue) co_return co_await answer_lines();
    for (const auto& step : request_.steps) {
      if (step.expect) {
        const auto came = co_await expect(*step.expect);
        if (!came) co_return came;
      }
      CO_TRY(co_await send(step.send));
    }
    co_return Result<>{};
  }

  asio::awaitable<Result<>> answer_lines() {
    while (true) {
      const std::string line = CO_TRY(co_await read_line());
      const TcpTurn turn = request_.dialogue(line);
      CO_TRY(co_await send(turn.send));
      if (turn.ends) co_return turn.result;
      if (!turn.start_tls) continue;
      // What came unencrypted behind the line could be anybody's (RFC 3207, 4).
      if (!input_.unread().empty()) {
        co_return fail(ErrorCode::kUnavailable, "the peer spoke before TLS began");
      }
      auto upgraded =
          co_await dialer_.upgrade(std::move(stream_), request_.start_tls, request_.host);
      stream_ = CO_TRY(std::move(upgraded));
      CO_TRY(co_await send(turn.send_after_tls));
    }
  }

  asio::awaitable<Result<>> send(std::string text) {
    if (text.empty()) co_return Result<>{};
    phase_.enter(Phase::kSend);
    const auto error = co_await stream_->write_all({asio::buffer(text), {}}, [] {});
    if (error) co_return fail(ErrorCode::kUnavailable, "send: " + describe(error));
    co_return Result<>{};
  }

  asio::awaitable<Result<std::string>> read_line() {
    phase_.enter(Phase::kWait);
    while (true) {
      const auto text = input_.unread();
      if (const size_t end = text.find('\n'); end != std::string_view::npos) {
        std::string line(text.substr(0, end));
        if (line.ends_with('\r')) line.pop_back();
        input_.consume(end + 1);
        co_return line;
      }
      if (text.size() > TcpClient::kMaxReply) {
        co_return fail(ErrorCode::kLimit, "a line is longer than 64 KiB");
      }
      const auto room = input_.prepare(kRead);
      const IoResult got = co_await stream_->read_some(asio::buffer(room.data(), room.size()));
      if (got.error) {
        co_return fail(ErrorCode::kUnavailable, "the peer broke off: " + describe(got.error));
      }
      input_.commit(got.bytes);
    }
  }

  asio::awaitable<Result<>> expect(Regex pattern) {
    phase_.enter(Phase::kWait);
    size_t read = 0;
    while (true) {
      const auto text = input_.unread();
      const size_t end = text.find('\n');
      if (end != std::string_view::npos) {
        auto line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        const bool matches = pattern.partial_match(line);
        input_.consume(end + 1);
        if (matches) co_return Result<>{};
        continue;
      }
      if (read > TcpClient::kMaxReply) {
        co_return fail(ErrorCode::kLimit, "the expected text did not come within 64 KiB");
      }
      const auto room = input_.prepare(kRead);
      const IoResult got = co_await stream_->read_some(asio::buffer(room.data(), room.size()));
      if (got.error) {
        // A last line may lack its newline.
        if (!input_.unread().empty() && pattern.partial_match(input_.unread()))
          co_return Result<>{};
        co_return fail(ErrorCode::kExecution,
                       "no line matched " + pattern.pattern() + ": " + describe(got.error));
      }
      read += got.bytes;
      input_.commit(got.bytes);
    }
  }

  Error timeout_error() const {
    const auto ms = std::chrono::duration_cast<Millis>(request_.timeout);
    const char* where = "waiting for the expected text";
    switch (phase_.phase()) {
      case Phase::kResolve: where = "looking up the name"; break;
      case Phase::kConnect: where = "connecting"; break;
      case Phase::kTls: where = "in the TLS handshake"; break;
      default: break;
    }
    return {ErrorCode::kTimeout, "timeout after " + format_duration(ms) + " while " + where};
  }

  const std::shared_ptr<void> owner_;
  const TcpRequest request_;
  PhaseClock phase_;
  Deadline deadline_;
  const std::chrono::steady_clock::time_point deadline_at_;
  Dialer dialer_;
  std::unique_ptr<Stream> stream_;
  InputBuffer input_;
  std::optional<Error> given_up_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

}  // namespace

TcpClient::TcpClient(Loop& loop) : core_(std::make_shared<Core>(loop)) {}

TcpClient::~TcpClient() {
  Loop& loop = core_->loop;
  const auto close = [core = core_] {
    core->closing = true;
    const auto talks = core->talks;
    for (Talk* talk : talks) talk->give_up({ErrorCode::kCanceled, "the client is shutting down"});
  };
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
  loop.post([core = std::move(core_)] {});  // sockets and timers end on their thread
}

void TcpClient::talk(TcpRequest request, Callback done) {
  {
    MutexLock lock(core_->mutex);
    ++core_->in_flight;
  }
  core_->loop.post([core = core_, request = std::move(request), done = std::move(done)]() mutable {
    auto talk =
        std::make_shared<Talk>(core, core->loop, core->resolver, core->tls, std::move(request));
    core->talks.insert(talk.get());
    if (core->closing) talk->give_up({ErrorCode::kCanceled, "the client is shutting down"});
    auto end = [core, talk, done = std::move(done)](const std::exception_ptr& thrown,
                                                    Result<> result) mutable {
      core->talks.erase(talk.get());
      if (thrown) result = fail(ErrorCode::kInternal, "the dialogue ended by an exception");
      done(std::move(result));
      done = nullptr;  // what it holds goes before the client may
      MutexLock lock(core->mutex);
      if (--core->in_flight == 0) core->all_ended.notify_all();
    };
    asio::co_spawn(core->loop.impl().io, talk->run(), std::move(end));
  });
}

}  // namespace strata::net

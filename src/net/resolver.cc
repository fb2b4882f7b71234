#include "net/resolver.h"

#include <netdb.h>
#include <pthread.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <thread>

#include "base/mutex.h"

namespace strata::net {
namespace {

namespace ip = boost::asio::ip;

ip::address address_of(const sockaddr* raw) {
  if (raw->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, raw, sizeof v4);
    return ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, raw, sizeof v6);
  ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return ip::address_v6(bytes, v6.sin6_scope_id);
}

// Always these, also where no /etc/hosts says so (RFC 6761, 6.3): small container images have none.
Resolver::Addresses loopback() { return {ip::address_v4::loopback(), ip::address_v6::loopback()}; }

Result<Resolver::Addresses> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code != 0) {
    if (host == "localhost") return loopback();
    const std::string why = code == EAI_NONAME   ? "no such host"
                            : code == EAI_AGAIN  ? "the name server does not answer"
                            : code == EAI_SYSTEM ? std::strerror(errno)
                                                 : ::gai_strerror(code);
    return fail(ErrorCode::kUnavailable, "lookup " + host + ": " + why);
  }
  Resolver::Addresses addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    if (at->ai_family == AF_INET || at->ai_family == AF_INET6) {
      addresses.push_back(address_of(at->ai_addr));
    }
  }
  ::freeaddrinfo(found);
  if (addresses.empty()) return fail(ErrorCode::kUnavailable, "lookup " + host + ": no addresses");
  return addresses;
}

}  // namespace

struct Resolver::State {
  explicit State(Loop& l) : loop(&l) {}

  struct Lookup {
    std::string host;
    Done done;
  };
  Mutex mutex;
  CondVar wake;
  Loop* loop GUARDED_BY(mutex);  // null: the Resolver is gone
  std::deque<Lookup> waiting GUARDED_BY(mutex);
  size_t threads GUARDED_BY(mutex) = 0;
  size_t idle GUARDED_BY(mutex) = 0;
};

Resolver::Resolver(Loop& loop) : state_(std::make_shared<State>(loop)) {}

Resolver::~Resolver() {
  std::deque<State::Lookup> dropped;  // destroyed outside the lock
  MutexLock lock(state_->mutex);
  state_->loop = nullptr;
  dropped.swap(state_->waiting);
  state_->wake.notify_all();
}

void Resolver::resolve(std::string host, Done done) {
  MutexLock lock(state_->mutex);
  if (state_->waiting.size() >= kMaxWaiting) {
    state_->loop->post([host = std::move(host), done = std::move(done)]() mutable {
      done(fail(ErrorCode::kLimit, "lookup " + host + ": too many lookups are waiting"));
    });
    return;
  }
  state_->waiting.push_back({std::move(host), std::move(done)});
  if (state_->idle >= state_->waiting.size() || state_->threads >= kThreads) {
    state_->wake.notify_one();
    return;
  }
  ++state_->threads;
  std::thread([state = state_] { work(state); }).detach();
}

void Resolver::work(const std::shared_ptr<State>& state) {
  pthread_setname_np(pthread_self(), "resolve");
  while (true) {
    State::Lookup lookup;
    {
      MutexLock lock(state->mutex);
      ++state->idle;
      while (state->loop != nullptr && state->waiting.empty()) state->wake.wait(lock);
      --state->idle;
      if (state->loop == nullptr) return;
      lookup = std::move(state->waiting.front());
      state->waiting.pop_front();
    }
    auto addresses = look_up(lookup.host);
    MutexLock lock(state->mutex);
    if (state->loop == nullptr) return;
    state->loop->post([done = std::move(lookup.done), addresses = std::move(addresses)]() mutable {
      done(std::move(addresses));
    });
  }
}

}  // namespace strata::net

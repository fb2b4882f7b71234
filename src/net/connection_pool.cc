#include "net/connection_pool.h"

#include <sys/socket.h>

#include <cerrno>

namespace strata::net {
namespace {

using Clock = std::chrono::steady_clock;

/// An idle connection on which the server has said anything (that it closes, most likely) is of no
/// more use.
bool is_quiet(Stream& stream) {
  char byte = 0;
  const ssize_t got = ::recv(stream.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace

ConnectionPool::ConnectionPool(boost::asio::io_context& io, const HttpClientOptions& options)
    : options_(options), next_sweep_(io, [this] { sweep(); }) {}

std::unique_ptr<Stream> ConnectionPool::take(const PoolKey& key) {
  const auto found = idle_by_key_.find(key);
  if (found == idle_by_key_.end()) return nullptr;
  std::vector<Idle>& list = found->second;
  while (!list.empty()) {
    std::unique_ptr<Stream> stream = std::move(list.back().stream);
    list.pop_back();
    --idle_;
    if (is_quiet(*stream)) return stream;
  }
  return nullptr;
}

void ConnectionPool::give_back(const PoolKey& key, std::unique_ptr<Stream> stream) {
  if (idle_ >= options_.max_idle_connections) return;
  std::vector<Idle>& list = idle_by_key_[key];
  if (list.size() >= options_.max_idle_per_host) return;
  list.push_back({std::move(stream), Clock::now() + options_.idle_timeout});
  if (++idle_ == 1) next_sweep_.set_at(list.back().until);
}

void ConnectionPool::clear() {
  idle_by_key_.clear();
  idle_ = 0;
  next_sweep_.clear();
}

void ConnectionPool::sweep() {
  const auto now = Clock::now();
  auto next = Clock::time_point::max();
  for (auto at = idle_by_key_.begin(); at != idle_by_key_.end();) {
    std::vector<Idle>& list = at->second;  // the one idle longest comes first
    idle_ -= std::erase_if(list, [&](const Idle& idle) { return idle.until <= now; });
    if (!list.empty()) next = std::min(next, list.front().until);
    at = list.empty() ? idle_by_key_.erase(at) : std::next(at);
  }
  // At most one sweep a second, however the connections' times are spread.
  if (idle_ > 0) next_sweep_.set_at(std::max(next, now + std::chrono::seconds(1)));
}

}  // namespace strata::net

// Host names to addresses, off the loop.
//
// The system's resolver blocks, for tens of seconds when a name server is away, so lookups run on a
// few threads of their own: one dead name does not hold up the others. The threads are detached and
// share their state with the Resolver: at shutdown nobody waits for a name server. Bounds: kThreads
// lookups at a time, kMaxWaiting more in the queue.
#pragma once
#include <boost/asio/ip/address.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/loop.h"

namespace strata::net {

class Resolver {
 public:
  using Addresses = std::vector<boost::asio::ip::address>;
  using Done = std::move_only_function<void(Result<Addresses>)>;

  static constexpr size_t kThreads = 4;
  static constexpr size_t kMaxWaiting = 4096;

  explicit Resolver(Loop& loop);
  /// Lookups under way are forgotten: their callbacks are not called.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// `done` is called once on the loop's thread with at least one address, in the system's order
  /// of preference. Error: kUnavailable, kLimit.
  void resolve(std::string host, Done done);

 private:
  struct State;
  static void work(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace strata::net

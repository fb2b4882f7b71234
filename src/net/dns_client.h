// Asks name servers for records, as dns_sd needs them: the system's resolver only gives addresses.
//
// Servers and search domains come from resolv.conf, read anew for each lookup. Over UDP, then over
// TCP when the answer does not fit. All lookups run on the loop; no thread waits for a name server.
// Bounds: kMaxInFlight lookups at a time; each ends within Options::patience a server, candidate
// name and attempt.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/dns_message.h"
#include "net/loop.h"

namespace strata::net {

/// Thread-safe. Must be destroyed before its Loop.
class DnsClient {
 public:
  using Callback = std::move_only_function<void(Result<std::vector<DnsRecord>>)>;
  static constexpr int kAttempts = 2;
  static constexpr size_t kMaxInFlight = 1'000;

  struct Options {
    std::string resolv_conf = "/etc/resolv.conf";
    uint16_t port = 53;
    std::chrono::milliseconds patience{2'000};  // with one server, over UDP and again over TCP
  };

  explicit DnsClient(Loop& loop) : DnsClient(loop, Options()) {}
  DnsClient(Loop& loop, Options options);
  /// Lookups under way are forgotten: no callback begins after this.
  ~DnsClient();
  DnsClient(const DnsClient&) = delete;
  DnsClient& operator=(const DnsClient&) = delete;

  /// The answer's records of the first candidate name (dns_candidates) that exists; none when no
  /// candidate does. `done` is called once, on the loop's thread. Error: kUnavailable when a server
  /// does not say; then it is not known what there is. kBadData, kLimit.
  void lookup(std::string name, DnsType type, Callback done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace strata::net

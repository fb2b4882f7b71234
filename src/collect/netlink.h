// Counters of network devices from the kernel's routing socket: the whole set in two system calls,
// with what /proc/net/dev leaves out.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::collect {

/// One device's struct rtnl_link_stats64 (include/uapi/linux/if_link.h), in its order.
struct LinkStats {
  static constexpr size_t kFields = 24;
  std::string name;
  std::array<uint64_t, kFields> values{};
};

/// All devices of our network namespace.
Result<std::vector<LinkStats>> read_links();

/// Appends what one datagram holds; `done` is set when it ends the dump. Public for its fuzzer.
Result<> parse_links(std::string_view datagram, std::vector<LinkStats>& links, bool& done);

}  // namespace strata::collect

// DNS messages (RFC 1035, 2782, 3596, 6891): a query written, a response read. Pure functions.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::net {

enum class DnsType : uint16_t { kA = 1, kNs = 2, kCname = 5, kMx = 15, kAaaa = 28, kSrv = 33 };
/// "A", "SRV", …
std::string_view to_string(DnsType type);

struct DnsRecord {
  DnsType type = DnsType::kA;
  /// The address of an A or AAAA record, in text; else the name that is pointed to, with its last
  /// dot.
  std::string target = {};
  uint16_t port = 0;  // SRV only
  friend bool operator==(const DnsRecord&, const DnsRecord&) = default;
};

struct DnsMessage {
  uint16_t id = 0;
  bool is_response = false;
  bool truncated = false;
  uint8_t rcode = 0;
  std::string question = {};  // in lower case, with its last dot
  uint16_t question_type = 0;
  std::vector<DnsRecord> answers = {};  // of the types above, in their order; others are left out
};

inline constexpr uint8_t kDnsNoError = 0;
inline constexpr uint8_t kDnsNoSuchName = 3;

/// A query for `name`, which may end in a dot. Asks for recursion; with `edns` says that a response
/// of 4096 bytes is welcome over UDP. Error: kBadData for a name that cannot be asked for.
Result<std::string> dns_query(uint16_t id, std::string_view name, DnsType type, bool edns);

/// Bounded by the message, which has at most 64 KiB. Error: kBadData.
Result<DnsMessage> parse_dns_message(std::string_view bytes);

/// What /etc/resolv.conf says (resolv.conf(5)), as far as it matters here.
struct DnsSettings {
  std::vector<std::string> servers = {};  // addresses
  std::vector<std::string> search = {};   // domains without a last dot
  size_t ndots = 1;
};
DnsSettings parse_resolv_conf(std::string_view text);

/// The absolute names that `name` may stand for, in the order they are tried.
std::vector<std::string> dns_candidates(const DnsSettings& settings, std::string_view name);

}  // namespace strata::net

// node_nfs_* and node_nfsd_*: /proc/net/rpc/nfs (client) and nfsd (server).
#include <fmt/format.h>

#include <span>

#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

// Procedures in the order in which the kernel counts them; "" is one that is not reported.
constexpr std::string_view kV2[] = {"Null", "GetAttr", "SetAttr", "Root",   "Lookup",  "ReadLink",
                                    "Read", "WrCache", "Write",   "Create", "Remove",  "Rename",
                                    "Link", "SymLink", "MkDir",   "RmDir",  "ReadDir", "FsStat"};
constexpr std::string_view kV3[] = {
    "Null",    "GetAttr",     "SetAttr", "Lookup", "Access",   "ReadLink", "Read",   "Write",
    "Create",  "MkDir",       "SymLink", "MkNod",  "Remove",   "RmDir",    "Rename", "Link",
    "ReadDir", "ReadDirPlus", "FsStat",  "FsInfo", "PathConf", "Commit"};
constexpr std::string_view kClientV4[] = {"Null",
                                          "Read",
                                          "Write",
                                          "Commit",
                                          "Open",
                                          "OpenConfirm",
                                          "OpenNoattr",
                                          "OpenDowngrade",
                                          "Close",
                                          "Setattr",
                                          "FsInfo",
                                          "Renew",
                                          "SetClientID",
                                          "SetClientIDConfirm",
                                          "Lock",
                                          "Lockt",
                                          "Locku",
                                          "Access",
                                          "Getattr",
                                          "Lookup",
                                          "LookupRoot",
                                          "Remove",
                                          "Rename",
                                          "Link",
                                          "Symlink",
                                          "Create",
                                          "Pathconf",
                                          "StatFs",
                                          "ReadLink",
                                          "ReadDir",
                                          "ServerCaps",
                                          "DelegReturn",
                                          "GetACL",
                                          "SetACL",
                                          "FsLocations",
                                          "ReleaseLockowner",
                                          "Secinfo",
                                          "FsidPresent",
                                          "ExchangeID",
                                          "CreateSession",
                                          "DestroySession",
                                          "Sequence",
                                          "GetLeaseTime",
                                          "ReclaimComplete",
                                          "GetDeviceInfo",
                                          "LayoutGet",
                                          "LayoutCommit",
                                          "LayoutReturn",
                                          "SecinfoNoName",
                                          "TestStateID",
                                          "FreeStateID",
                                          "GetDeviceList",
                                          "BindConnToSession",
                                          "DestroyClientID",
                                          "Seek",
                                          "Allocate",
                                          "DeAllocate",
                                          "LayoutStats",
                                          "Clone"};
constexpr std::string_view kServerV4[] = {"",
                                          "",
                                          "",
                                          "Access",
                                          "Close",
                                          "Commit",
                                          "Create",
                                          "DelegPurge",
                                          "DelegReturn",
                                          "GetAttr",
                                          "GetFH",
                                          "Link",
                                          "Lock",
                                          "Lockt",
                                          "Locku",
                                          "Lookup",
                                          "LookupRoot",
                                          "Nverify",
                                          "Open",
                                          "OpenAttr",
                                          "OpenConfirm",
                                          "OpenDgrd",
                                          "PutFH",
                                          "",
                                          "",
                                          "Read",
                                          "ReadDir",
                                          "ReadLink",
                                          "Remove",
                                          "Rename",
                                          "Renew",
                                          "RestoreFH",
                                          "SaveFH",
                                          "SecInfo",
                                          "SetAttr",
                                          "SetClientID",
                                          "SetClientIDConfirm",
                                          "Verify",
                                          "Write",
                                          "RelLockOwner"};

/// Lines of a name and numbers: "net 70 70 69 45".
using Numbers = std::vector<uint64_t>;

Result<Numbers> parse_numbers(std::string_view rest, size_t most, std::string_view where) {
  Numbers numbers;
  for (auto field = next_field(rest); !field.empty() && numbers.size() < most;
       field = next_field(rest)) {
    numbers.push_back(TRY(to_uint(field, where)));
  }
  return numbers;
}

Result<> expect(const Numbers& numbers, size_t least, std::string_view where) {
  if (numbers.size() < least) return malformed(where, "a line of too few numbers");
  return {};
}

double at(const Numbers& numbers, size_t i) {
  return i < numbers.size() ? static_cast<double>(numbers[i]) : 0;
}

// "proc3 22 0 1061909262 …": how many follow, then one a procedure. Newer kernels know more
// procedures than the table, older ones fewer, which then count nothing.
Result<> add_procedures(const Families::Handle& requests, const Numbers& numbers,
                        std::span<const std::string_view> names, std::string_view protocol,
                        std::string_view where) {
  if (numbers.empty() || numbers[0] != numbers.size() - 1) {
    return malformed(where, "a line whose length is not what it says");
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) continue;
    requests.add(at(numbers, i + 1), {{"proto", protocol}, {"method", names[i]}});
  }
  return {};
}

constexpr std::string_view kClient = "/proc/net/rpc/nfs";
constexpr std::string_view kServer = "/proc/net/rpc/nfsd";
constexpr size_t kMaxNumbers = 1024;

Result<> add_client_line(Families& out, std::string_view name, const Numbers& numbers) {
  const auto requests = out.counter("node_nfs_requests_total", "Number of NFS procedures invoked.");
  if (name == "net") {
    TRY(expect(numbers, 4, kClient));
    const auto packets = out.counter(
        "node_nfs_packets_total", "Total NFSd network packets (sent+received) by protocol type.");
    packets.add(at(numbers, 1), {{"protocol", "udp"}});
    packets.add(at(numbers, 2), {{"protocol", "tcp"}});
    out.counter("node_nfs_connections_total", "Total number of NFSd TCP connections.")
        .add(at(numbers, 3));
  } else if (name == "rpc") {
    TRY(expect(numbers, 3, kClient));
    out.counter("node_nfs_rpcs_total", "Total number of RPCs performed.").add(at(numbers, 0));
    out.counter("node_nfs_rpc_retransmissions_total", "Number of RPC transmissions performed.")
        .add(at(numbers, 1));
    out.counter("node_nfs_rpc_authentication_refreshes_total",
                "Number of RPC authentication refreshes performed.")
        .add(at(numbers, 2));
  } else if (name == "proc2") {
    TRY(add_procedures(requests, numbers, kV2, "2", kClient));
  } else if (name == "proc3") {
    TRY(add_procedures(requests, numbers, kV3, "3", kClient));
  } else if (name == "proc4") {
    TRY(add_procedures(requests, numbers, kClientV4, "4", kClient));
  }
  return {};
}

struct ServerCounter {
  std::string_view line;
  size_t column;
  MetricType type;
  std::string_view name;
  std::string_view help;
  Label label;  // empty name: none
};

constexpr MetricType kCounter = MetricType::kCounter;
constexpr std::string_view kPackets =
    "Total NFSd network packets (sent+received) by protocol type.";
constexpr std::string_view kErrors = "Total number of NFSd RPC errors by error type.";
constexpr ServerCounter kServerCounters[] = {
    {"rc",
     0,
     kCounter,
     "reply_cache_hits_total",
     "Total number of NFSd Reply Cache hits (client lost server response).",
     {}},
    {"rc",
     1,
     kCounter,
     "reply_cache_misses_total",
     "Total number of NFSd Reply Cache an operation that requires caching (idempotent).",
     {}},
    {"rc",
     2,
     kCounter,
     "reply_cache_nocache_total",
     "Total number of NFSd Reply Cache non-idempotent operations (rename/delete/…).",
     {}},
    {"fh", 0, kCounter, "file_handles_stale_total", "Total number of NFSd stale file handles", {}},
    {"io", 0, kCounter, "disk_bytes_read_total", "Total NFSd bytes read.", {}},
    {"io", 1, kCounter, "disk_bytes_written_total", "Total NFSd bytes written.", {}},
    {"th",
     0,
     MetricType::kGauge,
     "server_threads",
     "Total number of NFSd kernel threads that are running.",
     {}},
    {"ra",
     0,
     MetricType::kGauge,
     "read_ahead_cache_size_blocks",
     "How large the read ahead cache is in blocks.",
     {}},
    {"ra",
     11,
     kCounter,
     "read_ahead_cache_not_found_total",
     "Total number of NFSd read ahead cache not found.",
     {}},
    {"net", 1, kCounter, "packets_total", kPackets, {"proto", "udp"}},
    {"net", 2, kCounter, "packets_total", kPackets, {"proto", "tcp"}},
    {"net", 3, kCounter, "connections_total", "Total number of NFSd TCP connections.", {}},
    {"rpc", 0, kCounter, "server_rpcs_total", "Total number of NFSd RPCs.", {}},
    {"rpc", 2, kCounter, "rpc_errors_total", kErrors, {"error", "fmt"}},
    {"rpc", 3, kCounter, "rpc_errors_total", kErrors, {"error", "auth"}},
    {"rpc", 4, kCounter, "rpc_errors_total", kErrors, {"error", "cInt"}}};

Result<> add_server_line(Families& out, std::string_view name, const Numbers& numbers) {
  for (const ServerCounter& counter : kServerCounters) {
    if (counter.line != name) continue;
    TRY(expect(numbers, counter.column + 1, kServer));
    const auto family =
        out.family(fmt::format("node_nfsd_{}", counter.name), counter.type, counter.help);
    if (counter.label.name.empty()) {
      family.add(at(numbers, counter.column));
    } else {
      family.add(at(numbers, counter.column), {counter.label});
    }
  }
  // The server does not report calls of the null procedure, the first of versions 2 and 3.
  constexpr std::string_view kNull;
  std::vector<std::string_view> names;
  std::string_view protocol;
  if (name == "proc2") names.assign(std::begin(kV2), std::end(kV2)), protocol = "2";
  if (name == "proc3") names.assign(std::begin(kV3), std::end(kV3)), protocol = "3";
  if (name == "proc4ops") names.assign(std::begin(kServerV4), std::end(kServerV4)), protocol = "4";
  if (!names.empty()) names[0] = kNull;
  const auto requests =
      out.counter("node_nfsd_requests_total", "Total number NFSd Requests by method and protocol.");
  if (!names.empty()) TRY(add_procedures(requests, numbers, names, protocol, kServer));
  if (name == "wdeleg_getattr") {
    requests.add(at(numbers, 0), {{"proto", "4"}, {"method", "WdelegGetattr"}});
  }
  return {};
}

using AddLine = Result<> (*)(Families& out, std::string_view name, const Numbers& numbers);

Result<> collect_rpc(Host& host, std::string_view file, std::string_view where, AddLine add_line) {
  const std::string_view text = TRY(host.proc.read(file));
  for (Lines lines(text); lines.next();) {
    std::string_view rest = lines.line();
    const std::string_view name = next_field(rest);
    if (name.empty()) continue;
    // What follows the threads was a histogram once; it has fractions.
    const size_t most = name == "th" ? 2 : kMaxNumbers;
    const Numbers numbers = TRY(parse_numbers(rest, most, where));
    TRY(add_line(host.out, name, numbers));
  }
  return {};
}

}  // namespace

Result<> collect_nfs(Host& host) {
  return collect_rpc(host, "net/rpc/nfs", kClient, add_client_line);
}

Result<> collect_nfsd(Host& host) {
  return collect_rpc(host, "net/rpc/nfsd", kServer, add_server_line);
}

}  // namespace strata::collect

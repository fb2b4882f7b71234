// node_network_*_total: counters of network devices, from the routing socket or /proc/net/dev.
#include <fmt/format.h>

#include "collect/collectors.h"
#include "collect/fields.h"
#include "collect/netlink.h"

namespace strata::collect {
namespace {

void add(Families& out, std::string_view key, uint64_t value, std::string_view device) {
  out.counter(fmt::format("node_network_{}_total", key),
              fmt::format("Network device statistic {}.", key))
      .add(static_cast<double>(value), {{"device", device}});
}

// /proc/net/dev folds the kernel's 24 counters into 16, and these are the names that stuck; the
// routing socket has no fold, so it is made here (net/core/net-procfs.c, dev_seq_printf_stats).
enum : size_t {  // struct rtnl_link_stats64
  kRxPackets,
  kTxPackets,
  kRxBytes,
  kTxBytes,
  kRxErrors,
  kTxErrors,
  kRxDropped,
  kTxDropped,
  kMulticast,
  kCollisions,
  kRxLength,
  kRxOver,
  kRxCrc,
  kRxFrame,
  kRxFifo,
  kRxMissed,
  kTxAborted,
  kTxCarrier,
  kTxFifo,
  kTxHeartbeat,
  kTxWindow,
  kRxCompressed,
  kTxCompressed,
  kRxNoHandler
};

void add_link(Families& out, const LinkStats& link) {
  const auto& v = link.values;
  const struct {
    std::string_view key;
    uint64_t value;
  } counters[] = {
      {"receive_bytes", v[kRxBytes]},
      {"receive_packets", v[kRxPackets]},
      {"receive_errs", v[kRxErrors]},
      {"receive_drop", v[kRxDropped] + v[kRxMissed]},
      {"receive_fifo", v[kRxFifo]},
      {"receive_frame", v[kRxFrame] + v[kRxLength] + v[kRxOver] + v[kRxCrc]},
      {"receive_compressed", v[kRxCompressed]},
      {"receive_multicast", v[kMulticast]},
      {"receive_nohandler", v[kRxNoHandler]},
      {"transmit_bytes", v[kTxBytes]},
      {"transmit_packets", v[kTxPackets]},
      {"transmit_errs", v[kTxErrors]},
      {"transmit_drop", v[kTxDropped]},
      {"transmit_fifo", v[kTxFifo]},
      {"transmit_colls", v[kCollisions]},
      {"transmit_carrier", v[kTxCarrier] + v[kTxAborted] + v[kTxHeartbeat] + v[kTxWindow]},
      {"transmit_compressed", v[kTxCompressed]},
  };
  for (const auto& counter : counters) add(out, counter.key, counter.value, link.name);
}

// "  eth0: 10 1 0 …": eight received, eight sent.
constexpr std::string_view kProcColumns[] = {
    "receive_bytes",  "receive_packets",  "receive_errs",       "receive_drop",
    "receive_fifo",   "receive_frame",    "receive_compressed", "receive_multicast",
    "transmit_bytes", "transmit_packets", "transmit_errs",      "transmit_drop",
    "transmit_fifo",  "transmit_colls",   "transmit_carrier",   "transmit_compressed"};

Result<> collect_proc(Host& host, const NameFilter& filter) {
  const std::string_view text = TRY(host.proc.read("net/dev"));
  size_t number = 0;
  for (Lines lines(text); lines.next();) {
    if (++number <= 2) continue;  // the header
    // An alias has a colon of its own: "eth0:1:".
    const size_t colon = lines.line().rfind(':');
    if (colon == std::string_view::npos) return malformed("/proc/net/dev", "a line without ':'");
    const std::string_view device = trim(lines.line().substr(0, colon));
    std::string_view rest = lines.line().substr(colon + 1);
    if (!filter.keeps(device)) continue;
    for (const std::string_view column : kProcColumns) {
      add(host.out, column, TRY(to_uint(next_field(rest), "/proc/net/dev")), device);
    }
  }
  return {};
}

}  // namespace

Collector make_netdev(const Settings& settings) {
  return [filter = NameFilter(settings, "netdev.device"),
          netlink = settings.flag("netdev.netlink")](Host& host) -> Result<> {
    if (!netlink) return collect_proc(host, filter);
    for (const LinkStats& link : TRY(read_links())) {
      if (filter.keeps(link.name)) add_link(host.out, link);
    }
    return {};
  };
}

}  // namespace strata::collect

// The network stack's own counts: ARP, sockets, protocols, soft interrupts, connection tracking.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/number.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {

Collector make_arp(const Settings& settings) {
  return [filter = NameFilter(settings, "arp.device")](Host& host) -> Result<> {
    const std::string_view text = TRY(host.proc.read("net/arp"));
    constexpr size_t kColumns = 6;  // address, type, flags, hardware address, mask, device
    std::map<std::string_view, size_t> entries;
    std::vector<std::string_view> fields;
    Lines lines(text);
    lines.next();  // the header
    while (lines.next()) {
      split_fields(lines.line(), fields);
      if (fields.empty()) continue;
      if (fields.size() != kColumns) return malformed("/proc/net/arp", "a line without 6 columns");
      if (filter.keeps(fields[5])) ++entries[fields[5]];
    }
    const auto family = host.out.gauge("node_arp_entries", "ARP entries by device");
    for (const auto& [device, count] : entries) {
      family.add(static_cast<double>(count), {{"device", device}});
    }
    return {};
  };
}

// One line a CPU, in hexadecimal: net/core/net-procfs.c, softnet_seq_show. The CPU's number came
// with Linux 5.10; before that the line's place is it.
Result<> collect_softnet(Host& host) {
  constexpr size_t kNone = 99;
  static constexpr struct {
    size_t column;
    MetricType type;
    std::string_view name, help;
  } kCounts[] = {
      {0, MetricType::kCounter, "node_softnet_processed_total", "Number of processed packets"},
      {1, MetricType::kCounter, "node_softnet_dropped_total", "Number of dropped packets"},
      {2, MetricType::kCounter, "node_softnet_times_squeezed_total",
       "Number of times processing packets ran out of quota"},
      {8, MetricType::kCounter, "node_softnet_cpu_collision_total",
       "Number of collision occur while obtaining device lock while transmitting"},
      {9, MetricType::kCounter, "node_softnet_received_rps_total",
       "Number of times cpu woken up received_rps"},
      {10, MetricType::kCounter, "node_softnet_flow_limit_count_total",
       "Number of times flow limit has been reached"},
      {11, MetricType::kGauge, "node_softnet_backlog_len", "Softnet backlog status"}};
  const std::string_view text = TRY(host.proc.read("net/softnet_stat"));
  std::vector<std::string_view> fields;
  size_t line = 0;
  for (Lines lines(text); lines.next(); ++line) {
    split_fields(lines.line(), fields);
    if (fields.size() < 9) return malformed("/proc/net/softnet_stat", "a line of too few columns");
    const size_t cpu_column = fields.size() >= 13 ? 12 : kNone;
    const uint64_t cpu =
        cpu_column == kNone ? line : TRY(to_uint_hex(fields[cpu_column], "/proc/net/softnet_stat"));
    const std::string number = std::to_string(cpu);
    for (const auto& count : kCounts) {
      uint64_t value = 0;
      const bool there = count.column < fields.size() && (count.column < 11 || cpu_column != kNone);
      if (there) value = TRY(to_uint_hex(fields[count.column], "/proc/net/softnet_stat"));
      host.out.family(count.name, count.type, count.help)
          .add(static_cast<double>(value), {{"cpu", number}});
    }
  }
  return {};
}

namespace {

void add_sockets(Families& out, std::string_view protocol, std::string_view state, double value) {
  out.gauge(fmt::format("node_sockstat_{}_{}", protocol, state),
            fmt::format("Number of {} sockets in state {}.", protocol, state))
      .add(value);
}

// "TCP: inuse 4 orphan 0 tw 4 alloc 17 mem 1": pairs of a state and a count.
Result<> add_sockstat(Families& out, std::string_view text, bool ipv6) {
  static constexpr std::string_view kStates[] = {"inuse", "orphan", "tw", "alloc", "mem", "memory"};
  for (Lines lines(text); lines.next();) {
    auto [protocol, rest] = cut(lines.line(), ':');
    for (auto state = next_field(rest); !state.empty(); state = next_field(rest)) {
      const double value = TRY(to_double(next_field(rest), "/proc/net/sockstat"));
      if (protocol == "sockets") {
        if (state != "used" || ipv6) continue;
        out.gauge("node_sockstat_sockets_used", "Number of IPv4 sockets in use.").add(value);
        continue;
      }
      if (std::ranges::find(kStates, state) == std::end(kStates)) continue;
      add_sockets(out, protocol, state, value);
      if (state == "mem") {  // counted in pages
        add_sockets(out, protocol, "mem_bytes",
                    value * static_cast<double>(::sysconf(_SC_PAGESIZE)));
      }
    }
  }
  return {};
}

}  // namespace

Result<> collect_sockstat(Host& host) {
  for (const bool ipv6 : {false, true}) {
    const auto text = host.proc.read(ipv6 ? "net/sockstat6" : "net/sockstat");
    if (!text && text.error().code == ErrorCode::kNotFound) continue;  // no IPv6, or no IPv4
    if (!text) return std::unexpected(text.error());
    TRY(add_sockstat(host.out, *text, ipv6));
  }
  return {};
}

namespace {

class NetstatCollector {
 public:
  explicit NetstatCollector(const Settings& settings) : fields_(settings.regex("netstat.fields")) {}

  Result<> operator()(Host& host) {
    for (const std::string_view file : {"net/netstat", "net/snmp"}) {
      const std::string_view text = TRY(host.proc.read(file));
      TRY(add_pairs_of_lines(host.out, text, file));
    }
    const auto text = host.proc.read("net/snmp6");
    if (!text && text.error().code == ErrorCode::kNotFound) return {};  // IPv6 is off
    if (!text) return std::unexpected(text.error());
    return add_snmp6(host.out, *text);
  }

 private:
  // "Tcp: RtoAlgorithm RtoMin …" and below it "Tcp: 1 200 …".
  Result<> add_pairs_of_lines(Families& out, std::string_view text, std::string_view file) {
    Lines lines(text);
    while (lines.next()) {
      auto [protocol, names] = cut(lines.line(), ':');
      if (!lines.next()) return malformed(file, "names without values");
      auto [again, values] = cut(lines.line(), ':');
      if (again != protocol) return malformed(file, "names and values of different protocols");
      for (auto name = next_field(names); !name.empty(); name = next_field(names)) {
        const std::string_view value = next_field(values);
        if (value.empty()) return malformed(file, "more names than values");
        TRY(add(out, protocol, name, value));
      }
    }
    return {};
  }

  // "Ip6InReceives  7": the protocol ends with the 6.
  Result<> add_snmp6(Families& out, std::string_view text) {
    for (Lines lines(text); lines.next();) {
      std::string_view rest = lines.line();
      const std::string_view key = next_field(rest);
      const std::string_view value = next_field(rest);
      const size_t six = key.find('6');
      if (value.empty() || six == std::string_view::npos) continue;
      TRY(add(out, key.substr(0, six + 1), key.substr(six + 1), value));
    }
    return {};
  }

  Result<> add(Families& out, std::string_view protocol, std::string_view name,
               std::string_view value) {
    key_.assign(protocol).append("_").append(name);
    if (!fields_.keeps(key_)) return {};
    const double number = TRY(to_double(value, "/proc/net/netstat"));
    out.untyped("node_netstat_" + key_, fmt::format("Statistic {}{}.", protocol, name)).add(number);
    return {};
  }

  FieldFilter fields_;
  std::string key_;
};

}  // namespace

Collector make_netstat(const Settings& settings) { return NetstatCollector(settings); }

namespace {

struct Queues {
  uint64_t sent = 0;
  uint64_t received = 0;
};

// "0: 00000000:0016 00000000:0000 0A 00000015:00000000 …": the fifth column is tx:rx, hexadecimal.
Result<Queues> sum_queues(std::string_view text) {
  Queues sum;
  std::vector<std::string_view> fields;
  Lines lines(text);
  lines.next();  // the header
  while (lines.next()) {
    split_fields(lines.line(), fields);
    if (fields.size() < 10) return malformed("/proc/net/udp", "a line of too few columns");
    const auto [sent, received] = cut(fields[4], ':');
    sum.sent += TRY(to_uint_hex(sent, "/proc/net/udp"));
    sum.received += TRY(to_uint_hex(received, "/proc/net/udp"));
  }
  return sum;
}

}  // namespace

Result<> collect_udp_queues(Host& host) {
  bool any = false;
  for (const auto& [file, ip] : {std::pair("net/udp", "v4"), std::pair("net/udp6", "v6")}) {
    const auto text = host.proc.read(file);
    if (!text && text.error().code == ErrorCode::kNotFound) continue;
    if (!text) return std::unexpected(text.error());
    const Queues sum = TRY(sum_queues(*text));
    const auto family = host.out.gauge(
        "node_udp_queues", "Number of allocated memory in the kernel for UDP datagrams in bytes.");
    family.add(static_cast<double>(sum.sent), {{"queue", "tx"}, {"ip", ip}});
    family.add(static_cast<double>(sum.received), {{"queue", "rx"}, {"ip", ip}});
    any = true;
  }
  if (!any) return no_data("neither /proc/net/udp nor /proc/net/udp6");
  return {};
}

namespace {

struct ConntrackColumn {
  size_t column;
  std::string_view name;
  std::string_view help;
};

// Columns of /proc/net/stat/nf_conntrack, one line a CPU, hexadecimal.
constexpr ConntrackColumn kConntrack[] = {
    {2, "found", "Number of searched entries which were successful."},
    {4, "invalid", "Number of packets seen which can not be tracked."},
    {5, "ignore", "Number of packets seen which are already connected to a conntrack entry."},
    {8, "insert", "Number of entries inserted into the list."},
    {9, "insert_failed", "Number of entries for which list insertion was attempted but failed."},
    {10, "drop", "Number of packets dropped due to conntrack failure."},
    {11, "early_drop",
     "Number of dropped conntrack entries to make room for new ones, if maximum table size was "
     "reached."},
    {16, "search_restart",
     "Number of conntrack table lookups which had to be restarted due to hashtable resizes."}};

}  // namespace

Result<> collect_conntrack(Host& host) {
  const auto number = [](uint64_t value) { return static_cast<double>(value); };
  const auto entries = host.proc.attribute_uint("sys/net/netfilter/nf_conntrack_count");
  if (!entries) return no_data("connection tracking is not loaded");
  host.out
      .gauge("node_nf_conntrack_entries",
             "Number of currently allocated flow entries for connection tracking.")
      .add(number(*entries));
  const auto limit = host.proc.attribute_uint("sys/net/netfilter/nf_conntrack_max");
  if (!limit) return no_data("connection tracking has no limit");
  host.out.gauge("node_nf_conntrack_entries_limit", "Maximum size of connection tracking table.")
      .add(number(*limit));

  const std::string_view text = TRY(host.proc.read("net/stat/nf_conntrack"));
  std::array<uint64_t, std::size(kConntrack)> sums{};
  std::vector<std::string_view> fields;
  Lines lines(text);
  lines.next();  // the header
  while (lines.next()) {
    split_fields(lines.line(), fields);
    if (fields.size() < 16 || fields.size() > 17) {
      return malformed("/proc/net/stat/nf_conntrack", "a line without 16 or 17 columns");
    }
    for (size_t i = 0; i < sums.size(); ++i) {
      if (kConntrack[i].column >= fields.size()) continue;
      sums[i] += TRY(to_uint_hex(fields[kConntrack[i].column], "/proc/net/stat/nf_conntrack"));
    }
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    host.out.gauge(fmt::format("node_nf_conntrack_stat_{}", kConntrack[i].name), kConntrack[i].help)
        .add(number(sums[i]));
  }
  return {};
}

}  // namespace strata::collect

// node_ipvs_*: the kernel's load balancer, /proc/net/ip_vs and ip_vs_stats.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <map>
#include <tuple>

#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

struct Endpoint {
  std::string address;
  std::string port;
};

// "C0A80016:0CEA", or "[2620:0000:…:0001]:0CEA".
Result<Endpoint> parse_endpoint(std::string_view text) {
  constexpr std::string_view kWhere = "/proc/net/ip_vs";
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return malformed(kWhere, "an address without a port");
  const uint64_t port = TRY(to_uint_hex(text.substr(colon + 1), kWhere));
  std::string_view address = text.substr(0, colon);
  char printed[INET6_ADDRSTRLEN];
  if (address.starts_with("[") && address.ends_with("]")) {
    in6_addr binary{};
    const std::string inner(address.substr(1, address.size() - 2));
    if (::inet_pton(AF_INET6, inner.c_str(), &binary) != 1 ||
        ::inet_ntop(AF_INET6, &binary, printed, sizeof printed) == nullptr) {
      return malformed(kWhere, "not an IPv6 address");
    }
    return Endpoint{printed, std::to_string(port)};
  }
  const uint64_t value = TRY(to_uint_hex(address, kWhere));
  if (address.size() != 8) return malformed(kWhere, "not an IPv4 address");
  return Endpoint{fmt::format("{}.{}.{}.{}", value >> 24, (value >> 16) & 0xff, (value >> 8) & 0xff,
                              value & 0xff),
                  std::to_string(port)};
}

struct Backend {
  double active = 0, inactive = 0, weight = 0;
};
/// Local address, port, remote address, port, protocol, firewall mark.
using BackendKey =
    std::tuple<std::string, std::string, std::string, std::string, std::string, std::string>;
using Backends = std::map<BackendKey, Backend>;

Result<Backends> parse_backends(std::string_view text) {
  constexpr std::string_view kWhere = "/proc/net/ip_vs";
  Backends backends;
  std::vector<std::string_view> fields;
  std::string protocol, mark;
  Endpoint local;
  for (Lines lines(text); lines.next();) {
    split_fields(lines.line(), fields);
    if (fields.size() < 2 || fields[1] == "RemoteAddress:Port") continue;
    if (fields[0] == "TCP" || fields[0] == "UDP") {
      protocol = fields[0];
      mark.clear();
      local = TRY(parse_endpoint(fields[1]));
    } else if (fields[0] == "FWM") {
      protocol = fields[0];
      mark = fields[1];
      local = {"", "0"};
    } else if (fields[0] == "->" && fields.size() >= 6) {
      const Endpoint remote = TRY(parse_endpoint(fields[1]));
      Backend& sum =
          backends[{local.address, local.port, remote.address, remote.port, protocol, mark}];
      sum.weight += TRY(to_double(fields[3], kWhere));
      sum.active += TRY(to_double(fields[4], kWhere));
      sum.inactive += TRY(to_double(fields[5], kWhere));
    }
  }
  return backends;
}

Result<> add_totals(Families& out, std::string_view text) {
  static constexpr std::pair<std::string_view, std::string_view> kTotals[] = {
      {"node_ipvs_connections_total", "The total number of connections made."},
      {"node_ipvs_incoming_packets_total", "The total number of incoming packets."},
      {"node_ipvs_outgoing_packets_total", "The total number of outgoing packets."},
      {"node_ipvs_incoming_bytes_total", "The total amount of incoming data."},
      {"node_ipvs_outgoing_bytes_total", "The total amount of outgoing data."}};
  Lines lines(text);
  for (int i = 0; i < 3; ++i) {  // two of headers, then the totals
    if (!lines.next()) return malformed("/proc/net/ip_vs_stats", "too few lines");
  }
  std::string_view rest = lines.line();
  for (const auto& [name, help] : kTotals) {
    const uint64_t value = TRY(to_uint_hex(next_field(rest), "/proc/net/ip_vs_stats"));
    out.counter(name, help).add(static_cast<double>(value));
  }
  return {};
}

}  // namespace

Result<> collect_ipvs(Host& host) {
  const std::string_view totals = TRY(host.proc.read("net/ip_vs_stats"));
  TRY(add_totals(host.out, totals));
  const std::string_view text = TRY(host.proc.read("net/ip_vs"));
  const Backends backends = TRY(parse_backends(text));
  const auto active = host.out.gauge("node_ipvs_backend_connections_active",
                                     "The current active connections by local and remote address.");
  const auto inactive =
      host.out.gauge("node_ipvs_backend_connections_inactive",
                     "The current inactive connections by local and remote address.");
  const auto weight = host.out.gauge("node_ipvs_backend_weight",
                                     "The current backend weight by local and remote address.");
  for (const auto& [key, backend] : backends) {
    const auto& [local, local_port, remote, remote_port, protocol, mark] = key;
    const std::vector<Label> labels = {{"local_address", local},   {"local_port", local_port},
                                       {"remote_address", remote}, {"remote_port", remote_port},
                                       {"proto", protocol},        {"local_mark", mark}};
    active.add(backend.active, labels);
    inactive.add(backend.inactive, labels);
    weight.add(backend.weight, labels);
  }
  return {};
}

}  // namespace strata::collect

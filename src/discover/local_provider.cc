#include <algorithm>

#include "discover/discovery.h"

namespace strata::discover {
namespace {

constexpr Millis kForgetAfter{3'600'000};

/// "# HELP name …", "# TYPE name …", or a line that starts as a sample does.
bool is_exposition_line(std::string_view line) {
  if (line.starts_with("# HELP ") || line.starts_with("# TYPE ")) return true;
  const size_t end = line.find_first_of("{ ");
  return end != std::string_view::npos && is_classic_metric_name(line.substr(0, end));
}

class LocalProvider final : public Provider {
 public:
  LocalProvider(const config::LocalProbeConfig& config, Probe probe,
                const std::vector<uint16_t>& own_ports)
      : interval_(std::max(config.refresh_interval, Millis{1})), probe_(std::move(probe)) {
    for (const config::LocalEndpoint& endpoint : config.endpoints) {
      if (std::ranges::find(own_ports, endpoint.port) == own_ports.end()) {
        ports_.push_back({endpoint, 0});
      }
    }
  }

  Groups refresh(std::vector<std::string>&) override {
    std::vector<TargetGroup> groups;
    for (Port& port : ports_) {
      const std::string address = fmt::format("127.0.0.1:{}", port.endpoint.port);
      port.rounds_left = answers(address) ? kForgetAfter / interval_ : port.rounds_left - 1;
      if (port.rounds_left <= 0) {
        port.rounds_left = 0;
        continue;
      }
      groups.push_back({.source = address,
                        .labels = {{"__meta_local_software", port.endpoint.software}},
                        .targets = {Labels{{"__address__", address}}}});
    }
    return groups;
  }
  Millis refresh_interval() const override { return interval_; }

 private:
  struct Port {
    config::LocalEndpoint endpoint;
    int64_t rounds_left = 0;  // 0: not a target
  };

  /// A refused connection is the usual answer and no error.
  bool answers(const std::string& address) const {
    if (!probe_) return false;
    const Result<ProbeResponse> response = probe_("http://" + address + "/metrics");
    return response && looks_like_exposition(*response);
  }

  const Millis interval_;
  const Probe probe_;
  std::vector<Port> ports_;
};

}  // namespace

bool looks_like_exposition(const ProbeResponse& response) {
  if (response.status != 200) return false;
  const std::string_view type = response.content_type;
  if (type.starts_with("application/openmetrics-text") ||
      type.starts_with("application/vnd.google.protobuf")) {
    return true;
  }
  // text/plain is also what many a server answers any path with, so a line decides.
  if (!type.empty() && !type.starts_with("text/plain")) return false;
  std::string_view rest = response.body;
  for (int lines = 0; lines < 10 && !rest.empty(); ++lines) {
    const size_t end = rest.find('\n');
    if (is_exposition_line(rest.substr(0, end))) return true;
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return false;
}

std::unique_ptr<Provider> make_local_provider(const config::LocalProbeConfig& config, Probe probe,
                                              std::vector<uint16_t> own_ports) {
  return std::make_unique<LocalProvider>(config, std::move(probe), own_ports);
}

}  // namespace strata::discover

#include "probe/outcome.h"

#include <algorithm>

#include "base/hash.h"
#include "wire/text_writer.h"

namespace strata::probe {
namespace {

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

void Outcome::gauge(std::string_view name, std::string_view help, double value, Labels labels) {
  auto known = std::ranges::find(families, name, &MetricFamily::name);
  if (known == families.end()) {
    families.push_back({.name = std::string(name),
                        .type = MetricType::kGauge,
                        .help = std::string(help),
                        .samples = {}});
    known = families.end() - 1;
  }
  known->samples.push_back({.suffix = {}, .labels = std::move(labels), .value = value});
}

void Outcome::fail(std::string_view why) {
  success = false;
  if (!reason.empty()) return;
  reason = why;
  std::ranges::replace(reason, '\n', ' ');
}

void Outcome::add_connection(const net::RequestTrace& trace) {
  gauge("probe_dns_lookup_time_seconds", "How long the lookup of the name took.",
        seconds(trace.in(net::Phase::kResolve)));
  if (!trace.address.empty()) {
    const bool six = trace.address.find(':') != std::string::npos;
    gauge("probe_ip_protocol", "Version of IP that the probe used.", six ? 6 : 4);
    gauge("probe_ip_addr_hash", "Hash of the address that was probed.",
          static_cast<double>(static_cast<uint32_t>(hash64(trace.address))));
  }
  if (!trace.tls) return;
  const auto& tls = *trace.tls;
  gauge("probe_ssl_earliest_cert_expiry", "Unix time at which the first certificate expires.",
        static_cast<double>(tls.earliest_expiry));
  if (tls.chain_expiry > 0) {
    gauge("probe_ssl_last_chain_expiry_timestamp_seconds",
          "Unix time at which the verified chain expires.", static_cast<double>(tls.chain_expiry));
  }
  gauge("probe_ssl_last_chain_info", "The peer's certificate.", 1,
        Labels{{"fingerprint_sha256", tls.fingerprint_sha256},
               {"subject", tls.subject},
               {"issuer", tls.issuer},
               {"subjectalternative", tls.names},
               {"serialnumber", tls.serial}});
  gauge("probe_tls_version_info", "Version of TLS that was agreed on.", 1,
        Labels{{"version", tls.version}});
  gauge("probe_tls_cipher_info", "Cipher that was agreed on.", 1, Labels{{"cipher", tls.cipher}});
}

std::string exposition(const Outcome& outcome, std::chrono::nanoseconds took) {
  Outcome whole;
  whole.gauge("probe_success", "Whether the probe succeeded.", outcome.success ? 1 : 0);
  whole.gauge("probe_duration_seconds", "How long the probe took.", seconds(took));
  std::string out;
  wire::append_exposition(out, whole.families, wire::ExpositionFormat::kText);
  wire::append_exposition(out, outcome.families, wire::ExpositionFormat::kText);
  if (!outcome.success) out += "# failed: " + outcome.reason + "\n";
  return out;
}

}  // namespace strata::probe

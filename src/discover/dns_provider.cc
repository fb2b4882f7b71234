#include <algorithm>

#include "discover/answer_box.h"
#include "discover/discovery.h"

namespace strata::discover {
namespace {

net::DnsType query_type(config::DnsRecordType type) {
  switch (type) {
    case config::DnsRecordType::kSrv: return net::DnsType::kSrv;
    case config::DnsRecordType::kA: return net::DnsType::kA;
    case config::DnsRecordType::kAaaa: return net::DnsType::kAaaa;
    case config::DnsRecordType::kMx: return net::DnsType::kMx;
    case config::DnsRecordType::kNs: return net::DnsType::kNs;
  }
  return net::DnsType::kSrv;
}

/// host:port, an IPv6 address in brackets.
std::string address_of(std::string_view host, int64_t port) {
  const bool v6 = host.contains(':');
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

class DnsProvider final : public Provider {
 public:
  DnsProvider(const config::DnsSdConfig& config, DnsLookup lookup, Metrics& metrics)
      : type_(query_type(config.type)),
        port_(config.port),
        interval_(std::max(config.refresh_interval, Millis{1})),
        lookup_(std::move(lookup)),
        metrics_(metrics) {
    for (const std::string& name : config.names) names_.push_back({.name = name});
  }

  Groups refresh(std::vector<std::string>& errors) override {
    if (!waiting_) ask();
    waiting_ = false;
    for (Name& name : names_) {
      if (!name.answer && name.box != nullptr) name.answer = name.box->take();
      waiting_ = waiting_ || !name.answer;
    }
    if (waiting_) return std::nullopt;
    std::vector<TargetGroup> groups;
    for (Name& name : names_) {
      if (*name.answer) {
        name.group = group_of(name.name, **name.answer);
      } else {
        metrics_.dns_lookup_failures.inc();
        errors.push_back("dns_sd: " + name.answer->error().message);
      }
      name.answer.reset();
      if (!name.group.source.empty()) groups.push_back(name.group);
    }
    return groups;
  }
  Millis refresh_interval() const override { return waiting_ ? kLookAgain : interval_; }

 private:
  using Box = AnswerBox<std::vector<net::DnsRecord>>;
  struct Name {
    std::string name = {};
    std::shared_ptr<Box> box = {};
    std::optional<Result<std::vector<net::DnsRecord>>> answer = {};
    TargetGroup group = {};  // the last there was; without a source: none yet
  };

  void ask() {
    for (Name& name : names_) {
      metrics_.dns_lookups.inc();
      name.box = std::make_shared<Box>();
      lookup_(name.name, type_, [box = name.box](auto records) { box->put(std::move(records)); });
    }
  }

  TargetGroup group_of(const std::string& name, const std::vector<net::DnsRecord>& records) const {
    TargetGroup group{.source = name, .labels = {}, .targets = {}};
    for (const net::DnsRecord& record : records) {
      if (record.type == net::DnsType::kCname) continue;  // on the way to an address
      std::string_view host = record.target;
      while (host.ends_with('.')) host.remove_suffix(1);
      LabelsBuilder labels;
      labels.set("__meta_dns_name", name);
      int64_t port = port_;
      if (record.type == net::DnsType::kSrv) {
        port = record.port;
        labels.set("__meta_dns_srv_record_target", record.target);
        labels.set("__meta_dns_srv_record_port", std::to_string(port));
      } else if (record.type == net::DnsType::kMx) {
        labels.set("__meta_dns_mx_record_target", record.target);
      } else if (record.type == net::DnsType::kNs) {
        labels.set("__meta_dns_ns_record_target", record.target);
      }
      group.targets.push_back(labels.set("__address__", address_of(host, port)).build());
    }
    return group;
  }

  const net::DnsType type_;
  const int64_t port_;
  const Millis interval_;
  const DnsLookup lookup_;
  Metrics& metrics_;
  std::vector<Name> names_;
  bool waiting_ = false;
};

}  // namespace

std::unique_ptr<Provider> make_dns_provider(const config::DnsSdConfig& config, DnsLookup lookup,
                                            Metrics& metrics) {
  return std::make_unique<DnsProvider>(config, std::move(lookup), metrics);
}

}  // namespace strata::discover

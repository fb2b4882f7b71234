#include <algorithm>

#include "discover/discovery.h"
#include "discover/kube_access.h"
#include "discover/kube_targets.h"
#include "discover/kube_watch.h"

namespace strata::discover {
namespace {

using config::KubernetesRole;

/// Objects often change by the dozen. Building all groups may take this share of the time.
constexpr int kBuildShare = 50;
constexpr std::chrono::nanoseconds kMinBuildPause = std::chrono::seconds(1);
/// Until a service account or kubeconfig that could not be used is looked at again.
constexpr std::chrono::nanoseconds kAccessPause = std::chrono::seconds(30);

class KubeProvider final : public Provider {
 public:
  KubeProvider(const config::KubernetesSdConfig& config, const DiscoveryDeps& deps,
               Metrics& metrics)
      : config_(config), deps_(deps), metrics_(metrics) {}
  ~KubeProvider() override {
    if (counted_as_failed_) metrics_.failed_configs.with(metrics_.name).add(-1);
  }

  Groups refresh(std::vector<std::string>& errors) override {
    if (!client_) connect();
    bool synced = client_ != nullptr;
    for (const auto& watch : watches_) {
      changed_ = watch->poll() || changed_;
      synced = synced && watch->synced();
      if (watch->error().empty()) continue;
      errors.push_back("kubernetes_sd: " + watch->error());
    }
    if (!access_error_.empty()) errors.push_back("kubernetes_sd: " + access_error_);
    const auto now = deps_.clock.steady();
    const bool build = synced && changed_ && now >= next_build_;
    if (build) build_groups();
    // What is no news is not handed on: the copy would be all the work there is.
    if (!build && errors == errors_) return std::nullopt;
    errors_ = errors;
    return groups_;
  }
  Millis refresh_interval() const override { return kLookAgain; }

 private:
  void connect() {
    if (deps_.clock.steady() < next_access_) return;
    next_access_ = deps_.clock.steady() + kAccessPause;
    auto access = kube_access(config_, deps_.fs);
    access_error_ = access ? "" : access.error().message;
    if (counted_as_failed_ == access.has_value()) {
      counted_as_failed_ = !access;
      metrics_.failed_configs.with(metrics_.name).add(access ? -1 : 1);
    }
    if (!access) return;
    server_ = access->server;
    client_ =
        std::make_unique<PeerClient>(deps_.http, std::move(access->http), deps_.fs, deps_.clock);
    std::vector<std::string> namespaces = config_.namespaces.names;
    if (config_.namespaces.own_namespace) namespaces.push_back(access->own_namespace);
    if (namespaces.empty()) namespaces.emplace_back();  // all of them
    add_cluster_watches();
    for (const std::string& space : namespaces) add_namespace_watches(space);
  }

  void add_watch(std::string_view api, std::string_view kind, const std::string& space,
                 KubernetesRole role, KubeSink& sink) {
    KubeWatch::What what;
    what.url = fmt::format("{}{}{}{}/{}", server_, api, space.empty() ? "" : "/namespaces/",
                           net::percent_encode(space), kind);
    what.role = role == KubernetesRole::kUnset ? std::string(kind) : to_string(role);
    for (const config::KubernetesSelector& selector : config_.selectors) {
      if (role == KubernetesRole::kUnset || selector.role != role) continue;
      what.label_selector = selector.label;
      what.field_selector = selector.field;
    }
    watches_.push_back(std::make_unique<KubeWatch>(std::move(what), watches_.size(), *client_, sink,
                                                   deps_.clock, metrics_));
  }

  /// Nodes and namespaces are in no namespace.
  void add_cluster_watches() {
    const KubernetesRole role = config_.role;
    const bool has_pods = role == KubernetesRole::kPod || role == KubernetesRole::kEndpoints ||
                          role == KubernetesRole::kEndpointSlice;
    if (role == KubernetesRole::kNode || (has_pods && config_.attach_metadata.node)) {
      add_watch(kCore, "nodes", "", KubernetesRole::kNode, stores_.nodes);
    }
    if (role != KubernetesRole::kNode && config_.attach_metadata.namespace_) {
      add_watch(kCore, "namespaces", "", KubernetesRole::kUnset, stores_.namespaces);
    }
  }

  void add_namespace_watches(const std::string& space) {
    switch (config_.role) {
      case KubernetesRole::kPod: return add_pod_watches(space);
      case KubernetesRole::kService:
        return add_watch(kCore, "services", space, KubernetesRole::kService, stores_.services);
      case KubernetesRole::kIngress:
        return add_watch("/apis/networking.k8s.io/v1", "ingresses", space, KubernetesRole::kIngress,
                         stores_.ingresses);
      case KubernetesRole::kEndpoints:
        add_watch(kCore, "endpoints", space, KubernetesRole::kEndpoints, stores_.endpoints);
        break;
      case KubernetesRole::kEndpointSlice:
        add_watch("/apis/discovery.k8s.io/v1", "endpointslices", space,
                  KubernetesRole::kEndpointSlice, stores_.slices);
        break;
      case KubernetesRole::kNode:
      case KubernetesRole::kUnset: return;
    }
    add_watch(kCore, "services", space, KubernetesRole::kService, stores_.services);
    add_pod_watches(space);
  }

  void add_pod_watches(const std::string& space) {
    add_watch(kCore, "pods", space, KubernetesRole::kPod, stores_.pods);
    const config::KubernetesAttachMetadata& attach = config_.attach_metadata;
    if (attach.deployment) {
      add_watch("/apis/apps/v1", "replicasets", space, KubernetesRole::kUnset,
                stores_.replica_sets);
    }
    if (attach.cronjob) {
      add_watch("/apis/batch/v1", "jobs", space, KubernetesRole::kUnset, stores_.jobs);
    }
  }

  void build_groups() {
    const auto began = deps_.clock.steady();
    groups_ = kube_targets(config_.role, stores_, config_.attach_metadata);
    const auto took = deps_.clock.steady() - began;
    next_build_ = began + std::max(kMinBuildPause, took * kBuildShare);
    changed_ = false;
  }

  static constexpr std::string_view kCore = "/api/v1";

  const config::KubernetesSdConfig config_;
  const DiscoveryDeps deps_;
  Metrics& metrics_;
  std::string server_;
  std::string access_error_;
  bool counted_as_failed_ = false;
  std::chrono::nanoseconds next_access_{0};
  std::chrono::nanoseconds next_build_{0};
  KubeStores stores_;
  std::unique_ptr<PeerClient> client_;
  std::vector<std::unique_ptr<KubeWatch>> watches_;
  bool changed_ = false;
  std::vector<std::string> errors_;  // handed on last
  std::vector<TargetGroup> groups_;
};

}  // namespace

std::unique_ptr<Provider> make_kubernetes_provider(const config::KubernetesSdConfig& config,
                                                   const DiscoveryDeps& deps, Metrics& metrics) {
  return std::make_unique<KubeProvider>(config, deps, metrics);
}

}  // namespace strata::discover

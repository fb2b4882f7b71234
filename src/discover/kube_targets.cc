#include "discover/kube_targets.h"

#include <algorithm>
#include <array>

namespace strata::discover {
namespace {

constexpr std::string_view kTrue = "true";

/// The name of the address that is asked for, by preference (Kubernetes' own order).
std::string_view node_address(const KubeNode& node) {
  static constexpr std::array<std::string_view, 6> kPreference = {
      "InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname"};
  for (const std::string_view type : kPreference) {
    const auto at = std::ranges::find(node.addresses, type, &KubePairs::value_type::first);
    if (at != node.addresses.end()) return at->second;
  }
  return {};
}

std::string lowercase(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

TargetGroup node_group(const KubeNode& node) {
  TargetGroup group{.source = "node/" + node.meta.name, .labels = {}, .targets = {}};
  const std::string_view address = node_address(node);
  if (address.empty()) return group;
  LabelsBuilder common;
  common.set(kube_label("node_provider_id"), node.provider_id);
  for (const auto& [type, status] : node.conditions) {
    common.set(kube_label("node_condition_" + lowercase(type)), lowercase(status));
  }
  add_meta_labels(node.meta, "node", common);
  group.labels = common.build();

  LabelsBuilder target;
  target.set("__address__", join_port(address, node.kubelet_port));
  target.set("instance", node.meta.name);
  for (const auto& [type, one] : node.addresses) {
    const std::string name = kube_label("node_address_" + type);
    if (target.get(name).empty()) target.set(name, one);  // the first of its type
  }
  group.targets.push_back(target.build());
  return group;
}

Labels pod_target(const KubePod& pod, const KubeContainer& container, const KubePort* port) {
  LabelsBuilder labels;
  labels.set("__address__", port == nullptr ? pod.ip : join_port(pod.ip, port->number));
  labels.set(kube_label("pod_container_name"), container.name);
  labels.set(kube_label("pod_container_id"), container.id);
  labels.set(kube_label("pod_container_image"), container.image);
  labels.set(kube_label("pod_container_init"), container.init ? "true" : "false");
  if (port != nullptr) {
    labels.set(kube_label("pod_container_port_number"), std::to_string(port->number));
    labels.set(kube_label("pod_container_port_name"), port->name);
    labels.set(kube_label("pod_container_port_protocol"), port->protocol);
  }
  return labels.build();
}

TargetGroup pod_group(const KubeView& view, const KubePod& pod) {
  TargetGroup group{.source = "pod/" + pod.meta.key(), .labels = {}, .targets = {}};
  if (pod.ip.empty()) return group;  // starting, or evicted
  // A selector of nodes selects the pods on them.
  if (view.attach.node && view.stores.nodes.find(pod.node_name) == nullptr) return group;
  LabelsBuilder common;
  add_pod_labels(view, pod, common);
  common.set(kube_label("namespace"), pod.meta.space);
  if (view.attach.node) add_node_labels(view, pod.node_name, common);
  if (view.attach.namespace_) add_namespace_labels(view, pod.meta.space, common);
  group.labels = common.build();
  for (const KubeContainer& container : pod.containers) {
    if (container.ports.empty()) group.targets.push_back(pod_target(pod, container, nullptr));
    for (const KubePort& port : container.ports) {
      group.targets.push_back(pod_target(pod, container, &port));
    }
  }
  return group;
}

std::string load_balancer_ips(const KubeService& service) {
  std::string all;
  for (const std::string& ip : service.load_balancer_addresses) {
    all.append(all.empty() ? "" : ",").append(ip);
  }
  return all.empty() ? service.load_balancer_ip : all;
}

TargetGroup service_group(const KubeView& view, const KubeService& service) {
  TargetGroup group{.source = "svc/" + service.meta.key(), .labels = {}, .targets = {}};
  LabelsBuilder common;
  add_service_labels(service, common);
  if (view.attach.namespace_) add_namespace_labels(view, service.meta.space, common);
  group.labels = common.build();
  const std::string host = service.meta.name + "." + service.meta.space + ".svc";
  for (const KubePort& port : service.ports) {
    LabelsBuilder labels;
    labels.set("__address__", join_port(host, port.number));
    labels.set(kube_label("service_port_name"), port.name);
    labels.set(kube_label("service_port_number"), std::to_string(port.number));
    labels.set(kube_label("service_port_protocol"), port.protocol);
    labels.set(kube_label("service_type"), service.type);
    if (service.type == "ExternalName") {
      labels.set(kube_label("service_external_name"), service.external_name);
    } else {
      labels.set(kube_label("service_cluster_ip"), service.cluster_ip);
    }
    if (service.type == "LoadBalancer") {
      labels.set(kube_label("service_loadbalancer_ip"), load_balancer_ips(service));
    }
    group.targets.push_back(labels.build());
  }
  return group;
}

/// A certificate's name against a host: equal, or *. in place of the first label.
bool covers(std::string_view pattern, std::string_view host) {
  if (pattern == host) return true;
  if (!pattern.starts_with("*.")) return false;
  const size_t dot = host.find('.');
  return dot != std::string_view::npos && host.substr(dot) == pattern.substr(1);
}

TargetGroup ingress_group(const KubeView& view, const KubeIngress& ingress) {
  TargetGroup group{.source = "ingress/" + ingress.meta.key(), .labels = {}, .targets = {}};
  LabelsBuilder common;
  common.set(kube_label("namespace"), ingress.meta.space);
  common.set(kube_label("ingress_class_name"), ingress.class_name);
  add_meta_labels(ingress.meta, "ingress", common);
  if (view.attach.namespace_) add_namespace_labels(view, ingress.meta.space, common);
  group.labels = common.build();
  for (const KubeIngress::Rule& rule : ingress.rules) {
    const bool https = std::ranges::any_of(
        ingress.tls_hosts, [&](const std::string& name) { return covers(name, rule.host); });
    for (const std::string& path : rule.paths) {
      LabelsBuilder labels;
      labels.set("__address__", rule.host);
      labels.set(kube_label("ingress_scheme"), https ? "https" : "http");
      labels.set(kube_label("ingress_host"), rule.host);
      labels.set(kube_label("ingress_path"), path);
      group.targets.push_back(labels.build());
    }
  }
  return group;
}

template <class T, class Make>
std::vector<TargetGroup> groups_of(const KubeStore<T>& store, Make make) {
  std::vector<TargetGroup> groups;
  store.each([&](const T& object) {
    TargetGroup group = make(object);
    if (!group.targets.empty()) groups.push_back(std::move(group));
  });
  return groups;
}

}  // namespace

std::string kube_label(std::string_view rest) {
  std::string out = "__meta_kubernetes_";
  for (const char c : rest) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool continues = (static_cast<uint8_t>(c) & 0xc0) == 0x80;  // one _ a character
    if (!continues) out.push_back(fits ? c : '_');
  }
  return out;
}

std::string join_port(std::string_view host, int64_t port) {
  const bool v6 = host.contains(':');
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

void add_meta_labels(const KubeMeta& meta, std::string_view kind, LabelsBuilder& labels) {
  const std::string prefix(kind);
  if (kind != "namespace") labels.set(kube_label(prefix + "_name"), meta.name);
  for (const auto& [key, value] : meta.labels) {
    labels.set(kube_label(prefix + "_label_" + key), value);
    labels.set(kube_label(prefix + "_labelpresent_" + key), kTrue);
  }
  for (const auto& [key, value] : meta.annotations) {
    labels.set(kube_label(prefix + "_annotation_" + key), value);
    labels.set(kube_label(prefix + "_annotationpresent_" + key), kTrue);
  }
}

void add_service_labels(const KubeService& service, LabelsBuilder& labels) {
  labels.set(kube_label("namespace"), service.meta.space);
  add_meta_labels(service.meta, "service", labels);
}

void add_namespace_labels(const KubeView& view, const std::string& space, LabelsBuilder& labels) {
  if (const KubeObject* found = view.stores.namespaces.find(space)) {
    add_meta_labels(found->meta, "namespace", labels);
  }
}

void add_node_labels(const KubeView& view, const std::string& node, LabelsBuilder& labels) {
  if (const KubeNode* found = view.stores.nodes.find(node)) {
    add_meta_labels(found->meta, "node", labels);
  }
}

void add_pod_labels(const KubeView& view, const KubePod& pod, LabelsBuilder& labels) {
  const KubeMeta& meta = pod.meta;
  labels.set(kube_label("pod_ip"), pod.ip);
  labels.set(kube_label("pod_ready"), pod.ready);
  labels.set(kube_label("pod_phase"), pod.phase);
  labels.set(kube_label("pod_node_name"), pod.node_name);
  labels.set(kube_label("pod_host_ip"), pod.host_ip);
  labels.set(kube_label("pod_uid"), meta.uid);
  add_meta_labels(meta, "pod", labels);
  labels.set(kube_label("pod_controller_kind"), meta.controller_kind);
  labels.set(kube_label("pod_controller_name"), meta.controller_name);

  const std::string owner = meta.space + "/" + meta.controller_name;
  if (meta.controller_kind == "ReplicaSet" && view.attach.deployment) {
    const KubeObject* set = view.stores.replica_sets.find(owner);
    if (set != nullptr && set->meta.controller_kind == "Deployment") {
      labels.set(kube_label("pod_deployment_name"), set->meta.controller_name);
    }
  }
  if (meta.controller_kind != "Job") return;
  if (view.attach.job) labels.set(kube_label("pod_job_name"), meta.controller_name);
  const KubeObject* job = view.attach.cronjob ? view.stores.jobs.find(owner) : nullptr;
  if (job != nullptr && job->meta.controller_kind == "CronJob") {
    labels.set(kube_label("pod_cronjob_name"), job->meta.controller_name);
  }
}

std::vector<TargetGroup> kube_targets(config::KubernetesRole role, const KubeStores& stores,
                                      const config::KubernetesAttachMetadata& attach) {
  const KubeView view{stores, attach};
  switch (role) {
    case config::KubernetesRole::kNode: return groups_of(stores.nodes, node_group);
    case config::KubernetesRole::kPod:
      return groups_of(stores.pods, [&](const KubePod& pod) { return pod_group(view, pod); });
    case config::KubernetesRole::kService:
      return groups_of(stores.services,
                       [&](const KubeService& service) { return service_group(view, service); });
    case config::KubernetesRole::kIngress:
      return groups_of(stores.ingresses,
                       [&](const KubeIngress& ingress) { return ingress_group(view, ingress); });
    case config::KubernetesRole::kEndpoints: return endpoint_groups(view);
    case config::KubernetesRole::kEndpointSlice: return endpoint_slice_groups(view);
    case config::KubernetesRole::kUnset: break;
  }
  return {};
}

}  // namespace strata::discover

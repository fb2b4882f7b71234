// Endpoints and endpoint slices: addresses behind services, and the other ports of the pods there.
#include <algorithm>
#include <map>

#include "discover/kube_targets.h"

namespace strata::discover {
namespace {

/// Pods met on the way, with the ports that already are targets.
using SeenPods = std::map<std::string, std::pair<const KubePod*, std::vector<int64_t>>>;

const KubePod* pod_of(const KubeView& view, const std::optional<KubeRef>& ref) {
  if (!ref || ref->kind != "Pod") return nullptr;
  return view.stores.pods.find(ref->space + "/" + ref->name);
}

void add_container_labels(const KubeContainer& container, const KubePort& port,
                          std::string_view protocol, LabelsBuilder& labels) {
  labels.set(kube_label("pod_container_name"), container.name);
  labels.set(kube_label("pod_container_image"), container.image);
  labels.set(kube_label("pod_container_port_name"), port.name);
  labels.set(kube_label("pod_container_port_number"), std::to_string(port.number));
  labels.set(kube_label("pod_container_port_protocol"), protocol);
  labels.set(kube_label("pod_container_init"), container.init ? "true" : "false");
}

/// Of a target that is port `number` of `pod`. `protocol` null: the container port's own.
void add_port_of_pod(const KubePod& pod, int64_t number, const std::string* protocol,
                     LabelsBuilder& labels) {
  for (const KubeContainer& container : pod.containers) {
    const auto port = std::ranges::find(container.ports, number, &KubePort::number);
    if (port == container.ports.end()) continue;
    add_container_labels(container, *port, protocol == nullptr ? port->protocol : *protocol,
                         labels);
  }
}

/// The pods' ports that no service names are targets too.
void add_other_ports(const KubeView& view, const SeenPods& seen, TargetGroup& group) {
  for (const auto& [key, seen_pod] : seen) {
    const auto& [pod, numbers] = seen_pod;
    if (pod->ip.empty()) continue;
    for (const KubeContainer& container : pod->containers) {
      for (const KubePort& port : container.ports) {
        if (std::ranges::find(numbers, port.number) != numbers.end()) continue;
        LabelsBuilder labels;
        labels.set("__address__", join_port(pod->ip, port.number));
        add_container_labels(container, port, port.protocol, labels);
        add_pod_labels(view, *pod, labels);
        group.targets.push_back(labels.build());
      }
    }
  }
}

void add_ref_labels(const std::optional<KubeRef>& ref, const std::string& kind,
                    LabelsBuilder& labels) {
  if (!ref) return;
  labels.set(kube_label(kind + "_address_target_kind"), ref->kind);
  labels.set(kube_label(kind + "_address_target_name"), ref->name);
}

void add_endpoint(const KubeView& view, const KubeEndpointAddress& address, const KubePort& port,
                  bool ready, SeenPods& seen, TargetGroup& group) {
  LabelsBuilder labels;
  labels.set("__address__", join_port(address.ip, port.number));
  labels.set(kube_label("endpoint_port_name"), port.name);
  labels.set(kube_label("endpoint_port_protocol"), port.protocol);
  labels.set(kube_label("endpoint_ready"), ready ? "true" : "false");
  add_ref_labels(address.ref, "endpoint", labels);
  labels.set(kube_label("endpoint_node_name"), address.node_name.value_or(""));
  labels.set(kube_label("endpoint_hostname"), address.hostname);
  if (view.attach.node) {
    if (address.node_name) {
      add_node_labels(view, *address.node_name, labels);
    } else if (address.ref && address.ref->kind == "Node") {
      add_node_labels(view, address.ref->name, labels);
    }
  }
  if (const KubePod* pod = pod_of(view, address.ref)) {
    add_pod_labels(view, *pod, labels);
    add_port_of_pod(*pod, port.number, &port.protocol, labels);
    auto& entry = seen[pod->meta.key()];
    entry.first = pod;
    entry.second.push_back(port.number);
  }
  group.targets.push_back(labels.build());
}

TargetGroup endpoints_group(const KubeView& view, const KubeEndpoints& endpoints) {
  TargetGroup group{.source = "endpoints/" + endpoints.meta.key(), .labels = {}, .targets = {}};
  LabelsBuilder common;
  common.set(kube_label("namespace"), endpoints.meta.space);
  const KubeService* service = view.stores.services.find(endpoints.meta.key());
  if (service != nullptr) add_service_labels(*service, common);
  add_meta_labels(endpoints.meta, "endpoints", common);
  if (view.attach.namespace_) add_namespace_labels(view, endpoints.meta.space, common);
  group.labels = common.build();
  SeenPods seen;
  for (const KubeEndpoints::Subset& subset : endpoints.subsets) {
    for (const KubePort& port : subset.ports) {
      for (const auto& address : subset.ready) add_endpoint(view, address, port, true, seen, group);
      for (const auto& address : subset.not_ready) {
        add_endpoint(view, address, port, false, seen, group);
      }
    }
  }
  add_other_ports(view, seen, group);
  return group;
}

void add_condition(std::string_view name, const std::optional<bool>& condition,
                   LabelsBuilder& labels) {
  if (!condition) return;
  labels.set(kube_label(fmt::format("endpointslice_endpoint_conditions_{}", name)),
             *condition ? "true" : "false");
}

void add_slice_endpoint_labels(const KubeEndpointSlice::Endpoint& endpoint, LabelsBuilder& labels) {
  add_condition("ready", endpoint.ready, labels);
  add_condition("serving", endpoint.serving, labels);
  add_condition("terminating", endpoint.terminating, labels);
  labels.set(kube_label("endpointslice_endpoint_hostname"), endpoint.hostname);
  add_ref_labels(endpoint.ref, "endpointslice", labels);
  labels.set(kube_label("endpointslice_endpoint_node_name"), endpoint.node_name.value_or(""));
  labels.set(kube_label("endpointslice_endpoint_zone"), endpoint.zone);
  for (const auto& [key, value] : endpoint.topology) {
    labels.set(kube_label("endpointslice_endpoint_topology_" + key), value);
    labels.set(kube_label("endpointslice_endpoint_topology_present_" + key), "true");
  }
}

void add_slice_endpoint(const KubeView& view, const std::string& address,
                        const KubeEndpointSlice::Endpoint& endpoint,
                        const KubeEndpointSlice::Port& port, SeenPods& seen, TargetGroup& group) {
  LabelsBuilder labels;
  labels.set("__address__", port.number ? join_port(address, *port.number) : address);
  labels.set(kube_label("endpointslice_port_name"), port.name);
  labels.set(kube_label("endpointslice_port_protocol"), port.protocol);
  labels.set(kube_label("endpointslice_port_app_protocol"), port.app_protocol);
  if (port.number) labels.set(kube_label("endpointslice_port"), std::to_string(*port.number));
  add_slice_endpoint_labels(endpoint, labels);
  if (view.attach.node) {
    if (endpoint.ref && endpoint.ref->kind == "Node") {
      add_node_labels(view, endpoint.ref->name, labels);
    } else if (endpoint.node_name) {
      add_node_labels(view, *endpoint.node_name, labels);
    }
  }
  if (const KubePod* pod = pod_of(view, endpoint.ref)) {
    add_pod_labels(view, *pod, labels);
    auto& entry = seen[pod->meta.key()];
    entry.first = pod;
    if (port.number) {
      add_port_of_pod(*pod, *port.number, nullptr, labels);
      entry.second.push_back(*port.number);
    }
  }
  group.targets.push_back(labels.build());
}

/// A service of two address families has a slice for each: the targets are those of its first.
bool is_second_family(const KubeService& service, const KubeEndpointSlice& slice) {
  const std::string& policy = service.ip_family_policy;
  return (policy == "PreferDualStack" || policy == "RequireDualStack") &&
         !service.first_ip_family.empty() && slice.address_type != service.first_ip_family;
}

TargetGroup slice_group(const KubeView& view, const KubeEndpointSlice& slice) {
  TargetGroup group{.source = "endpointslice/" + slice.meta.key(), .labels = {}, .targets = {}};
  LabelsBuilder common;
  common.set(kube_label("namespace"), slice.meta.space);
  common.set(kube_label("endpointslice_address_type"), slice.address_type);
  add_meta_labels(slice.meta, "endpointslice", common);
  const std::string_view name = slice.meta.label("kubernetes.io/service-name");
  const KubeService* service =
      name.empty() ? nullptr
                   : view.stores.services.find(slice.meta.space + "/" + std::string(name));
  if (service != nullptr) add_service_labels(*service, common);
  if (view.attach.namespace_) add_namespace_labels(view, slice.meta.space, common);
  group.labels = common.build();
  if (service != nullptr && is_second_family(*service, slice)) return group;
  SeenPods seen;
  for (const KubeEndpointSlice::Endpoint& endpoint : slice.endpoints) {
    for (const KubeEndpointSlice::Port& port : slice.ports) {
      for (const std::string& address : endpoint.addresses) {
        add_slice_endpoint(view, address, endpoint, port, seen, group);
      }
    }
  }
  add_other_ports(view, seen, group);
  return group;
}

}  // namespace

std::vector<TargetGroup> endpoint_groups(const KubeView& view) {
  std::vector<TargetGroup> groups;
  view.stores.endpoints.each([&](const KubeEndpoints& endpoints) {
    TargetGroup group = endpoints_group(view, endpoints);
    if (!group.targets.empty()) groups.push_back(std::move(group));
  });
  return groups;
}

std::vector<TargetGroup> endpoint_slice_groups(const KubeView& view) {
  std::vector<TargetGroup> groups;
  view.stores.slices.each([&](const KubeEndpointSlice& slice) {
    TargetGroup group = slice_group(view, slice);
    if (!group.targets.empty()) groups.push_back(std::move(group));
  });
  return groups;
}

}  // namespace strata::discover

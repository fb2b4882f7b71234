// From a cluster's objects to target groups, with Prometheus' meta labels (discovery/kubernetes of
// Prometheus 3.14). Pure.
#pragma once
#include <vector>

#include "config/config.h"
#include "discover/kube_store.h"
#include "discover/target_group.h"
#include "model/labels.h"

namespace strata::discover {

/// A group for each object of the role's kind, in the order of their keys; an object without
/// targets has none. What `attach` asks for comes from the stores of the other kinds.
std::vector<TargetGroup> kube_targets(config::KubernetesRole role, const KubeStores& stores,
                                      const config::KubernetesAttachMetadata& attach);

// Parts, for kube_targets.cc and kube_endpoint_targets.cc.

struct KubeView {
  const KubeStores& stores;
  const config::KubernetesAttachMetadata& attach;
};

/// `__meta_kubernetes_<rest>`, what cannot stand in a label's name replaced by _.
std::string kube_label(std::string_view rest);
/// Labels and annotations under `kind`, and the name unless it is a namespace.
void add_meta_labels(const KubeMeta& meta, std::string_view kind, LabelsBuilder& labels);
void add_service_labels(const KubeService& service, LabelsBuilder& labels);
void add_namespace_labels(const KubeView& view, const std::string& space, LabelsBuilder& labels);
void add_node_labels(const KubeView& view, const std::string& node, LabelsBuilder& labels);
void add_pod_labels(const KubeView& view, const KubePod& pod, LabelsBuilder& labels);
/// host:port, an IPv6 address in brackets.
std::string join_port(std::string_view host, int64_t port);

std::vector<TargetGroup> endpoint_groups(const KubeView& view);
std::vector<TargetGroup> endpoint_slice_groups(const KubeView& view);

}  // namespace strata::discover

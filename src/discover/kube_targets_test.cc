#include "discover/kube_targets.h"

#include <gtest/gtest.h>

namespace strata::discover {
namespace {

using config::KubernetesRole;

/// One label a line, as "name=value" without "__meta_kubernetes_"; common ones first.
std::string text_of(const TargetGroup& group) {
  const auto lines = [](const Labels& labels) {
    std::string out;
    for (const auto& [name, value] : labels) {
      std::string_view shown = name;
      constexpr std::string_view kPrefix = "__meta_kubernetes_";
      if (shown.starts_with(kPrefix)) shown.remove_prefix(kPrefix.size());
      out += fmt::format(" {}={}\n", shown, value);
    }
    return out;
  };
  std::string out = group.source + "\n" + lines(group.labels);
  for (const Labels& target : group.targets) out += "target\n" + lines(target);
  return out;
}

class KubeTargets : public testing::Test {
 protected:
  template <class T>
  void add(KubeStore<T>& store, std::string_view json) {
    JsonReader reader(json);
    store.list_item(0, reader);
    const auto end = reader.finish();
    EXPECT_TRUE(end) << end.error().message;
  }
  std::string targets(KubernetesRole role) {
    std::string out;
    for (const TargetGroup& group : kube_targets(role, stores_, attach_)) out += text_of(group);
    return out;
  }

  void add_pod() {
    add(stores_.pods, R"({"metadata": {"name": "p", "namespace": "ns", "uid": "u1",
      "labels": {"app.kubernetes.io/name": "web"}, "annotations": {"prometheus.io/scrape": "true"},
      "ownerReferences": [{"kind": "X", "name": "x"},
                          {"kind": "ReplicaSet", "name": "web-1", "controller": true}]},
      "spec": {"nodeName": "n1",
        "initContainers": [{"name": "setup", "image": "i:1"}],
        "containers": [{"name": "main", "image": "m:2", "env": [{"name": "A", "value": "]"}],
          "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"},
                    {"containerPort": 9090, "protocol": "TCP"}]}]},
      "status": {"podIP": "10.0.0.1", "hostIP": "192.168.0.1", "phase": "Running",
        "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "main", "containerID": "docker://abc"}]}})");
  }
  void add_service() {
    add(stores_.services, R"({"metadata": {"name": "web", "namespace": "ns",
      "labels": {"team": "a"}}, "spec": {"type": "ClusterIP", "clusterIP": "10.1.0.1",
      "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}]}})");
  }

  KubeStores stores_;
  config::KubernetesAttachMetadata attach_;
};

TEST_F(KubeTargets, Nodes) {
  add(stores_.nodes, R"({"metadata": {"name": "n1", "labels": {"zone": "a"}},
    "spec": {"providerID": "aws:///i-1"},
    "status": {"addresses": [{"type": "Hostname", "address": "h1"},
                             {"type": "ExternalIP", "address": "1.2.3.4"},
                             {"type": "InternalIP", "address": "fd00::1"},
                             {"type": "InternalIP", "address": "10.0.0.1"}],
      "conditions": [{"type": "Ready", "status": "True"}],
      "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}}})");
  add(stores_.nodes, R"({"metadata": {"name": "without-address"}})");
  EXPECT_EQ(targets(KubernetesRole::kNode),
            "node/n1\n"
            " node_condition_ready=true\n"
            " node_label_zone=a\n"
            " node_labelpresent_zone=true\n"
            " node_name=n1\n"
            " node_provider_id=aws:///i-1\n"
            "target\n"
            " __address__=[fd00::1]:10250\n"
            " node_address_ExternalIP=1.2.3.4\n"
            " node_address_Hostname=h1\n"
            " node_address_InternalIP=fd00::1\n"
            " instance=n1\n");
}

constexpr std::string_view kPodLabels =
    " pod_annotation_prometheus_io_scrape=true\n"
    " pod_annotationpresent_prometheus_io_scrape=true\n";

TEST_F(KubeTargets, PodsHaveATargetForEachPort) {
  add_pod();
  EXPECT_EQ(targets(KubernetesRole::kPod),
            "pod/ns/p\n"
            " namespace=ns\n" +
                std::string(kPodLabels) +
                " pod_controller_kind=ReplicaSet\n"
                " pod_controller_name=web-1\n"
                " pod_host_ip=192.168.0.1\n"
                " pod_ip=10.0.0.1\n"
                " pod_label_app_kubernetes_io_name=web\n"
                " pod_labelpresent_app_kubernetes_io_name=true\n"
                " pod_name=p\n"
                " pod_node_name=n1\n"
                " pod_phase=Running\n"
                " pod_ready=true\n"
                " pod_uid=u1\n"
                "target\n"
                " __address__=10.0.0.1:8080\n"
                " pod_container_id=docker://abc\n"
                " pod_container_image=m:2\n"
                " pod_container_init=false\n"
                " pod_container_name=main\n"
                " pod_container_port_name=http\n"
                " pod_container_port_number=8080\n"
                " pod_container_port_protocol=TCP\n"
                "target\n"
                " __address__=10.0.0.1:9090\n"
                " pod_container_id=docker://abc\n"
                " pod_container_image=m:2\n"
                " pod_container_init=false\n"
                " pod_container_name=main\n"
                " pod_container_port_number=9090\n"
                " pod_container_port_protocol=TCP\n"
                "target\n"
                " __address__=10.0.0.1\n"
                " pod_container_image=i:1\n"
                " pod_container_init=true\n"
                " pod_container_name=setup\n");
}

TEST_F(KubeTargets, APodWithoutAnAddressHasNoTargets) {
  add(stores_.pods,
      R"({"metadata": {"name": "p", "namespace": "ns"}, "spec": {"containers": [{}]}})");
  EXPECT_EQ(targets(KubernetesRole::kPod), "");
}

TEST_F(KubeTargets, MetadataOfOwnersNodesAndNamespacesIsAttached) {
  add_pod();
  attach_ = {.node = true, .namespace_ = true, .deployment = true, .job = true, .cronjob = true};
  EXPECT_EQ(targets(KubernetesRole::kPod), "") << "its node is not among those selected";
  add(stores_.nodes, R"({"metadata": {"name": "n1", "labels": {"zone": "a"}}})");
  add(stores_.namespaces, R"({"metadata": {"name": "ns", "annotations": {"owner": "us"}}})");
  add(stores_.replica_sets, R"({"metadata": {"name": "web-1", "namespace": "ns",
    "ownerReferences": [{"kind": "Deployment", "name": "web", "controller": true}]}})");
  const std::string text = targets(KubernetesRole::kPod);
  for (const std::string_view line :
       {" node_name=n1\n", " node_label_zone=a\n", " namespace_annotation_owner=us\n",
        " namespace_annotationpresent_owner=true\n", " pod_deployment_name=web\n"}) {
    EXPECT_TRUE(text.contains(line)) << line;
  }
  EXPECT_FALSE(text.contains("namespace_name"));
}

TEST_F(KubeTargets, PodsOfJobs) {
  add(stores_.pods, R"({"metadata": {"name": "p", "namespace": "ns",
    "ownerReferences": [{"kind": "Job", "name": "nightly-1", "controller": true}]},
    "spec": {"containers": [{"name": "c"}]}, "status": {"podIP": "10.0.0.1"}})");
  add(stores_.jobs, R"({"metadata": {"name": "nightly-1", "namespace": "ns",
    "ownerReferences": [{"kind": "CronJob", "name": "nightly", "controller": true}]}})");
  EXPECT_FALSE(targets(KubernetesRole::kPod).contains("_job_name"));
  attach_ = {.job = true, .cronjob = true};
  EXPECT_TRUE(targets(KubernetesRole::kPod).contains(" pod_job_name=nightly-1\n"));
  EXPECT_TRUE(targets(KubernetesRole::kPod).contains(" pod_cronjob_name=nightly\n"));
}

TEST_F(KubeTargets, ServicesOfEachType) {
  add_service();
  add(stores_.services, R"({"metadata": {"name": "ext", "namespace": "ns"},
    "spec": {"type": "ExternalName", "externalName": "a.example", "ports": [{"port": 1}]}})");
  add(stores_.services, R"({"metadata": {"name": "lb", "namespace": "ns"},
    "spec": {"type": "LoadBalancer", "clusterIP": "10.1.0.2", "loadBalancerIP": "9.9.9.9",
             "ports": [{"port": 2}]},
    "status": {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}, {"hostname": "x"}, {"ip": "2.2.2.2"}]}}})");
  EXPECT_EQ(targets(KubernetesRole::kService),
            "svc/ns/ext\n namespace=ns\n service_name=ext\n"
            "target\n"
            " __address__=ext.ns.svc:1\n"
            " service_external_name=a.example\n"
            " service_port_number=1\n"
            " service_type=ExternalName\n"
            "svc/ns/lb\n namespace=ns\n service_name=lb\n"
            "target\n"
            " __address__=lb.ns.svc:2\n"
            " service_cluster_ip=10.1.0.2\n"
            " service_loadbalancer_ip=1.1.1.1,2.2.2.2\n"
            " service_port_number=2\n"
            " service_type=LoadBalancer\n"
            "svc/ns/web\n namespace=ns\n"
            " service_label_team=a\n service_labelpresent_team=true\n service_name=web\n"
            "target\n"
            " __address__=web.ns.svc:80\n"
            " service_cluster_ip=10.1.0.1\n"
            " service_port_name=http\n"
            " service_port_number=80\n"
            " service_port_protocol=TCP\n"
            " service_type=ClusterIP\n");
}

TEST_F(KubeTargets, IngressesHaveATargetForEachPath) {
  add(stores_.ingresses, R"({"metadata": {"name": "i", "namespace": "ns"},
    "spec": {"ingressClassName": "nginx", "tls": [{"hosts": ["*.example.com"]}],
      "rules": [{"host": "a.example.com", "http": {"paths": [{"path": "/x"}, {"pathType": "Prefix"}]}},
                {"host": "a.b.example.com"}]}})");
  EXPECT_EQ(targets(KubernetesRole::kIngress),
            "ingress/ns/i\n ingress_class_name=nginx\n ingress_name=i\n namespace=ns\n"
            "target\n __address__=a.example.com\n ingress_host=a.example.com\n"
            " ingress_path=/x\n ingress_scheme=https\n"
            "target\n __address__=a.example.com\n ingress_host=a.example.com\n"
            " ingress_path=/\n ingress_scheme=https\n"
            "target\n __address__=a.b.example.com\n ingress_host=a.b.example.com\n"
            " ingress_path=/\n ingress_scheme=http\n");
}

TEST_F(KubeTargets, EndpointsCarryTheirPodsAndServices) {
  add_pod();
  add_service();
  add(stores_.endpoints, R"({"metadata": {"name": "web", "namespace": "ns"}, "subsets": [
    {"addresses": [{"ip": "10.0.0.1", "nodeName": "n1", "hostname": "h",
                    "targetRef": {"kind": "Pod", "namespace": "ns", "name": "p"}}],
     "notReadyAddresses": [{"ip": "10.0.0.9"}],
     "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}]})");
  const auto groups = kube_targets(KubernetesRole::kEndpoints, stores_, attach_);
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].labels, (Labels{{"__meta_kubernetes_namespace", "ns"},
                                      {"__meta_kubernetes_endpoints_name", "web"},
                                      {"__meta_kubernetes_service_name", "web"},
                                      {"__meta_kubernetes_service_label_team", "a"},
                                      {"__meta_kubernetes_service_labelpresent_team", "true"}}));
  ASSERT_EQ(groups[0].targets.size(), 3U);
  const auto text = [&](size_t i) {
    return text_of({.source = "", .labels = {}, .targets = {groups[0].targets[i]}});
  };
  for (const std::string_view line :
       {" __address__=10.0.0.1:8080\n", " endpoint_ready=true\n", " endpoint_port_name=http\n",
        " endpoint_port_protocol=TCP\n", " endpoint_node_name=n1\n", " endpoint_hostname=h\n",
        " endpoint_address_target_kind=Pod\n", " endpoint_address_target_name=p\n",
        " pod_container_name=main\n", " pod_container_port_name=http\n",
        " pod_container_port_number=8080\n", " pod_container_init=false\n", " pod_name=p\n"}) {
    EXPECT_TRUE(text(0).contains(line)) << line << text(0);
  }
  EXPECT_FALSE(text(0).contains("pod_container_id"));
  EXPECT_EQ(text(1),
            "\ntarget\n __address__=10.0.0.9:8080\n endpoint_port_name=http\n"
            " endpoint_port_protocol=TCP\n endpoint_ready=false\n");
  EXPECT_TRUE(text(2).contains(" __address__=10.0.0.1:9090\n")) << "a port that no service names";
  EXPECT_TRUE(text(2).contains(" pod_name=p\n"));
}

TEST_F(KubeTargets, EndpointSlices) {
  add_pod();
  add_service();
  add(stores_.slices, R"({"metadata": {"name": "web-abc", "namespace": "ns",
      "labels": {"kubernetes.io/service-name": "web"}}, "addressType": "IPv4",
    "ports": [{"name": "http", "port": 8080, "protocol": "TCP", "appProtocol": "http"}],
    "endpoints": [{"addresses": ["10.0.0.1"], "hostname": "h", "nodeName": "n1", "zone": "z",
      "conditions": {"ready": true, "serving": true, "terminating": false},
      "deprecatedTopology": {"region": "r"},
      "targetRef": {"kind": "Pod", "namespace": "ns", "name": "p"}}]})");
  const std::string text = targets(KubernetesRole::kEndpointSlice);
  for (const std::string_view line : {"endpointslice/ns/web-abc\n",
                                      " endpointslice_address_type=IPv4\n",
                                      " endpointslice_name=web-abc\n",
                                      " service_name=web\n",
                                      " endpointslice_label_kubernetes_io_service_name=web\n",
                                      " __address__=10.0.0.1:8080\n",
                                      " endpointslice_port=8080\n",
                                      " endpointslice_port_name=http\n",
                                      " endpointslice_port_protocol=TCP\n",
                                      " endpointslice_port_app_protocol=http\n",
                                      " endpointslice_endpoint_conditions_ready=true\n",
                                      " endpointslice_endpoint_conditions_serving=true\n",
                                      " endpointslice_endpoint_conditions_terminating=false\n",
                                      " endpointslice_endpoint_hostname=h\n",
                                      " endpointslice_endpoint_node_name=n1\n",
                                      " endpointslice_endpoint_zone=z\n",
                                      " endpointslice_endpoint_topology_region=r\n",
                                      " endpointslice_endpoint_topology_present_region=true\n",
                                      " endpointslice_address_target_kind=Pod\n",
                                      " endpointslice_address_target_name=p\n",
                                      " pod_container_port_name=http\n",
                                      " __address__=10.0.0.1:9090\n"}) {
    EXPECT_TRUE(text.contains(line)) << line << text;
  }
}

TEST_F(KubeTargets, TheSliceOfAServicesSecondFamilyIsLeftOut) {
  add(stores_.services, R"({"metadata": {"name": "s", "namespace": "ns"},
    "spec": {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4", "IPv6"]}})");
  for (const auto& [type, address] :
       {std::pair("IPv4", "10.0.0.1"), std::pair("IPv6", "fd00::1")}) {
    add(stores_.slices, fmt::format(R"({{"metadata": {{"name": "{}", "namespace": "ns",
      "labels": {{"kubernetes.io/service-name": "s"}}}}, "addressType": "{}",
      "ports": [{{"port": 1}}], "endpoints": [{{"addresses": ["{}"]}}]}})",
                                    type, type, address));
  }
  const std::string text = targets(KubernetesRole::kEndpointSlice);
  EXPECT_TRUE(text.contains("10.0.0.1:1")) << text;
  EXPECT_FALSE(text.contains("fd00")) << text;
}

}  // namespace
}  // namespace strata::discover

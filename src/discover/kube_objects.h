// Kubernetes objects, as far as their targets' labels need them, read from the API's JSON
// (Kubernetes API reference: core/v1, discovery.k8s.io/v1, networking.k8s.io/v1). Plain values.
// What is not here is skipped while reading: most of an object is.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "discover/json_reader.h"

namespace strata::discover {

using KubePairs = std::vector<std::pair<std::string, std::string>>;

struct KubeMeta {
  std::string name;
  std::string space;  // its namespace; empty for nodes and namespaces
  std::string uid;
  std::string resource_version;
  KubePairs labels;
  KubePairs annotations;
  // The owner that controls it.
  std::string controller_kind;
  std::string controller_name;

  /// "namespace/name", or the name alone.
  std::string key() const { return space.empty() ? name : space + "/" + name; }
  /// Empty when there is no such label.
  std::string_view label(std::string_view key) const;
};

/// An object of which only the metadata matters: a namespace, a ReplicaSet, a Job.
struct KubeObject {
  KubeMeta meta;
};

struct KubeNode {
  KubeMeta meta;
  std::string provider_id;
  KubePairs conditions;  // type, status
  KubePairs addresses;   // type, address
  int64_t kubelet_port = 0;
};

struct KubePort {
  std::string name;
  std::string protocol;
  int64_t number = 0;
};

struct KubeContainer {
  std::string name;
  std::string image;
  std::string id;
  bool init = false;
  std::vector<KubePort> ports;
};

struct KubePod {
  KubeMeta meta;
  std::string ip;
  std::string host_ip;
  std::string node_name;
  std::string phase;
  std::string ready = "unknown";
  std::vector<KubeContainer> containers;  // the init containers last
};

struct KubeService {
  KubeMeta meta;
  std::string type;
  std::string cluster_ip;
  std::string external_name;
  std::string load_balancer_ip;                      // of its spec
  std::vector<std::string> load_balancer_addresses;  // of its status
  std::string ip_family_policy;
  std::string first_ip_family;
  std::vector<KubePort> ports;
};

/// What an endpoint's address belongs to.
struct KubeRef {
  std::string kind;
  std::string space;
  std::string name;
};

struct KubeEndpointAddress {
  std::string ip;
  std::string hostname;
  std::optional<std::string> node_name;
  std::optional<KubeRef> ref;
};

struct KubeEndpoints {
  struct Subset {
    std::vector<KubeEndpointAddress> ready;
    std::vector<KubeEndpointAddress> not_ready;
    std::vector<KubePort> ports;
  };
  KubeMeta meta;
  std::vector<Subset> subsets;
};

struct KubeEndpointSlice {
  struct Port {
    std::string name;
    std::string protocol;
    std::string app_protocol;
    std::optional<int64_t> number;
  };
  struct Endpoint {
    std::vector<std::string> addresses;
    std::optional<bool> ready, serving, terminating;
    std::string hostname;
    std::string zone;
    std::optional<std::string> node_name;
    std::optional<KubeRef> ref;
    KubePairs topology;  // deprecatedTopology
  };
  KubeMeta meta;
  std::string address_type;
  std::vector<Port> ports;
  std::vector<Endpoint> endpoints;
};

struct KubeIngress {
  struct Rule {
    std::string host;
    std::vector<std::string> paths;  // "/" when the rule names none
  };
  KubeMeta meta;
  std::string class_name;
  std::vector<std::string> tls_hosts;
  std::vector<Rule> rules;
};

// Each reads one object; what is wrong with it is the reader's to say.
void read(JsonReader& reader, KubeObject& out);
void read(JsonReader& reader, KubeNode& out);
void read(JsonReader& reader, KubePod& out);
void read(JsonReader& reader, KubeService& out);
void read(JsonReader& reader, KubeEndpoints& out);
void read(JsonReader& reader, KubeEndpointSlice& out);
void read(JsonReader& reader, KubeIngress& out);

}  // namespace strata::discover

#include "discover/kube_objects.h"

#include <algorithm>

namespace strata::discover {
namespace {

std::string lowercase(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return text;
}

void read_pairs(JsonReader& reader, KubePairs& out) {
  reader.object([&](std::string_view key) {
    out.emplace_back(key, "");
    reader.string(out.back().second);
  });
}

/// A list of {a: …, b: …} as pairs.
void read_pairs_of(JsonReader& reader, std::string_view a, std::string_view b, KubePairs& out) {
  reader.array([&] {
    auto& pair = out.emplace_back();
    reader.object([&](std::string_view key) {
      if (key == a) {
        reader.string(pair.first);
      } else if (key == b) {
        reader.string(pair.second);
      } else {
        reader.skip();
      }
    });
  });
}

void read_strings(JsonReader& reader, std::vector<std::string>& out) {
  reader.array([&] { reader.string(out.emplace_back()); });
}

template <class T, class Read>
void read_optional(JsonReader& reader, std::optional<T>& out, Read read_value) {
  if (reader.null()) return;
  read_value(out.emplace());
}

void read_owner(JsonReader& reader, KubeMeta& meta) {
  std::string kind;
  std::string name;
  bool controller = false;
  reader.object([&](std::string_view key) {
    if (key == "kind") {
      reader.string(kind);
    } else if (key == "name") {
      reader.string(name);
    } else if (key == "controller") {
      reader.boolean(controller);
    } else {
      reader.skip();
    }
  });
  if (!controller || !meta.controller_name.empty()) return;
  meta.controller_kind = std::move(kind);
  meta.controller_name = std::move(name);
}

void read_meta(JsonReader& reader, KubeMeta& meta) {
  reader.object([&](std::string_view key) {
    if (key == "name") {
      reader.string(meta.name);
    } else if (key == "namespace") {
      reader.string(meta.space);
    } else if (key == "uid") {
      reader.string(meta.uid);
    } else if (key == "resourceVersion") {
      reader.string(meta.resource_version);
    } else if (key == "labels") {
      read_pairs(reader, meta.labels);
    } else if (key == "annotations") {
      read_pairs(reader, meta.annotations);
    } else if (key == "ownerReferences") {
      reader.array([&] { read_owner(reader, meta); });
    } else {
      reader.skip();
    }
  });
}

/// An object's metadata, spec and status; the other members by `member`.
template <class Spec, class Status, class Member>
void read_object(JsonReader& reader, KubeMeta& meta, Spec spec, Status status, Member member) {
  reader.object([&](std::string_view key) {
    if (key == "metadata") {
      read_meta(reader, meta);
    } else if (key == "spec") {
      reader.object(spec);
    } else if (key == "status") {
      reader.object(status);
    } else {
      member(key);
    }
  });
}

/// `number` is the name of the member with the port.
void read_port(JsonReader& reader, std::string_view number, KubePort& port) {
  reader.object([&](std::string_view key) {
    if (key == "name") {
      reader.string(port.name);
    } else if (key == "protocol") {
      reader.string(port.protocol);
    } else if (key == number) {
      reader.integer(port.number);
    } else {
      reader.skip();
    }
  });
}

void read_ports(JsonReader& reader, std::string_view number, std::vector<KubePort>& ports) {
  reader.array([&] { read_port(reader, number, ports.emplace_back()); });
}

void read_ref(JsonReader& reader, KubeRef& ref) {
  reader.object([&](std::string_view key) {
    if (key == "kind") {
      reader.string(ref.kind);
    } else if (key == "namespace") {
      reader.string(ref.space);
    } else if (key == "name") {
      reader.string(ref.name);
    } else {
      reader.skip();
    }
  });
}

void read_containers(JsonReader& reader, bool init, std::vector<KubeContainer>& out) {
  reader.array([&] {
    KubeContainer& container = out.emplace_back();
    container.init = init;
    reader.object([&](std::string_view key) {
      if (key == "name") {
        reader.string(container.name);
      } else if (key == "image") {
        reader.string(container.image);
      } else if (key == "ports") {
        read_ports(reader, "containerPort", container.ports);
      } else {
        reader.skip();
      }
    });
  });
}

/// What the status says about containers comes in another part than their spec.
struct ContainerIds {
  KubePairs regular;  // name, id
  KubePairs init;
};

void read_pod_status(JsonReader& reader, std::string_view key, KubePod& pod, ContainerIds& ids) {
  if (key == "podIP") {
    reader.string(pod.ip);
  } else if (key == "hostIP") {
    reader.string(pod.host_ip);
  } else if (key == "phase") {
    reader.string(pod.phase);
  } else if (key == "containerStatuses") {
    read_pairs_of(reader, "name", "containerID", ids.regular);
  } else if (key == "initContainerStatuses") {
    read_pairs_of(reader, "name", "containerID", ids.init);
  } else if (key == "conditions") {
    KubePairs conditions;
    read_pairs_of(reader, "type", "status", conditions);
    const auto ready = std::ranges::find(conditions, "Ready", &KubePairs::value_type::first);
    if (ready != conditions.end()) pod.ready = lowercase(ready->second);
  } else {
    reader.skip();
  }
}

void read_load_balancer(JsonReader& reader, KubeService& service) {
  reader.object([&](std::string_view key) {
    if (key != "ingress") return void(reader.skip());
    reader.array([&] {
      reader.object([&](std::string_view field) {
        if (field != "ip") return void(reader.skip());
        std::string ip;
        reader.string(ip);
        if (!ip.empty()) service.load_balancer_addresses.push_back(std::move(ip));
      });
    });
  });
}

void read_service_spec(JsonReader& reader, std::string_view key, KubeService& service) {
  if (key == "type") {
    reader.string(service.type);
  } else if (key == "clusterIP") {
    reader.string(service.cluster_ip);
  } else if (key == "externalName") {
    reader.string(service.external_name);
  } else if (key == "loadBalancerIP") {
    reader.string(service.load_balancer_ip);
  } else if (key == "ipFamilyPolicy") {
    reader.string(service.ip_family_policy);
  } else if (key == "ipFamilies") {
    std::vector<std::string> families;
    read_strings(reader, families);
    if (!families.empty()) service.first_ip_family = std::move(families[0]);
  } else if (key == "ports") {
    read_ports(reader, "port", service.ports);
  } else {
    reader.skip();
  }
}

void read_addresses(JsonReader& reader, std::vector<KubeEndpointAddress>& out) {
  reader.array([&] {
    KubeEndpointAddress& address = out.emplace_back();
    reader.object([&](std::string_view key) {
      if (key == "ip") {
        reader.string(address.ip);
      } else if (key == "hostname") {
        reader.string(address.hostname);
      } else if (key == "nodeName") {
        read_optional(reader, address.node_name, [&](std::string& out2) { reader.string(out2); });
      } else if (key == "targetRef") {
        read_optional(reader, address.ref, [&](KubeRef& ref) { read_ref(reader, ref); });
      } else {
        reader.skip();
      }
    });
  });
}

void read_subset(JsonReader& reader, KubeEndpoints::Subset& subset) {
  reader.object([&](std::string_view key) {
    if (key == "addresses") {
      read_addresses(reader, subset.ready);
    } else if (key == "notReadyAddresses") {
      read_addresses(reader, subset.not_ready);
    } else if (key == "ports") {
      read_ports(reader, "port", subset.ports);
    } else {
      reader.skip();
    }
  });
}

void read_slice_port(JsonReader& reader, KubeEndpointSlice::Port& port) {
  reader.object([&](std::string_view key) {
    if (key == "name") {
      reader.string(port.name);
    } else if (key == "protocol") {
      reader.string(port.protocol);
    } else if (key == "appProtocol") {
      reader.string(port.app_protocol);
    } else if (key == "port") {
      read_optional(reader, port.number, [&](int64_t& number) { reader.integer(number); });
    } else {
      reader.skip();
    }
  });
}

void read_conditions(JsonReader& reader, KubeEndpointSlice::Endpoint& endpoint) {
  const auto condition = [&](std::optional<bool>& out) {
    read_optional(reader, out, [&](bool& value) { reader.boolean(value); });
  };
  reader.object([&](std::string_view key) {
    if (key == "ready") {
      condition(endpoint.ready);
    } else if (key == "serving") {
      condition(endpoint.serving);
    } else if (key == "terminating") {
      condition(endpoint.terminating);
    } else {
      reader.skip();
    }
  });
}

void read_slice_endpoint(JsonReader& reader, KubeEndpointSlice::Endpoint& endpoint) {
  reader.object([&](std::string_view key) {
    if (key == "addresses") {
      read_strings(reader, endpoint.addresses);
    } else if (key == "conditions") {
      read_conditions(reader, endpoint);
    } else if (key == "hostname") {
      reader.string(endpoint.hostname);
    } else if (key == "zone") {
      reader.string(endpoint.zone);
    } else if (key == "nodeName") {
      read_optional(reader, endpoint.node_name, [&](std::string& name) { reader.string(name); });
    } else if (key == "targetRef") {
      read_optional(reader, endpoint.ref, [&](KubeRef& ref) { read_ref(reader, ref); });
    } else if (key == "deprecatedTopology") {
      read_pairs(reader, endpoint.topology);
    } else {
      reader.skip();
    }
  });
}

void read_ingress_paths(JsonReader& reader, KubeIngress::Rule& rule) {
  rule.paths.clear();
  reader.array([&] {
    std::string& path = rule.paths.emplace_back();
    reader.object([&](std::string_view key) {
      if (key != "path") return void(reader.skip());
      reader.string(path);
    });
    if (path.empty()) path = "/";
  });
}

void read_ingress_rule(JsonReader& reader, KubeIngress::Rule& rule) {
  rule.paths = {"/"};  // without an http section
  reader.object([&](std::string_view key) {
    if (key == "host") {
      reader.string(rule.host);
    } else if (key == "http" && !reader.null()) {
      rule.paths.clear();
      reader.object([&](std::string_view part) {
        if (part != "paths") return void(reader.skip());
        read_ingress_paths(reader, rule);
      });
    } else if (key != "http") {
      reader.skip();
    }
  });
}

}  // namespace

std::string_view KubeMeta::label(std::string_view key) const {
  const auto at = std::ranges::find(labels, key, &KubePairs::value_type::first);
  return at == labels.end() ? std::string_view() : std::string_view(at->second);
}

void read(JsonReader& reader, KubeObject& out) {
  const auto skip = [&](std::string_view) { reader.skip(); };
  read_object(reader, out.meta, skip, skip, skip);
}

void read(JsonReader& reader, KubeNode& out) {
  const auto spec = [&](std::string_view key) {
    if (key != "providerID") return void(reader.skip());
    reader.string(out.provider_id);
  };
  const auto endpoints = [&](std::string_view key) {
    if (key != "kubeletEndpoint") return void(reader.skip());
    KubePort port;
    read_port(reader, "Port", port);
    out.kubelet_port = port.number;
  };
  const auto status = [&](std::string_view key) {
    if (key == "conditions") {
      read_pairs_of(reader, "type", "status", out.conditions);
    } else if (key == "addresses") {
      read_pairs_of(reader, "type", "address", out.addresses);
    } else if (key == "daemonEndpoints") {
      reader.object(endpoints);
    } else {
      reader.skip();
    }
  };
  read_object(reader, out.meta, spec, status, [&](std::string_view) { reader.skip(); });
}

void read(JsonReader& reader, KubePod& out) {
  ContainerIds ids;
  std::vector<KubeContainer> init;
  const auto spec = [&](std::string_view key) {
    if (key == "containers") {
      read_containers(reader, false, out.containers);
    } else if (key == "initContainers") {
      read_containers(reader, true, init);
    } else if (key == "nodeName") {
      reader.string(out.node_name);
    } else {
      reader.skip();
    }
  };
  const auto status = [&](std::string_view key) { read_pod_status(reader, key, out, ids); };
  read_object(reader, out.meta, spec, status, [&](std::string_view) { reader.skip(); });
  std::ranges::move(init, std::back_inserter(out.containers));
  for (KubeContainer& container : out.containers) {
    const KubePairs& known = container.init ? ids.init : ids.regular;
    const auto id = std::ranges::find(known, container.name, &KubePairs::value_type::first);
    if (id != known.end()) container.id = id->second;
  }
}

void read(JsonReader& reader, KubeService& out) {
  const auto spec = [&](std::string_view key) { read_service_spec(reader, key, out); };
  const auto status = [&](std::string_view key) {
    if (key != "loadBalancer") return void(reader.skip());
    read_load_balancer(reader, out);
  };
  read_object(reader, out.meta, spec, status, [&](std::string_view) { reader.skip(); });
}

void read(JsonReader& reader, KubeEndpoints& out) {
  const auto skip = [&](std::string_view) { reader.skip(); };
  read_object(reader, out.meta, skip, skip, [&](std::string_view key) {
    if (key != "subsets") return void(reader.skip());
    reader.array([&] { read_subset(reader, out.subsets.emplace_back()); });
  });
}

void read(JsonReader& reader, KubeEndpointSlice& out) {
  const auto skip = [&](std::string_view) { reader.skip(); };
  read_object(reader, out.meta, skip, skip, [&](std::string_view key) {
    if (key == "addressType") {
      reader.string(out.address_type);
    } else if (key == "ports") {
      reader.array([&] { read_slice_port(reader, out.ports.emplace_back()); });
    } else if (key == "endpoints") {
      reader.array([&] { read_slice_endpoint(reader, out.endpoints.emplace_back()); });
    } else {
      reader.skip();
    }
  });
}

void read(JsonReader& reader, KubeIngress& out) {
  const auto spec = [&](std::string_view key) {
    if (key == "ingressClassName") {
      reader.string(out.class_name);
    } else if (key == "rules") {
      reader.array([&] { read_ingress_rule(reader, out.rules.emplace_back()); });
    } else if (key == "tls") {
      reader.array([&] {
        reader.object([&](std::string_view field) {
          if (field != "hosts") return void(reader.skip());
          read_strings(reader, out.tls_hosts);
        });
      });
    } else {
      reader.skip();
    }
  };
  const auto skip = [&](std::string_view) { reader.skip(); };
  read_object(reader, out.meta, spec, skip, skip);
}

}  // namespace strata::discover

// Reads what a Kubernetes API server or an HTTP server of targets might say, and a kubeconfig, from
// arbitrary bytes; then makes targets of it.
#include "base/check.h"
#include "discover/group_json.h"
#include "discover/kube_access.h"
#include "discover/kube_targets.h"

namespace strata::discover {
namespace {

template <class T>
void feed(KubeStore<T>& store, std::string_view json) {
  JsonReader reader(json);
  store.begin_list(0);
  store.list_item(0, reader);
  store.end_list(0);
}

}  // namespace
}  // namespace strata::discover

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::discover;
  using strata::config::KubernetesRole;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  KubeStores stores;
  feed(stores.nodes, text);
  feed(stores.pods, text);
  feed(stores.services, text);
  feed(stores.endpoints, text);
  feed(stores.slices, text);
  feed(stores.ingresses, text);
  feed(stores.namespaces, text);
  const strata::config::KubernetesAttachMetadata all{true, true, true, true, true};
  for (const KubernetesRole role :
       {KubernetesRole::kNode, KubernetesRole::kPod, KubernetesRole::kService,
        KubernetesRole::kEndpoints, KubernetesRole::kEndpointSlice, KubernetesRole::kIngress}) {
    for (const TargetGroup& group : kube_targets(role, stores, all)) {
      CHECK(!group.targets.empty());
    }
  }
  static_cast<void>(parse_groups(text));
  static_cast<void>(parse_kubeconfig(text, "k", "/"));
  return 0;
}

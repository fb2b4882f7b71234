// Everything about one machine, as `strata agent` and `strata serve` report it: the host, its GPUs,
// which engine runs on which of them, and the process that reports it.
//
// Owned by app/; collect() by one thread at a time. It takes no longer than the GPUs' deadline and
// that of hung file systems together.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "collect/amd_gpu.h"
#include "collect/families.h"
#include "collect/gpu.h"
#include "collect/gpu_metrics.h"
#include "collect/host.h"
#include "collect/pod_resources.h"
#include "collect/selection.h"
#include "collect/topology.h"

namespace strata::collect {

struct NodeOptions {
  /// This machine's name, in node and hostname labels and in instances.
  std::string node;
  HostOptions host;
  /// Its sysfs and clock are the host's.
  GpuOptions gpu;
  /// Its node and procfs are those above.
  GpuMetricsOptions gpu_metrics;
  bool gpus = true;
  /// The kubelet's socket for monitoring agents; no such file: no Kubernetes.
  std::string pod_resources = "/var/lib/kubelet/pod-resources/kubelet.sock";
};

class NodeCollector {
 public:
  /// kBadData as HostCollector::create.
  static Result<std::unique_ptr<NodeCollector>> create(NodeOptions options);

  /// Appends what is seen now of what is `wanted`.
  void collect(std::vector<MetricFamily>& out, const Selection& wanted = {});

 private:
  NodeCollector(NodeOptions options, std::unique_ptr<HostCollector> host);
  void collect_gpus(const Selection& wanted);

  const std::string procfs_;
  std::unique_ptr<HostCollector> host_;
  std::optional<GpuCollector> nvidia_;
  std::optional<AmdGpus> amd_;
  GpuMetrics gpu_metrics_;
  Topology topology_;
  PodResources pods_;
  Families families_;
};

}  // namespace strata::collect

// Names for what was read of the GPUs, twice over: dcgm-exporter's classic ones, so that dashboards
// and rules written for it work unchanged, and Strata's canonical gpu_*, in base units.
//
//   classic    gpu UUID pci_bus_id device modelName hostname [GPU_I_PROFILE GPU_I_ID]
//              [DCGM_FI_DRIVER_VERSION ...] [err_code err_msg] [pod namespace container]
//   canonical  node gpu uuid [pod namespace container]
//
// A MIG instance has classic rows of its own for what it can tell apart (memory, profiling), and
// canonical gpu_mig_*, so that sums over gpu_* count nothing twice. gpu_up says of each GPU whether
// it answers and, when it does not, why.
//
// Owned by app/; one thread at a time.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "collect/dcgm_fields.h"
#include "collect/families.h"
#include "collect/gpu_reading.h"
#include "collect/tree.h"

namespace strata::collect {

/// Who uses a device, from the kubelet: by UUID of a GPU or of a MIG instance.
struct PodContainer {
  std::string pod, namespace_, container;
  friend auto operator<=>(const PodContainer&, const PodContainer&) = default;
};
using PodsByDevice = std::map<std::string, PodContainer, std::less<>>;

struct GpuMetricsOptions {
  /// Which classic metrics; none when it is empty.
  DcgmFieldList fields = default_dcgm_fields();
  std::string node;
  /// "hostname", or "Hostname" as dcgm-exporter spelt it until 2026; empty: no such label.
  std::string hostname_label = "hostname";
  /// "UUID", or "uuid" as dcgm-exporter has it with --use-old-namespace.
  std::string uuid_label = "UUID";
  std::string procfs = "/proc";
};

class GpuMetrics {
 public:
  explicit GpuMetrics(GpuMetricsOptions options);

  /// Adds what `groups` asked for. Nothing at all when there are no GPUs to watch.
  void add(const GpuSnapshot& snapshot, GpuGroups groups, const PodsByDevice& pods, Families& out);

 private:
  void add_up(const GpuSnapshot& snapshot, const PodsByDevice& pods, Families& out) const;
  void add_classic(const GpuSnapshot& snapshot, GpuGroups groups, const PodsByDevice& pods,
                   Families& out) const;
  void add_canonical(const GpuSnapshot& snapshot, GpuGroups groups, const PodsByDevice& pods,
                     Families& out) const;
  void add_processes(const GpuSnapshot& snapshot, const PodsByDevice& pods, Families& out);

  const GpuMetricsOptions options_;
  Tree proc_;
};

}  // namespace strata::collect

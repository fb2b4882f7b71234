#include "collect/node.h"

#include <exception>

#include "base/log.h"
#include "collect/self.h"

namespace strata::collect {
namespace {

GpuMetricsOptions named(GpuMetricsOptions options, const std::string& node,
                        const std::string& procfs) {
  options.node = node;
  options.procfs = procfs;
  return options;
}

}  // namespace

Result<std::unique_ptr<NodeCollector>> NodeCollector::create(NodeOptions options) {
  auto host = TRY(HostCollector::create(options.host));
  return std::unique_ptr<NodeCollector>(new NodeCollector(std::move(options), std::move(host)));
}

NodeCollector::NodeCollector(NodeOptions options, std::unique_ptr<HostCollector> host)
    : procfs_(options.host.procfs),
      host_(std::move(host)),
      gpu_metrics_(named(std::move(options.gpu_metrics), options.node, procfs_)),
      topology_(procfs_, options.host.sysfs, options.node),
      pods_(std::move(options.pod_resources), *options.host.clock) {
  if (!options.gpus) return;
  options.gpu.sysfs = options.host.sysfs;
  options.gpu.clock = options.host.clock;
  amd_.emplace(options.host.sysfs);
  nvidia_.emplace(std::move(options.gpu));
}

void NodeCollector::collect(std::vector<MetricFamily>& out, const Selection& wanted) {
  if (wanted.any_host()) host_->collect(out, wanted);
  families_.begin(out);
  // Exceptions are what a library throws when memory is short; none leaves the module.
  try {
    collect_gpus(wanted);
  } catch (const std::exception& exception) {
    log_error("GPUs were not reported", {{"error", exception.what()}});
  }
  families_.finish();
  if (wanted.process()) collect_self(out, procfs_);
}

void NodeCollector::collect_gpus(const Selection& wanted) {
  if (!nvidia_ || (wanted.gpu().empty() && !wanted.topology())) return;
  GpuGroups groups = wanted.gpu();
  if (wanted.topology()) groups.set(GpuGroup::kProcesses, true);
  GpuSnapshot snapshot = nvidia_->read(groups);
  const size_t nvidia = snapshot.gpus.size();
  amd_->read(groups, snapshot.gpus);
  if (snapshot.gpus.size() > nvidia && snapshot.absent) snapshot.absent = false;
  const PodsByDevice pods = snapshot.gpus.empty() ? PodsByDevice() : pods_.read();
  if (!wanted.gpu().empty()) gpu_metrics_.add(snapshot, wanted.gpu(), pods, families_);
  if (wanted.topology()) topology_.add(snapshot.gpus, pods, families_);
}

}  // namespace strata::collect

// Which parts of a node one scrape wants: ?collect[]= and ?exclude[]= as node_exporter has them, so
// that jobs with different intervals can share the agent.
//
// Names: a host collector's ("cpu", "meminfo"), "host" for all of them; "gpu" or one of its groups
// ("gpu.utilization"); "topology"; "process" for the agent itself. A value; thread-safe.
#pragma once
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "collect/gpu_reading.h"

namespace strata::collect {

class Selection {
 public:
  /// Everything.
  Selection() = default;
  /// kBadData for a name that there is not, with those that there are.
  static Result<Selection> from(std::span<const std::string> collect,
                                std::span<const std::string> exclude);

  bool host(std::string_view collector) const { return all_ || host_.contains(collector); }
  bool any_host() const { return all_ || !host_.empty(); }
  GpuGroups gpu() const { return gpu_; }
  bool topology() const { return topology_; }
  bool process() const { return process_; }

 private:
  Result<> change(std::string_view name, bool on);

  bool all_ = true;  // of the host's
  std::set<std::string, std::less<>> host_;
  GpuGroups gpu_;
  bool topology_ = true;
  bool process_ = true;
};

}  // namespace strata::collect

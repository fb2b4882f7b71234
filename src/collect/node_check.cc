#include "collect/node_check.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "collect/gpm.h"

namespace strata::collect {
namespace {

using Kind = Finding::Kind;

// A part of the problem's words (nvml.cc, gpu_reader.cc, gpu.cc), and what helps.
constexpr std::pair<std::string_view, std::string_view> kRemedies[] = {
    {"library is not installed",
     "install the NVIDIA driver; in a container, run it with the NVIDIA runtime (--gpus all, or "
     "runtimeClassName: nvidia) so that libnvidia-ml.so.1 and /dev/nvidia* are there"},
    {"library does not load", "see `ldd` of libnvidia-ml.so.1; --gpu.library names another one"},
    {"driver is not loaded", "modprobe nvidia, then nvidia-smi; dmesg says why it fails"},
    {"of different versions",
     "the driver was updated under its kernel module: reboot, or stop all users of the GPUs and "
     "reload the modules (rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia; modprobe nvidia)"},
    {"blocks the GPU's device files",
     "give the agent /dev/nvidiactl and /dev/nvidia*: DeviceAllow= of its unit, or --gpus all"},
    {"no permission", "run the agent as a user who may open /dev/nvidiactl and /dev/nvidia*"},
    {"fell off the bus",
     "drain the node and power-cycle it; Xid 79 in dmesg, then seating, power and risers"},
    {"must be reset", "drain the GPU's users, then nvidia-smi --gpu-reset -i INDEX"},
    {"power cable", "attach the GPU's power cables"},
    {"no longer lists", "dmesg, and lspci -d 10de: (a GPU that is gone there needs a power cycle)"},
    {"does not answer",
     "the driver hangs: dmesg for Xid and for hung tasks; nvidia-smi will hang too. Reboot the "
     "node "
     "when it does not recover"},
    {"infoROM", "the GPU's infoROM is damaged: have it replaced"},
    {"there is no GPU", "the driver runs but sees no GPU: lspci -d 10de:, dmesg"},
};

void check_readable(std::vector<Finding>& out, const std::string& root, std::string_view file,
                    const char* flag) {
  Tree tree(root);
  if (tree.read(file)) {
    out.push_back({Kind::kGood, root + " is readable", {}});
  } else {
    out.push_back({Kind::kProblem, join(root, file) + " cannot be read",
                   std::string("mount the host's into the container and name it with ") + flag});
  }
}

void check_others_processes(std::vector<Finding>& out, const NodeOptions& options) {
  Tree proc(options.host.procfs);
  if (!proc.read("1/stat")) {
    out.push_back({Kind::kProblem, "other users' processes are hidden (hidepid)",
                   "run as root, or in the group that /proc's gid= names"});
  } else if (proc.link("1/ns/net").empty()) {
    out.push_back(
        {Kind::kNote, "other users' sockets cannot be seen: engines are not tied to GPUs",
         "give the agent CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH (the systemd unit does)"});
  } else {
    out.push_back({Kind::kGood, "other users' processes can be looked at", {}});
  }
}

void check_gpu(std::vector<Finding>& out, const GpuReading& gpu) {
  const std::string name = "GPU " + std::to_string(gpu.index) + ": " + gpu.model + ", " + gpu.uuid;
  if (!gpu.problem.empty()) {
    out.push_back({Kind::kProblem, name + ": " + gpu.problem, remedy_for(gpu.problem)});
    return;
  }
  out.push_back({Kind::kGood, name, {}});
  if (!gpu.nvidia) return;
  const auto missing = [&](GpuValue value) { return std::isnan(gpu.values[value]); };
  if (missing(GpuValue::kProfSmPercent) && gpu.instances.empty()) {
    out.push_back({Kind::kNote,
                   name + ": no profiling values (DCGM_FI_PROF_*, gpu_sm_active_ratio)",
                   "they need Hopper or later and driver 520 or later; on an A100 scrape "
                   "dcgm-exporter beside the agent"});
  }
  if (missing(GpuValue::kXidLast)) {
    out.push_back({Kind::kNote, name + ": no Xid events", "vGPUs and old GPUs do not have them"});
  }
  if (missing(GpuValue::kProcesses)) {
    out.push_back({Kind::kNote, name + ": its processes cannot be listed",
                   "this needs driver 510 or later, and the host's pid namespace (hostPID: true)"});
  }
  if (!missing(GpuValue::kRemappedFailure) && gpu.values[GpuValue::kRemappedFailure] > 0) {
    out.push_back(
        {Kind::kProblem, name + ": a memory row could not be replaced", "have the GPU exchanged"});
  }
  const double width = gpu.values[GpuValue::kPcieWidth];
  if (width < gpu.values[GpuValue::kPcieMaxWidth]) {
    out.push_back({Kind::kNote, name + ": PCIe runs on fewer lanes than it could",
                   "reseat the card; look at the riser and the slot"});
  }
}

void check_gpus(std::vector<Finding>& out, const NodeOptions& options) {
  GpuOptions gpu = options.gpu;
  gpu.sysfs = options.host.sysfs;
  GpuCollector nvidia(gpu);
  GpuSnapshot snapshot = nvidia.read({});
  if (snapshot.problem.empty()) {
    // Profiling is measured between two readings.
    std::this_thread::sleep_for(2 * GpmSampler::kShortest);
    snapshot = nvidia.read({});
  }
  AmdGpus(options.host.sysfs).read({}, snapshot.gpus);
  if (snapshot.absent) {
    if (snapshot.gpus.empty()) out.push_back({Kind::kNote, "there is no GPU in this machine", {}});
  } else if (!snapshot.problem.empty() || snapshot.gpus.empty()) {
    const std::string problem = snapshot.problem.empty() ? "there is no GPU" : snapshot.problem;
    out.push_back({Kind::kProblem, "NVIDIA: " + problem, remedy_for(problem)});
  } else {
    out.push_back({Kind::kGood,
                   "NVIDIA driver " + snapshot.driver_version + ", NVML " + snapshot.nvml_version,
                   {}});
  }
  for (const GpuReading& reading : snapshot.gpus) check_gpu(out, reading);
}

}  // namespace

std::string remedy_for(std::string_view gpu_problem) {
  for (const auto& [words, remedy] : kRemedies) {
    if (gpu_problem.contains(words)) return std::string(remedy);
  }
  return {};
}

std::vector<Finding> check_node(const NodeOptions& options) {
  std::vector<Finding> out;
  check_readable(out, options.host.procfs, "stat", "--path.procfs");
  check_readable(out, options.host.sysfs, "devices/system/cpu/possible", "--path.sysfs");
  check_others_processes(out, options);
  if (options.gpus) check_gpus(out, options);
  return out;
}

}  // namespace strata::collect

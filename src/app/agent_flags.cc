#include "app/agent_flags.h"

#include <unistd.h>

#include <optional>

#include "app/flag_reader.h"
#include "base/fs.h"

namespace strata::app {
namespace {

constexpr Flag kFlags[] = {
    {"web.listen-address", ":9400", "HOST:PORT",
     "Where to listen. An agent is there to be scraped from elsewhere, so every address is the "
     "default; users and TLS are --web.config.file's.",
     "address"},
    {"web.also-listen-address", "", "HOST:PORT",
     "A second place to listen, such as :9100 where node_exporter was."},
    {"web.config.file", "", "FILE", "TLS and users, in the format of Prometheus' web.yml."},
    {"push.config.file", "", "FILE",
     "Push what is collected instead of waiting for scrapes: a file in prometheus.yml's format "
     "with "
     "remote_write, and global's scrape_interval and external_labels."},
    {"node", "", "NAME",
     "This machine's name in labels: node, hostname and the instance of engines. The host name "
     "when not given."},
    {"gpu", "true", "", "Report GPUs. --gpu=false: the host alone."},
    {"gpu.library", "libnvidia-ml.so.1", "FILE",
     "NVIDIA's management library: a path, or a name for the dynamic linker."},
    {"gpu.deadline", "3s", "DURATION",
     "How long the GPU driver may take. Then the scrape goes on without it, with gpu_up 0."},
    {"gpu.fields", "", "FILE",
     "Which of dcgm-exporter's metrics to report, in its CSV format; its default and ECC counters "
     "when not given. The canonical gpu_* are there in any case.",
     "collectors"},
    {"gpu.classic-names", "true", "",
     "Report metrics under dcgm-exporter's names. false: gpu_* only."},
    {"gpu.old-hostname-label", "false", "",
     "Spell the label Hostname, as dcgm-exporter did until May 2026, and not hostname."},
    {"gpu.old-namespace", "false", "",
     "Spell the label uuid and not UUID, as dcgm-exporter does with --use-old-namespace.",
     "use-old-namespace"},
    {"kubernetes.pod-resources-socket", "/var/lib/kubelet/pod-resources/kubelet.sock", "FILE",
     "The kubelet's socket, from which pod, namespace and container of a GPU come, where there is "
     "one.",
     "pod-resources-kubelet-socket"},
    {"path.procfs", "/proc", "DIR", "Where this host's /proc is mounted."},
    {"path.sysfs", "/sys", "DIR", "Where this host's /sys is mounted."},
    {"path.rootfs", "/", "DIR", "Where this host's file systems are mounted."},
    {"path.udev.data", "/run/udev/data", "DIR", "Where this host's udev keeps its data."},
    {"collector.disable-defaults", "false", "",
     "No host collectors but those that --collector.NAME turns on."},
    {"log.level", "info", "LEVEL", "debug, info, warn or error."},
    {"log.format", "logfmt", "FORMAT", "logfmt or json."},
};

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != 0 ? name : "localhost";
}

Result<collect::DcgmFieldList> read_fields(const std::string& file) {
  const auto text = TRY(real_fs().read_file(file));
  auto fields = TRY(collect::parse_dcgm_fields(text, file));
  for (const std::string& name : fields.unknown) {
    log_warn("NVML cannot answer a field; it is left out", {{"field", name}, {"file", file}});
  }
  return fields;
}

}  // namespace

std::span<const Flag> agent_flags() { return kFlags; }

AgentFlags default_agent_flags() {
  AgentFlags flags;
  for (const Flag& flag : kFlags) flags.values.emplace(flag.name, flag.default_value);
  return flags;
}

Result<AgentOptions> agent_options(const AgentFlags& flags) {
  FlagReader read(flags.values);
  AgentOptions options;
  options.listen = {read.text("web.listen-address")};
  if (const auto& also = read.text("web.also-listen-address"); !also.empty()) {
    options.listen.push_back(also);
  }
  options.web_config_file = read.text("web.config.file");
  options.push_config_file = read.text("push.config.file");

  collect::NodeOptions& node = options.node;
  node.node = read.text("node").empty() ? host_name() : read.text("node");
  node.gpus = read.on("gpu");
  node.gpu.library = read.text("gpu.library");
  node.gpu.deadline = read.positive_duration("gpu.deadline");
  node.pod_resources = read.text("kubernetes.pod-resources-socket");
  if (read.on("gpu.old-hostname-label")) node.gpu_metrics.hostname_label = "Hostname";
  if (read.on("gpu.old-namespace")) node.gpu_metrics.uuid_label = "uuid";
  if (!read.on("gpu.classic-names")) node.gpu_metrics.fields = {};
  node.host.procfs = read.text("path.procfs");
  node.host.sysfs = read.text("path.sysfs");
  node.host.rootfs = read.text("path.rootfs");
  node.host.udev_data = read.text("path.udev.data");
  if (read.on("collector.disable-defaults")) {
    for (const auto& info : collect::host_collectors()) {
      node.host.collectors.emplace_back(info.name, false);
    }
  }
  node.host.collectors.insert(node.host.collectors.end(), flags.collectors.begin(),
                              flags.collectors.end());
  node.host.settings = flags.settings;
  options.log_level = read.choice<LogLevel>("log.level", {{"debug", LogLevel::kDebug},
                                                          {"info", LogLevel::kInfo},
                                                          {"warn", LogLevel::kWarn},
                                                          {"error", LogLevel::kError}});
  options.log_format = read.choice<LogFormat>(
      "log.format", {{"logfmt", LogFormat::kLogfmt}, {"json", LogFormat::kJson}});
  if (read.error()) return std::unexpected(*read.error());
  if (const auto& file = read.text("gpu.fields"); !file.empty()) {
    auto fields = read_fields(file);
    if (!fields) return std::unexpected(fields.error().within("--gpu.fields"));
    node.gpu_metrics.fields = *std::move(fields);
  }
  return options;
}

std::string agent_flags_markdown() {
  std::string out = "| flag | default | what it does |\n|---|---|---|\n";
  for (const auto& flag : kFlags) {
    out += fmt::format("| `--{}{}`{} | {} | {} |\n", flag.name,
                       flag.value_name.empty() ? "" : "=" + std::string(flag.value_name),
                       flag.alias.empty() ? "" : fmt::format(" or `--{}`", flag.alias),
                       flag.default_value.empty() ? "" : fmt::format("`{}`", flag.default_value),
                       flag.help);
  }
  return out;
}

}  // namespace strata::app

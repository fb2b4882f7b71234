#include <fmt/format.h>

#include <cmath>

#include "sim/body.h"
#include "sim/expositions.h"

namespace strata::sim {
namespace {

constexpr double kUptime = 40 * 86400;  // before the simulation began

// node_exporter's families, a group each.
class NodeWriter {
 public:
  NodeWriter(std::string& out, const Node& node, double unix_now)
      : node_(node), h_(node.host().readings()), now_(unix_now), body_(out, Body::Style::kGo) {}

  void write() {
    cpu();
    memory();
    pressure();
    disks();
    network();
    system();
  }

 private:
  // The total is spread over the CPUs evenly: what is asked of them is sums and means.
  void cpu() {
    const CpuSeconds& s = h_.cpu;
    const std::pair<std::string_view, double> modes[] = {{"idle", s.idle + kUptime * kCpus * 0.9},
                                                         {"iowait", s.iowait},
                                                         {"irq", s.irq},
                                                         {"nice", s.nice},
                                                         {"softirq", s.softirq},
                                                         {"steal", s.steal},
                                                         {"system", s.system + 1000},
                                                         {"user", s.user + 5000}};
    body_.family("node_cpu_seconds_total", "counter", "Seconds the CPUs spent in each mode.");
    for (uint32_t cpu = 0; cpu < kCpus; ++cpu) {
      for (const auto& [mode, seconds] : modes) {
        body_.sample(fmt::format("cpu=\"{}\",mode=\"{}\"", cpu, mode), seconds / kCpus);
      }
    }
    body_.counter("node_context_switches_total", "Total number of context switches.", {},
                  h_.context_switches);
    body_.counter("node_intr_total", "Total number of interrupts serviced.", {}, h_.interrupts);
    body_.counter("node_forks_total", "Total number of forks.", {}, h_.forks);
    body_.gauge("node_procs_running", "Number of processes in runnable state.", {}, h_.running);
    body_.gauge("node_procs_blocked", "Number of processes blocked waiting for I/O.", {}, 0);
    body_.gauge("node_load1", "1m load average.", {}, h_.load1);
    body_.gauge("node_load5", "5m load average.", {}, h_.load5);
    body_.gauge("node_load15", "15m load average.", {}, h_.load15);
  }

  void memory() {
    const auto field = [this](std::string_view name, double bytes) {
      body_.gauge(name, "Memory information field.", {}, bytes);
    };
    field("node_memory_MemTotal_bytes", kHostMemoryBytes);
    field("node_memory_MemAvailable_bytes", h_.memory_available);
    field("node_memory_MemFree_bytes", h_.memory_available - h_.cached);
    field("node_memory_Cached_bytes", h_.cached);
    field("node_memory_Buffers_bytes", 2e8);
    field("node_memory_SwapTotal_bytes", 0);
    field("node_memory_SwapFree_bytes", 0);
    const auto vm = [this](std::string_view name, double value) {
      body_.family(name, "untyped", "/proc/vmstat information field.");
      body_.sample({}, value);
    };
    vm("node_vmstat_oom_kill", h_.oom_kills);
    vm("node_vmstat_pgfault", h_.page_faults);
    vm("node_vmstat_pgmajfault", h_.major_faults);
    vm("node_vmstat_pswpin", h_.swapped_out);
    vm("node_vmstat_pswpout", h_.swapped_out);
  }

  void pressure() {
    const auto total = [this](std::string_view name, double seconds) {
      body_.counter(name, "Total time in seconds that processes have waited or stalled.", {},
                    seconds);
    };
    total("node_pressure_cpu_waiting_seconds_total", h_.pressure_cpu);
    total("node_pressure_io_stalled_seconds_total", h_.pressure_io_full);
    total("node_pressure_io_waiting_seconds_total", h_.pressure_io);
    total("node_pressure_memory_stalled_seconds_total", h_.pressure_memory_full);
    total("node_pressure_memory_waiting_seconds_total", h_.pressure_memory);
  }

  void disks() {
    const auto disk = [this](std::string_view name, std::string_view help, double value) {
      body_.counter(name, help, "device=\"nvme0n1\"", value);
    };
    disk("node_disk_reads_completed_total", "Reads completed.", h_.disk_reads);
    disk("node_disk_writes_completed_total", "Writes completed.", h_.disk_writes);
    disk("node_disk_read_bytes_total", "Bytes read.", h_.disk_read);
    disk("node_disk_written_bytes_total", "Bytes written.", h_.disk_written);
    disk("node_disk_io_time_seconds_total", "Seconds spent doing I/Os.", h_.disk_io_seconds);
    const std::string root =
        label_text({{"device", "/dev/nvme0n1p2"}, {"fstype", "ext4"}, {"mountpoint", "/"}});
    const auto fs = [&](std::string_view name, double value) {
      body_.gauge(name, "Filesystem space or inodes.", root, value);
    };
    fs("node_filesystem_size_bytes", kDiskBytes);
    fs("node_filesystem_free_bytes", h_.disk_available + kDiskBytes * 0.05);
    fs("node_filesystem_avail_bytes", h_.disk_available);
    fs("node_filesystem_files", kInodes);
    fs("node_filesystem_files_free", std::floor(h_.inodes_free));
    fs("node_filesystem_readonly", h_.read_only ? 1 : 0);
    fs("node_filesystem_device_error", 0);
  }

  void network() {
    const auto total = [this](std::string_view name, std::string_view help, double value) {
      body_.counter(name, help, "device=\"eth0\"", value);
    };
    total("node_network_receive_bytes_total", "Bytes received.", h_.received);
    total("node_network_transmit_bytes_total", "Bytes sent.", h_.sent);
    total("node_network_receive_packets_total", "Packets received.", h_.packets_in);
    total("node_network_transmit_packets_total", "Packets sent.", h_.packets_out);
    total("node_network_receive_drop_total", "Packets received and dropped.", h_.drops);
    total("node_network_transmit_drop_total", "Packets dropped, not sent.", 0);
    total("node_network_receive_errs_total", "Receive errors.", h_.drops / 4);
    total("node_network_transmit_errs_total", "Transmit errors.", 0);
    body_.gauge("node_network_up", "1 if the interface is up.", "device=\"eth0\"", 1);
    body_.gauge("node_network_speed_bytes", "Speed of the interface.", "device=\"eth0\"",
                kNicBytesPerSecond);
    const auto snmp = [this](std::string_view name, double value) {
      body_.family(name, "untyped", "Statistic of /proc/net/snmp.");
      body_.sample({}, value);
    };
    snmp("node_netstat_Tcp_RetransSegs", h_.retransmitted);
    snmp("node_netstat_Tcp_OutSegs", h_.packets_out);
    snmp("node_netstat_Tcp_InSegs", h_.packets_in);
    const std::string port = label_text({{"device", "mlx5_0"}, {"port", "1"}});
    const auto fabric = [&](std::string_view name, double value) {
      body_.counter(name, "Counter of an InfiniBand port.", port, value);
    };
    fabric("node_infiniband_port_data_received_bytes_total", h_.fabric_bytes);
    fabric("node_infiniband_port_data_transmitted_bytes_total", h_.fabric_bytes);
    fabric("node_infiniband_symbol_error_total", h_.fabric_errors);
    fabric("node_infiniband_link_downed_total", h_.fabric_down);
  }

  void system() {
    const double skewed = now_ + h_.clock_offset;
    body_.gauge("node_boot_time_seconds", "Node boot time, in unixtime.", {},
                now_ - node_.now() - kUptime);
    body_.gauge("node_time_seconds", "System time in seconds since epoch (1970).", {}, skewed);
    body_.gauge("node_timex_offset_seconds",
                "Time offset between the system and a reference clock.", {}, h_.clock_offset);
    body_.gauge("node_timex_sync_status", "Is the clock synchronized to a reliable server.", {},
                h_.clock_offset > 1 ? 0 : 1);
    body_.gauge("node_filefd_allocated", "File descriptors allocated.", {}, 4096);
    body_.gauge("node_filefd_maximum", "Most file descriptors.", {}, 9.223372036854776e18);
    body_.gauge("node_uname_info", "System information as provided by uname.",
                label_text({{"domainname", "(none)"},
                            {"machine", "x86_64"},
                            {"nodename", node_.name()},
                            {"release", "6.8.0-60-generic"},
                            {"sysname", "Linux"},
                            {"version", "#63-Ubuntu SMP"}}),
                1);
  }

  const Node& node_;
  const HostReadings& h_;
  const double now_;
  Body body_;
};

}  // namespace

void append_node(std::string& out, const Node& node, double unix_now) {
  NodeWriter(out, node, unix_now).write();
}

}  // namespace strata::sim

// node_infiniband_*: InfiniBand and RoCE devices of /sys/class/infiniband.
#include <fmt/format.h>

#include "base/number.h"
#include "collect/attributes.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

constexpr std::string_view kInfinibandDir = "class/infiniband";

// Data is counted in words of four bytes. What hw_counters mean: NVIDIA, "Understanding mlx5 Linux
// counters and status parameters".
constexpr Attribute kCounters[] = {
    {"counters_ext/port_multicast_rcv_packets",
     "node_infiniband_legacy_multicast_packets_received_total", MetricType::kCounter,
     "Number of multicast packets received", 1},
    {"counters_ext/port_multicast_xmit_packets",
     "node_infiniband_legacy_multicast_packets_transmitted_total", MetricType::kCounter,
     "Number of multicast packets transmitted", 1},
    {"counters_ext/port_rcv_data_64", "node_infiniband_legacy_data_received_bytes_total",
     MetricType::kCounter, "Number of data octets received on all links", 0.25},
    {"counters_ext/port_rcv_packets_64", "node_infiniband_legacy_packets_received_total",
     MetricType::kCounter, "Number of data packets received on all links", 1},
    {"counters_ext/port_unicast_rcv_packets",
     "node_infiniband_legacy_unicast_packets_received_total", MetricType::kCounter,
     "Number of unicast packets received", 1},
    {"counters_ext/port_unicast_xmit_packets",
     "node_infiniband_legacy_unicast_packets_transmitted_total", MetricType::kCounter,
     "Number of unicast packets transmitted", 1},
    {"counters_ext/port_xmit_data_64", "node_infiniband_legacy_data_transmitted_bytes_total",
     MetricType::kCounter, "Number of data octets transmitted on all links", 0.25},
    {"counters_ext/port_xmit_packets_64", "node_infiniband_legacy_packets_transmitted_total",
     MetricType::kCounter, "Number of data packets received on all links", 1},
    {"counters/excessive_buffer_overrun_errors",
     "node_infiniband_excessive_buffer_overrun_errors_total", MetricType::kCounter,
     "Number of times that OverrunErrors consecutive flow control update periods occurred, each "
     "having at least one overrun error.",
     1},
    {"counters/link_downed", "node_infiniband_link_downed_total", MetricType::kCounter,
     "Number of times the link failed to recover from an error state and went down", 1},
    {"counters/link_error_recovery", "node_infiniband_link_error_recovery_total",
     MetricType::kCounter, "Number of times the link successfully recovered from an error state",
     1},
    {"counters/local_link_integrity_errors", "node_infiniband_local_link_integrity_errors_total",
     MetricType::kCounter,
     "Number of times that the count of local physical errors exceeded the threshold specified by "
     "LocalPhyErrors.",
     1},
    {"counters/multicast_rcv_packets", "node_infiniband_multicast_packets_received_total",
     MetricType::kCounter, "Number of multicast packets received (including errors)", 1},
    {"counters/multicast_xmit_packets", "node_infiniband_multicast_packets_transmitted_total",
     MetricType::kCounter, "Number of multicast packets transmitted (including errors)", 1},
    {"counters/port_rcv_constraint_errors", "node_infiniband_port_constraint_errors_received_total",
     MetricType::kCounter,
     "Number of packets received on the switch physical port that are discarded", 1},
    {"counters/port_xmit_constraint_errors",
     "node_infiniband_port_constraint_errors_transmitted_total", MetricType::kCounter,
     "Number of packets not transmitted from the switch physical port", 1},
    {"counters/port_rcv_data", "node_infiniband_port_data_received_bytes_total",
     MetricType::kCounter, "Number of data octets received on all links", 0.25},
    {"counters/port_xmit_data", "node_infiniband_port_data_transmitted_bytes_total",
     MetricType::kCounter, "Number of data octets transmitted on all links", 0.25},
    {"counters/port_rcv_discards", "node_infiniband_port_discards_received_total",
     MetricType::kCounter,
     "Number of inbound packets discarded by the port because the port is down or congested", 1},
    {"counters/port_xmit_discards", "node_infiniband_port_discards_transmitted_total",
     MetricType::kCounter,
     "Number of outbound packets discarded by the port because the port is down or congested", 1},
    {"counters/port_rcv_errors", "node_infiniband_port_errors_received_total", MetricType::kCounter,
     "Number of packets containing an error that were received on this port", 1},
    {"counters/port_rcv_packets", "node_infiniband_port_packets_received_total",
     MetricType::kCounter, "Number of packets received on all VLs by this port (including errors)",
     1},
    {"counters/port_xmit_packets", "node_infiniband_port_packets_transmitted_total",
     MetricType::kCounter,
     "Number of packets transmitted on all VLs from this port (including errors)", 1},
    {"counters/port_xmit_wait", "node_infiniband_port_transmit_wait_total", MetricType::kCounter,
     "Number of ticks during which the port had data to transmit but no data was sent during the "
     "entire tick",
     1},
    {"counters/unicast_rcv_packets", "node_infiniband_unicast_packets_received_total",
     MetricType::kCounter, "Number of unicast packets received (including errors)", 1},
    {"counters/unicast_xmit_packets", "node_infiniband_unicast_packets_transmitted_total",
     MetricType::kCounter, "Number of unicast packets transmitted (including errors)", 1},
    {"counters/port_rcv_remote_physical_errors",
     "node_infiniband_port_receive_remote_physical_errors_total", MetricType::kCounter,
     "Number of packets marked with the EBP (End of Bad Packet) delimiter received on the port.",
     1},
    {"counters/port_rcv_switch_relay_errors",
     "node_infiniband_port_receive_switch_relay_errors_total", MetricType::kCounter,
     "Number of packets that could not be forwarded by the switch.", 1},
    {"counters/symbol_error", "node_infiniband_symbol_error_total", MetricType::kCounter,
     "Number of minor link errors detected on one or more physical lanes.", 1},
    {"counters/VL15_dropped", "node_infiniband_vl15_dropped_total", MetricType::kCounter,
     "Number of incoming VL15 packets dropped due to resource limitations.", 1},
    {"hw_counters/duplicate_request", "node_infiniband_duplicate_requests_packets_total",
     MetricType::kCounter,
     "The number of received packets. A duplicate request is a request that had been previously "
     "executed.",
     1},
    {"hw_counters/implied_nak_seq_err", "node_infiniband_implied_nak_seq_errors_total",
     MetricType::kCounter,
     "The number of time the requested decided an ACK. with a PSN larger than the expected PSN for "
     "an RDMA read or response.",
     1},
    {"hw_counters/local_ack_timeout_err", "node_infiniband_local_ack_timeout_errors_total",
     MetricType::kCounter,
     "The number of times QP's ack timer expired for RC, XRC, DCT QPs at the sender side. The QP "
     "retry limit was not exceed, therefore it is still recoverable error.",
     1},
    {"hw_counters/np_cnp_sent", "node_infiniband_np_cnp_packets_sent_total", MetricType::kCounter,
     "The number of CNP packets sent by the Notification Point when it noticed congestion "
     "experienced in the RoCEv2 IP header (ECN bits). The counters was added in MLNX_OFED 4.1",
     1},
    {"hw_counters/np_ecn_marked_roce_packets",
     "node_infiniband_np_ecn_marked_roce_packets_received_total", MetricType::kCounter,
     "The number of RoCEv2 packets received by the notification point which were marked for "
     "experiencing the congestion (ECN bits where '11' on the ingress RoCE traffic) . The counters "
     "was added in MLNX_OFED 4.1",
     1},
    {"hw_counters/out_of_buffer", "node_infiniband_out_of_buffer_drops_total", MetricType::kCounter,
     "The number of drops occurred due to lack of WQE for the associated QPs.", 1},
    {"hw_counters/out_of_sequence", "node_infiniband_out_of_sequence_packets_received_total",
     MetricType::kCounter, "The number of out of sequence packets received.", 1},
    {"hw_counters/packet_seq_err", "node_infiniband_packet_sequence_errors_total",
     MetricType::kCounter,
     "The number of received NAK sequence error packets. The QP retry limit was not exceeded.", 1},
    {"hw_counters/req_cqe_error", "node_infiniband_req_cqes_errors_total", MetricType::kCounter,
     "The number of times requester detected CQEs completed with errors. The counters was added in "
     "MLNX_OFED 4.1",
     1},
    {"hw_counters/req_cqe_flush_error", "node_infiniband_req_cqes_flush_errors_total",
     MetricType::kCounter,
     "The number of times requester detected CQEs completed with flushed errors. The counters was "
     "added in MLNX_OFED 4.1",
     1},
    {"hw_counters/req_remote_access_errors", "node_infiniband_req_remote_access_errors_total",
     MetricType::kCounter,
     "The number of times requester detected remote access errors. The counters was added in "
     "MLNX_OFED 4.1",
     1},
    {"hw_counters/req_remote_invalid_request",
     "node_infiniband_req_remote_invalid_request_errors_total", MetricType::kCounter,
     "The number of times requester detected remote invalid request errors. The counters was added "
     "in MLNX_OFED 4.1",
     1},
    {"hw_counters/resp_cqe_error", "node_infiniband_resp_cqes_errors_total", MetricType::kCounter,
     "The number of times responder detected CQEs completed with errors. The counters was added in "
     "MLNX_OFED 4.1",
     1},
    {"hw_counters/resp_cqe_flush_error", "node_infiniband_resp_cqes_flush_errors_total",
     MetricType::kCounter,
     "The number of times responder detected CQEs completed with flushed errors. The counters was "
     "added in MLNX_OFED 4.1",
     1},
    {"hw_counters/resp_local_length_error", "node_infiniband_resp_local_length_errors_total",
     MetricType::kCounter,
     "The number of times responder detected local length errors. The counters was added in "
     "MLNX_OFED 4.1",
     1},
    {"hw_counters/resp_remote_access_errors", "node_infiniband_resp_remote_access_errors_total",
     MetricType::kCounter,
     "The number of times responder detected remote access errors. The counters was added in "
     "MLNX_OFED 4.1",
     1},
    {"hw_counters/rnr_nak_retry_err", "node_infiniband_rnr_nak_retry_packets_received_total",
     MetricType::kCounter,
     "The number of received RNR NAK packets. The QP retry limit was not exceeded.", 1},
    {"hw_counters/roce_adp_retrans", "node_infiniband_roce_adp_retransmits_total",
     MetricType::kCounter,
     "The number of adaptive retransmissions for RoCE traffic. The counter was added in MLNX_OFED "
     "rev 5.0-1.0.0.0 and kernel v5.6.0",
     1},
    {"hw_counters/roce_adp_retrans_to", "node_infiniband_roce_adp_retransmits_timeout_total",
     MetricType::kCounter,
     "The number of times RoCE traffic reached timeout due to adaptive retransmission. The counter "
     "was added in MLNX_OFED rev 5.0-1.0.0.0 and kernel v5.6.0",
     1},
    {"hw_counters/roce_slow_restart", "node_infiniband_roce_slow_restart_used_total",
     MetricType::kCounter,
     "The number of times RoCE slow restart was used. The counter was added in MLNX_OFED rev "
     "5.0-1.0.0.0 and kernel v5.6.0",
     1},
    {"hw_counters/roce_slow_restart_cnps", "node_infiniband_roce_slow_restart_cnps_total",
     MetricType::kCounter,
     "The number of times RoCE slow restart generated CNP packets. The counter was added in "
     "MLNX_OFED rev 5.0-1.0.0.0 and kernel v5.6.0",
     1},
    {"hw_counters/roce_slow_restart_trans", "node_infiniband_roce_slow_restart_total",
     MetricType::kCounter,
     "The number of times RoCE slow restart changed state to slow restart. The counter was added "
     "in MLNX_OFED rev 5.0-1.0.0.0 and kernel v5.6.0",
     1},
    {"hw_counters/rp_cnp_handled", "node_infiniband_rp_cnp_packets_handled_total",
     MetricType::kCounter,
     "The number of CNP packets handled by the Reaction Point HCA to throttle the transmission "
     "rate. The counters was added in MLNX_OFED 4.1",
     1},
    {"hw_counters/rp_cnp_ignored", "node_infiniband_rp_cnp_ignored_packets_received_total",
     MetricType::kCounter,
     "The number of CNP packets received and ignored by the Reaction Point HCA. This counter "
     "should not raise if RoCE Congestion Control was enabled in the network. If this counter "
     "raise, verify that ECN was enabled on the adapter.",
     1},
    {"hw_counters/rx_atomic_requests", "node_infiniband_rx_atomic_requests_total",
     MetricType::kCounter, "The number of received ATOMIC request for the associated QPs.", 1},
    {"hw_counters/rx_dct_connect", "node_infiniband_rx_dct_connect_requests_total",
     MetricType::kCounter, "The number of received connection requests for the associated DCTs.",
     1},
    {"hw_counters/rx_read_requests", "node_infiniband_rx_read_requests_total", MetricType::kCounter,
     "The number of received READ requests for the associated QPs.", 1},
    {"hw_counters/rx_write_requests", "node_infiniband_rx_write_requests_total",
     MetricType::kCounter, "The number of received WRITE requests for the associated QPs.", 1},
    {"hw_counters/rx_icrc_encapsulated", "node_infiniband_rx_icrc_encapsulated_errors_total",
     MetricType::kCounter,
     "The number of RoCE packets with ICRC errors. This counter was added in MLNX_OFED 4.4 and "
     "kernel 4.19",
     1},
};

constexpr Attribute kPortStates[] = {
    {"state", "node_infiniband_state_id", MetricType::kGauge,
     "State of the InfiniBand port (0: no change, 1: down, 2: init, 3: armed, 4: active, 5: act "
     "defer)"},
    {"phys_state", "node_infiniband_physical_state_id", MetricType::kGauge,
     "Physical state of the InfiniBand port (0: no change, 1: sleep, 2: polling, 3: disable, 4: "
     "shift, 5: link up, 6: link error recover, 7: phytest)"}};

// "4: ACTIVE", and the rate as "100 Gb/sec (4X EDR)".
Result<> add_port(Host& host, const std::string& dir, const std::vector<Label>& labels) {
  for (const Attribute& state : kPortStates) {
    const auto text = host.sys.attribute(join(dir, state.file));
    if (!text) return malformed(join(dir, state.file), "cannot be read");
    const uint64_t id = TRY(to_uint(trim(cut(*text, ':').first), join(dir, state.file)));
    host.out.gauge(state.metric, state.help).add(static_cast<double>(id), labels);
  }
  const auto rate = host.sys.attribute(join(dir, "rate"));
  if (!rate) return malformed(join(dir, "rate"), "cannot be read");
  const double gigabits = TRY(to_double(cut(*rate, ' ').first, join(dir, "rate")));
  constexpr double kBytesPerGigabit = 125'000'000;
  host.out.gauge("node_infiniband_rate_bytes_per_second", "Maximum signal transfer rate")
      .add(gigabits * kBytesPerGigabit, labels);
  add_attributes(host, dir, kCounters, labels);
  if (const auto milliseconds = host.sys.attribute_uint(join(dir, "hw_counters/lifespan"))) {
    host.out
        .gauge("node_infiniband_lifespan_seconds",
               "The maximum period in ms which defines the aging of the counter reads. Two "
               "consecutive reads within this period might return the same values.")
        .add(static_cast<double>(*milliseconds / 1000), labels);
  }
  return {};
}

}  // namespace

Collector make_infiniband(const Settings& settings) {
  return [filter = NameFilter(settings, "infiniband.device")](Host& host) -> Result<> {
    for (const std::string& device : TRY(host.sys.list(kInfinibandDir))) {
      if (!filter.keeps(device)) continue;
      const std::string dir = join(kInfinibandDir, device);
      const auto text = [&](std::string_view file) {
        return host.sys.attribute(join(dir, file)).value_or("");
      };
      const std::string board = text("board_id"), firmware = text("fw_ver"),
                        type = text("hca_type");
      host.out
          .gauge("node_infiniband_info",
                 "Non-numeric data from /sys/class/infiniband/<device>, value is always 1.")
          .add(1, {{"device", device},
                   {"board_id", board},
                   {"firmware_version", firmware},
                   {"hca_type", type}});
      const std::string ports = join(dir, "ports");
      for (const std::string& port : TRY(host.sys.list(ports))) {
        TRY(add_port(host, join(ports, port), {{"device", device}, {"port", port}}));
      }
    }
    return {};
  };
}

}  // namespace strata::collect

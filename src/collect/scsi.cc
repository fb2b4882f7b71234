// node_fibrechannel_* and node_tape_*: /sys/class/fc_host and /sys/class/scsi_tape.
#include <limits>

#include "base/number.h"
#include "collect/attributes.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

struct FcCounter {
  std::string_view file;
  std::string_view metric;
  std::string_view help;
};

constexpr FcCounter kFcCounters[] = {
    {"dumped_frames", "node_fibrechannel_dumped_frames_total", "Number of dumped frames"},
    {"error_frames", "node_fibrechannel_error_frames_total", "Number of errors in frames"},
    {"invalid_crc_count", "node_fibrechannel_invalid_crc_total",
     "Invalid Cyclic Redundancy Check count"},
    {"rx_frames", "node_fibrechannel_rx_frames_total", "Number of frames received"},
    {"rx_words", "node_fibrechannel_rx_words_total", "Number of words received by host port"},
    {"tx_frames", "node_fibrechannel_tx_frames_total", "Number of frames transmitted by host port"},
    {"tx_words", "node_fibrechannel_tx_words_total", "Number of words transmitted by host port"},
    {"seconds_since_last_reset", "node_fibrechannel_seconds_since_last_reset_total",
     "Number of seconds since last host port reset"},
    {"invalid_tx_word_count", "node_fibrechannel_invalid_tx_words_total",
     "Number of invalid words transmitted by host port"},
    {"link_failure_count", "node_fibrechannel_link_failure_total",
     "Number of times the host port link has failed"},
    {"loss_of_sync_count", "node_fibrechannel_loss_of_sync_total",
     "Number of failures on either bit or transmission word boundaries"},
    {"loss_of_signal_count", "node_fibrechannel_loss_of_signal_total",
     "Number of times signal has been lost"},
    {"nos_count", "node_fibrechannel_nos_total",
     "Number Not_Operational Primitive Sequence received by host port"},
    {"fcp_packet_aborts", "node_fibrechannel_fcp_packet_aborts_total",
     "Number of aborted packets"}};

// An address without its 0x.
std::string without_0x(std::string text) {
  if (text.size() > 2) text.erase(0, 2);
  return text;
}

void add_fc_info(Host& host, const std::string& name, const std::string& dir,
                 std::string_view state) {
  const auto text = [&](std::string_view file) {
    return host.sys.attribute(join(dir, file)).value_or("");
  };
  const std::string speed = text("speed"), type = text("port_type");
  const std::string id = without_0x(text("port_id")), port = without_0x(text("port_name"));
  const std::string fabric = without_0x(text("fabric_name")), symbolic = text("symbolic_name");
  const std::string classes = text("supported_classes"), speeds = text("supported_speeds");
  const std::string timeout = text("dev_loss_tmo");
  host.out
      .gauge("node_fibrechannel_info",
             "Non-numeric data from /sys/class/fc_host/<host>, value is always 1.")
      .add(1, {{"fc_host", name},
               {"speed", speed},
               {"port_state", state},
               {"port_type", type},
               {"port_id", id},
               {"port_name", port},
               {"fabric_name", fabric},
               {"symbolic_name", symbolic},
               {"supported_classes", classes},
               {"supported_speeds", speeds},
               {"dev_loss_tmo", timeout}});
}

constexpr Attribute kTape[] = {
    {"in_flight", "node_tape_io_now", MetricType::kGauge,
     "The number of I/Os currently outstanding to this device."},
    {"other_cnt", "node_tape_io_others_total", MetricType::kCounter,
     "The number of I/Os issued to the tape drive other than read or write commands. The time "
     "taken to complete these commands uses the following calculation "
     "io_time_seconds_total-read_time_seconds_total-write_time_seconds_total"},
    {"read_byte_cnt", "node_tape_read_bytes_total", MetricType::kCounter,
     "The number of bytes read from the tape drive."},
    {"read_cnt", "node_tape_reads_completed_total", MetricType::kCounter,
     "The number of read requests issued to the tape drive."},
    {"write_byte_cnt", "node_tape_written_bytes_total", MetricType::kCounter,
     "The number of bytes written to the tape drive."},
    {"write_cnt", "node_tape_writes_completed_total", MetricType::kCounter,
     "The number of write requests issued to the tape drive."},
    {"resid_cnt", "node_tape_residual_total", MetricType::kCounter,
     "The number of times during a read or write we found the residual amount to be non-zero. This "
     "should mean that a program is issuing a read larger thean the block size on tape. For write "
     "not all data made it to tape."}};

// In nanoseconds; multiplied, not divided, so that the last bit is node_exporter's.
constexpr Attribute kTapeTimes[] = {
    {"io_ns", "node_tape_io_time_seconds_total", MetricType::kCounter,
     "The amount of time spent waiting for all I/O to complete (including read and write). This "
     "includes tape movement commands such as seeking between file or set marks and implicit tape "
     "movement such as when rewind on close tape devices are used."},
    {"read_ns", "node_tape_read_time_seconds_total", MetricType::kCounter,
     "The amount of time spent waiting for read requests to complete."},
    {"write_ns", "node_tape_write_time_seconds_total", MetricType::kCounter,
     "The amount of time spent waiting for write requests to complete."}};

// st0, not its modes st0a, st0l, st0m or their nst0 twins.
bool is_tape(std::string_view name) {
  return name.starts_with("st") && parse_uint(name.substr(2)).has_value();
}

}  // namespace

Result<> collect_fibrechannel(Host& host) {
  constexpr std::string_view kDir = "class/fc_host";
  for (const std::string& name : TRY(host.sys.list(kDir))) {
    const std::string dir = join(kDir, name);
    const auto state = host.sys.attribute(join(dir, "port_state"));
    add_fc_info(host, name, dir, state.value_or(""));
    // A port that is off counts nothing; what firmware does not count reads as all ones.
    const bool off = !state || *state == "Unknown";
    for (const FcCounter& counter : kFcCounters) {
      std::optional<double> value = 0;
      if (!off) {
        const auto text = host.sys.attribute(join(join(dir, "statistics"), counter.file));
        value = text ? parse_attribute(*text) : std::nullopt;
      }
      constexpr auto kNotCounted = static_cast<double>(std::numeric_limits<uint64_t>::max());
      if (!value || *value == kNotCounted) continue;
      host.out.counter(counter.metric, counter.help).add(*value, {{"fc_host", name}});
    }
  }
  return {};
}

Collector make_tapestats(const Settings& settings) {
  return [ignored = settings.regex("tapestats.ignored-devices")](Host& host) -> Result<> {
    constexpr std::string_view kDir = "class/scsi_tape";
    for (const std::string& name : TRY(host.sys.list(kDir))) {
      if (!is_tape(name) || (ignored && ignored->partial_match(name))) continue;
      const std::string dir = join(join(kDir, name), "stats");
      add_attributes(host, dir, kTape, {{"device", name}});
      for (const Attribute& time : kTapeTimes) {
        const auto nanoseconds = host.sys.attribute_uint(join(dir, time.file));
        if (!nanoseconds) continue;
        host.out.family(time.metric, time.type, time.help)
            .add(static_cast<double>(*nanoseconds) * 0.000000001, {{"device", name}});
      }
    }
    return {};
  };
}

}  // namespace strata::collect

// node_time_*, node_timex_*: the clock, its time zone, its sources and how well it is kept.
#include <sys/timex.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

constexpr std::string_view kClockSources = "devices/system/clocksource";
constexpr double kMicro = 1e6;
constexpr double kNano = 1e9;
constexpr double kPpm16 = 1e6 * 65536;  // adjtimex(2): parts per million with 16 binary places

}  // namespace

Result<> collect_time(Host& host) {
  const TimestampMs now = host.clock.now_ms();
  host.out.gauge("node_time_seconds", "System time in seconds since epoch (1970).")
      .add(static_cast<double>(now) / 1000);
  const auto seconds = static_cast<time_t>(now / 1000);
  tm local{};
  if (::localtime_r(&seconds, &local) != nullptr) {
    host.out.gauge("node_time_zone_offset_seconds", "System time zone offset in seconds.")
        .add(static_cast<double>(local.tm_gmtoff), {{"time_zone", local.tm_zone}});
  }

  const auto available =
      host.out.gauge("node_time_clocksource_available_info",
                     "Available clocksources read from '/sys/devices/system/clocksource'.");
  const auto current =
      host.out.gauge("node_time_clocksource_current_info",
                     "Current clocksource read from '/sys/devices/system/clocksource'.");
  size_t index = 0;
  for (const std::string& name : host.sys.numbered(kClockSources, "clocksource")) {
    const std::string dir = join(kClockSources, name);
    const auto sources = host.sys.attribute(join(dir, "available_clocksource"));
    const auto chosen = host.sys.attribute(join(dir, "current_clocksource"));
    if (!sources || !chosen) return malformed(dir, "cannot be read");
    const std::string device = std::to_string(index++);
    std::string_view rest = *sources;
    for (auto source = next_field(rest); !source.empty(); source = next_field(rest)) {
      available.add(1, {{"device", device}, {"clocksource", source}});
    }
    current.add(1, {{"device", device}, {"clocksource", *chosen}});
  }
  return {};
}

Result<> collect_timex(Host& host) {
  timex clock{};  // modes 0: only reads
  const int state = ::adjtimex(&clock);
  if (state < 0) {
    if (errno == EPERM) return no_data("adjtimex is not permitted here");
    return fail(ErrorCode::kIo, std::string("adjtimex: ") + std::strerror(errno));
  }
  const double fine = (clock.status & STA_NANO) != 0 ? kNano : kMicro;
  const auto number = [](auto value) { return static_cast<double>(value); };
  const auto gauge = [&](std::string_view name, std::string_view help, double value) {
    host.out.gauge(name, help).add(value);
  };
  const auto counter = [&](std::string_view name, std::string_view help, double value) {
    host.out.counter(name, help).add(value);
  };
  gauge("node_timex_sync_status", "Is clock synchronized to a reliable server (1 = yes, 0 = no).",
        state == TIME_ERROR ? 0 : 1);
  gauge("node_timex_offset_seconds", "Time offset in between local system and reference clock.",
        number(clock.offset) / fine);
  gauge("node_timex_frequency_adjustment_ratio", "Local clock frequency adjustment.",
        1 + number(clock.freq) / kPpm16);
  gauge("node_timex_maxerror_seconds", "Maximum error in seconds.",
        number(clock.maxerror) / kMicro);
  gauge("node_timex_estimated_error_seconds", "Estimated error in seconds.",
        number(clock.esterror) / kMicro);
  gauge("node_timex_status", "Value of the status array bits.", number(clock.status));
  gauge("node_timex_loop_time_constant", "Phase-locked loop time constant.",
        number(clock.constant));
  gauge("node_timex_tick_seconds", "Seconds between clock ticks.", number(clock.tick) / kMicro);
  gauge("node_timex_pps_frequency_hertz", "Pulse per second frequency.",
        number(clock.ppsfreq) / kPpm16);
  gauge("node_timex_pps_jitter_seconds", "Pulse per second jitter.", number(clock.jitter) / fine);
  gauge("node_timex_pps_shift_seconds", "Pulse per second interval duration.", number(clock.shift));
  gauge("node_timex_pps_stability_hertz",
        "Pulse per second stability, average of recent frequency changes.",
        number(clock.stabil) / kPpm16);
  counter("node_timex_pps_jitter_total", "Pulse per second count of jitter limit exceeded events.",
          number(clock.jitcnt));
  counter("node_timex_pps_calibration_total", "Pulse per second count of calibration intervals.",
          number(clock.calcnt));
  counter("node_timex_pps_error_total", "Pulse per second count of calibration errors.",
          number(clock.errcnt));
  counter("node_timex_pps_stability_exceeded_total",
          "Pulse per second count of stability limit exceeded events.", number(clock.stbcnt));
  gauge("node_timex_tai_offset_seconds", "International Atomic Time (TAI) offset.",
        number(clock.tai));
  return {};
}

}  // namespace strata::collect

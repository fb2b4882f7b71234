// How single series move that depend on nothing but the load of their node: most of what exporters
// of hosts and GPUs print.
#pragma once
#include <cstdint>
#include <vector>

#include "fleet/page.h"
#include "fleet/random.h"

namespace strata::bench {

/// How busy a node is, 0 to 1: a day's wave, and noise that remembers about ten minutes.
class Load {
 public:
  explicit Load(uint64_t seed) : random_(seed), phase_(random_.unit()) {}
  /// Moves on by so many seconds, and answers.
  double advance(double seconds);

 private:
  Random random_;
  double phase_;
  double time_ = 0;
  double noise_ = 0;
};

struct Motion {
  enum class Kind : uint8_t {
    kConstant,  // a
    kEvents,    // a counter of events, `a` a second at full load
    kBytes,     // a counter of bytes: about `a` a second at full load, noisy
    kBlocks,    // a counter of bytes, 4 KiB at a time: `a` times a second at full load
    kPages,     // a gauge around `a`, by about `b` of it, in pages of 4 KiB
    kWhole,     // a gauge around `a`, by about `b`, whole numbers
    kDecimal,   // a gauge around `a`, by about `b`, three decimals
    kFraction,  // a gauge around `a`, by about `b`, within 0 and 1, six decimals
    kJiffies,   // a counter of seconds in hundredths: `a` a second at full load
    kMillis,    // a counter of seconds in thousandths: `a` a second at full load
    kNanos,     // a counter of seconds in billionths: `a` a second at full load
    kDuration,  // a gauge of seconds around `a`, by about `b`, in billionths
    kNoise,     // a gauge around `a`, by about `b`, all digits
    kClock,     // the time now
  };
  Kind kind = Kind::kConstant;
  double a = 0;
  double b = 0;
  bool idle = false;  // moves with what is left of the load
};

/// The lines of one page that move so.
class Motions {
 public:
  explicit Motions(uint64_t seed) : random_(seed) {}

  /// Adds the line, with a plausible start.
  void add(Page& page, std::string_view name, std::string_view labels, const Motion& motion);
  /// `now` in seconds since the epoch.
  void advance(Page& page, double now, double seconds, double load);

 private:
  struct Moving {
    uint32_t line;
    Motion motion;
    double state;  // of counters in units: an exact integer; of gauges: not rounded
  };
  Random random_;
  std::vector<Moving> moving_;
};

}  // namespace strata::bench

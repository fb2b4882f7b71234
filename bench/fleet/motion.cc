#include "fleet/motion.h"

namespace strata::bench {
namespace {

constexpr double kDay = 86'400;
constexpr double kPage = 4096;
// How long a gauge remembers, in seconds.
constexpr double kGaugeMemory = 120;
constexpr double kLoadMemory = 600;

using Kind = Motion::Kind;

bool is_gauge(Kind kind) {
  switch (kind) {
    case Kind::kPages:
    case Kind::kWhole:
    case Kind::kDecimal:
    case Kind::kFraction:
    case Kind::kDuration:
    case Kind::kNoise: return true;
    default: return false;
  }
}

// Counters count in these parts of what they print.
double units_of(Kind kind) {
  switch (kind) {
    case Kind::kJiffies: return 100;
    case Kind::kMillis: return 1000;
    case Kind::kNanos: return 1e9;
    case Kind::kBlocks: return 1 / kPage;
    default: return 1;
  }
}

double printed(const Motion& motion, double state) {
  switch (motion.kind) {
    case Kind::kPages: return std::max(0.0, std::round(state / kPage) * kPage);
    case Kind::kWhole: return std::max(0.0, std::round(state));
    case Kind::kDecimal: return std::round(state * 1000) / 1000;
    case Kind::kFraction: return std::round(std::clamp(state, 0.0, 1.0) * 1e6) / 1e6;
    case Kind::kDuration: return std::max(1000.0, std::round(state * 1e9)) / 1e9;
    case Kind::kNoise: return state;
    default: return state / units_of(motion.kind);
  }
}

double deviation(const Motion& motion) {
  return motion.kind == Kind::kPages ? motion.a * motion.b : motion.b;
}

double increment(const Motion& motion, double seconds, double load, Random& random) {
  const double mean = motion.a * seconds * (motion.idle ? 1 - load : load);
  switch (motion.kind) {
    case Kind::kEvents:
    case Kind::kBlocks: return random.poisson(mean);
    case Kind::kBytes: return std::round(random.lognormal(mean, 0.3));
    // A tick of the kernel is counted whole to whoever runs when it comes.
    case Kind::kJiffies: return random.poisson(mean * 100);
    default: return std::round(random.lognormal(mean, 0.2) * units_of(motion.kind));
  }
}

}  // namespace

double Load::advance(double seconds) {
  time_ += seconds;
  const double kept = std::exp(-seconds / kLoadMemory);
  noise_ = kept * noise_ + std::sqrt(1 - kept * kept) * 0.12 * random_.normal();
  const double wave = std::sin(2 * std::numbers::pi * (time_ / kDay + phase_));
  return std::clamp(0.55 + 0.3 * wave + noise_, 0.02, 1.0);
}

void Motions::add(Page& page, std::string_view name, std::string_view labels,
                  const Motion& motion) {
  if (motion.kind == Kind::kConstant) {
    page.line(name, labels, motion.a);
    return;
  }
  double state = motion.a;
  if (!is_gauge(motion.kind)) {
    // Up for some hours to some weeks.
    state = std::round(motion.a * units_of(motion.kind) * random_.uniform(2e4, 2e6));
  }
  const uint32_t line = page.line(name, labels, printed(motion, state));
  moving_.push_back({line, motion, state});
}

void Motions::advance(Page& page, double now, double seconds, double load) {
  const double kept = std::exp(-seconds / kGaugeMemory);
  const double fresh = std::sqrt(1 - kept * kept);
  for (Moving& moving : moving_) {
    const Motion& motion = moving.motion;
    if (motion.kind == Kind::kClock) {
      page[moving.line] = now + random_.unit() * 1e-3;
      continue;
    }
    if (is_gauge(motion.kind)) {
      const double noise = fresh * deviation(motion) * random_.normal();
      moving.state = motion.a + kept * (moving.state - motion.a) + noise;
    } else {
      moving.state += increment(motion, seconds, load, random_);
    }
    page[moving.line] = printed(motion, moving.state);
  }
}

}  // namespace strata::bench

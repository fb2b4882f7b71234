#include "sim/engine_counters.h"

namespace strata::sim {
namespace {

// vLLM's loggers.py (main, 2026-10).
constexpr double kTtft[] = {.001, .005, .01, .02, .04, .06, .08, .1, .25, .5,  .75,
                            1,    2.5,  5,   7.5, 10,  20,  40,  80, 160, 640, 2560};
constexpr double kTokenLatency[] = {.01, .025, .05, .075, .1,  .15, .2, .3, .4, .5,
                                    .75, 1,    2.5, 5,    7.5, 10,  20, 40, 80};
constexpr double kRequestLatency[] = {.3, .5, .8, 1,  1.5, 2,   2.5, 5,   10,   15,  20,
                                      30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680};
constexpr double kTokenCount[] = {1,   2,   5,    10,   20,   50,    100,
                                  200, 500, 1000, 2000, 5000, 10000, 20000};
constexpr double kIteration[] = {1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};
constexpr double kSmall[] = {1, 2, 5, 10, 20};
constexpr double kPreemptions[] = {1, 2, 3, 4, 5, 10, 20};
constexpr double kTransfer[] = {.005, .01, .025, .05, .075, .1, .2, .3, .5, .75, 1, 5};
constexpr double kGateway[] = {.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120};

}  // namespace

std::span<const double> ttft_bounds() { return kTtft; }
std::span<const double> token_latency_bounds() { return kTokenLatency; }
std::span<const double> request_latency_bounds() { return kRequestLatency; }
std::span<const double> token_count_bounds() { return kTokenCount; }
std::span<const double> iteration_bounds() { return kIteration; }
std::span<const double> small_bounds() { return kSmall; }
std::span<const double> preemption_bounds() { return kPreemptions; }
std::span<const double> transfer_bounds() { return kTransfer; }
std::span<const double> gateway_bounds() { return kGateway; }

}  // namespace strata::sim

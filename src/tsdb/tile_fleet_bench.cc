#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <numbers>
#include <random>
#include <span>

#include "base/number.h"
#include "tsdb/tile_fleet.h"

namespace strata::tsdb {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kStepSeconds = 15;
constexpr double kRowsOfDay = 86'400 / kStepSeconds;

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  double unit() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  uint64_t below(uint64_t n) { return random_() % n; }
  double normal() {
    return std::sqrt(-2 * std::log(1 - unit())) * std::cos(2 * std::numbers::pi * unit());
  }
  double lognormal(double median, double sigma) { return median * std::exp(sigma * normal()); }
  uint64_t poisson(double mean) {
    if (mean > 60) {
      return static_cast<uint64_t>(std::max(0.0, std::round(mean + std::sqrt(mean) * normal())));
    }
    const double floor = std::exp(-mean);
    uint64_t n = 0;
    for (double product = unit(); product > floor; product *= unit()) ++n;
    return n;
  }

 private:
  std::mt19937_64 random_;
};

double decimals(double v, int places) {
  const double power = std::pow(10.0, places);
  return std::round(v * power) / power;
}

// Series in the order of a scrape's lines, and one row of values after the other.
class Recorder {
 public:
  Recorder(std::string kind, std::string job, size_t rows, uint64_t seed)
      : job_(std::move(job)), instance_(fmt::format("gpu-node-{}:{}", seed, job_.size())) {
    target_.kind = std::move(kind);
    Dice jitter(seed + 1000);
    for (size_t r = 0; r < rows; ++r) {
      target_.times.push_back(1'750'000'000'000 + static_cast<TimestampMs>(r) * 15'000 +
                              static_cast<TimestampMs>(jitter.below(7)));
    }
  }

  size_t add(const std::string& name, std::vector<Label> labels = {}) {
    labels.push_back({kMetricName, name});
    labels.push_back({"instance", instance_});
    labels.push_back({"job", job_});
    target_.series.push_back(Labels::from(labels));
    target_.values.emplace_back();
    return target_.series.size() - 1;
  }
  void set(size_t series, double v) { target_.values[series].push_back(v); }
  FleetTarget take() { return std::move(target_); }

 private:
  FleetTarget target_;
  std::string job_;
  std::string instance_;
};

// A classic histogram and its series.
class Histogram {
 public:
  Histogram(Recorder& to, const std::string& name, std::vector<double> bounds)
      : to_(to), bounds_(std::move(bounds)) {
    bounds_.push_back(kInf);
    counts_.resize(bounds_.size());
    for (const double bound : bounds_) {
      const auto le = bound == kInf ? std::string("+Inf") : format_double(bound);
      buckets_.push_back(to.add(name + "_bucket", labels(le)));
    }
    count_ = to.add(name + "_count", labels({}));
    sum_ = to.add(name + "_sum", labels({}));
  }
  void observe(double v, double times = 1) {
    counts_[static_cast<size_t>(std::ranges::lower_bound(bounds_, v) - bounds_.begin())] += times;
    total_ += v * times;
  }
  void record() {
    double cumulative = 0;
    for (size_t b = 0; b < buckets_.size(); ++b) to_.set(buckets_[b], cumulative += counts_[b]);
    to_.set(count_, cumulative);
    to_.set(sum_, total_);
  }

 private:
  static std::vector<Label> labels(std::string_view le) {
    return {{"model_name", "llama-3.1-70b-instruct"}, {"engine", "0"}, {"le", le}};
  }
  Recorder& to_;
  std::vector<double> bounds_;
  std::vector<double> counts_;
  std::vector<size_t> buckets_;
  size_t count_ = 0;
  size_t sum_ = 0;
  double total_ = 0;
};

const std::vector<double> kTtft = {.001, .005, .01, .02, .04, .06, .08, .1, .25, .5,  .75,
                                   1,    2.5,  5,   7.5, 10,  20,  40,  80, 160, 640, 2560};
const std::vector<double> kItl = {.01, .025, .05, .075, .1,  .15, .2, .3, .4, .5,
                                  .75, 1,    2.5, 5,    7.5, 10,  20, 40, 80};
const std::vector<double> kRequest = {.3, .5, .8, 1,  1.5, 2,   2.5, 5,   10,   15,  20,
                                      30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680};
const std::vector<double> kTokens = {1,   2,    5,    10,   20,    50,    100,   200,
                                     500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};
const std::vector<double> kIteration = {1,   8,    16,   32,   64,   128,  256,
                                        512, 1024, 2048, 4096, 8192, 16384};

// A series that is set every row from a function of the state.
struct Line {
  size_t series;
  std::function<double()> value;
};

}  // namespace

FleetTarget engine_target(size_t rows, uint64_t seed, bool narrow) {
  Recorder to("engine", "vllm", rows, seed);
  Dice dice(seed);
  const std::vector<Label> base = {{"model_name", "llama-3.1-70b-instruct"}, {"engine", "0"}};
  const auto add = [&](std::string name, std::vector<Label> more = {}) {
    more.insert(more.end(), base.begin(), base.end());
    return to.add("vllm:" + name, more);
  };
  double running = 20, waiting = 0, prompt_total = 0, generated_total = 0, queries = 0, hits = 0;
  double preempted = 0, cpu = 40, resident = 9e9;
  double finished[3] = {};
  const double kv_blocks = 27'863;
  double kv_used = 3000;
  std::vector<Line> lines = {
      {add("num_requests_running"), [&] { return running; }},
      {add("num_requests_waiting"), [&] { return waiting; }},
      {add("kv_cache_usage_perc"), [&] { return 1 - (kv_blocks - kv_used) / kv_blocks; }},
      {add("prefix_cache_queries_total"), [&] { return queries; }},
      {add("prefix_cache_hits_total"), [&] { return hits; }},
      {add("num_preemptions_total"), [&] { return preempted; }},
      {add("prompt_tokens_total"), [&] { return prompt_total; }},
      {add("generation_tokens_total"), [&] { return generated_total; }},
      {add("request_success_total", {{"finished_reason", "stop"}}), [&] { return finished[0]; }},
      {add("request_success_total", {{"finished_reason", "length"}}), [&] { return finished[1]; }},
      {add("request_success_total", {{"finished_reason", "abort"}}), [&] { return finished[2]; }},
      {add("engine_sleep_state", {{"sleep_state", "awake"}}), [] { return 1.0; }},
      {add("cache_config_info", {{"num_gpu_blocks", "27863"}}), [] { return 1.0; }},
      {to.add("process_cpu_seconds_total"), [&] { return decimals(cpu, 2); }},
      {to.add("process_resident_memory_bytes"), [&] { return resident; }},
      {to.add("process_open_fds"), [&] { return 90 + std::floor(running / 3); }},
      {to.add("process_start_time_seconds"), [] { return 1749990000.48; }},
      {to.add("process_max_fds"), [] { return 1048576.0; }},
  };
  Histogram ttft(to, "vllm:time_to_first_token_seconds", kTtft);
  Histogram itl(to, "vllm:inter_token_latency_seconds", kItl);
  Histogram tpot(to, "vllm:request_time_per_output_token_seconds", kItl);
  Histogram e2e(to, "vllm:e2e_request_latency_seconds", kRequest);
  Histogram queue(to, "vllm:request_queue_time_seconds", kRequest);
  Histogram inference(to, "vllm:request_inference_time_seconds", kRequest);
  Histogram prefill(to, "vllm:request_prefill_time_seconds", kRequest);
  Histogram decode(to, "vllm:request_decode_time_seconds", kRequest);
  Histogram prompts(to, "vllm:request_prompt_tokens", kTokens);
  Histogram outputs(to, "vllm:request_generation_tokens", kTokens);
  Histogram max_tokens(to, "vllm:request_params_max_tokens", kTokens);
  Histogram params_n(to, "vllm:request_params_n", {1, 2, 5, 10, 20});
  Histogram iteration(to, "vllm:iteration_tokens_total", kIteration);
  const auto histograms = {&ttft,       &itl,      &tpot,     &e2e,     &queue,
                           &inference,  &prefill,  &decode,   &prompts, &outputs,
                           &max_tokens, &params_n, &iteration};

  const double spread = narrow ? 0.25 : 1;
  double drift = 0;
  for (size_t r = 0; r < rows; ++r) {
    drift = 0.98 * drift + 0.05 * dice.normal();
    const double day = std::sin(2 * std::numbers::pi * static_cast<double>(r) / kRowsOfDay);
    const double rate = std::max(0.2, 2.5 * (1 + 0.6 * day) * std::exp(drift));
    const uint64_t requests = dice.poisson(rate * kStepSeconds);
    const double step = (0.017 + 0.0003 * running) * std::exp(0.05 * dice.normal());
    double served = 0;
    for (uint64_t i = 0; i < requests; ++i) {
      const double prompt = std::round(dice.lognormal(900, 0.9 * spread));
      const double output = 1 + std::round(dice.lognormal(260, 0.8 * spread));
      const double wait = waiting > 0 ? -std::log(1 - dice.unit()) * 0.4 : 2e-4 * dice.unit();
      const double first = 0.02 + prompt * 6e-5 * std::exp(0.3 * spread * dice.normal());
      const double per_token = step * std::exp(0.12 * spread * dice.normal());
      ttft.observe(wait + first + 0.003);
      tpot.observe(per_token);
      queue.observe(wait);
      prefill.observe(first);
      decode.observe(output * per_token);
      inference.observe(first + output * per_token);
      e2e.observe(wait + first + output * per_token + 0.004);
      prompts.observe(prompt);
      outputs.observe(output);
      max_tokens.observe(dice.below(3) == 0 ? 512 : 2048);
      params_n.observe(dice.below(200) == 0 ? 2 : 1);
      served += output * per_token;
      prompt_total += prompt;
      generated_total += output;
      queries += prompt;
      hits += std::floor(prompt * 0.4 / 16) * 16;
      ++finished[dice.below(40) == 0 ? 2 : dice.below(9) == 0 ? 1 : 0];
    }
    running = std::round(std::clamp(0.5 * running + 0.5 * served / kStepSeconds, 0.0, 256.0));
    waiting = running > 120 ? std::round(dice.unit() * (running - 120)) : 0;
    kv_used = std::min(kv_blocks, std::round(running * (70 + 12 * dice.normal())));
    preempted += kv_used > 0.95 * kv_blocks ? static_cast<double>(dice.below(4)) : 0;
    // One observation a token: counts of the step's mixture, with its noise.
    const double tokens = running * kStepSeconds / step;
    const double shares[] = {0.86, 0.11, 0.02, 0.006, 0.003, 0.001};
    const double factors[] = {1, 1.6, 3, 5, 9, 16};
    for (size_t k = 0; k < std::size(shares); ++k) {
      if (narrow && k > 2) break;
      const auto n = static_cast<double>(dice.poisson(tokens * shares[k]));
      itl.observe(step * factors[k], n);
    }
    const double iterations = std::floor(kStepSeconds / step);
    for (double left = iterations; left > 0;) {
      const double n = std::min(left, 1 + static_cast<double>(dice.below(200)));
      iteration.observe(std::max(1.0, std::round(running * (1 + 0.1 * dice.normal()))), n);
      left -= n;
    }
    cpu += kStepSeconds * (1.1 + 0.2 * dice.unit());
    if (dice.below(6) == 0) resident += 4096 * (static_cast<double>(dice.below(400)) - 150);
    for (const auto& line : lines) to.set(line.series, line.value());
    for (auto* histogram : histograms) histogram->record();
  }
  return to.take();
}

FleetTarget gpu_target(size_t rows, uint64_t seed) {
  Recorder to("gpu", "dcgm", rows, seed);
  Dice dice(seed);
  struct Gpu {
    double load = 0.6, temperature = 55, power = 400, energy = 1e12, used = 71'000, nvlink = 0;
    double pcie_tx = 4e8, pcie_rx = 3e8;
  };
  std::vector<Gpu> gpus(8);
  std::vector<Line> lines;
  for (size_t g = 0; g < gpus.size(); ++g) {
    Gpu& gpu = gpus[g];
    const auto index = std::to_string(g);
    const auto uuid = fmt::format("GPU-{:08x}-6f1d-44b2-9d0c-{:012x}", seed * 977 + g, g * 7919);
    const std::vector<Label> base = {
        {"gpu", index}, {"UUID", uuid}, {"modelName", "NVIDIA H100 80GB HBM3"}};
    const auto add = [&](const std::string& name, std::function<double()> value) {
      lines.push_back({to.add("DCGM_FI_" + name, base), std::move(value)});
    };
    add("DEV_SM_CLOCK", [&] { return gpu.load > 0.97 ? 1965.0 : 1980.0; });
    add("DEV_MEM_CLOCK", [] { return 2619.0; });
    add("DEV_MEMORY_TEMP", [&] { return std::round(gpu.temperature + 9); });
    add("DEV_GPU_TEMP", [&] { return std::round(gpu.temperature); });
    add("DEV_POWER_USAGE", [&] { return decimals(gpu.power, 3); });
    add("DEV_TOTAL_ENERGY_CONSUMPTION", [&] { return std::round(gpu.energy); });
    add("DEV_PCIE_REPLAY_COUNTER", [] { return 0.0; });
    add("DEV_GPU_UTIL", [&] { return std::round(gpu.load * 100); });
    add("DEV_MEM_COPY_UTIL", [&] { return std::round(gpu.load * 62); });
    add("DEV_ENC_UTIL", [] { return 0.0; });
    add("DEV_DEC_UTIL", [] { return 0.0; });
    add("DEV_XID_ERRORS", [] { return 0.0; });
    add("DEV_FB_FREE", [&] { return 81'079 - gpu.used; });
    add("DEV_FB_USED", [&] { return gpu.used; });
    add("DEV_UNCORRECTABLE_REMAPPED_ROWS", [] { return 0.0; });
    add("DEV_CORRECTABLE_REMAPPED_ROWS", [] { return 0.0; });
    add("DEV_ROW_REMAP_FAILURE", [] { return 0.0; });
    add("DEV_NVLINK_BANDWIDTH_TOTAL", [&] { return std::round(gpu.nvlink); });
    add("DEV_VGPU_LICENSE_STATUS", [] { return 0.0; });
    add("PROF_GR_ENGINE_ACTIVE", [&] { return decimals(gpu.load, 6); });
    add("PROF_PIPE_TENSOR_ACTIVE",
        [&] { return decimals(gpu.load * 0.42 * (1 + 0.05 * dice.normal()), 6); });
    add("PROF_DRAM_ACTIVE",
        [&] { return decimals(gpu.load * 0.61 * (1 + 0.03 * dice.normal()), 6); });
    add("PROF_PCIE_TX_BYTES", [&] { return std::round(gpu.pcie_tx); });
    add("PROF_PCIE_RX_BYTES", [&] { return std::round(gpu.pcie_rx); });
  }
  double shared = 0.6;
  for (size_t r = 0; r < rows; ++r) {
    const double day = std::sin(2 * std::numbers::pi * static_cast<double>(r) / kRowsOfDay);
    shared = std::clamp(0.9 * shared + 0.1 * (0.6 + 0.3 * day) + 0.03 * dice.normal(), 0.0, 1.0);
    for (auto& gpu : gpus) {
      gpu.load = std::clamp(shared + 0.02 * dice.normal(), 0.0, 1.0);
      gpu.power = 120 + 540 * gpu.load + 6 * dice.normal();
      gpu.temperature = 0.9 * gpu.temperature + 0.1 * (34 + gpu.power / 20) + 0.1 * dice.normal();
      gpu.energy += gpu.power * kStepSeconds * 1000;
      if (dice.below(80) == 0) gpu.used += static_cast<double>(dice.below(9)) * 2 - 8;
      gpu.nvlink += gpu.load * 2e5 * (1 + 0.1 * dice.normal());
      gpu.pcie_tx = 5e8 * gpu.load * (1 + 0.1 * dice.normal());
      gpu.pcie_rx = 4e8 * gpu.load * (1 + 0.1 * dice.normal());
    }
    for (const auto& line : lines) to.set(line.series, line.value());
  }
  return to.take();
}

FleetTarget node_target(size_t rows, uint64_t seed) {
  Recorder to("node", "node", rows, seed);
  Dice dice(seed);
  std::vector<Line> lines;
  std::deque<double> state;  // what a line reads stays where it is
  std::vector<std::function<void()>> moves;
  const auto add = [&](const std::string& name, std::vector<Label> labels,
                       std::function<double()> value) {
    lines.push_back({to.add("node_" + name, std::move(labels)), std::move(value)});
  };
  // A counter that grows by about `rate` a second, `noise` of it at random, in units of `unit`.
  const auto counter = [&](const std::string& name, std::vector<Label> labels, double rate,
                           double noise, double unit, int places) {
    double& total = state.emplace_back(1e3 * rate);
    moves.push_back([&total, &dice, rate, noise, unit] {
      const double grown = rate * kStepSeconds * std::max(0.0, 1 + noise * dice.normal());
      total += std::round(grown / unit) * unit;
    });
    add(name, std::move(labels), [&total, places] { return decimals(total, places); });
  };
  const auto gauge = [&](const std::string& name, std::vector<Label> labels, double level,
                         double step, double unit, uint64_t one_in) {
    double& value = state.emplace_back(std::round(level / unit) * unit);
    moves.push_back([&value, &dice, step, unit, one_in] {
      if (dice.below(one_in) != 0) return;
      value = std::max(0.0, value + std::round(step * dice.normal() / unit) * unit);
    });
    add(name, std::move(labels), [&value] { return value; });
  };
  const auto still = [&](const std::string& name, std::vector<Label> labels, double value) {
    add(name, std::move(labels), [value] { return value; });
  };

  for (int cpu = 0; cpu < 32; ++cpu) {
    const auto text = std::to_string(cpu);
    const auto mode = [&](std::string_view name) {
      return std::vector<Label>{{"cpu", text}, {"mode", name}};
    };
    counter("cpu_seconds_total", mode("idle"), 0.7, 0.08, 0.01, 2);
    counter("cpu_seconds_total", mode("user"), 0.2, 0.3, 0.01, 2);
    counter("cpu_seconds_total", mode("system"), 0.06, 0.3, 0.01, 2);
    counter("cpu_seconds_total", mode("softirq"), 0.004, 0.8, 0.01, 2);
    counter("cpu_seconds_total", mode("iowait"), 0.001, 1.5, 0.01, 2);
    still("cpu_seconds_total", mode("irq"), 0);
    still("cpu_seconds_total", mode("nice"), 0.31);
    still("cpu_seconds_total", mode("steal"), 0);
    still("cpu_guest_seconds_total", mode("user"), 0);
    still("cpu_guest_seconds_total", mode("nice"), 0);
  }
  for (int i = 0; i < 48; ++i) {
    const auto name = fmt::format("memory_field{}_bytes", i);
    if (i % 3 == 0) {
      still(name, {}, 1024.0 * (17 + i));
    } else {
      gauge(name, {}, 1e9 * (1 + i), 4e6, 4096, i % 3 == 1 ? 1 : 12);
    }
  }
  for (const std::string_view device : {"eth0", "eth1", "ib0", "ib1", "lo", "docker0"}) {
    const bool busy = device == "eth0" || device == "ib0" || device == "lo";
    for (const std::string_view way : {"receive", "transmit"}) {
      for (const std::string_view what : {"bytes", "packets"}) {
        const auto name = fmt::format("network_{}_{}_total", way, what);
        if (busy) {
          counter(name, {{"device", device}}, what == "bytes" ? 2e6 : 1500, 0.2, 1, 0);
        } else {
          still(name, {{"device", device}}, 0);
        }
      }
      for (const std::string_view what : {"errs", "drop", "fifo", "frame", "compressed"}) {
        still(fmt::format("network_{}_{}_total", way, what), {{"device", device}}, 0);
      }
    }
    still("network_mtu_bytes", {{"device", device}}, 1500);
    still("network_up", {{"device", device}}, busy ? 1 : 0);
  }
  for (const std::string_view device : {"nvme0n1", "nvme1n1", "dm-0"}) {
    const std::vector<Label> label = {{"device", device}};
    counter("disk_reads_completed_total", label, 3, 1, 1, 0);
    counter("disk_read_bytes_total", label, 40'000, 1, 512, 0);
    counter("disk_read_time_seconds_total", label, 0.002, 1, 0.001, 3);
    counter("disk_writes_completed_total", label, 25, 0.4, 1, 0);
    counter("disk_written_bytes_total", label, 400'000, 0.4, 512, 0);
    counter("disk_write_time_seconds_total", label, 0.03, 0.5, 0.001, 3);
    counter("disk_io_time_seconds_total", label, 0.02, 0.5, 0.001, 3);
    still("disk_discards_completed_total", label, 0);
    still("disk_io_now", label, 0);
  }
  for (const std::string_view mount : {"/", "/boot", "/data", "/models"}) {
    const std::vector<Label> label = {{"mountpoint", mount}};
    gauge("filesystem_avail_bytes", label, 4e11, 3e5, 4096, mount == "/" ? 1 : 40);
    gauge("filesystem_files_free", label, 3e7, 8, 1, mount == "/" ? 3 : 60);
    still("filesystem_size_bytes", label, 1.9e12);
    still("filesystem_files", label, 4e7);
    still("filesystem_readonly", label, 0);
  }
  counter("context_switches_total", {}, 40'000, 0.1, 1, 0);
  counter("intr_total", {}, 25'000, 0.1, 1, 0);
  counter("forks_total", {}, 4, 0.6, 1, 0);
  counter("vmstat_pgfault", {}, 9000, 0.4, 1, 0);
  counter("vmstat_pgpgout", {}, 800, 0.5, 4, 0);
  gauge("load1", {}, 8, 0.4, 0.01, 1);
  gauge("procs_running", {}, 5, 2, 1, 1);
  gauge("sockstat_TCP_inuse", {}, 90, 3, 1, 3);
  still("boot_time_seconds", {}, 1749000000);
  for (size_t r = 0; r < rows; ++r) {
    for (const auto& move : moves) move();
    for (const auto& line : lines) to.set(line.series, line.value());
  }
  return to.take();
}

}  // namespace strata::tsdb

// vLLM: every finished request is drawn (its prompt, its answer, its waits) and counted into the
// histograms that the engine keeps; token-by-token latencies are drawn a bucket at a time.
#include <limits>
#include <span>

#include "fleet/fleet.h"

namespace strata::bench {
namespace {

constexpr int kRanks = 2;
constexpr double kBlocks = 27'863;  // of the KV cache, 16 tokens each
constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr double kFirstTokenBounds[] = {.001, .005, .01, .02, .04, .06, .08, .1, .25, .5,  .75,
                                        1,    2.5,  5,   7.5, 10,  20,  40,  80, 160, 640, 2560};
constexpr double kTokenBounds[] = {.01, .025, .05, .075, .1,  .15, .2, .3, .4, .5,
                                   .75, 1,    2.5, 5,    7.5, 10,  20, 40, 80};
constexpr double kRequestBounds[] = {.3, .5, .8, 1,  1.5, 2,   2.5, 5,   10,   15,  20,
                                     30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680};
constexpr double kLengthBounds[] = {1,   2,    5,    10,   20,    50,    100,   200,
                                    500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};
constexpr double kIterationBounds[] = {1,   8,    16,   32,   64,   128,  256,
                                       512, 1024, 2048, 4096, 8192, 16384};
constexpr double kFewBounds[] = {1, 2, 5, 10, 20};
constexpr double kPreemptionBounds[] = {1, 2, 3, 4, 5, 10, 20};
constexpr double kSizeBounds[] = {.1, .5, 1};

// A classic histogram as prometheus_client prints it: buckets, count, sum, created.
class Buckets {
 public:
  Buckets(Page& page, const std::string& name, const std::string& labels,
          std::span<const double> bounds, double created)
      : bounds_(bounds), counts_(bounds.size() + 1) {
    for (size_t i = 0; i <= bounds.size(); ++i) {
      std::string le = "+Inf";
      if (i < bounds.size()) le.clear(), append_number(le, bounds[i], NumberStyle::kPython);
      const auto line = page.line(name + "_bucket", fmt::format("{},le=\"{}\"", labels, le));
      if (i == 0) first_ = line;
    }
    page.line(name + "_count", labels);
    page.line(name + "_sum", labels);
    page.line(name + "_created", labels, created);
  }
  void observe(double v, double times = 1) {
    counts_[static_cast<size_t>(std::ranges::lower_bound(bounds_, v) - bounds_.begin())] += times;
    sum_ += v * times;
  }
  // `n` observations around `median`: a draw for each bucket, from its share of a lognormal.
  void observe_many(double n, double median, double sigma, Random& random) {
    double below = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      const double bound = i < bounds_.size() ? bounds_[i] : kInfinity;
      const double up_to =
          i < bounds_.size()
              ? 0.5 * std::erfc(-std::log(bound / median) / (sigma * std::numbers::sqrt2))
              : 1;
      counts_[i] += random.poisson(n * (up_to - below));
      below = up_to;
    }
    const double mean = median * std::exp(sigma * sigma / 2);
    sum_ += n * mean * (1 + 0.5 * sigma * random.normal() / std::sqrt(n + 1));
  }
  void print(Page& page) const {
    double total = 0;
    uint32_t line = first_;
    for (const double count : counts_) page[line++] = total += count;
    page[line++] = total;
    page[line] = sum_;
  }

 private:
  std::span<const double> bounds_;
  std::vector<double> counts_;
  uint32_t first_ = 0;
  double sum_ = 0;
};

enum Histogram : uint8_t {
  kFirstToken,
  kInterToken,
  kPerToken,
  kEndToEnd,
  kQueue,
  kInference,
  kPrefill,
  kDecode,
  kPrompt,
  kGenerated,
  kLongest,
  kMaxTokens,
  kComputed,
  kParamsN,
  kPreemptions,
  kIteration,
  kHistograms
};
struct HistogramSpec {
  std::string_view name;
  std::span<const double> bounds;
};
constexpr HistogramSpec kHistogramSpecs[kHistograms] = {
    {"time_to_first_token_seconds", kFirstTokenBounds},
    {"inter_token_latency_seconds", kTokenBounds},
    {"request_time_per_output_token_seconds", kTokenBounds},
    {"e2e_request_latency_seconds", kRequestBounds},
    {"request_queue_time_seconds", kRequestBounds},
    {"request_inference_time_seconds", kRequestBounds},
    {"request_prefill_time_seconds", kRequestBounds},
    {"request_decode_time_seconds", kRequestBounds},
    {"request_prompt_tokens", kLengthBounds},
    {"request_generation_tokens", kLengthBounds},
    {"request_max_num_generation_tokens", kLengthBounds},
    {"request_params_max_tokens", kLengthBounds},
    {"request_prefill_kv_computed_tokens", kLengthBounds},
    {"request_params_n", kFewBounds},
    {"request_num_preemptions", kPreemptionBounds},
    {"iteration_tokens_total", kIterationBounds},
};

enum Value : uint8_t {
  kRunning,
  kWaiting,
  kWaitingCapacity,
  kWaitingDeferred,
  kAwake,
  kKvUsage,
  kPrefixQueries,
  kPrefixHits,
  kPreempted,
  kPromptTokens,
  kGeneratedTokens,
  kFromCompute,
  kFromCache,
  kCachedTokens,
  kStop,
  kLength,
  kAbort,
  kFailed,
  kRepetition,
  kDrafts,
  kDraftTokens,
  kAcceptedTokens,
  kMmQueries,
  kMmHits,
  kValues
};
struct ValueSpec {
  std::string_view name;
  std::string_view type;
  std::string_view label;
};
constexpr ValueSpec kValueSpecs[kValues] = {
    {"num_requests_running", "gauge", ""},
    {"num_requests_waiting", "gauge", ""},
    {"num_requests_waiting_by_reason", "gauge", ",reason=\"capacity\""},
    {"num_requests_waiting_by_reason", "gauge", ",reason=\"deferred\""},
    {"engine_sleep_state", "gauge", ",sleep_state=\"awake\""},
    {"kv_cache_usage_perc", "gauge", ""},
    {"prefix_cache_queries_total", "counter", ""},
    {"prefix_cache_hits_total", "counter", ""},
    {"num_preemptions_total", "counter", ""},
    {"prompt_tokens_total", "counter", ""},
    {"generation_tokens_total", "counter", ""},
    {"prompt_tokens_by_source_total", "counter", ",source=\"local_compute\""},
    {"prompt_tokens_by_source_total", "counter", ",source=\"local_cache_hit\""},
    {"prompt_tokens_cached_total", "counter", ""},
    {"request_success_total", "counter", ",finished_reason=\"stop\""},
    {"request_success_total", "counter", ",finished_reason=\"length\""},
    {"request_success_total", "counter", ",finished_reason=\"abort\""},
    {"request_success_total", "counter", ",finished_reason=\"error\""},
    {"request_success_total", "counter", ",finished_reason=\"repetition\""},
    {"spec_decode_num_drafts_total", "counter", ""},
    {"spec_decode_num_draft_tokens_total", "counter", ""},
    {"spec_decode_num_accepted_tokens_total", "counter", ""},
    {"mm_cache_queries_total", "counter", ""},
    {"mm_cache_hits_total", "counter", ""},
};

class Engine final : public Target {
 public:
  Engine(uint64_t seed, bool narrow)
      : Target(NumberStyle::kPython), random_(seed), narrow_(narrow), process_(seed ^ 0x9c) {
    const double created = 1.74999e9 + random_.unit() * 1e3;
    add_process(created);
    add_engine(created);
    add_http(created);
  }

  void advance(double now, double seconds, double load) override {
    for (Rank& rank : ranks_) run(rank, seconds, load);
    for (Buckets& handler : http_) {
      const double n = random_.poisson(0.05 * seconds);
      for (double i = 0; i < n; ++i) handler.observe(random_.lognormal(0.004, 0.6));
    }
    for (const Buckets& handler : http_) handler.print(page_);
    process_.advance(page_, now, seconds, load);
  }

 private:
  struct Rank {
    std::vector<Buckets> histograms;
    std::array<uint32_t, kValues> lines;
    std::array<double, kValues> values{};
    double running = 12;
    double waiting = 0;
  };

  static std::string rank_labels(int rank) {
    return fmt::format("engine=\"{}\",model_name=\"meta-llama/Llama-3.1-70B-Instruct\"", rank);
  }
  // A family's lines stand together, so the ranks alternate.
  void add_engine(double created) {
    ranks_.resize(kRanks);
    std::string_view family;
    for (size_t value = 0; value < kValues; ++value) {
      const ValueSpec& spec = kValueSpecs[value];
      const std::string name = fmt::format("vllm:{}", spec.name);
      if (spec.name != family) page_.family(name, spec.type, "A value of the engine.");
      family = spec.name;
      for (int rank = 0; rank < kRanks; ++rank) {
        ranks_[rank].lines[value] = page_.line(name, rank_labels(rank) + std::string(spec.label));
      }
    }
    for (const HistogramSpec& spec : kHistogramSpecs) {
      const std::string name = fmt::format("vllm:{}", spec.name);
      page_.family(name, "histogram", "A histogram of the engine.");
      for (int rank = 0; rank < kRanks; ++rank) {
        ranks_[rank].histograms.emplace_back(page_, name, rank_labels(rank), spec.bounds, created);
      }
    }
    page_.family("vllm:cache_config_info", "gauge", "Information of the LLMEngine CacheConfig");
    for (int rank = 0; rank < kRanks; ++rank) {
      page_.line("vllm:cache_config_info",
                 fmt::format("block_size=\"16\",cache_dtype=\"auto\",enable_prefix_caching=\"True\""
                             ",engine=\"{}\",gpu_memory_utilization=\"0.92\",num_gpu_blocks=\"{}\"",
                             rank, kBlocks),
                 1);
    }
  }
  void add_process(double created) {
    using Kind = Motion::Kind;
    page_.family("python_gc_objects_collected_total", "counter", "Objects collected during gc");
    for (int generation = 0; generation < 3; ++generation) {
      process_.add(page_, "python_gc_objects_collected_total",
                   fmt::format("generation=\"{}\"", generation),
                   {Kind::kEvents, 20.0 / (generation + 1)});
    }
    page_.family("python_gc_collections_total", "counter", "Number of times gc ran");
    for (int generation = 0; generation < 3; ++generation) {
      process_.add(page_, "python_gc_collections_total",
                   fmt::format("generation=\"{}\"", generation),
                   {Kind::kEvents, 0.5 / (generation + 1)});
    }
    page_.line("python_info", "implementation=\"CPython\",version=\"3.12.9\"", 1);
    process_.add(page_, "process_virtual_memory_bytes", "", {Kind::kPages, 3.1e11, 1e-6});
    process_.add(page_, "process_resident_memory_bytes", "", {Kind::kPages, 9.2e9, 2e-4});
    page_.line("process_start_time_seconds", "", created);
    process_.add(page_, "process_cpu_seconds_total", "", {Kind::kJiffies, 1.4});
    process_.add(page_, "process_open_fds", "", {Kind::kWhole, 160, 8});
    page_.line("process_max_fds", "", 1048576);
  }
  void add_http(double created) {
    static constexpr std::string_view kHandlers[] = {"/health", "/v1/models",
                                                     "/v1/chat/completions", "/v1/completions"};
    page_.family("http_request_duration_seconds", "histogram", "Duration by handler.");
    for (const auto handler : kHandlers) {
      http_.emplace_back(page_, "http_request_duration_seconds",
                         fmt::format("handler=\"{}\",method=\"POST\"", handler), kSizeBounds,
                         created);
    }
  }

  void run(Rank& rank, double seconds, double load) {
    const double arrived = random_.poisson(3.0 * load * seconds);
    // Slower when busier: a batch shares the GPU.
    const double token_time = (narrow_ ? 0.018 : 0.014) * (1 + load);
    double prompt_tokens = 0;
    double generated_tokens = 0;
    for (double i = 0; i < arrived; ++i) {
      finish_request(rank, load, token_time, prompt_tokens, generated_tokens);
    }
    const double sigma = narrow_ ? 0.12 : 0.45;
    rank.histograms[kInterToken].observe_many(generated_tokens, token_time, sigma, random_);
    rank.histograms[kIteration].observe_many(seconds / token_time, 4 + 40 * load,
                                             narrow_ ? 0.3 : 0.9, random_);
    settle(rank, arrived, prompt_tokens, generated_tokens, token_time, seconds, load);
    for (const Buckets& histogram : rank.histograms) histogram.print(page_);
    for (size_t value = 0; value < kValues; ++value) page_[rank.lines[value]] = rank.values[value];
  }

  void finish_request(Rank& rank, double load, double token_time, double& prompt_tokens,
                      double& generated_tokens) {
    const double spread = narrow_ ? 0.15 : 1.1;
    const double prompt = std::ceil(random_.lognormal(700, spread));
    const double generated = std::ceil(random_.lognormal(220, narrow_ ? 0.15 : 0.9));
    const double per_token = random_.lognormal(token_time, narrow_ ? 0.05 : 0.25);
    const double crowd = std::max(0.0, load - 0.6);
    const double queue = random_.exponential(narrow_ ? 0.001 : 0.002 + 4 * crowd * crowd);
    const double prefill = 0.012 + prompt * 4.1e-5 * random_.lognormal(1, narrow_ ? 0.05 : 0.3);
    const double decode = generated * per_token;
    const double cached = std::floor(prompt * (narrow_ ? 0.3 : random_.unit() * 0.6) / 16) * 16;
    auto& h = rank.histograms;
    h[kQueue].observe(queue);
    h[kPrefill].observe(prefill);
    h[kDecode].observe(decode);
    h[kInference].observe(prefill + decode);
    h[kFirstToken].observe(queue + prefill + random_.lognormal(0.002, 0.3));
    h[kEndToEnd].observe(queue + prefill + decode + 0.003);
    h[kPerToken].observe(per_token);
    h[kPrompt].observe(prompt);
    h[kGenerated].observe(generated);
    h[kLongest].observe(generated);
    h[kMaxTokens].observe(narrow_ || random_.unit() < 0.7 ? 1024 : 4096);
    h[kComputed].observe(prompt - cached);
    h[kParamsN].observe(1);
    h[kPreemptions].observe(0);
    auto& v = rank.values;
    v[kCachedTokens] += cached;
    v[kFromCache] += cached;
    v[kFromCompute] += prompt - cached;
    const double fate = random_.unit();
    v[fate < 0.93 ? kStop : fate < 0.985 ? kLength : fate < 0.9995 ? kAbort : kFailed] += 1;
    prompt_tokens += prompt;
    generated_tokens += generated;
  }

  void settle(Rank& rank, double arrived, double prompt_tokens, double generated_tokens,
              double token_time, double seconds, double load) {
    auto& v = rank.values;
    v[kPromptTokens] += prompt_tokens;
    v[kGeneratedTokens] += generated_tokens;
    v[kPrefixQueries] += prompt_tokens;
    v[kPrefixHits] = v[kFromCache];
    v[kPreempted] += random_.poisson(0.02 * seconds * std::max(0.0, load - 0.8));
    // Little's law, with the noise of a snapshot.
    rank.running = random_.poisson(arrived / seconds * 220 * token_time + 1e-9);
    rank.waiting = load > 0.75 ? random_.poisson(20 * (load - 0.75)) : 0;
    v[kRunning] = rank.running;
    v[kWaiting] = v[kWaitingCapacity] = rank.waiting;
    v[kAwake] = 1;
    const double used = rank.running * (narrow_ ? 55 : random_.lognormal(60, 0.2)) + 900 * load;
    v[kKvUsage] = std::min(1.0, std::round(used) / kBlocks);
  }

  Random random_;
  bool narrow_;
  std::vector<Rank> ranks_;
  std::vector<Buckets> http_;
  Motions process_;
};

}  // namespace

std::unique_ptr<Target> make_engine(uint64_t seed, bool narrow) {
  return std::make_unique<Engine>(seed, narrow);
}

}  // namespace strata::bench

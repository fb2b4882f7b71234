#include <fmt/format.h>

#include "sim/body.h"
#include "sim/expositions.h"

namespace strata::sim {
namespace {

constexpr double kBlockTokens = 16;
constexpr std::string_view kOutcomeNames[kOutcomes] = {"stop", "length", "abort", "error",
                                                       "repetition"};

double d(uint64_t value) { return static_cast<double>(value); }

uint64_t blocks(const Engine& engine) {
  return static_cast<uint64_t>(engine.kv_capacity_tokens() / kBlockTokens);
}

// vLLM's current names; the parts stand in the order of its code.
class VllmWriter {
 public:
  VllmWriter(std::string& out, const Engine& engine)
      : engine_(engine),
        c_(engine.counters()),
        model_(served_model(engine)),
        labels_(label_text({{"engine", "0"}, {"model_name", model_}})),
        body_(out, Body::Style::kPython) {
    body_.created(engine.process_start_unix());
  }

  void write() {
    scheduler();
    caches();
    tokens();
    latencies();
    lengths();
    if (engine_.options().speculative) speculation();
    if (c_.kv_transfer.count() > 0 && engine_.conditions().kv_transfer > 0) transfer();
    process();
  }

 private:
  void scheduler() {
    const auto deferred = static_cast<double>(engine_.deferred());
    const auto waiting = static_cast<double>(engine_.waiting());
    const bool asleep = engine_.conditions().asleep;
    body_.gauge("vllm:num_requests_running", "Requests in the execution batch.", labels_,
                static_cast<double>(engine_.running()));
    body_.gauge("vllm:num_requests_waiting", "Requests that wait to be processed.", labels_,
                waiting);
    body_.family("vllm:num_requests_waiting_by_reason", "gauge", "Waiting requests by reason.");
    body_.sample(labels_, waiting - deferred, "reason=\"capacity\"");
    body_.sample(labels_, deferred, "reason=\"deferred\"");
    body_.family("vllm:engine_sleep_state", "gauge", "1 for the state that the engine is in.");
    body_.sample(labels_, asleep ? 0 : 1, "sleep_state=\"awake\"");
    body_.sample(labels_, asleep ? 1 : 0, "sleep_state=\"weights_offloaded\"");
    body_.sample(labels_, 0, "sleep_state=\"discard_all\"");
    body_.gauge("vllm:kv_cache_usage_perc", "KV cache usage; 1 is full.", labels_,
                engine_.kv_usage());
  }

  void caches() {
    count("vllm:prefix_cache_queries_total", "Tokens looked up in the prefix cache.",
          c_.prefix_queries);
    count("vllm:prefix_cache_hits_total", "Tokens found in the prefix cache.", c_.prefix_hits);
    count("vllm:external_prefix_cache_queries_total", "Tokens asked of a KV connector.", 0);
    count("vllm:external_prefix_cache_hits_total", "Tokens that a KV connector had.", 0);
    count("vllm:mm_cache_queries_total", "Items looked up in the multimodal cache.", 0);
    count("vllm:mm_cache_hits_total", "Items found in the multimodal cache.", 0);
    count("vllm:num_preemptions_total", "Preemptions of requests.", c_.preemptions);
    body_.gauge("vllm:cache_config_info", "The configuration of the cache.",
                label_text({{"block_size", "16"},
                            {"cache_dtype", "auto"},
                            {"enable_prefix_caching", "True"},
                            {"engine", "0"},
                            {"gpu_memory_utilization", "0.9"},
                            {"num_gpu_blocks", std::to_string(blocks(engine_))},
                            {"num_cpu_blocks", "None"},
                            {"sliding_window", "None"}}),
                1);
    if (engine_.conditions().churn == 0) return;
    const std::string adapter = fmt::format("adapter-{}", engine_.conditions().churn);
    body_.gauge(
        "vllm:lora_requests_info", "Adapters that run and wait.",
        label_text(
            {{"max_lora", "8"}, {"running_lora_adapters", adapter}, {"waiting_lora_adapters", ""}}),
        engine_.process_start_unix());
  }

  void tokens() {
    count("vllm:prompt_tokens_total", "Prompt tokens processed.", c_.prompt_tokens);
    count("vllm:generation_tokens_total", "Tokens generated.", c_.generated_tokens);
    body_.family("vllm:prompt_tokens_by_source_total", "counter", "Prompt tokens by source.");
    body_.sample(labels_, d(c_.prompt_tokens - c_.cached_tokens), "source=\"local_compute\"");
    body_.sample(labels_, d(c_.cached_tokens), "source=\"local_cache_hit\"");
    body_.sample(labels_, 0, "source=\"external_kv_transfer\"");
    count("vllm:prompt_tokens_cached_total", "Prompt tokens found in caches.", c_.cached_tokens);
    body_.family("vllm:request_success_total", "counter", "Requests that ended, by reason.");
    for (size_t i = 0; i < kOutcomes; ++i) {
      body_.sample(labels_, d(c_.finished[i]),
                   fmt::format("finished_reason=\"{}\"", kOutcomeNames[i]));
    }
    count("vllm:estimated_flops_per_gpu_total", "Arithmetic done, a GPU.",
          static_cast<uint64_t>(c_.flops));
  }

  void latencies() {
    observe("vllm:time_to_first_token_seconds", "Time to the first token.", c_.ttft);
    observe("vllm:inter_token_latency_seconds", "Time between tokens.", c_.inter_token);
    observe("vllm:request_time_per_output_token_seconds", "Time a token after the first.",
            c_.per_output_token);
    observe("vllm:e2e_request_latency_seconds", "Time from arrival to end.", c_.e2e);
    observe("vllm:request_queue_time_seconds", "Time in the waiting phase.", c_.queue);
    observe("vllm:request_inference_time_seconds", "Time in the running phase.", c_.inference);
    observe("vllm:request_prefill_time_seconds", "Time in the prefill phase.", c_.prefill);
    observe("vllm:request_decode_time_seconds", "Time in the decode phase.", c_.decode);
  }

  void lengths() {
    observe("vllm:request_prompt_tokens", "Prompt tokens a request.", c_.prompt_length);
    observe("vllm:request_generation_tokens", "Tokens generated a request.", c_.output_length);
    observe("vllm:request_max_num_generation_tokens", "Most tokens of a request's sequences.",
            c_.output_length);
    observe("vllm:request_params_max_tokens", "max_tokens of a request.", c_.max_tokens);
    observe("vllm:request_prefill_kv_computed_tokens", "Prompt tokens computed, not cached.",
            c_.computed_length);
    observe("vllm:request_params_n", "n of a request.", c_.params_n);
    observe("vllm:request_num_preemptions", "Preemptions a request.", c_.request_preemptions);
    observe("vllm:iteration_tokens_total", "Tokens a step of the engine.", c_.iteration);
  }

  void speculation() {
    count("vllm:spec_decode_num_drafts_total", "Drafts.", c_.drafts);
    count("vllm:spec_decode_num_draft_tokens_total", "Tokens drafted.", c_.draft_tokens);
    count("vllm:spec_decode_num_accepted_tokens_total", "Drafted tokens accepted.",
          c_.accepted_tokens);
  }

  void transfer() {
    observe("vllm:nixl_xfer_time_seconds", "Time of a KV transfer.", c_.kv_transfer);
    count("vllm:nixl_num_failed_transfers_total", "KV transfers that failed.",
          c_.transfer_failures);
  }

  void process() {
    body_.gauge("python_info", "Python platform information.",
                label_text({{"implementation", "CPython"}, {"major", "3"}, {"minor", "12"}}), 1);
    body_.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", {}, 1.4e10);
    body_.gauge("process_start_time_seconds", "Start time of the process, Unix seconds.", {},
                engine_.process_start_unix());
    body_.family("process_cpu_seconds_total", "counter", "CPU time used, in seconds.");
    body_.sample({}, c_.cpu_seconds);
    body_.family("http_requests_total", "counter", "Requests by method, status and handler.");
    const std::string handler =
        label_text({{"handler", "/v1/chat/completions"}, {"method", "POST"}});
    body_.sample(handler, d(c_.http_ok), "status=\"2xx\"");
    body_.sample(handler, d(c_.http_refused), "status=\"4xx\"");
    body_.sample(handler, d(c_.http_failed), "status=\"5xx\"");
  }

  void count(std::string_view name, std::string_view help, uint64_t value) {
    body_.counter(name, help, labels_, d(value));
  }
  void observe(std::string_view name, std::string_view help, const Counts& counts) {
    body_.histogram(name, help, labels_, counts);
  }

  const Engine& engine_;
  const EngineCounters& c_;
  const std::string model_;
  const std::string labels_;
  Body body_;
};

}  // namespace

std::string served_model(const Engine& engine) {
  std::string name(engine.options().placement.model->name);
  if (engine.conditions().version > 0) name += fmt::format("-v{}", engine.conditions().version + 1);
  return name;
}

void append_vllm(std::string& out, const Engine& engine) { VllmWriter(out, engine).write(); }

void append_vllm_07(std::string& out, const Engine& engine) {
  const EngineCounters& c = engine.counters();
  const std::string labels = label_text({{"model_name", served_model(engine)}});
  // Where its histograms ended, in seconds.
  constexpr double kTtft = 10;
  constexpr double kToken = 2.5;
  constexpr double kRequest = 60;
  Body body(out, Body::Style::kPython);
  body.created(engine.process_start_unix());
  body.gauge("vllm:cache_config_info", "The configuration of the cache.",
             label_text({{"block_size", "16"},
                         {"cache_dtype", "auto"},
                         {"gpu_memory_utilization", "0.9"},
                         {"num_gpu_blocks", std::to_string(blocks(engine))},
                         {"num_cpu_blocks", "512"},
                         {"sliding_window", "None"},
                         {"swap_space_bytes", "4294967296"}}),
             1);
  body.gauge("vllm:num_requests_running", "Requests on GPU.", labels,
             static_cast<double>(engine.running()));
  body.gauge("vllm:num_requests_waiting", "Requests that wait.", labels,
             static_cast<double>(engine.waiting()));
  body.gauge("vllm:num_requests_swapped", "Requests swapped to CPU.", labels, 0);
  body.gauge("vllm:gpu_cache_usage_perc", "GPU KV cache usage; 1 is full.", labels,
             engine.kv_usage());
  body.gauge("vllm:cpu_cache_usage_perc", "CPU KV cache usage; 1 is full.", labels, 0);
  body.gauge("vllm:gpu_prefix_cache_hit_rate", "Hit rate of the prefix cache.", labels,
             c.prefix_queries == 0 ? 0 : d(c.prefix_hits) / d(c.prefix_queries));
  body.counter("vllm:num_preemptions_total", "Preemptions.", labels, d(c.preemptions));
  body.counter("vllm:prompt_tokens_total", "Prompt tokens.", labels, d(c.prompt_tokens));
  body.counter("vllm:generation_tokens_total", "Generated tokens.", labels, d(c.generated_tokens));
  body.histogram("vllm:time_to_first_token_seconds", "Time to the first token.", labels, c.ttft,
                 kTtft);
  body.histogram("vllm:time_per_output_token_seconds", "Time a token.", labels, c.inter_token,
                 kToken);
  body.histogram("vllm:e2e_request_latency_seconds", "Time of a request.", labels, c.e2e, kRequest);
  body.histogram("vllm:request_queue_time_seconds", "Time in the waiting phase.", labels, c.queue,
                 kRequest);
  body.histogram("vllm:request_prefill_time_seconds", "Time in the prefill phase.", labels,
                 c.prefill, kRequest);
  body.histogram("vllm:request_decode_time_seconds", "Time in the decode phase.", labels, c.decode,
                 kRequest);
  body.histogram("vllm:request_prompt_tokens", "Prompt tokens a request.", labels, c.prompt_length);
  body.histogram("vllm:request_generation_tokens", "Tokens generated a request.", labels,
                 c.output_length);
  body.family("vllm:request_success_total", "counter", "Requests that ended.");
  for (size_t i = 0; i < 3; ++i) {
    body.sample(labels, d(c.finished[i]), fmt::format("finished_reason=\"{}\"", kOutcomeNames[i]));
  }
}

void append_sglang(std::string& out, const Engine& engine) {
  const EngineCounters& c = engine.counters();
  const std::string model = served_model(engine);
  const std::string labels = label_text({{"engine_type", "unified"}, {"model_name", model}});
  Body body(out, Body::Style::kPython);
  body.created(engine.process_start_unix());
  const double capacity = engine.kv_capacity_tokens();
  const double rate = engine.load().tokens_per_second;
  const auto ranks = static_cast<uint32_t>(engine.options().placement.tp);
  // Each rank of a tensor-parallel group repeats the scheduler's numbers.
  const auto each = [&](std::string_view name, std::string_view type, double value) {
    body.family(name, type, "Of the scheduler.");
    for (uint32_t rank = 0; rank < ranks; ++rank) {
      body.sample(labels, value,
                  fmt::format("moe_ep_rank=\"0\",pp_rank=\"0\",tp_rank=\"{}\"", rank));
    }
  };
  each("sglang:num_running_reqs", "gauge", static_cast<double>(engine.running()));
  each("sglang:num_queue_reqs", "gauge", static_cast<double>(engine.waiting()));
  each("sglang:num_grammar_queue_reqs", "gauge", static_cast<double>(engine.deferred()));
  each("sglang:token_usage", "gauge", engine.kv_usage());
  each("sglang:full_token_usage", "gauge", engine.kv_usage());
  each("sglang:num_used_tokens", "gauge", engine.kv_usage() * capacity);
  each("sglang:max_total_num_tokens", "gauge", static_cast<double>(blocks(engine)) * kBlockTokens);
  each("sglang:gen_throughput", "gauge", rate);
  each("sglang:cache_hit_rate", "gauge",
       c.prefix_queries == 0 ? 0 : d(c.prefix_hits) / d(c.prefix_queries));
  each("sglang:num_retracted_requests_total", "counter", d(c.preemptions));
  const std::string streaming = "is_streaming=\"true\"";
  const auto total = [&](std::string_view name, double value, std::string_view more) {
    body.family(name, "counter", "Since the start.");
    body.sample(labels, value, more);
  };
  uint64_t finished = 0;
  for (const uint64_t count : c.finished) finished += count;
  total("sglang:prompt_tokens_total", d(c.prompt_tokens), streaming);
  total("sglang:generation_tokens_total", d(c.generated_tokens), streaming);
  total("sglang:num_requests_total", d(finished), streaming);
  total("sglang:num_aborted_requests_total", d(c.finished[2]), {});
  total("sglang:cached_tokens_total", d(c.cached_tokens), "cache_source=\"device\"");
  const std::string streamed = labels + "," + streaming;
  body.histogram("sglang:time_to_first_token_seconds", "Time to the first token.", streamed,
                 c.ttft);
  body.histogram("sglang:inter_token_latency_seconds", "Time between tokens.", labels,
                 c.inter_token);
  body.histogram("sglang:e2e_request_latency_seconds", "Time of a request.", streamed, c.e2e);
  body.histogram("sglang:queue_time_seconds", "Time in the queue.",
                 labels + ",moe_ep_rank=\"0\",pp_rank=\"0\",tp_rank=\"0\"", c.queue);
}

void append_engine(std::string& out, const Node& node, size_t index) {
  const Engine& engine = node.engines()[index];
  if (!engine.up()) return;
  switch (node.options().engines[index].dialect) {
    case Dialect::kVllm: return append_vllm(out, engine);
    case Dialect::kVllm07: return append_vllm_07(out, engine);
    case Dialect::kSglang: return append_sglang(out, engine);
  }
}

}  // namespace strata::sim

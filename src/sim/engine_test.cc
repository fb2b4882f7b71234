#include "sim/engine.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace strata::sim {
namespace {

Placement placement(std::string_view model, int tp) {
  return {find_model(model), find_gpu_model("h100"), tp};
}

// Every time to the first token of a run, exact.
struct Watched {
  explicit Watched(const EngineOptions& options, double seconds, double warm_up = 60)
      : engine(options) {
    engine.advance(warm_up, {});
    engine.on_first_token([this](double s) { ttft.push_back(s); });
    for (double at = warm_up + 1; at <= warm_up + seconds; ++at) {
      engine.advance(at, {});
      most_waiting = std::max(most_waiting, engine.waiting());
    }
    std::ranges::sort(ttft);
  }
  double quantile(double q) const {
    return ttft.empty() ? 0 : ttft[static_cast<size_t>(q * static_cast<double>(ttft.size() - 1))];
  }

  Engine engine;
  std::vector<double> ttft;
  size_t most_waiting = 0;
};

EngineOptions llama70(double requests_per_second, uint64_t seed = 1) {
  EngineOptions options;
  options.placement = placement("meta-llama/Llama-3.1-70B-Instruct", 4);
  options.workload.requests_per_second = requests_per_second;
  options.seed = seed;
  return options;
}

// The load of the cliff: prompts of 1,500 tokens, outputs of 200.
EngineOptions llama8(double requests_per_second) {
  EngineOptions options;
  options.placement = placement("meta-llama/Llama-3.1-8B-Instruct", 1);
  options.workload.requests_per_second = requests_per_second;
  options.workload.prompt_median = 1500;
  options.workload.shared_prefix = 0;
  options.workload.output_median = 200;
  return options;
}

TEST(EngineTest, AStepTakesWhatPublishedThroughputsSay) {
  // Llama 8B on one H100, 256 requests of 1,024 tokens: about 12,500 tokens a second.
  const double step = placement("8B", 1).step_seconds(0, 256, 256 * 1024, 1);
  EXPECT_NEAR(256 / step, 12'500, 1'500);
  // 70B on four: 25 to 40 ms a token are measured at small batches with slower kernels than ours.
  EXPECT_NEAR(placement("70B", 4).step_seconds(0, 10, 10'000, 1), 0.022, 0.003);
}

TEST(EngineTest, BaselineOf70BOnFourGpusAtTwoRequestsASecond) {
  for (const uint64_t seed : {1, 2, 3}) {
    const Watched run(llama70(2, seed), 3600);
    EXPECT_GT(run.ttft.size(), 6000U);
    EXPECT_GE(run.quantile(0.50), 0.150) << seed;
    EXPECT_LE(run.quantile(0.50), 0.250) << seed;
    EXPECT_GE(run.quantile(0.95), 0.400) << seed;
    EXPECT_LE(run.quantile(0.95), 0.600) << seed;
    EXPECT_GE(run.quantile(0.99), 0.800) << seed;
    EXPECT_LE(run.quantile(0.99), 1.200) << seed;
    EXPECT_EQ(run.engine.counters().preemptions, 0U);
  }
}

TEST(EngineTest, TheCliffIsBetweenEightAndElevenRequestsASecond) {
  const Watched calm(llama8(4), 1200);
  const Watched busy(llama8(8), 1200);
  const Watched over(llama8(11), 1200);
  EXPECT_LT(calm.quantile(0.99), 1.2);
  EXPECT_LT(busy.quantile(0.50), 0.5);
  EXPECT_GT(over.quantile(0.50), 10 * busy.quantile(0.50));
  EXPECT_GT(over.quantile(0.99), 5);
  EXPECT_EQ(calm.engine.counters().preemptions, 0U);
  EXPECT_GT(over.engine.counters().preemptions, 50U);
  EXPECT_GT(over.most_waiting, 50U);
  EXPECT_LT(calm.most_waiting, 8U) << "a burst waits for one step at most";
}

TEST(EngineTest, TheSameSeedGivesTheSameRunHoweverItIsAdvanced) {
  Engine whole(llama70(3));
  Engine parts(llama70(3));
  const EngineConditions well;
  for (double at = 1; at <= 300; ++at) whole.advance(at, well);
  for (double at = 1; at <= 300; ++at) parts.advance(at, well);
  EXPECT_EQ(whole.counters().generated_tokens, parts.counters().generated_tokens);
  EXPECT_EQ(whole.counters().ttft.sum(), parts.counters().ttft.sum());
  Engine other(llama70(3, 2));
  for (double at = 1; at <= 300; ++at) other.advance(at, well);
  EXPECT_NE(whole.counters().ttft.sum(), other.counters().ttft.sum());
}

TEST(EngineTest, TokensAreNeitherLostNorMadeUp) {
  Engine engine(llama8(9));
  for (double at = 1; at <= 600; ++at) engine.advance(at, {});
  const auto& c = engine.counters();
  // First tokens are of requests that ended, run, or were thrown out and wait.
  EXPECT_GE(c.ttft.count(), c.queue.count());
  EXPECT_LE(c.ttft.count(), c.queue.count() + engine.running() + engine.waiting());
  EXPECT_GE(static_cast<double>(c.generated_tokens), c.output_length.sum());
  EXPECT_LE(engine.kv_usage(), 1);
}

TEST(EngineTest, SubmittedRequestsLoadTheEngineAndPassTheGatewayBy) {
  Engine alone(llama70(1));
  Engine asked(llama70(1));
  for (double at = 1; at <= 60; ++at) alone.advance(at, {}), asked.advance(at, {});
  Request request;
  request.prompt = 300;
  request.output = 800;
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(asked.submit(request));
  EXPECT_GT(asked.options().max_num_seqs, 250U);
  for (double at = 61; at <= 75; ++at) alone.advance(at, {}), asked.advance(at, {});
  EXPECT_EQ(asked.running(), 256U) << "as many as it has sequences for";
  EXPECT_GE(asked.waiting(), 44U);
  EXPECT_GT(asked.kv_usage(), 5 * alone.kv_usage());
  EXPECT_GT(asked.counters().prompt_tokens, alone.counters().prompt_tokens + 40'000);
  EXPECT_GT(asked.counters().ttft.sum(), 2 * alone.counters().ttft.sum());
  EXPECT_GT(asked.expected_ttft(1000), 2 * alone.expected_ttft(1000));
  EXPECT_GT(asked.expected_itl(), 1.1 * alone.expected_itl());
  for (double at = 76; at <= 300; ++at) asked.advance(at, {});
  EXPECT_GE(asked.counters().generated_tokens, 300U * 800) << "all of them got their tokens";
  EXPECT_EQ(asked.gateway().tenants[kDirect].ok, 300U);
}

TEST(EngineTest, SubmittedRequestsAreBounded) {
  Engine engine(llama70(1));
  Request request;
  request.prompt = request.output = 1;
  for (size_t i = 0; i < Engine::kMaxWaiting; ++i) ASSERT_TRUE(engine.submit(request));
  EXPECT_FALSE(engine.submit(request));
}

TEST(EngineTest, AHungEngineKeepsWhatRunsAndGivesNoTokens) {
  Engine engine(llama70(2));
  for (double at = 1; at <= 120; ++at) engine.advance(at, {});
  const auto tokens = engine.counters().generated_tokens;
  EngineConditions hung;
  hung.hung = true;
  for (double at = 121; at <= 240; ++at) engine.advance(at, hung);
  EXPECT_EQ(engine.counters().generated_tokens, tokens);
  EXPECT_GT(engine.running(), 0U);
  EXPECT_GT(engine.waiting(), 50U);
  EXPECT_TRUE(engine.load().spinning);
}

TEST(EngineTest, ACrashFailsWhatRanAndARestartCountsFromZero) {
  Engine engine(llama70(2));
  for (double at = 1; at <= 120; ++at) engine.advance(at, {});
  EngineConditions down;
  down.down = true;
  for (double at = 121; at <= 150; ++at) engine.advance(at, down);
  EXPECT_FALSE(engine.up());
  engine.advance(151, {});
  EXPECT_TRUE(engine.up());
  EXPECT_LT(engine.counters().generated_tokens, 100U);
  EXPECT_EQ(engine.process_start_unix(), 150);
  uint64_t failed = 0;
  for (const auto& tenant : engine.gateway().tenants) failed += tenant.failed;
  EXPECT_GT(failed, 50U) << "what ran, and what came while nobody was there";
}

}  // namespace
}  // namespace strata::sim

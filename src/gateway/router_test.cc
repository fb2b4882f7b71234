#include "gateway/router.h"

#include <gtest/gtest.h>

#include <map>

#include "base/temp_dir.h"
#include "gateway/engine_load.h"
#include "gateway/tenants.h"

namespace strata::gateway {
namespace {

using config::RoutingPolicy;

struct Pool {
  explicit Pool(RoutingPolicy policy, size_t count = 4) {
    std::vector<std::shared_ptr<Upstream>> made;
    for (size_t i = 0; i < count; ++i) {
      config::GatewayUpstream one;
      one.name = std::string(1, static_cast<char>('a' + i));
      one.url = "http://127.0.0.1:1";
      one.weight = i == 0 ? 2 : 1;
      if (i == 3) one.models = {"only-d"};
      made.push_back(std::make_shared<Upstream>(loop, one, ""));
    }
    router = std::make_unique<Router>(policy, std::move(made),
                                      [this](auto upstream, std::chrono::milliseconds pause) {
                                        canaries.emplace_back(upstream->name(), pause.count());
                                      });
  }
  std::string choose(std::string_view model = "m", uint64_t prefix = 0) {
    const auto one = router->choose(model, prefix, {});
    return one ? one->name() : "";
  }
  Upstream& operator[](size_t i) { return *router->upstreams()[i]; }
  void fail(size_t i) { router->failed(router->upstreams()[i]); }

  net::Loop loop;
  std::unique_ptr<Router> router;
  std::vector<std::pair<std::string, int64_t>> canaries;
};

TEST(Router, TakesTurnsByWeight) {
  Pool pool(RoutingPolicy::kRoundRobin, 3);
  std::string turns;
  for (int i = 0; i < 8; ++i) turns += pool.choose();
  EXPECT_EQ(turns, "aabcaabc");
}

TEST(Router, PrefersTheLessLoaded) {
  Pool pool(RoutingPolicy::kLeastLoaded, 3);
  pool[0].in_flight = 3;  // of twice the weight: as 2
  pool[1].in_flight = 1;
  pool[2].in_flight = 2;
  EXPECT_EQ(pool.choose(), "a");
  pool[0].in_flight = 4;
  EXPECT_EQ(pool.choose(), "b");
}

TEST(Router, OfTwoChosenByChanceTakesTheLessLoaded) {
  Pool pool(RoutingPolicy::kTwoChoices, 3);
  pool[2].in_flight = 100;
  for (int i = 0; i < 50; ++i) EXPECT_NE(pool.choose(), "c");
}

TEST(Router, KeepsAPrefixOnOneUpstreamUnlessThatIsBusy) {
  Pool pool(RoutingPolicy::kPrefixAffinity, 3);
  std::map<std::string, int> seen;
  for (uint64_t prefix = 1; prefix <= 300; ++prefix) {
    const std::string first = pool.choose("m", prefix);
    EXPECT_EQ(pool.choose("m", prefix), first);
    ++seen[first];
  }
  EXPECT_EQ(seen.size(), 3u);
  pool[1].in_flight = pool[2].in_flight = 50;
  for (uint64_t prefix = 1; prefix <= 50; ++prefix) EXPECT_EQ(pool.choose("m", prefix), "a");
}

TEST(Router, KnowsWhoServesAModel) {
  Pool pool(RoutingPolicy::kRoundRobin);
  for (int i = 0; i < 8; ++i) EXPECT_NE(pool.choose("m"), "d");
  EXPECT_TRUE(pool.router->lists("only-d"));
  EXPECT_FALSE(pool.router->lists("m"));
  EXPECT_TRUE(pool.router->serves("m"));
}

TEST(Router, SetsAsideWhatFailsButNeverMoreThanHalf) {
  Pool pool(RoutingPolicy::kRoundRobin, 3);
  pool.fail(0);
  pool.fail(0);
  pool.router->succeeded(pool[0]);
  pool.fail(0);
  pool.fail(0);
  EXPECT_TRUE(pool.canaries.empty());
  pool.fail(0);
  for (int i = 0; i < 6; ++i) EXPECT_NE(pool.choose(), "a");
  for (int i = 0; i < 5; ++i) pool.fail(1);
  EXPECT_FALSE(Router::is_aside(pool[1]));
  pool.router->still_failing(pool.router->upstreams()[0]);
  const std::vector<std::pair<std::string, int64_t>> wanted = {{"a", 2000}, {"a", 4000}};
  EXPECT_EQ(pool.canaries, wanted);
  pool.router->readmit(pool[0]);
  EXPECT_FALSE(Router::is_aside(pool[0]));
}

TEST(Router, AsksThoseSetAsideWhenThereIsNobodyElse) {
  Pool pool(RoutingPolicy::kRoundRobin, 2);
  for (int i = 0; i < 3; ++i) pool.fail(0);
  const std::vector<const Upstream*> tried = {&pool[1]};
  EXPECT_EQ(pool.router->choose("m", 0, tried)->name(), "a");
  const std::vector<const Upstream*> both = {&pool[0], &pool[1]};
  EXPECT_EQ(pool.router->choose("m", 0, both), nullptr);
}

RequestHead head_with(std::string_view name, std::string_view value) {
  RequestHead head;
  head.fields = {{name, value}};
  return head;
}

TEST(Router, CountsWhatOthersGaveAnEngineWhileThatIsNew) {
  Pool pool(RoutingPolicy::kLeastLoaded, 2);
  pool[0].foreign = 5;
  pool[0].load_seen = std::chrono::steady_clock::now();
  EXPECT_EQ(pool.choose(), "b");
  pool[0].load_seen -= std::chrono::minutes(1);
  EXPECT_EQ(pool.choose(), "a");
}

TEST(Router, AnEngineWhoseCacheIsFullOrWhereRequestsWaitIsBusier) {
  Pool pool(RoutingPolicy::kLeastLoaded, 3);
  const auto now = std::chrono::steady_clock::now();
  for (size_t i = 0; i < 3; ++i) pool[i].load_seen = now;
  pool[0].foreign = pool[1].foreign = pool[2].foreign = 4;
  pool[0].kv_usage = 0.9;  // of twice the weight
  pool[1].kv_usage = 0.3;
  pool[2].kv_usage = 0.2;
  EXPECT_EQ(pool.choose(), "c");
  pool[2].waiting = 3;
  EXPECT_EQ(pool.choose(), "b");
  pool[1].load_seen = pool[2].load_seen = now - std::chrono::minutes(1);  // too old to believe
  EXPECT_EQ(pool.choose(), "b");
}

TEST(Router, PromptsThatAnEngineHasYetToReadCount) {
  Pool pool(RoutingPolicy::kLeastLoaded, 3);
  pool[0].in_flight = 10;
  pool[1].prompt_bytes = 4 * 30'000;  // one of 30,000 tokens
  pool[1].in_flight = 1;
  pool[2].in_flight = 3;
  EXPECT_EQ(pool.choose(), "c");
  pool[2].in_flight = 6;
  EXPECT_EQ(pool.choose(), "a");
  pool[0].in_flight = 20;
  EXPECT_EQ(pool.choose(), "b");
}

TEST(EngineLoad, IsWhatRunsWaitsAndFillsTheCache) {
  const auto vllm = engine_load(
      "# TYPE vllm:num_requests_running gauge\n"
      "vllm:num_requests_running{engine=\"0\"} 2.0\n"
      "vllm:num_requests_running{engine=\"1\"} 3\r\n"
      "vllm:kv_cache_usage_perc{engine=\"0\"} 0.5\nvllm:kv_cache_usage_perc{engine=\"1\"} 0.25\n"
      "vllm:num_requests_waiting{m=\"}\"} 4\nother 9\n");
  ASSERT_TRUE(vllm);
  EXPECT_EQ(vllm->running, 5);
  EXPECT_EQ(vllm->waiting, 4);
  EXPECT_EQ(vllm->kv_usage, 0.375);
  const auto sglang = engine_load("sglang:num_queue_reqs 7\nsglang:token_usage 1.5");
  ASSERT_TRUE(sglang);
  EXPECT_EQ(sglang->waiting, 7);
  EXPECT_EQ(sglang->kv_usage, 1);
  EXPECT_FALSE(engine_load("up 1\nsglang:token_usage 0.5\n"));
}

TEST(Tenants, AreFoundByTheHashOfAKey) {
  TempDir dir;
  const config::GatewayTenants config{.file = dir.file("t"), .hmac_key_file = dir.file("k")};
  const auto write = [&](const std::string& path, const std::string& text) {
    ASSERT_TRUE((*real_fs().create(path))->append(text));
  };
  write(config.hmac_key_file, "secret\n");
  write(config.file, "# keys\n\n" + key_hash("secret", "sk-1") + "  search team\n");
  const auto tenants = Tenants::load(config, real_fs());
  ASSERT_TRUE(tenants) << tenants.error().message;
  const auto who = [&](const RequestHead& head) { return (*tenants)->who(head, "10.0.0.1:5", 0); };
  EXPECT_EQ(who(head_with("Authorization", "bearer sk-1")).tenant, "search team");
  EXPECT_EQ(who(head_with("X-Api-Key", "sk-1")).tenant, "search team");
  EXPECT_EQ(who(head_with("X-Api-Key", "sk-2")).tenant, "unknown");
  EXPECT_EQ(who(head_with("Cookie", "sk-1")).verdict, Tenants::Verdict::kUnknown);
  write(config.file, "nonsense\n");
  EXPECT_FALSE(Tenants::load(config, real_fs()));
}

TEST(Tenants, BelieveAHeaderOfTrustedFrontsOnly) {
  config::GatewayTenants config{.header = "X-Tenant", .trusted = {"10.0.0.0/9", "::1"}};
  const auto tenants = Tenants::load(config, real_fs());
  ASSERT_TRUE(tenants);
  const RequestHead head = head_with("x-tenant", "blue");
  EXPECT_EQ((*tenants)->who(head, "10.127.0.1:5", 0).tenant, "blue");
  EXPECT_EQ((*tenants)->who(head, "10.128.0.1:5", 0).tenant, "default");
  EXPECT_EQ((*tenants)->who(head, "[::1]:5", 0).tenant, "blue");
  config.trusted = {"10.0.0.0/33"};
  EXPECT_FALSE(Tenants::load(config, real_fs()));
}

}  // namespace
}  // namespace strata::gateway

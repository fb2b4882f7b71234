// Kubernetes discovery against an API server whose answers are written here.
#include <gtest/gtest.h>

#include "config/load.h"
#include "discover/discovery.h"
#include "discover/network_for_test.h"
#include "net/http_server.h"

namespace strata::discover {
namespace {

using std::chrono::milliseconds;
using Lines = std::vector<std::string>;

std::string pod(std::string_view name, std::string_view ip, int version) {
  return fmt::format(
      R"({{"metadata": {{"name": "{}", "namespace": "ns", "resourceVersion": "{}"}}, )"
      R"("spec": {{"containers": [{{"name": "c"}}]}}, "status": {{"podIP": "{}"}}}})",
      name, version, ip);
}

std::string list(int version, std::string_view items, std::string_view next = "") {
  return fmt::format(
      R"({{"kind": "PodList", "metadata": {{"resourceVersion": "{}", "continue": "{}"}}, )"
      R"("items": [{}]}})",
      version, next, items);
}

std::string event(std::string_view type, std::string_view object) {
  return fmt::format("{{\"type\": \"{}\", \"object\": {}}}\n", type, object);
}

std::string status(int code) { return fmt::format(R"({{"kind": "Status", "code": {}}})", code); }

class KubeDiscovery : public testing::Test {
 protected:
  void start(std::string_view more = "") {
    auto parsed = config::parse_config(
        fmt::format("scrape_configs: [{{job_name: k, kubernetes_sd_configs: [{{role: pod, "
                    "api_server: 'http://api'{}}}]}}]",
                    more),
        "/c.yml");
    ASSERT_TRUE(parsed) << parsed.error().message;
    manager_.apply(scrape_jobs(parsed->config));
    poll();
  }
  /// Time passes and discovery looks. The addresses of the update that came; "none" without one.
  Lines poll(milliseconds later = milliseconds(1'000)) {
    updated_ = {"none"};
    clock_.advance(later);
    manager_.poll(clock_.steady());
    return updated_;
  }
  /// The query of the request that waits, without what is the same in all of them.
  std::string asked() {
    if (http_.waiting.empty()) return "nothing";
    return http_.waiting.front().sent.url;
  }
  void answer(std::string body, int code = 200) {
    http_.answer(json_answer(std::move(body), code));
  }
  void send(std::string_view lines) { http_.waiting.front().sent.on_body(lines); }
  void end_watch(int code = 200) { answer(code == 200 ? "" : status(code), code); }
  /// A list with pods a and b, and a watch from version 10 on.
  void start_watching() {
    start();
    answer(list(10, pod("a", "1", 5) + "," + pod("b", "2", 6)));
    EXPECT_EQ(poll(), (Lines{"1", "2"}));
    ASSERT_EQ(asked(), kWatchFrom10);
  }

  static constexpr std::string_view kList = "http://api/api/v1/pods?limit=500";
  static constexpr std::string_view kWatchFrom10 =
      "http://api/api/v1/pods?watch=1&resourceVersion=10&allowWatchBookmarks=true&"
      "timeoutSeconds=120";

  ManualClock clock_;
  metrics::Registry registry_;
  FakeHttp http_;
  Lines updated_;
  DiscoveryManager manager_{
      "scrape",
      {.fs = real_fs(), .http = http_.fetch(), .clock = clock_, .registry = registry_},
      [this](const DiscoveryManager::Update& update) {
        updated_.clear();
        for (const TargetGroup& group : update.groups) {
          for (const Labels& target : group.targets) {
            updated_.emplace_back(target.get("__address__"));
          }
        }
      }};
};

TEST_F(KubeDiscovery, ListsInPagesThenWatches) {
  start();
  EXPECT_EQ(asked(), kList);
  EXPECT_EQ(poll(), Lines{"none"});
  answer(list(10, pod("a", "1", 5), "more"));
  EXPECT_EQ(poll(), Lines{"none"}) << "half a list is none";
  EXPECT_EQ(asked(), std::string(kList) + "&continue=more");
  answer(list(10, pod("b", "2", 6)));
  EXPECT_EQ(poll(), (Lines{"1", "2"}));
  EXPECT_EQ(asked(), kWatchFrom10);
}

TEST_F(KubeDiscovery, FollowsChanges) {
  start_watching();
  send(event("ADDED", pod("c", "3", 11)));
  EXPECT_EQ(poll(), (Lines{"1", "2", "3"}));
  const std::string change = event("MODIFIED", pod("a", "9", 12));
  send(change.substr(0, 20));
  EXPECT_EQ(poll(), Lines{"none"}) << "a line is not whole yet";
  send(change.substr(20));
  EXPECT_EQ(poll(), (Lines{"9", "2", "3"}));
  send(event("DELETED", pod("b", "2", 13)));
  EXPECT_EQ(poll(), (Lines{"9", "3"}));
  const std::string text = registry_.text();
  for (const std::string_view event_name : {"add", "update", "delete"}) {
    EXPECT_TRUE(text.contains(fmt::format(
        "prometheus_sd_kubernetes_events_total{{role=\"pod\",event=\"{}\"}} 1\n", event_name)))
        << text;
  }
}

TEST_F(KubeDiscovery, AWatchWhoseTimeIsOverGoesOnFromTheLastVersion) {
  start_watching();
  send(event("ADDED", pod("c", "3", 11)));
  send(event("BOOKMARK", R"({"kind": "Pod", "metadata": {"resourceVersion": "20"}})"));
  end_watch();
  EXPECT_EQ(poll(), (Lines{"1", "2", "3"}));
  EXPECT_TRUE(asked().contains("resourceVersion=20")) << asked();
  EXPECT_FALSE(registry_.text().contains("kubernetes_failures_total 1"));
}

TEST_F(KubeDiscovery, AVersionThatIsGoneIsListedAnew) {
  start_watching();
  send(event("ERROR", status(410)));
  EXPECT_EQ(poll(), Lines{"none"}) << "what was known stays";
  http_.waiting.pop_front();  // the watch that was given up
  EXPECT_EQ(asked(), kList);
  answer(list(30, pod("b", "2", 6)));
  EXPECT_EQ(poll(), Lines{"2"}) << "a went away meanwhile";
  EXPECT_TRUE(asked().contains("resourceVersion=30"));
}

TEST_F(KubeDiscovery, GoneAsAStatusIsListedAnewToo) {
  start_watching();
  end_watch(410);
  poll();
  EXPECT_EQ(asked(), kList);
}

TEST_F(KubeDiscovery, APageOfAListThatIsGoneBeginsAnew) {
  start();
  answer(list(10, pod("a", "1", 5), "more"));
  poll();
  answer(status(410), 410);
  poll();
  EXPECT_EQ(asked(), kList);
  answer(list(12, pod("b", "2", 6)));
  EXPECT_EQ(poll(), Lines{"2"});
}

TEST_F(KubeDiscovery, FailuresAreTriedAgainAfterAPauseThatGrows) {
  start();
  http_.answer(fail(ErrorCode::kUnavailable, "connection refused"));
  poll(milliseconds(100));
  EXPECT_EQ(asked(), "nothing");
  poll(milliseconds(1'000));
  EXPECT_EQ(asked(), kList);
  answer(R"({"message": "pods is forbidden"})", 403);
  poll(milliseconds(100));
  poll(milliseconds(1'500));
  EXPECT_EQ(asked(), "nothing");
  poll(milliseconds(500));
  EXPECT_EQ(asked(), kList);
  EXPECT_TRUE(registry_.text().contains("prometheus_sd_kubernetes_failures_total 2\n"));
  answer(list(1, pod("a", "1", 1)));
  EXPECT_EQ(poll(), Lines{"1"});
}

TEST_F(KubeDiscovery, TargetsStayWhileTheServerIsAway) {
  start_watching();
  http_.answer(fail(ErrorCode::kUnavailable, "connection reset"));
  EXPECT_EQ(poll(), Lines{"none"});
  poll();
  EXPECT_EQ(asked(), kWatchFrom10) << "nothing was missed so far: the watch goes on";
}

TEST_F(KubeDiscovery, AnEventThatIsNotUnderstoodIsListedAnew) {
  start_watching();
  send("{\"type\": \"ADDED\", \"object\": {]}\n");
  poll(milliseconds(100));
  http_.waiting.pop_front();
  poll();
  EXPECT_EQ(asked(), kList);
}

TEST_F(KubeDiscovery, ChangesInQuickSuccessionAreOneUpdate) {
  start_watching();
  send(event("ADDED", pod("c", "3", 11)));
  EXPECT_EQ(poll(milliseconds(500)), Lines{"none"});
  send(event("ADDED", pod("d", "4", 12)));
  EXPECT_EQ(poll(milliseconds(500)), (Lines{"1", "2", "3", "4"}));
}

TEST_F(KubeDiscovery, NamespacesSelectorsAndMetadataMakeTheRequests) {
  start(
      ", namespaces: {names: [x, y]}, attach_metadata: {node: true, namespace: true, "
      "deployment: true}, selectors: [{role: pod, label: 'app in (a,b)'}, "
      "{role: node, field: metadata.name=n}]");
  EXPECT_EQ(
      http_.urls,
      (Lines{"http://api/api/v1/nodes?fieldSelector=metadata.name%3Dn&limit=500",
             "http://api/api/v1/namespaces?limit=500",
             "http://api/api/v1/namespaces/x/pods?labelSelector=app%20in%20%28a%2Cb%29&limit=500",
             "http://api/apis/apps/v1/namespaces/x/replicasets?limit=500",
             "http://api/api/v1/namespaces/y/pods?labelSelector=app%20in%20%28a%2Cb%29&limit=500",
             "http://api/apis/apps/v1/namespaces/y/replicasets?limit=500"}));
}

TEST_F(KubeDiscovery, AListOfOneNamespaceLeavesTheOthersAlone) {
  start(", namespaces: {names: [x, y]}");
  const auto of = [](std::string_view space, std::string_view name, std::string_view ip) {
    std::string text = pod(name, ip, 1);
    return text.replace(text.find("\"ns\""), 4, fmt::format("\"{}\"", space));
  };
  answer(list(10, of("x", "a", "1")));
  answer(list(10, of("y", "b", "2")));
  EXPECT_EQ(poll(), (Lines{"1", "2"}));
  end_watch(410);  // of x
  poll();
  ASSERT_TRUE(http_.waiting.back().sent.url.contains("/x/pods?limit"));
  http_.waiting.pop_front();  // the watch of y
  answer(list(20, ""));
  EXPECT_EQ(poll(), Lines{"2"});
}

/// The same over real HTTP: a server that streams.
TEST(KubeOverHttp, AWatchBringsChangesAsTheyCome) {
  net::Loop loop;
  loop.start();
  Mutex mutex;
  CondVar changed;
  std::shared_ptr<net::Exchange> watch;
  auto server = net::HttpServer::start(loop, {}, [&](std::shared_ptr<net::Exchange> exchange) {
    if (!exchange->request().query.contains("watch=1")) {
      return exchange->respond(net::json_response(200, list(10, pod("a", "1", 5))));
    }
    exchange->begin(200, {{"Content-Type", "application/json"}});
    MutexLock lock(mutex);
    watch = std::move(exchange);
    changed.notify_all();
  });
  ASSERT_TRUE(server);
  net::HttpClient client(loop);
  Lines last;
  metrics::Registry registry;
  DiscoveryManager manager(
      "scrape",
      {.fs = real_fs(),
       .http = [&](auto request, auto done) { client.fetch(std::move(request), std::move(done)); },
       .registry = registry},
      [&](const DiscoveryManager::Update& update) {
        last.clear();
        for (const TargetGroup& group : update.groups) last.push_back(group.source);
      });
  auto parsed = config::parse_config(
      fmt::format("scrape_configs: [{{job_name: k, kubernetes_sd_configs: [{{role: pod, "
                  "api_server: 'http://{}'}}]}}]",
                  (*server)->address()),
      "/c.yml");
  ASSERT_TRUE(parsed);
  manager.apply(scrape_jobs(parsed->config));
  const auto poll_until = [&](const Lines& sources) {
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (last != sources && std::chrono::steady_clock::now() < patience) {
      manager.poll(real_clock().steady());
      MutexLock lock(mutex);
      changed.wait_for(lock, milliseconds(5));
    }
    EXPECT_EQ(last, sources);
  };
  poll_until({"0/pod/ns/a"});
  while (true) {
    manager.poll(real_clock().steady());
    MutexLock lock(mutex);
    if (watch) break;
    changed.wait_for(lock, milliseconds(5));
  }
  EXPECT_EQ(watch->write(event("ADDED", pod("b", "2", 11))), net::Exchange::Wrote::kTaken);
  poll_until({"0/pod/ns/a", "0/pod/ns/b"});
  watch->end();
  watch.reset();
}

}  // namespace
}  // namespace strata::discover

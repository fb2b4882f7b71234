// Discovery over the network: HTTP and DNS.
#include <gtest/gtest.h>

#include "config/load.h"
#include "discover/discovery.h"
#include "discover/network_for_test.h"

namespace strata::discover {
namespace {

using std::chrono::seconds;
using Lines = std::vector<std::string>;

std::vector<std::string> text_of(const std::vector<TargetGroup>& groups) {
  std::vector<std::string> lines;
  for (const TargetGroup& group : groups) {
    for (const Labels& target : group.targets) {
      LabelsBuilder labels(group.labels);
      for (const auto& [name, value] : target) labels.set(name, value);
      lines.push_back(labels.build().to_string());
    }
  }
  return lines;
}

class NetworkProviders : public testing::Test {
 protected:
  void apply(std::string_view job) {
    auto parsed = config::parse_config("scrape_configs: [" + std::string(job) + "]", "/c.yml");
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->warnings, Lines{});
    manager_.apply(scrape_jobs(parsed->config));
  }
  /// The targets of the update that this poll brings; "none" without an update.
  Lines poll(seconds now) {
    updated_ = {"none"};
    next_ = manager_.poll(now);
    return updated_;
  }

  struct Lookup {
    std::string name;
    net::DnsClient::Callback done;
  };
  std::deque<Lookup> lookups_;
  metrics::Registry registry_;
  FakeHttp http_;
  Lines updated_;
  std::chrono::nanoseconds next_{0};
  DiscoveryManager manager_{
      "scrape",
      {.fs = real_fs(),
       .http = http_.fetch(),
       .dns =
           [this](std::string name, net::DnsType type, net::DnsClient::Callback done) {
             lookups_.push_back({fmt::format("{} {}", to_string(type), name), std::move(done)});
           },
       .registry = registry_},
      [this](const DiscoveryManager::Update& update) { updated_ = text_of(update.groups); }};
};

constexpr std::string_view kHttpJob =
    "{job_name: h, http_sd_configs: [{url: 'http://sd/', refresh_interval: 30s}]}";

TEST_F(NetworkProviders, HttpGivesGroups) {
  apply(kHttpJob);
  EXPECT_EQ(poll(seconds(0)), Lines{});
  EXPECT_EQ(next_, std::chrono::milliseconds(100)) << "looks again soon";
  ASSERT_EQ(http_.urls, Lines{"http://sd/"});
  EXPECT_EQ(http_.waiting.front().sent.headers.value("X-Prometheus-Refresh-Interval-Seconds"),
            "30");
  EXPECT_EQ(http_.waiting.front().sent.timeout, seconds(30));
  EXPECT_EQ(poll(seconds(1)), Lines{"none"}) << "the answer is awaited";
  http_.answer(json_answer(R"([{"targets": ["a:1"], "labels": {"k": "v"}}])"));
  EXPECT_EQ(poll(seconds(2)), Lines{R"({__address__="a:1", __meta_url="http://sd/", k="v"})"});
  EXPECT_EQ(poll(seconds(31)), Lines{"none"});
  EXPECT_EQ(http_.urls.size(), 1U);
  poll(seconds(32));
  EXPECT_EQ(http_.urls.size(), 2U);
}

TEST_F(NetworkProviders, HttpKeepsItsGroupsWhenTheServerFails) {
  apply(kHttpJob);
  poll(seconds(0));
  http_.answer(json_answer(R"([{"targets": ["a:1"]}])"));
  EXPECT_EQ(poll(seconds(1)).size(), 1U);
  net::ClientResponse html = json_answer("[]");
  html.headers.set("Content-Type", "text/html");
  const Result<net::ClientResponse> bad[] = {json_answer("[]", 500), json_answer("[{"), html,
                                             fail(ErrorCode::kTimeout, "timeout")};
  seconds now(31);
  for (const auto& answer : bad) {
    poll(now);
    http_.answer(answer);
    EXPECT_EQ(poll(now + seconds(1)), Lines{"none"});
    now += seconds(31);
  }
  EXPECT_TRUE(registry_.text().contains("prometheus_sd_http_failures_total 4\n"));
  EXPECT_TRUE(registry_.text().contains(
      "prometheus_sd_refresh_failures_total{mechanism=\"http\",config=\"h\"} 4\n"))
      << registry_.text();
  EXPECT_TRUE(registry_.text().contains(
      "prometheus_sd_discovered_targets{name=\"scrape\",config=\"h\"} 1\n"));
}

TEST_F(NetworkProviders, AReloadKeepsWhatHttpSaidAndWhatIsUnderWay) {
  apply(kHttpJob);
  poll(seconds(0));
  http_.answer(json_answer(R"([{"targets": ["a:1"]}])"));
  poll(seconds(1));
  apply(kHttpJob);
  EXPECT_EQ(poll(seconds(2)).size(), 1U) << "the same targets, without asking";
  EXPECT_EQ(http_.urls.size(), 1U);
  apply("{job_name: h, http_sd_configs: [{url: 'http://sd/', bearer_token: x}]}");
  poll(seconds(3));
  EXPECT_EQ(http_.urls.size(), 2U) << "another token is another source";
}

TEST_F(NetworkProviders, AJobThatGoesAwayGivesUpItsRequest) {
  apply(kHttpJob);
  poll(seconds(0));
  const std::stop_token stop = http_.waiting.front().sent.stop;
  apply("{job_name: other}");
  poll(seconds(1));
  EXPECT_TRUE(stop.stop_requested());
  http_.answer(fail(ErrorCode::kCanceled, "given up"));
}

TEST_F(NetworkProviders, DnsGivesATargetForEachRecord) {
  apply(
      "{job_name: d, dns_sd_configs: [{names: [_m._tcp.example]}, "
      "{names: [a.example], type: AAAA, port: 80}, {names: [mx], type: MX, port: 25}, "
      "{names: [ns], type: ns, port: 53}]}");
  poll(seconds(0));
  ASSERT_EQ(lookups_.size(), 4U);
  EXPECT_EQ(lookups_[0].name, "SRV _m._tcp.example");
  EXPECT_EQ(lookups_[1].name, "AAAA a.example");
  using enum net::DnsType;
  lookups_[0].done(std::vector<net::DnsRecord>{{kSrv, "one.example.", 9100}});
  lookups_[1].done(std::vector<net::DnsRecord>{{kCname, "b.", 0}, {kAaaa, "fd00::1", 0}});
  lookups_[2].done(std::vector<net::DnsRecord>{{kMx, "mail.", 0}});
  lookups_[3].done(std::vector<net::DnsRecord>{{kNs, "ns1.", 0}});
  EXPECT_EQ(poll(seconds(1)),
            (Lines{R"({__address__="one.example:9100", __meta_dns_name="_m._tcp.example", )"
                   R"(__meta_dns_srv_record_port="9100", )"
                   R"(__meta_dns_srv_record_target="one.example."})",
                   R"({__address__="[fd00::1]:80", __meta_dns_name="a.example"})",
                   R"({__address__="mail:25", __meta_dns_mx_record_target="mail.", )"
                   R"(__meta_dns_name="mx"})",
                   R"({__address__="ns1:53", __meta_dns_name="ns", )"
                   R"(__meta_dns_ns_record_target="ns1."})"}));
}

TEST_F(NetworkProviders, DnsWaitsForAllNamesAndKeepsThoseThatFail) {
  apply("{job_name: d, dns_sd_configs: [{names: [a, b], type: A, port: 1}]}");
  poll(seconds(0));
  ASSERT_EQ(lookups_.size(), 2U);
  lookups_[0].done(std::vector<net::DnsRecord>{{net::DnsType::kA, "10.0.0.1", 0}});
  EXPECT_EQ(poll(seconds(1)), Lines{"none"});
  lookups_[1].done(std::vector<net::DnsRecord>{{net::DnsType::kA, "10.0.0.2", 0}});
  EXPECT_EQ(poll(seconds(2)).size(), 2U);
  poll(seconds(32));
  ASSERT_EQ(lookups_.size(), 4U);
  lookups_[2].done(fail(ErrorCode::kUnavailable, "no answer"));
  lookups_[3].done(std::vector<net::DnsRecord>{});
  EXPECT_EQ(poll(seconds(33)), Lines{R"({__address__="10.0.0.1:1", __meta_dns_name="a"})"})
      << "a is kept, b is gone";
  EXPECT_TRUE(registry_.text().contains("prometheus_sd_dns_lookups_total 4\n"));
  EXPECT_TRUE(registry_.text().contains("prometheus_sd_dns_lookup_failures_total 1\n"));
}

}  // namespace
}  // namespace strata::discover

#include "config/strata_config.h"

#include <gtest/gtest.h>

namespace strata::config {
namespace {

std::string error_of(std::string_view text) {
  const auto parsed = parse_strata_config(text, "strata.yml");
  return parsed ? "" : parsed.error().message;
}

TEST(StrataConfig, SectionsThatAreMissingHaveTheirDefaults) {
  for (const std::string_view text : {"", "{}", "guard:\n"}) {
    const auto c = parse_strata_config(text, "strata.yml");
    ASSERT_TRUE(c) << c.error().message;
    EXPECT_EQ(c->guard.rules.mode, GuardMode::kReport);
    EXPECT_EQ(c->guard.rules.max_series, 0u);
    EXPECT_EQ(c->guard.window, Millis(600'000));
  }
  EXPECT_TRUE(load_strata_config("", real_fs()));
}

TEST(StrataConfig, AJobTakesOverWhatItDoesNotSay) {
  const auto c = parse_strata_config(R"(
guard:
  mode: drop
  new_values: 50
  max_total_series: 1000000
  window: 5m
  exempt_labels: [pod]
  jobs:
    - job_name: vllm
      mode: fold
      max_series: 20000
    - {job_name: node, mode: "off"}
)",
                                     "strata.yml");
  ASSERT_TRUE(c) << c.error().message;
  const auto& guard = c->guard;
  EXPECT_EQ(guard.max_total_series, 1'000'000u);
  EXPECT_EQ(guard.window, Millis(300'000));
  EXPECT_EQ(guard.of("vllm").mode, GuardMode::kFold);
  EXPECT_EQ(guard.of("vllm").max_series, 20'000u);
  EXPECT_EQ(guard.of("vllm").new_values, 50u);
  EXPECT_EQ(guard.of("vllm").exempt_labels, std::vector<std::string>{"pod"});
  EXPECT_EQ(guard.of("node").mode, GuardMode::kOff);
  EXPECT_EQ(guard.of("other").mode, GuardMode::kDrop);
}

TEST(StrataConfig, ModulesOfProbesAreSpeltAsBlackboxExportersAre) {
  const auto c = parse_strata_config(R"(
probes:
  http_2xx:
    prober: http
    timeout: 5s
    http:
      valid_http_versions: ["HTTP/1.1", "HTTP/2.0"]
      valid_status_codes: [200, 204]
      method: POST
      headers: {Accept-Language: en-US}
      fail_if_ssl: false
      fail_if_body_not_matches_regexp: ["Download the latest"]
      fail_if_header_matches:
        - {header: Set-Cookie, regexp: '.*'}
      tls_config: {ca_file: ca.pem}
      preferred_ip_protocol: "ip4"
  ssh: {prober: tcp, tcp: {query_response: [{expect: "^SSH-2.0-"}, {send: x}]}}
  canary:
    prober: canary
    allowed_targets: ["gpu-.*"]
    canary: {model: m, authorization: {credentials: secret}}
)",
                                     "/etc/strata/strata.yml");
  ASSERT_TRUE(c) << c.error().message;
  ASSERT_EQ(c->probes.size(), 3u);
  const auto& http = c->probes[0];
  EXPECT_EQ(http.name, "http_2xx");
  EXPECT_EQ(http.timeout, Millis(5'000));
  EXPECT_EQ(http.http.valid_status_codes, (std::vector<uint64_t>{200, 204}));
  EXPECT_EQ(http.http.http.tls_config.ca_file, "/etc/strata/ca.pem");
  EXPECT_EQ(http.http.fail_if_header_matches.at(0).header, "Set-Cookie");
  EXPECT_EQ(c->probes[1].tcp.query_response.at(0).expect, "^SSH-2.0-");
  EXPECT_EQ(c->probes[2].canary.model, "m");
  EXPECT_TRUE(c->probes[2].allowed_targets.at(0).full_match("gpu-1:80"));
}

TEST(StrataConfig, SaysWhichJobsKeepRawSeries) {
  const auto c = parse_strata_config(
      "catalog: {files: [own.yaml], jobs: [{job_name: vllm, keep_raw: false}, "
      "{job_name: node, translate: false}]}\n",
      "/etc/strata/strata.yml");
  ASSERT_TRUE(c) << c.error().message;
  EXPECT_EQ(c->catalog.files, std::vector<std::string>{"/etc/strata/own.yaml"});
  EXPECT_FALSE(c->catalog.of("vllm").keep_raw);
  EXPECT_TRUE(c->catalog.of("vllm").translate);
  EXPECT_FALSE(c->catalog.of("node").translate);
  EXPECT_TRUE(c->catalog.of("other").keep_raw);
}

TEST(StrataConfig, ErrorsNameThePlace) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"guards: {}\n", "strata.yml:1:1: unknown key \"guards\" (did you mean guard?)"},
      {"catalog: {jobs: [{keep_raw: false}]}\n", "strata.yml:1:18: job_name is missing"},
      {"guard: {mode: loud}\n",
       "strata.yml:1:15: mode: expected one of off, report, drop, fold, found \"loud\""},
      {"guard: {window: 1ms}\n", "strata.yml:1:17: window: at least 1s"},
      {"guard: {new_values: 0}\n", "strata.yml:1:21: new_values: at least 1"},
      {"guard: {jobs: [{mode: drop}]}\n", "strata.yml:1:16: job_name is missing"},
      {"guard:\n  jobs:\n    - job_name: a\n    - job_name: a\n",
       "strata.yml:4:17: jobs names a twice"},
      {"guard: {jobs: [{job_name: a, max_serie: 1}]}\n",
       "strata.yml:1:30: unknown key \"max_serie\" (did you mean max_series?)"},
      {"probes: {a: {timeout: 1s}}\n", "strata.yml:1:13: prober is missing"},
      {"probes: {a: {prober: icmp}}\n",
       "strata.yml:1:22: prober: expected one of http, tcp, canary, found \"icmp\""},
      {"probes: {a: {prober: canary, canary: {bearer_token: x}}}\n",
       "strata.yml:1:13: a module that sends credentials needs allowed_targets: whoever may ask "
       "for a probe could have them sent anywhere"},
      {"probes: {a: {prober: http, http: {headers: {X-Api-Key: x}}}}\n",
       "strata.yml:1:13: a module that sends credentials needs allowed_targets: whoever may ask "
       "for a probe could have them sent anywhere"},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(error_of(text), error) << text;
}

TEST(StrataConfig, FolderOfDashboardsIsBesideTheFile) {
  const auto c = parse_strata_config("dashboards: {folder: boards}\n", "/etc/strata/strata.yml");
  ASSERT_TRUE(c) << c.error().message;
  EXPECT_EQ(c->dashboards.folder, "/etc/strata/boards");
}

TEST(StrataConfig, RulesOfRetention) {
  const auto c = parse_strata_config(R"(
storage:
  retention:
    - match: '{__name__=~"app_.*"}'
      keep: 2y
    - {match: '{job="debug"}', keep: 2d}
)",
                                     "strata.yml");
  ASSERT_TRUE(c) << c.error().message;
  ASSERT_EQ(c->storage.retention.size(), 2u);
  EXPECT_EQ(c->storage.retention[0].match, R"({__name__=~"app_.*"})");
  EXPECT_EQ(c->storage.retention[0].keep, std::chrono::days(2 * 365));
  EXPECT_EQ(c->storage.retention[0].place, "strata.yml:4:14");
  EXPECT_EQ(c->storage.retention[1].keep, std::chrono::days(2));

  EXPECT_EQ(error_of("storage:\n  retention:\n    - keep: 2d\n"),
            "strata.yml:3:7: match is missing: a selector of series");
  EXPECT_EQ(error_of("storage:\n  retention:\n    - match: up\n"),
            "strata.yml:3:7: keep is missing: a duration, 0 for ever");
}

}  // namespace
}  // namespace strata::config

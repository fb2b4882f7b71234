#include <gtest/gtest.h>

#include "base/fs.h"
#include "base/temp_dir.h"
#include "config/decode.h"
#include "config/environment.h"
#include "config/glob.h"
#include "config/load.h"
#include "config/url.h"

namespace strata::config {
namespace {

void write_file(const std::string& path, std::string_view text) {
  const auto file = real_fs().create(path);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->append(text));
}

ParsedConfig parsed(std::string_view text, std::string_view file = "/etc/strata/p.yml") {
  Result<ParsedConfig> result = parse_config(text, file, [](std::string_view name) {
    return name == "REGION" ? std::optional<std::string>("eu-1") : std::nullopt;
  });
  EXPECT_TRUE(result) << result.error().message;
  return result ? *std::move(result) : ParsedConfig{};
}

std::string error_of(std::string_view text) {
  const Result<ParsedConfig> result = parse_config(text, "p.yml");
  return result ? "no error" : result.error().message;
}

/// One job with `keys` at its level.
std::string job(std::string_view keys) {
  return "scrape_configs:\n- job_name: j\n  " + std::string(keys) + "\n";
}

TEST(Config, AnEmptyFileHasPrometheusDefaults) {
  for (const std::string_view text : {"", "global:\n", "global: {}\n", "scrape_configs:\n"}) {
    const Config c = parsed(text).config;
    EXPECT_EQ(c.global.scrape_interval, Millis{60'000});
    EXPECT_EQ(c.global.scrape_timeout, Millis{10'000});
    EXPECT_EQ(c.global.evaluation_interval, Millis{60'000});
    EXPECT_TRUE(c.scrape_configs.empty());
  }
}

TEST(Config, JobsTakeOverFromGlobal) {
  const Config c = parsed(R"(
scrape_configs:
- job_name: inherits
- job_name: own
  scrape_interval: 5s
  sample_limit: 7
  scrape_native_histograms: false
  scrape_protocols: [PrometheusText0.0.4]
global:
  scrape_interval: 20s
  scrape_timeout: 15s
  sample_limit: 100
  body_size_limit: 10MB
  scrape_native_histograms: true
)")
                       .config;
  const ScrapeConfig& inherits = c.scrape_configs.at(0);
  EXPECT_EQ(inherits.scrape_interval, Millis{20'000});
  EXPECT_EQ(inherits.scrape_timeout, Millis{15'000});
  EXPECT_EQ(inherits.sample_limit, 100U);
  EXPECT_EQ(inherits.body_size_limit.bytes, 10 << 20);
  EXPECT_TRUE(inherits.scrape_native_histograms);
  EXPECT_EQ(inherits.scrape_protocols, default_scrape_protocols(true));
  EXPECT_EQ(inherits.metrics_path, "/metrics");
  EXPECT_TRUE(inherits.honor_timestamps);

  const ScrapeConfig& own = c.scrape_configs.at(1);
  EXPECT_EQ(own.scrape_timeout, Millis{5'000}) << "at most the interval";
  EXPECT_EQ(own.sample_limit, 7U);
  EXPECT_FALSE(own.scrape_native_histograms);
  EXPECT_EQ(own.scrape_protocols, std::vector{ScrapeProtocol::kPrometheusText004});
}

TEST(Config, NullIsZeroAndNotTheDefault) {
  const Config c = parsed(job("honor_timestamps:\n  metrics_path:\n  relabel_configs:\n"
                              "  - target_label: a\n    regex:\n"))
                       .config;
  EXPECT_FALSE(c.scrape_configs[0].honor_timestamps);
  EXPECT_EQ(c.scrape_configs[0].metrics_path, "");
  EXPECT_EQ(c.scrape_configs[0].relabel_configs[0].regex.pattern(), "");
}

TEST(Config, ReadsAWholeJob) {
  const ScrapeConfig c = parsed(R"(
scrape_configs:
- job_name: vllm
  honor_labels: yes
  params: {module: [a, b], "match[]": ['{job="x"}']}
  fallback_scrape_protocol: PrometheusText0.0.4
  scheme: https
  basic_auth: {username: u, password: hunter2}
  tls_config: {ca_file: ca.pem, min_version: TLS12}
  http_headers:
    X-Scope: {values: [a], secrets: [s], files: [h.txt]}
  static_configs:
  - targets: [a:1, b:2]
    labels: {rack: 007, row: "3"}
  file_sd_configs:
  - files: [targets/*.json]
  relabel_configs:
  - source_labels: [__address__, job]
    action: HashMod
    modulus: 4
    target_label: shard
)")
                             .config.scrape_configs.at(0);
  EXPECT_TRUE(c.honor_labels);
  EXPECT_EQ(c.params.at(0).values, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(c.params.at(1).name, "match[]");
  EXPECT_EQ(c.fallback_scrape_protocol, ScrapeProtocol::kPrometheusText004);
  EXPECT_EQ(c.http.basic_auth->password.reveal(), "hunter2");
  EXPECT_EQ(c.http.tls_config.ca_file, "/etc/strata/ca.pem");
  EXPECT_EQ(c.http.tls_config.min_version, TlsVersion::kTls12);
  EXPECT_EQ(c.http.http_headers.at(0).name, "X-Scope");
  EXPECT_EQ(c.http.http_headers.at(0).files.at(0), "/etc/strata/h.txt");
  EXPECT_EQ(c.discovery.static_configs.at(0).labels, (Labels{{"rack", "007"}, {"row", "3"}}));
  EXPECT_EQ(c.discovery.file_sd_configs.at(0).files.at(0), "/etc/strata/targets/*.json");
  EXPECT_EQ(c.relabel_configs.at(0).action, RelabelAction::kHashMod);
}

TEST(Config, ABearerTokenIsAnAuthorization) {
  const Config c = parsed(job("bearer_token: abc")).config;
  EXPECT_EQ(c.scrape_configs[0].http.authorization->type, "Bearer");
  EXPECT_EQ(c.scrape_configs[0].http.authorization->credentials.reveal(), "abc");
}

TEST(Config, MergeKeysWorkAsPeopleUseThem) {
  const Config c = parsed(R"(
scrape_configs:
- &base
  job_name: a
  scrape_interval: 7s
  static_configs: [{targets: [a:1]}]
- <<: *base
  job_name: b
)")
                       .config;
  EXPECT_EQ(c.scrape_configs[1].job_name, "b");
  EXPECT_EQ(c.scrape_configs[1].scrape_interval, Millis{7'000});
}

TEST(Config, ErrorsSayWhereAndWhatWasMeant) {
  const struct {
    std::string text;
    const char* error;
  } cases[] = {
      {job("scrape_intervall: 5s"),
       "p.yml:3:3: unknown key \"scrape_intervall\" (did you mean scrape_interval?)"},
      {"globl: {}\n", "p.yml:1:1: unknown key \"globl\" (did you mean global?)"},
      {"xyzzy: 1\n", "p.yml:1:1: unknown key \"xyzzy\""},
      {job("tls_config: {cafile: x}"),
       "p.yml:3:16: unknown key \"cafile\" (did you mean ca_file?)"},
      {job("scrape_interval: 5"),
       "p.yml:3:20: scrape_interval: expected a duration such as 30s or 1h30m, found \"5\""},
      {job("scrape_interval: [5s]"),
       "p.yml:3:20: scrape_interval: expected a duration such as 30s or 1h30m, found a list"},
      {job("honor_labels: maybe"),
       "p.yml:3:17: honor_labels: expected true or false, found \"maybe\""},
      {job("sample_limit: -1"),
       "p.yml:3:17: sample_limit: expected a whole number that is not negative, found \"-1\""},
      {job("static_configs: {targets: [a:1]}"),
       "p.yml:3:19: static_configs: expected a list, found a mapping"},
      {job("scheme: ftp"), "p.yml:3:11: scheme is http or https, not \"ftp\""},
      {job("consul_sd_configs: []"),
       "p.yml:3:3: consul_sd_configs is not supported; there are static_configs, file_sd_configs, "
       "http_sd_configs, dns_sd_configs and kubernetes_sd_configs"},
      {job("file_sd_configs: [{files: [a/*/b.json]}]"),
       "p.yml:3:30: \"a/*/b.json\": a target file ends in .json, .yml or .yaml, and a * stands in "
       "its last path component only"},
      {job("dns_sd_configs: [{names: [a], type: a}]"),
       "p.yml:3:20: dns_sd_configs with A records needs a port"},
      {job("relabel_configs: [{action: replaces}]"),
       "p.yml:3:30: action: expected one of replace, keep, drop, keepequal, dropequal, hashmod, "
       "labelmap, labeldrop, labelkeep, lowercase, uppercase, found \"replaces\""},
      {job("relabel_configs: [{source_labels: [a], action: keepequal, target_label: b, regex: "
           "(.*)}]"),
       "p.yml:3:85: keepequal has no use for regex: it takes source_labels and target_label only"},
      {job("basic_auth: {username: a, username_file: b}"),
       "p.yml:3:44: username and username_file exclude each other"},
      {job("authorization: {type: ' Basic '}"),
       "p.yml:3:25: authorization of type basic is written as basic_auth"},
      {job("oauth2: {client_id: a}"), "p.yml:3:11: oauth2 needs token_url"},
      {job("proxy_connect_header: {a: [b]}"),
       "p.yml:3:25: proxy_connect_header needs proxy_url or proxy_from_environment"},
      {job("no_proxy: a"), "p.yml:3:13: no_proxy needs proxy_url"},
      {job("tls_config: {cert_file: a}"), "p.yml:3:15: a client certificate needs key or key_file"},
      {job("http_headers: {authorization: {values: [a]}}"),
       "p.yml:3:18: http_headers may not set authorization"},
      {job("scrape_protocols: []"), "p.yml:3:21: scrape_protocols lists at least one protocol"},
      {"global: {scrape_interval: 1s, scrape_timeout: 2s}\n",
       "p.yml:1:47: scrape_timeout 2s is longer than scrape_interval 1s"},
      {"global: {metric_name_validation_scheme: legacy, external_labels: {a-b: c}}\n",
       "p.yml:1:67: external_labels: \"a-b\" is not a label name"},
      {"[1, 2]\n", "p.yml:1:1: expected a mapping, found a list"},
      {"scrape_configs:\n- job_name: b\n  sampel_limit: x\n  scrape_interval: x\n",
       "p.yml:3:3: unknown key \"sampel_limit\" (did you mean sample_limit?)"},
  };
  for (const auto& c : cases) EXPECT_EQ(error_of(c.text), c.error) << c.text;
}

TEST(Config, AUrlIsNoAlertmanagerEither) {
  EXPECT_TRUE(error_of("alerting: {alertmanagers: [{static_configs: [{targets: ['http://a']}]}]}")
                  .contains("host:port"));
}

TEST(Config, AUrlAsTargetIsLeftToRelabelling) {
  EXPECT_TRUE(error_of(job("static_configs: [{targets: ['http://a/b']}]")).contains("host:port"));
  EXPECT_EQ(error_of(job("static_configs: [{targets: ['http://a/b']}]\n  relabel_configs:\n"
                         "  - {source_labels: [__address__], target_label: __param_target}")),
            "no error");
}

TEST(Config, WarnsOfWhatHasNoEffect) {
  const ParsedConfig p = parsed("rule_files: [a.yml]\nstorage: {tsdb: {retention: {time: 1d}}}\n" +
                                job("scrape_failure_log_file: a"));
  EXPECT_EQ(
      p.warnings,
      (std::vector<std::string>{
          "/etc/strata/p.yml:2:18: storage: tsdb: retention: not supported yet; ignored",
          "/etc/strata/p.yml:5:3: job j: scrape_failure_log_file: not supported yet; ignored"}));
  EXPECT_EQ(p.config.rule_files.at(0), "/etc/strata/a.yml");
}

TEST(Config, ExpandsTheEnvironmentInExternalLabels) {
  const ParsedConfig p = parsed(
      "global:\n  external_labels: {region: '${REGION}', zone: a-$REGION-b, cost: $$5, x: "
      "$NONE}\n");
  EXPECT_EQ(p.config.global.external_labels,
            (Labels{{"region", "eu-1"}, {"zone", "a-eu-1-b"}, {"cost", "$5"}}));
  ASSERT_EQ(p.warnings.size(), 1U);
  EXPECT_TRUE(p.warnings[0].contains("environment variable NONE is empty"));
}

TEST(Environment, ExpandsAsGosOsExpand) {
  const Environment env = [](std::string_view name) {
    return name == "A" || name == "A_1" ? std::optional<std::string>("x") : std::nullopt;
  };
  const std::pair<const char*, const char*> cases[] = {
      {"$A", "x"}, {"${A}", "x"}, {"a$A_1.b", "ax.b"}, {"$", "$"},   {"a$-b", "ab"}, {"$ A", "$ A"},
      {"${}", ""}, {"${A", "A"},  {"$$A", "$A"},       {"$1A", "A"}, {"${A}}", "x}"}};
  for (const auto& [text, expanded] : cases) {
    std::vector<std::string> missing;
    EXPECT_EQ(expand_environment(text, env, missing), expanded) << text;
  }
}

TEST(LoadConfig, ReadsScrapeConfigFiles) {
  const TempDir dir;
  ASSERT_TRUE(real_fs().create_directories(dir.file("jobs")));
  write_file(dir.file("main.yml"),
             "global: {scrape_interval: 9s}\nscrape_config_files: [jobs/*.yml]\n"
             "scrape_configs: [{job_name: main}]\n");
  write_file(dir.file("jobs/b.yml"), "scrape_configs: [{job_name: b}]\n");
  write_file(dir.file("jobs/a.yml"),
             "scrape_configs: [{job_name: a, tls_config: {ca_file: ../ca.pem}}]\n");
  write_file(dir.file("jobs/c.txt"), "not: read\n");

  const Result<ParsedConfig> loaded = load_config(dir.file("main.yml"), real_fs());
  ASSERT_TRUE(loaded) << loaded.error().message;
  const std::vector<ScrapeConfig>& jobs = loaded->config.scrape_configs;
  ASSERT_EQ(jobs.size(), 3U);
  EXPECT_EQ(loaded->config.own_scrape_configs, 1U);
  EXPECT_EQ(jobs[1].job_name, "a");
  EXPECT_EQ(jobs[1].scrape_interval, Millis{9'000});
  EXPECT_EQ(jobs[1].http.tls_config.ca_file, dir.file("ca.pem"));
  EXPECT_FALSE(to_yaml(loaded->config).contains("job_name: b"));

  write_file(dir.file("jobs/d.yml"), "scrape_configs:\n- job_name: main\n");
  const Result<ParsedConfig> twice = load_config(dir.file("main.yml"), real_fs());
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message, dir.file("jobs/d.yml") +
                                       ":2:13: job_name main is taken already (in " +
                                       dir.file("main.yml") + ")");
}

TEST(LoadConfig, AMissingFileIsNotFound) {
  const TempDir dir;
  const Result<ParsedConfig> loaded = load_config(dir.file("none.yml"), real_fs());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
}

TEST(ToYaml, HidesSecretsAndFillsInDefaults) {
  const Config c = parsed(R"(
global: {external_labels: {dc: "yes"}}
scrape_configs:
- job_name: "a: b"
  params: {x: ['1', 'true']}
  basic_auth: {username: u, password: hunter2}
  proxy_url: http://u:hunter2@proxy:3128
  http_headers: {X-Key: {secrets: [hunter2]}}
  static_configs:
  - targets: ["[::1]:80", localhost:9090]
  relabel_configs:
  - {source_labels: [a], regex: 'x\.y: ?', target_label: b}
)")
                       .config;
  EXPECT_EQ(to_yaml(c), R"(global:
  scrape_interval: 1m
  scrape_timeout: 10s
  evaluation_interval: 1m
  external_labels:
    dc: "yes"
  metric_name_validation_scheme: utf8
  metric_name_escaping_scheme: allow-utf-8
  scrape_native_histograms: false
  extra_scrape_metrics: false
scrape_configs:
- job_name: "a: b"
  honor_timestamps: true
  track_timestamps_staleness: false
  params:
    x:
    - "1"
    - "true"
  scrape_interval: 1m
  scrape_timeout: 10s
  scrape_protocols:
  - OpenMetricsText1.0.0
  - OpenMetricsText0.0.1
  - PrometheusText1.0.0
  - PrometheusText0.0.4
  scrape_native_histograms: false
  always_scrape_classic_histograms: false
  convert_classic_histograms_to_nhcb: false
  metrics_path: /metrics
  scheme: http
  enable_compression: true
  metric_name_validation_scheme: utf8
  metric_name_escaping_scheme: allow-utf-8
  extra_scrape_metrics: false
  basic_auth:
    username: u
    password: <secret>
  follow_redirects: true
  enable_http2: true
  proxy_url: http://u:xxxxx@proxy:3128
  http_headers:
    X-Key:
      secrets:
      - <secret>
  relabel_configs:
  - source_labels:
    - a
    separator: ;
    regex: "x\\.y: ?"
    target_label: b
    replacement: $1
    action: replace
  static_configs:
  - targets:
    - "[::1]:80"
    - localhost:9090
)");
}

TEST(ToYaml, OfOneJobIsWhatStandsInTheWhole) {
  const Config c = default_config();
  for (const ScrapeConfig& job : c.scrape_configs) {
    const std::string yaml = to_yaml(job);
    EXPECT_TRUE(yaml.contains("job_name: " + job.job_name + "\n")) << yaml;
    // As an item of a list it has a dash, and two more spaces before each line.
    const std::string_view tail = std::string_view(yaml).substr(yaml.rfind('\n', yaml.size() - 2));
    EXPECT_TRUE(to_yaml(c).contains("\n  " + std::string(tail.substr(1)))) << yaml;
  }
}

TEST(ToYaml, TheDefaultConfigIsReadable) {
  const std::string yaml = to_yaml(default_config());
  EXPECT_TRUE(yaml.contains("  # in_process: host\n- job_name: node\n")) << yaml;
  const ParsedConfig again = parsed(yaml);
  ASSERT_EQ(again.config.scrape_configs.size(), 3U);
  EXPECT_EQ(again.config.scrape_configs[2].job_name, "local-engines");
  EXPECT_EQ(again.config.scrape_configs[2].scrape_interval, Millis{5'000});
}

TEST(ToYaml, AnyTextReadsBack) {
  for (const std::string text : {"plain",        "",         "-",         "- a",
                                 "a: b",         "a:",       "a #b",      "#a",
                                 "null",         "1",        "0x1",       "1e3",
                                 ".inf",         "<<",       "=",         "yes",
                                 "'q'",          "\"q\"",    "*a",        "&a",
                                 "!a",           "%a",       "@a",        "`a",
                                 "[a",           "{a",       "a]",        "a, b",
                                 " a",           "a ",       "a\nb",      "tab\t",
                                 "\x7f",         "\xc2\x85", "a\u2028 b", "\xef\xbb\xbf",
                                 "\xef\xbf\xbf", "ü 漢 🙂",  "\x01",      "?",
                                 "? a",          "|",        ">",         "~",
                                 "2001-01-01",   "a\\b"}) {
    Config c;
    c.scrape_configs.emplace_back().job_name = "j";
    c.scrape_configs[0].metrics_path = "/" + text;
    c.scrape_configs[0].discovery.static_configs.push_back({.targets = {text}, .labels = {}});
    c.own_scrape_configs = 1;
    const std::string yaml = to_yaml(c);
    const Result<ParsedConfig> again = parse_config(yaml, "/p.yml");
    ASSERT_TRUE(again) << again.error().message << "\n" << yaml;
    EXPECT_EQ(again->config.scrape_configs[0].metrics_path, "/" + text);
    EXPECT_EQ(again->config.scrape_configs[0].discovery.static_configs[0].targets[0], text);
  }
}

TEST(ByteSizes, HaveUnitsThatArePowersOf1024) {
  const std::pair<const char*, int64_t> cases[] = {{"0", 0},
                                                   {"1B", 1},
                                                   {"1KB", 1024},
                                                   {"15MB", 15 << 20},
                                                   {"15MiB", 15 << 20},
                                                   {"1.5GB", 3LL << 29},
                                                   {"1MiB512KiB", (1 << 20) + (512 << 10)},
                                                   {"-1GB", -(1LL << 30)}};
  for (const auto& [text, bytes] : cases) {
    const Result<int64_t> parsed_size = parse_byte_size(text);
    ASSERT_TRUE(parsed_size) << text;
    EXPECT_EQ(*parsed_size, bytes) << text;
    EXPECT_EQ(*parse_byte_size(format_byte_size(bytes)), bytes);
  }
  for (const char* text :
       {"", "100", "MB", "1 MB", "1XB", "1M", "1MBx", "99999EB", "-", "1..2KB"}) {
    EXPECT_FALSE(parse_byte_size(text)) << text;
  }
  EXPECT_EQ(format_byte_size((1 << 20) + (512 << 10)), "1MiB512KiB");
}

TEST(Glob, MatchesWithinOnePathComponent) {
  const struct {
    const char* pattern;
    const char* name;
    bool matches;
  } cases[] = {{"*", "", true},
               {"*.yml", "a.yml", true},
               {"*.yml", ".yml", true},
               {"*.yml", "a.yaml", false},
               {"a*b*c", "aXbYbZc", true},
               {"a*b*c", "aXbY", false},
               {"?.yml", "a.yml", true},
               {"?.yml", ".yml", false},
               {"[a-c]x", "bx", true},
               {"[a-c]x", "dx", false},
               {"[^a-c]x", "dx", true},
               {"\\*", "*", true},
               {"\\*", "a", false},
               {"[", "[", false},
               {"[a", "a", false},
               {"[]a]", "]", true},
               {"a", "a", true},
               {"", "a", false}};
  for (const auto& c : cases) {
    EXPECT_EQ(glob_match(c.pattern, c.name), c.matches) << c.pattern << " " << c.name;
  }
}

TEST(Glob, FindsFilesSorted) {
  const TempDir dir;
  for (const char* sub : {"x1", "x2", "y"}) {
    ASSERT_TRUE(real_fs().create_directories(dir.file(sub)));
    write_file(dir.file(std::string(sub) + "/b.yml"), "");
    write_file(dir.file(std::string(sub) + "/a.yml"), "");
  }
  EXPECT_EQ(glob(real_fs(), dir.file("x?/*.yml")),
            (std::vector<std::string>{dir.file("x1/a.yml"), dir.file("x1/b.yml"),
                                      dir.file("x2/a.yml"), dir.file("x2/b.yml")}));
  EXPECT_EQ(glob(real_fs(), dir.file("y/a.yml")), std::vector{dir.file("y/a.yml")});
  EXPECT_TRUE(glob(real_fs(), dir.file("none/*.yml")).empty());
}

TEST(Paths, AreJoinedAndCleaned) {
  const struct {
    const char* directory;
    const char* path;
    const char* joined;
  } cases[] = {{"/etc/p", "a.yml", "/etc/p/a.yml"},
               {"/etc/p", "../a", "/etc/a"},
               {"/etc", "/abs", "/abs"},
               {"/etc", "", ""},
               {".", "a/./b", "a/b"},
               {".", "../x", "../x"},
               {"/", "../x", "/x"},
               {".", ".", "."}};
  for (const auto& c : cases) EXPECT_EQ(join_path(c.directory, c.path), c.joined) << c.path;
  EXPECT_EQ(directory_of("a/b.yml"), "a");
  EXPECT_EQ(directory_of("b.yml"), ".");
  EXPECT_EQ(directory_of("/b.yml"), "/");
}

TEST(Suggestions, AreMadeOnlyWhenNear) {
  const std::string_view words[] = {"scrape_interval", "scrape_timeout", "scheme"};
  EXPECT_EQ(nearest_word("scrape_intreval", words), "scrape_interval");
  EXPECT_EQ(nearest_word("shceme", words), "scheme");
  EXPECT_EQ(nearest_word("labels", words), "");
}

TEST(Urls, HideTheirPassword) {
  EXPECT_EQ(redact_url("http://u:p@h:1/x?y#z"), "http://u:xxxxx@h:1/x?y#z");
  EXPECT_EQ(redact_url("http://u@h/x:y@z"), "http://u@h/x:y@z");
  EXPECT_EQ(redact_url("not a url"), "not a url");
  EXPECT_EQ(split_url("https://a:b@c:1/d").host, "c:1");
}

}  // namespace
}  // namespace strata::config

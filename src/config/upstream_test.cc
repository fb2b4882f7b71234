// Prometheus' own configuration test files: what it accepts loads, what it refuses is refused, and
// for the reason that the file's name gives. They are not part of this repository.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "base/fs.h"
#include "config/load.h"

namespace strata::config {
namespace {

std::string data_dir() {
  const char* shared = std::getenv("STRATA_SHARED_DATA");
  return std::string(shared == nullptr ? "../shared/data" : shared) + "/prometheus/config";
}

/// What the error of a bad file must mention.
const std::map<std::string, std::string>& reasons() {
  static const std::map<std::string, std::string> table = {
      {"bearertoken.bad.yml", "bearer_token and bearer_token_file exclude each other"},
      {"bearertoken_basicauth.bad.yml", "basic_auth and bearer_token exclude each other"},
      {"dropequal.bad.yml", "dropequal needs target_label"},
      {"dropequal1.bad.yml", "dropequal has no use for regex"},
      {"empty_alert_relabel_config.bad.yml",
       "alert_relabel_configs: an entry of the list is empty"},
      {"empty_alertmanager_relabel_config.bad.yml",
       "relabel_configs: an entry of the list is empty"},
      {"empty_metric_relabel_config.bad.yml",
       "metric_relabel_configs: an entry of the list is empty"},
      {"empty_rr_config.bad.yml", "remote_read: an entry of the list is empty"},
      {"empty_rw_config.bad.yml", "remote_write: an entry of the list is empty"},
      {"empty_rw_relabel_config.bad.yml", "write_relabel_configs: an entry of the list is empty"},
      {"empty_scrape_config.bad.yml", "scrape_configs: an entry of the list is empty"},
      {"empty_scrape_config_action.bad.yml", "action is empty"},
      {"empty_static_config.bad.yml", "static_configs: an entry of the list is empty"},
      {"empty_target_relabel_config.bad.yml", "relabel_configs: an entry of the list is empty"},
      {"http_token_file.bad.yml", "bearer_token and bearer_token_file exclude each other"},
      {"http_url_bad_scheme.bad.yml", "starts with http:// or https://"},
      {"http_url_no_host.bad.yml", "has no host"},
      {"http_url_no_scheme.bad.yml", "starts with http:// or https://"},
      {"jobname.bad.yml", "needs a job_name"},
      {"jobname_dup.bad.yml", "job_name prometheus is taken"},
      {"keepequal.bad.yml", "keepequal needs target_label"},
      {"keepequal1.bad.yml", "keepequal has no use for regex"},
      {"kubernetes_api_server_with_own_namespace.bad.yml", "not with api_server"},
      {"kubernetes_authorization_basicauth.bad.yml",
       "basic_auth and authorization exclude each other"},
      {"kubernetes_bearertoken.bad.yml", "bearer_token and bearer_token_file exclude each other"},
      {"kubernetes_bearertoken_basicauth.bad.yml",
       "basic_auth and bearer_token exclude each other"},
      {"kubernetes_http_config_without_api_server.bad.yml", "need api_server"},
      {"kubernetes_kubeconfig_with_apiserver.bad.yml",
       "api_server and kubeconfig_file exclude each other"},
      {"kubernetes_kubeconfig_with_http_config.bad.yml", "no HTTP client settings beside it"},
      {"kubernetes_kubeconfig_with_own_namespace.bad.yml", "not with kubeconfig_file"},
      {"kubernetes_namespace_discovery.bad.yml", "unknown key \"foo\""},
      {"kubernetes_role.bad.yml", "role: expected one of node, pod"},
      {"kubernetes_selectors_duplicated_role.bad.yml", "a second selector for pod"},
      {"kubernetes_selectors_endpoints.bad.yml", "selectors for pod, service, endpoints only"},
      {"kubernetes_selectors_incorrect_selector.bad.yml", "\"metadata.status-Running\""},
      {"kubernetes_selectors_ingress.bad.yml", "selectors for ingress only"},
      {"kubernetes_selectors_node.bad.yml", "selectors for node only"},
      {"kubernetes_selectors_pod.bad.yml", "selectors for pod, node only"},
      {"kubernetes_selectors_service.bad.yml", "selectors for service only"},
      {"labeldrop.bad.yml", "labeldrop has no use for source_labels"},
      {"labeldrop2.bad.yml", "labeldrop has no use for modulus"},
      {"labeldrop3.bad.yml", "labeldrop has no use for separator"},
      {"labeldrop4.bad.yml", "labeldrop has no use for replacement"},
      {"labeldrop5.bad.yml", "labeldrop has no use for target_label"},
      {"labelkeep.bad.yml", "labelkeep has no use for source_labels"},
      {"labelkeep2.bad.yml", "labelkeep has no use for modulus"},
      {"labelkeep3.bad.yml", "labelkeep has no use for separator"},
      {"labelkeep4.bad.yml", "labelkeep has no use for replacement"},
      {"labelkeep5.bad.yml", "labelkeep has no use for target_label"},
      {"labelmap.bad.yml", "not valid base64"},
      {"labelname.bad.yml", "a label name is not empty and is UTF-8"},
      {"labelvalue.bad.yml", "the value of name is not UTF-8"},
      {"lowercase.bad.yml", "lowercase needs target_label"},
      {"lowercase3.bad.yml", "lowercase takes no replacement"},
      {"metric_name_validation_scheme.bad.yml", "expected one of utf8, legacy"},
      {"modulus_missing.bad.yml", "hashmod needs a modulus"},
      {"otlp_allow_utf8.bad.yml", "translation_strategy \"Invalid\" is unknown"},
      {"otlp_ignore_resource_attributes_without_promote_all.bad.yml",
       "needs promote_all_resource_attributes"},
      {"otlp_promote_all_resource_attributes.bad.yml", "exclude each other"},
      {"otlp_sanitize_ignore_resource_attributes.bad.yml", "ignore_resource_attributes names"},
      {"otlp_sanitize_promote_resource_attributes.bad.yml", "promote_resource_attributes names"},
      {"regex.bad.yml", "invalid regular expression \"abc(def\""},
      {"remote_read_dup.bad.yml", "remote_read names queue1 twice"},
      {"remote_read_header.bad.yml", "may not set x-prometheus-remote-write-version"},
      {"remote_read_url_missing.bad.yml", "remote_read needs a url"},
      {"remote_write_authorization_header.bad.yml", "may not set authorization"},
      {"remote_write_dup.bad.yml", "remote_write names queue1 twice"},
      {"remote_write_header.bad.yml", "may not set x-prometheus-remote-write-version"},
      {"remote_write_queue_capacity_zero.bad.yml", "capacity must be above 0"},
      {"remote_write_queue_max_backoff_less_than_min.bad.yml", "max_backoff is below min_backoff"},
      {"remote_write_queue_max_samples_per_send_zero.bad.yml",
       "max_samples_per_send must be above 0"},
      {"remote_write_queue_max_shards_zero.bad.yml", "max_shards must be above 0"},
      {"remote_write_queue_min_shards_greater_than_max.bad.yml", "min_shards is above max_shards"},
      {"remote_write_queue_min_shards_zero.bad.yml", "min_shards must be above 0"},
      {"remote_write_url_missing.bad.yml", "remote_write needs a url"},
      {"remote_write_wrong_msg.bad.yml", "protobuf_message is"},
      {"rules.bad.yml", "rule_files: \"my/*/rule\""},
      {"scrape_body_size_limit.bad.yml", "body_size_limit: expected a size with its unit"},
      {"scrape_config_files.bad.yml", "scrape_timeout 20s is longer than scrape_interval 10s"},
      {"scrape_config_files_double_import.bad.yml", "job_name prometheus is taken"},
      {"scrape_config_files_duplicate.bad.yml", "job_name prometheus is taken"},
      {"scrape_config_files_fallback_scrape_protocol1.bad.yml",
       "fallback_scrape_protocol: expected one of"},
      {"scrape_config_files_fallback_scrape_protocol2.bad.yml",
       "fallback_scrape_protocol: expected one of"},
      {"scrape_config_files_glob.bad.yml", "scrape_config_files: \"scrape_configs/*/*\""},
      {"scrape_config_files_global.bad.yml",
       "scrape_timeout 20s is longer than scrape_interval 10s"},
      {"scrape_config_files_global_duplicate.bad.yml", "job_name prometheus is taken"},
      {"scrape_config_files_scrape_protocols.bad.yml", "scrape_protocols: expected one of"},
      {"scrape_config_files_scrape_protocols2.bad.yml", "names OpenMetricsText1.0.0 twice"},
      {"scrape_config_utf8_conflicting.bad.yml", "needs metric_name_validation_scheme utf8"},
      {"scrape_interval.bad.yml", "scrape_timeout 6s is longer than scrape_interval 5s"},
      {"section_key_dup.bad.yml", "duplicate key \"scrape_configs\""},
      {"static_config.bad.yml", "unknown key \"targets\""},  // a target file, not a config
      {"target_label_hashmod_missing.bad.yml", "hashmod needs target_label"},
      {"target_label_missing.bad.yml", "replace needs target_label"},
      {"tracing_invalid_authorization_header.bad.yml", "may not set authorization"},
      {"tracing_invalid_compression.bad.yml", "compression is gzip, not \"foo\""},
      {"tracing_invalid_header.bad.yml", "may not set x-prometheus-remote-write-version"},
      {"tracing_missing_endpoint.bad.yml", "tracing needs an endpoint"},
      {"tsdb_chunk_encoding_floats.bad.yml", "floats is xor or xor2, not \"xor3\""},
      {"tsdb_chunk_encoding_floats_wrong_case.bad.yml", "floats is xor or xor2, not \"XOR\""},
      {"tsdb_chunk_encoding_floats_wrong_case_xor2.bad.yml", "floats is xor or xor2, not \"XOR2\""},
      {"tsdb_retention_percentage.bad.yml", "percentage is between 0 and 100"},
      {"tsdb_retention_percentage_negative.bad.yml", "percentage is between 0 and 100"},
      {"tsdb_retention_size.bad.yml", "size is not negative"},
      {"tsdb_retention_time.bad.yml", "time: expected a duration"},
      {"unknown_attr.bad.yml", "unknown key \"consult_sd_configs\""},
      {"unknown_global_attr.bad.yml", "unknown key \"nonexistent_field\""},
      {"uppercase.bad.yml", "uppercase needs target_label"},
      {"uppercase3.bad.yml", "uppercase takes no replacement"},
      {"url_in_targetgroup.bad.yml", "\"http://bad\" is not a target"},
      // Neither good nor bad by name, and refused by Prometheus too.
      {"config_with_deprecated_am_api_config.yml", "api_version is v2, not \"v1\""},
      {"otlp_allow_utf8.incompatible.yml", "needs metric_name_validation_scheme utf8"},
      {"otlp_no_translation.incompatible.yml", "needs metric_name_validation_scheme utf8"},
  };
  return table;
}

/// Files about service discovery that Strata does not have: refused for that, good or bad.
bool is_about_other_discovery(const std::string& file) {
  static const std::set<std::string> good = {"conf.good.yml", "roundtrip.good.yml",
                                             // imports a job that uses vultr_sd_configs
                                             "scrape_config_files_glob.good.yml"};
  if (good.contains(file)) return true;
  for (const std::string_view provider :
       {"azure_", "ec2_", "eureka_", "hetzner_", "ionos_", "lightsail_", "marathon_", "oci_",
        "openstack_", "outscale_", "ovhcloud_", "puppetdb_", "scaleway_", "stackit_", "uyuni_"}) {
    if (file.starts_with(provider)) return true;
  }
  return false;
}

class Upstream : public testing::Test {
 protected:
  void SetUp() override {
    if (!real_fs().exists(data_dir())) GTEST_SKIP() << "no test data at " << data_dir();
    for (const DirEntry& entry : *real_fs().list(data_dir())) {
      if (entry.name.ends_with(".yml")) files_.push_back(entry.name);
    }
    ASSERT_GT(files_.size(), 150U);
  }
  static Result<ParsedConfig> load(const std::string& file) {
    return load_config(data_dir() + "/" + file, real_fs());
  }
  std::vector<std::string> files_;
};

TEST_F(Upstream, AcceptsAndRefusesWhatPrometheusDoes) {
  size_t checked = 0;
  for (const std::string& file : files_) {
    const Result<ParsedConfig> parsed = load(file);
    const auto reason = reasons().find(file);
    if (is_about_other_discovery(file)) {
      ASSERT_FALSE(parsed) << file;
      EXPECT_TRUE(parsed.error().message.contains("_sd_configs is not supported"))
          << file << ": " << parsed.error().message;
    } else if (reason != reasons().end()) {
      ASSERT_FALSE(parsed) << file;
      EXPECT_TRUE(parsed.error().message.contains(reason->second))
          << file << ": " << parsed.error().message;
    } else {
      EXPECT_FALSE(file.contains(".bad.")) << file << " has no reason in the table";
      EXPECT_TRUE(parsed) << parsed.error().message;
    }
    ++checked;
  }
  RecordProperty("files", static_cast<int>(checked));
}

TEST_F(Upstream, ErrorsNameThePlace) {
  for (const std::string& file : files_) {
    const Result<ParsedConfig> parsed = load(file);
    if (parsed) continue;
    const std::string& message = parsed.error().message;
    const size_t after_name = message.find(".yml:");
    ASSERT_NE(after_name, std::string::npos) << message;
    unsigned line = 0;
    unsigned column = 0;
    ASSERT_EQ(std::sscanf(message.c_str() + after_name, ".yml:%u:%u: ", &line, &column), 2)
        << message;
    EXPECT_GT(line, 0U);
  }
}

/// `text` without the keys, and all that is indented below them, of discovery that is not there.
std::string without_other_discovery(const std::string& text) {
  std::string out;
  size_t skipped_indent = std::string::npos;
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find('\n', start), text.size() - 1);
    const std::string line = text.substr(start, end + 1 - start);
    start = end + 1;
    const size_t indent = line.find_first_not_of(" \n");
    if (indent != std::string::npos && skipped_indent != std::string::npos &&
        indent <= skipped_indent) {
      skipped_indent = std::string::npos;
    }
    const size_t key_end = line.find("_sd_configs:");
    if (skipped_indent == std::string::npos && key_end != std::string::npos) {
      const std::string name = line.substr(indent, key_end - indent);
      if (name != "file" && name != "http" && name != "dns" && name != "kubernetes") {
        skipped_indent = indent;
      }
    }
    if (skipped_indent == std::string::npos) out += line;
  }
  return out;
}

TEST_F(Upstream, TheTwoBigFilesLoadWithoutTheOtherDiscovery) {
  for (const std::string file : {"conf.good.yml", "roundtrip.good.yml"}) {
    const std::string text = *real_fs().read_file(data_dir() + "/" + file);
    const Result<ParsedConfig> parsed = parse_config(without_other_discovery(text), "/etc/p/p.yml");
    ASSERT_TRUE(parsed) << parsed.error().message;
  }
}

TEST_F(Upstream, WhatIsPrintedLoadsAgainAndPrintsTheSame) {
  for (const std::string& file : files_) {
    if (file == "external_labels.good.yml") continue;  // has a $ left after expansion
    const std::string text = *real_fs().read_file(data_dir() + "/" + file);
    const Result<ParsedConfig> parsed = parse_config(without_other_discovery(text), "/etc/p/p.yml");
    if (!parsed) continue;
    const std::string printed = to_yaml(parsed->config);
    const Result<ParsedConfig> again = parse_config(printed, "/etc/p/p.yml");
    ASSERT_TRUE(again) << file << ": " << again.error().message << "\n" << printed;
    EXPECT_EQ(to_yaml(again->config), printed) << file;
    EXPECT_FALSE(printed.contains("mysecret")) << file;
  }
}

}  // namespace
}  // namespace strata::config

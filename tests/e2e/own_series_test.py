"""Prometheus' own series: what dashboards and alerts about Prometheus ask for is here under its name."""
import pathlib
import re

from harness import ROOT, EndToEndTest, main, wait_until

CONFIG = """
global: {scrape_interval: 200ms, evaluation_interval: 1s}
remote_write: [{url: "http://127.0.0.1:1/api/v1/write", name: away}]
alerting: {alertmanagers: [{static_configs: [{targets: ["127.0.0.1:9"]}]}]}
scrape_configs:
  - job_name: self
    target_limit: 5
    static_configs: [{targets: ["%s"]}]
"""

# Of the alerts and the dashboards that the Prometheus project ships for itself.
NAMES = """
prometheus_build_info prometheus_ready
prometheus_config_last_reload_successful prometheus_config_last_reload_success_timestamp_seconds
prometheus_sd_discovered_targets
prometheus_engine_queries prometheus_engine_queries_concurrent_max
prometheus_engine_query_duration_seconds prometheus_engine_query_duration_seconds_sum
prometheus_engine_query_duration_seconds_count prometheus_engine_query_samples_total
prometheus_http_requests_total prometheus_http_request_duration_seconds_bucket
prometheus_target_interval_length_seconds prometheus_target_interval_length_seconds_sum
prometheus_target_interval_length_seconds_count
prometheus_target_sync_length_seconds_sum prometheus_target_sync_failed_total
prometheus_target_scrape_pools_total prometheus_target_scrape_pool_sync_total
prometheus_target_scrape_pool_targets prometheus_target_scrape_pool_target_limit
prometheus_target_scrape_pool_exceeded_target_limit_total
prometheus_target_scrape_pool_exceeded_label_limits_total
prometheus_target_scrapes_exceeded_body_size_limit_total
prometheus_target_scrapes_exceeded_sample_limit_total
prometheus_target_scrapes_sample_duplicate_timestamp_total
prometheus_target_scrapes_sample_out_of_bounds_total
prometheus_target_scrapes_sample_out_of_order_total
prometheus_tsdb_blocks_loaded prometheus_tsdb_clean_start prometheus_tsdb_compactions_failed_total
prometheus_tsdb_head_chunks prometheus_tsdb_head_samples_appended_total prometheus_tsdb_head_series
prometheus_tsdb_head_series_created_total prometheus_tsdb_lowest_timestamp
prometheus_tsdb_reloads_failures_total prometheus_tsdb_storage_blocks_bytes
prometheus_tsdb_wal_corruptions_total
prometheus_remote_storage_samples_total prometheus_remote_storage_samples_failed_total
prometheus_remote_storage_samples_retried_total prometheus_remote_storage_samples_dropped_total
prometheus_remote_storage_samples_pending prometheus_remote_storage_samples_in_total
prometheus_remote_storage_bytes_total prometheus_remote_storage_metadata_total
prometheus_remote_storage_highest_timestamp_in_seconds
prometheus_remote_storage_queue_highest_timestamp_seconds
prometheus_remote_storage_queue_highest_sent_timestamp_seconds
prometheus_remote_storage_shards prometheus_remote_storage_shards_min
prometheus_remote_storage_shards_max prometheus_remote_storage_shards_desired
prometheus_remote_storage_sent_batch_duration_seconds_bucket
prometheus_notifications_alertmanagers_discovered prometheus_notifications_dropped_total
prometheus_notifications_errors_total prometheus_notifications_latency_seconds_sum
prometheus_notifications_queue_capacity prometheus_notifications_queue_length
prometheus_notifications_sent_total
process_cpu_seconds_total process_resident_memory_bytes process_start_time_seconds process_open_fds
""".split()


ALERTMANAGER = """
route: {receiver: phone}
receivers: [{name: phone, webhook_configs: [{url: "http://127.0.0.1:1/"}]}]
"""


class OwnSeries(EndToEndTest):
    def test_what_the_rules_about_strata_are_tried_with_is_exposed(self):
        page = (ROOT / "docs/rule-scenarios.md").read_text()
        scripted = set(re.findall(r"`((?:strata|prometheus|alertmanager)_[a-z0-9_]+)[{:]", page))
        self.assertGreater(len(scripted), 10)
        routes = pathlib.Path(self.directory) / "alertmanager.yml"
        routes.write_text(ALERTMANAGER)
        strata = self.strata(config="global: {}\n",
                             arguments=(f"--alertmanager.config.file={routes}",))
        text = strata.get("/metrics").body.decode()
        families = set(re.findall(r"^# TYPE (\S+) ", text, re.M))
        self.assertEqual(sorted(scripted - families), [])

    def test_names_of_prometheus_dashboards_have_values(self):
        target = self.exposition(lambda n: f"n {n}\n")
        strata = self.strata(config=CONFIG % target.address)
        strata.query("up")
        wait_until(lambda: strata.query("count_over_time(n[1m]) > 3"), "a few scrapes")
        exposed = {line.split("{")[0].split(" ")[0]
                   for line in strata.get("/metrics").body.decode().splitlines()}
        self.assertEqual([name for name in NAMES if name not in exposed], [])

    def test_a_kill_is_seen_in_clean_start(self):
        target = self.exposition(lambda n: f"n {n}\n")
        strata = self.strata(config=CONFIG % target.address)

        def clean_start():
            return [line for line in strata.get("/metrics").body.decode().splitlines()
                    if line.startswith("prometheus_tsdb_clean_start")]
        self.assertEqual(clean_start(), ["prometheus_tsdb_clean_start 1"])
        strata.kill()
        strata = self.strata(directory=strata.directory, config=CONFIG % target.address)
        self.assertEqual(clean_start(), ["prometheus_tsdb_clean_start 0"])


if __name__ == "__main__":
    main()

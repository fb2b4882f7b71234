"""Debian's Prometheus scrapes Strata's own /metrics, and promtool finds nothing wrong with it."""
import pathlib
import subprocess

from harness import (EndToEndTest, PrometheusApi, Process, free_port, http_request, main,
                     need_program, wait_until)

CONFIG = """
scrape_configs:
  - job_name: strata
    scrape_interval: 500ms
    scrape_timeout: 500ms
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class PrometheusScrapesUs(EndToEndTest):
    def test_prometheus_scrapes_us(self):
        binary = need_program("prometheus")
        strata = self.strata()
        wait_until(lambda: strata.value('up{job="node"}') == 1, "Strata to work")
        port = free_port()
        path = pathlib.Path(self.directory) / "prometheus-peer.yml"
        path.write_text(CONFIG.format(port=strata.port))
        self.start(Process([binary, f"--config.file={path}",
                            f"--storage.tsdb.path={self.directory}/peer",
                            f"--web.listen-address=127.0.0.1:{port}"], self.directory, "prometheus"))
        peer = PrometheusApi(port)
        wait_until(lambda: peer.value("up") == 1, "Prometheus to scrape Strata")
        self.assertGreater(peer.value("prometheus_tsdb_head_series"), 100)
        self.assertGreater(peer.value("process_start_time_seconds"), 1e9)

    def test_promtool_accepts_our_metrics(self):
        promtool = need_program("promtool")
        strata = self.strata()
        body = http_request(strata.url + "/metrics").body
        checked = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True)
        # Exit code 3 is for style: names that are Prometheus' own are not ours to change.
        self.assertIn(checked.returncode, (0, 3), checked.stderr.decode())

    def test_open_metrics_when_asked(self):
        strata = self.strata()
        answer = http_request(strata.url + "/metrics", headers={
            "Accept": "application/openmetrics-text;version=1.0.0"})
        self.assertIn("openmetrics", answer.headers["Content-Type"])
        self.assertTrue(answer.body.endswith(b"# EOF\n"))


if __name__ == "__main__":
    main()

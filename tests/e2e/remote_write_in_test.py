"""Debian's Prometheus remote-writes what it scrapes into Strata, and both answer alike."""
import time

from harness import (EndToEndTest, PrometheusApi, Process, free_port, http_request, main,
                     need_program, wait_until)

PROMETHEUS = need_program("prometheus")
CONFIG = """
global: {{scrape_interval: 200ms, external_labels: {{dc: north}}}}
remote_write:
  - url: http://127.0.0.1:{port}/api/v1/write
    send_exemplars: true
    queue_config: {{batch_send_deadline: 200ms, min_backoff: 30ms, max_backoff: 300ms}}
    metadata_config: {{send_interval: 500ms}}
scrape_configs:
  - job_name: app
    static_configs: [{{targets: ["{target}"]}}]
"""


def body(number):
    lines = ["# HELP app_jobs_total Jobs done.", "# TYPE app_jobs_total counter"]
    lines += [f'app_jobs_total{{queue="q{i}"}} {number * (i + 1)}' for i in range(50)]
    if number % 7 < 5:  # comes and goes: stale markers
        lines.append(f"app_sometimes {number}")
    return "\n".join(lines) + "\n"


class RemoteWriteIn(EndToEndTest):
    def test_prometheus_writes_and_both_answer_alike(self):
        target = self.exposition(body)
        strata = self.strata(config="global: {}\n",
                             arguments=["--web.enable-remote-write-receiver"])
        peer = PrometheusApi(free_port())
        with open(f"{self.directory}/peer.yml", "w") as file:
            file.write(CONFIG.format(port=strata.port, target=target.address))
        process = self.start(Process(
            [PROMETHEUS, f"--config.file={self.directory}/peer.yml",
             f"--storage.tsdb.path={self.directory}/peer",
             f"--web.listen-address=127.0.0.1:{peer.port}"], self.directory, "prometheus"))
        wait_until(peer.ready, "prometheus")
        samples = 'count_over_time(app_jobs_total{queue="q1"}[1m])'
        wait_until(lambda: (strata.value(samples) or 0) > 20, "samples")
        wait_until(lambda: "app_jobs_total" in strata.get("/api/v1/metadata").json()["data"],
                   "metadata")
        # Strata is killed and comes back: Prometheus tries again, and nothing is missing.
        strata.kill()
        time.sleep(1)
        strata = self.strata(config="global: {}\n", port=strata.port,
                             arguments=["--web.enable-remote-write-receiver"])
        time.sleep(3)
        end = int(time.time()) - 1
        wait_until(lambda: (strata.value('max(timestamp(app_jobs_total))') or 0) > end, "catching up")
        for expr in ("app_jobs_total[1m]", "app_sometimes[1m]", "up[1m]",
                     "scrape_samples_scraped[1m]"):
            with self.subTest(expr):
                ours, theirs = (self.rows(api, expr, end) for api in (strata, peer))
                self.assertEqual(ours, theirs)
                self.assertGreater(len(next(iter(theirs.values()))), 15)
        for expr in ("sum(rate(app_jobs_total[10s])) by (queue)", "app_sometimes",
                     "count(app_sometimes)"):
            with self.subTest(expr):
                ours, theirs = (self.matrix(api, expr, end) for api in (strata, peer))
                self.assertEqual(ours, theirs)
        self.assertTrue(process.running())

    def rows(self, api, expr, at):
        """Values by series, without the label that the sender adds."""
        return {self.name(row["metric"]): row["values"] for row in api.query(expr, at)}

    def matrix(self, api, expr, end):
        answer = api.get("/api/v1/query_range", query=expr, start=end - 8, end=end, step=1).json()
        return {self.name(row["metric"]): row["values"] for row in answer["data"]["result"]}

    @staticmethod
    def name(labels):
        return tuple(sorted((k, v) for k, v in labels.items() if k != "dc"))

    def test_it_is_off_unless_asked_for(self):
        strata = self.strata(config="global: {}\n")
        answer = http_request(f"{strata.url}/api/v1/write", data=b"x", method="POST")
        self.assertEqual(answer.status, 404)


if __name__ == "__main__":
    main()

"""Strata remote-writes what it scrapes into Debian's VictoriaMetrics and Prometheus, while all three
are stopped, paused and killed: nothing is lost, and nothing arrives twice."""
import collections
import json
import signal
import time

from harness import (EndToEndTest, PrometheusApi, Process, Strata, free_port, http_request, main,
                     need_program, wait_until)

PROMETHEUS = need_program("prometheus")
VICTORIA = need_program("victoria-metrics")
SERIES = 40
CONFIG = """
global: {{scrape_interval: 100ms, scrape_timeout: 100ms, external_labels: {{site: north}}}}
remote_write:
  - url: http://127.0.0.1:{victoria}/api/v1/write
    name: victoria
    queue_config: &queue {{batch_send_deadline: 100ms, max_samples_per_send: 500, max_backoff: 200ms}}
    write_relabel_configs: &wanted
      - {{source_labels: [__name__], regex: "app_.*", action: keep}}
  - url: http://127.0.0.1:{prometheus}/api/v1/write
    name: prometheus
    queue_config: *queue
    write_relabel_configs: *wanted
scrape_configs:
  - job_name: app
    static_configs: [{{targets: ["{target}"]}}]
"""


def body(number):
    return "".join(f'app_value{{i="{i}"}} {number * 1000 + i}\n' for i in range(SERIES))


class RemoteWriteOut(EndToEndTest):
    def test_nothing_is_lost_and_nothing_comes_twice(self):
        target = self.exposition(body)
        self.victoria_port, self.prometheus_port = free_port(), free_port()
        victoria, prometheus = self.start_victoria(), self.start_prometheus()
        config = CONFIG.format(victoria=self.victoria_port, prometheus=self.prometheus_port,
                               target=target.address)
        strata = self.strata(config=config)
        first = time.time()
        time.sleep(2)
        victoria.signal(signal.SIGSTOP)
        time.sleep(2)
        victoria.signal(signal.SIGCONT)
        time.sleep(1)
        prometheus.kill()  # an outage, while Strata is stopped and comes back
        time.sleep(1)
        strata.stop()
        strata = self.strata(config=config, port=strata.port)
        time.sleep(1)
        prometheus = self.start_prometheus()
        time.sleep(1)
        victoria.stop()
        time.sleep(2)
        victoria = self.start_victoria()
        time.sleep(1)
        target.close()
        time.sleep(1)  # the last scrapes, and their stale markers

        def delivered():
            http_request(f"http://127.0.0.1:{self.victoria_port}/internal/force_flush")
            expected = self.of_strata(strata, first)
            return (self.of_victoria() == expected and
                    self.of_prometheus(first) == expected and expected)
        try:
            samples = wait_until(delivered, "everything to be delivered", timeout=30, every=0.5)
        except AssertionError:
            expected = self.of_strata(strata, first)
            for name, got in (("victoria", self.of_victoria()),
                              ("prometheus", self.of_prometheus(first))):
                print(name, "lacks", len(expected - got), "has too much", len(got - expected))
                print(sorted(expected - got)[:5], sorted((got - expected).items())[:5])
            print(strata.log()[-3000:])
            raise
        self.assertEqual(set(samples.values()), {1})
        self.assertGreater(len(samples), SERIES * 60)
        # Kept for targets that were away, and given back.
        wait_until(lambda: not list((strata.directory / "data").glob("wal-kept/*")), "room")
        self.assertGreater(
            strata.value('prometheus_remote_storage_samples_retried_total{remote_name="prometheus"}')
            or self.own(strata, "prometheus_remote_storage_samples_retried_total"), 0)

    def test_a_killed_sender_goes_on_where_it_was(self):
        target = self.exposition(body)
        self.prometheus_port, self.victoria_port = free_port(), free_port()
        self.start_prometheus()
        self.start_victoria()
        config = CONFIG.format(victoria=self.victoria_port, prometheus=self.prometheus_port,
                               target=target.address)
        strata = self.strata(config=config)
        first = time.time()
        for _ in range(4):
            time.sleep(1)
            strata.kill()
            strata = self.strata(config=config, port=strata.port)
        time.sleep(1)
        target.close()
        time.sleep(1)
        # A request that was being answered comes again: Prometheus drops what it has already.
        def same():
            expected = self.of_strata(strata, first)
            return expected and self.of_prometheus(first) == expected
        wait_until(same, "everything to be delivered", timeout=30, every=0.5)

    def own(self, strata, name):
        text = strata.get("/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith(name))

    def start_victoria(self):
        process = self.start(Process(
            [VICTORIA, f"-storageDataPath={self.directory}/victoria",
             f"-httpListenAddr=127.0.0.1:{self.victoria_port}"], self.directory, "victoria"))
        url = f"http://127.0.0.1:{self.victoria_port}/health"
        wait_until(lambda: http_request(url).status == 200, "victoria-metrics")
        return process

    def start_prometheus(self):
        config = f"{self.directory}/receiver.yml"
        with open(config, "w") as file:
            file.write("global: {}\n")
        process = self.start(Process(
            [PROMETHEUS, f"--config.file={config}", "--web.enable-remote-write-receiver",
             f"--storage.tsdb.path={self.directory}/prometheus",
             f"--web.listen-address=127.0.0.1:{self.prometheus_port}"],
            self.directory, "prometheus"))
        wait_until(PrometheusApi(self.prometheus_port).ready, "prometheus")
        return process

    def of_strata(self, strata, first):
        return self.points(strata, first)

    def of_prometheus(self, first):
        return self.points(PrometheusApi(self.prometheus_port), first)

    def points(self, api, first):
        """How often there is a value of a series at a time. (Stale markers show nowhere.)"""
        found = collections.Counter()
        for row in api.query(f"app_value[{int(time.time() - first) + 60}s]"):
            for t, value in row["values"]:
                found[(row["metric"]["i"], round(t * 1000), float(value))] += 1
        return found

    def of_victoria(self):
        found = collections.Counter()
        answer = http_request(f"http://127.0.0.1:{self.victoria_port}/api/v1/export"
                              "?match%5B%5D=app_value&reduce_mem_usage=1")
        for line in answer.body.decode().splitlines():
            row = json.loads(line)
            assert row["metric"]["site"] == "north", row
            for t, value in zip(row["timestamps"], row["values"]):
                if value is not None and value == value:
                    found[(row["metric"]["i"], t, float(value))] += 1
        return found


if __name__ == "__main__":
    main()

"""A target that speaks protobuf: native histograms, classic ones that are converted, and exemplars,
from the wire through restart and block to the answer. The messages are encoded here, by hand."""
import pathlib
import struct
import subprocess
import time

from harness import (BINARY, EndToEndTest, PrometheusApi, Process, free_port, main, need_program,
                     wait_until)

CONFIG = """
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
  scrape_native_histograms: true
storage: {{exemplars: {{max_exemplars: 50}}}}
scrape_configs:
  - job_name: app
    static_configs: [{{targets: ["{native}"]}}]
  - job_name: classic
    convert_classic_histograms_to_nhcb: true
    static_configs: [{{targets: ["{classic}"]}}]
"""
DELIMITED = ("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
             "encoding=delimited")


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out + bytes([n]))


def zigzag(n):
    return varint(n << 1 if n >= 0 else (-n << 1) - 1)


def message(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def text(number, value):
    return message(number, value.encode())


def integer(number, value):
    return varint(number << 3) + varint(value)


def sint(number, value):
    return varint(number << 3) + zigzag(value)


def double(number, value):
    return varint(number << 3 | 1) + struct.pack("<d", value)


def native_histogram(n):
    """2n observations: n in (1,2], n in (4,8]; schema 0, an empty bucket between them."""
    exemplar = (message(1, text(1, "trace_id") + text(2, f"t{n}")) + double(2, 1.5)
                + message(3, integer(1, int(time.time()))))
    histogram = (integer(1, 2 * n) + double(2, 7.5 * n) + sint(5, 0) + double(6, 2.0 ** -128)
                 + integer(7, 0)
                 + message(12, sint(1, 1) + integer(2, 1)) + message(12, sint(1, 1) + integer(2, 1))
                 + message(13, zigzag(n) + zigzag(0)) + message(16, exemplar))
    label = message(1, text(1, "path") + text(2, "/v1"))
    family = (text(1, "latency_seconds") + text(2, "Latency.") + integer(3, 4)
              + message(4, label + message(7, histogram)))
    return varint(len(family)) + family


def classic_histogram(n):
    return ("# TYPE queue_seconds histogram\n"
            f'queue_seconds_bucket{{le="0.1"}} {n}\n'
            f'queue_seconds_bucket{{le="1"}} {2 * n} # {{id="q"}} 0.5\n'
            f'queue_seconds_bucket{{le="+Inf"}} {3 * n}\n'
            f"queue_seconds_sum {4 * n}\nqueue_seconds_count {3 * n}\n# EOF\n")


class NativeHistogramTest(EndToEndTest):
    def start_all(self):
        native = self.exposition(lambda n: (200, DELIMITED, native_histogram(n + 1)))
        classic = self.exposition(
            lambda n: (200, "application/openmetrics-text; version=1.0.0",
                       classic_histogram(n + 1).encode()))
        self.config = CONFIG.format(native=native.address, classic=classic.address)
        strata = self.strata(config=self.config)
        wait_until(lambda: native.requests > 15 and classic.requests > 15, "scrapes")
        return strata

    def check(self, strata):
        found = strata.query("latency_seconds")
        self.assertEqual(len(found), 1)
        self.assertEqual(found[0]["metric"]["path"], "/v1")
        histogram = found[0]["histogram"][1]
        n = int(histogram["count"]) // 2
        self.assertGreater(n, 10)
        self.assertEqual(histogram["sum"], repr(7.5 * n).removesuffix(".0"))
        self.assertEqual(histogram["buckets"], [[0, "1", "2", str(n)], [0, "4", "8", str(n)]])
        self.assertEqual(strata.value("histogram_quantile(1, latency_seconds)"), 8)
        self.assertEqual(strata.value("histogram_avg(latency_seconds)"), 3.75)
        self.assertEqual(strata.value("resets(latency_seconds[1h])"), 0)

        found = strata.query("queue_seconds")
        self.assertEqual(len(found), 1)
        histogram = found[0]["histogram"][1]
        n = int(histogram["count"]) // 3
        self.assertEqual(histogram["buckets"], [[3, "-Inf", "0.1", str(n)], [0, "0.1", "1", str(n)],
                                                [0, "1", "+Inf", str(n)]])
        self.assertEqual(strata.query("queue_seconds_bucket"), [])

    def test_from_the_wire_to_the_answer(self):
        strata = self.start_all()
        self.check(strata)
        rows = strata.get("/api/v1/query_range", query="latency_seconds", start=time.time() - 60,
                          end=time.time(), step=1).json()["data"]["result"]
        self.assertGreaterEqual(len(rows[0]["histograms"]), 2)
        self.assertGreater(strata.value("increase(histogram_count(latency_seconds)[1m:200ms])"), 0)
        metrics = strata.get("/metrics").body.decode()
        self.assertNotIn("strata_tsdb_histograms_appended_total 0\n", metrics)

        strata.kill()
        strata = self.strata(config=self.config)
        self.check(strata)

    def exemplars(self, strata, query):
        return strata.get("/api/v1/query_exemplars", query=query).json()["data"]

    def test_exemplars_are_kept_over_a_restart(self):
        strata = self.start_all()
        found = self.exemplars(strata, "rate(latency_seconds[5m])")
        self.assertEqual(len(found), 1)
        self.assertEqual(found[0]["seriesLabels"]["__name__"], "latency_seconds")
        first = found[0]["exemplars"][0]
        self.assertEqual(first["labels"], {"trace_id": first["labels"]["trace_id"]})
        self.assertEqual(first["value"], "1.5")
        self.assertLess(abs(first["timestamp"] - time.time()), 60)
        converted = self.exemplars(strata, "queue_seconds")
        self.assertEqual([e["labels"] for e in converted[0]["exemplars"]], [{"id": "q"}])
        self.assertLessEqual(len(found[0]["exemplars"]), 50)

        strata.kill()
        strata = self.strata(config=self.config)
        again = self.exemplars(strata, "latency_seconds")[0]["exemplars"]
        self.assertIn(found[0]["exemplars"][-1], again)

    def test_an_exported_block_answers_in_prometheus_as_in_strata(self):
        program = need_program("prometheus")
        strata = self.start_all()
        at = time.time()
        # No quantile: 2.42 interpolates in a bucket otherwise than 3.x does.
        queries = ["latency_seconds", "histogram_sum(latency_seconds)",
                   "histogram_count(latency_seconds)", "resets(latency_seconds[1m])"]
        ours = [strata.query(query, at=at) for query in queries]
        self.assertEqual(strata.stop(), 0)
        out = pathlib.Path(self.directory) / "exported"
        # Prometheus 2.42 has no custom buckets yet.
        done = subprocess.run(
            [BINARY, "export", "prometheus-blocks", "--out", out, "--match", "latency_seconds",
             "--storage.path", pathlib.Path(self.directory) / "data"],
            capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        config = pathlib.Path(self.directory) / "empty.yml"
        config.write_text("scrape_configs: []\n")
        port = free_port()
        self.start(Process(
            [program, f"--config.file={config}", f"--storage.tsdb.path={out}",
             f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=native-histograms"],
            self.directory, "prometheus"))
        theirs = PrometheusApi(port)
        wait_until(theirs.ready, "Prometheus to be ready")
        for query, expected in zip(queries, ours):
            self.assertEqual(theirs.query(query, at=at), expected, query)

        # And back again.
        store = pathlib.Path(self.directory) / "again"
        done = subprocess.run([BINARY, "import", "prometheus-blocks", out, "--storage.path", store],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        directory = pathlib.Path(self.directory) / "second"
        directory.mkdir()
        store.rename(directory / "data")
        again = self.strata(directory=directory, config="scrape_configs: []\n")
        for query, expected in zip(queries, ours):
            self.assertEqual(again.query(query, at=at), expected, query)


if __name__ == "__main__":
    main()

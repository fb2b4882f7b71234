"""After an outage of an hour, kills, pauses and full disks on both sides, VictoriaMetrics answers
twenty queries with the same numbers as Strata, sample for sample.

The hour passes in seconds: while VictoriaMetrics is away, somebody remote-writes to Strata what an
hour's scrapes would have brought."""
import collections
import json
import os
import pathlib
import random
import signal
import struct
import subprocess
import time
import urllib.parse

from harness import (EndToEndTest, Process, free_port, http_request, main, need_program, wait_until)

VICTORIA = need_program("victoria-metrics")
SERIES = 40
STEP = 15   # seconds between samples of the hour
STEPS = 236  # 59 minutes: what Strata takes beside newer samples
CONFIG = """
global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}
remote_write:
  - url: http://127.0.0.1:{victoria}/api/v1/write
    name: victoria
    queue_config: {{batch_send_deadline: 100ms, max_samples_per_send: 500, max_backoff: 300ms}}
    write_relabel_configs:
      - {{source_labels: [__name__], regex: "(app|hour)_.*", action: keep}}
scrape_configs:
  - job_name: app
    static_configs: [{{targets: ["{target}"]}}]
"""
# What both languages give one meaning.
QUERIES = [
    "sum(hour_value)", "avg(hour_value)", "min(hour_value)", "max(hour_value)",
    "count(hour_value)", "stddev(hour_value)", "sum by (group) (hour_value)",
    "topk(3, hour_value)", "bottomk(2, hour_value)", "quantile(0.9, hour_value)",
    "sum(sum_over_time(hour_value[30m]))", "sum(count_over_time(hour_value[70m]))",
    "max_over_time(hour_value{i='7'}[1h])", "min_over_time(hour_value{i='7'}[1h])",
    "avg_over_time(hour_value{i=~'1.'}[45m])", "last_over_time(hour_value[2h])",
    "sum(count_over_time(app_value[10m]))", "sum(sum_over_time(app_value[10m]))",
    "hour_value{i='3'} * 2 + 1", "count(hour_value > 500)",
]


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def write_request(series):
    """prometheus.WriteRequest of {labels: [(t, v)]}, as a snappy block of literals."""
    message = b""
    for labels, points in series.items():
        one = b"".join(field(1, field(1, k.encode()) + field(2, v.encode()))
                       for k, v in sorted(labels))
        one += b"".join(field(2, b"\x09" + struct.pack("<d", v) + b"\x10" + varint(t))
                        for t, v in points)
        message += field(1, one)
    block = varint(len(message))
    for at in range(0, len(message), 60000):
        piece = message[at:at + 60000]
        block += b"\xf4" + struct.pack("<H", len(piece) - 1) + piece
    return block


def hour_value(i, t):
    return (t // 15000 * 37 + i * 101) % 997 + i / 8


class Chaos(EndToEndTest):
    def test_the_same_numbers_after_chaos(self):
        self.victoria_port = free_port()
        self.data = pathlib.Path(self.directory) / "data"
        self.data.mkdir()
        full_disk = self.mount(self.data)
        target = self.exposition(lambda n: "".join(
            f'app_value{{i="{i}"}} {n * 1000 + i}\n' for i in range(SERIES)))
        self.config = CONFIG.format(victoria=self.victoria_port, target=target.address)
        victoria = self.start_victoria()
        strata = self.start_strata()
        first = time.time()
        wait_until(lambda: strata.value("count(app_value)"), "samples")

        self.kill_victoria(victoria, strata)  # the hour begins
        hour_end = int(time.time()) * 1000
        self.write_hour(strata, hour_end, 0, 120)
        strata.kill()
        strata = self.start_strata(strata.port)
        self.write_hour(strata, hour_end, 120, STEPS)
        victoria = self.start_victoria("-storage.minFreeDiskSpaceBytes=1000000000000000")  # its disk is full
        time.sleep(2)
        self.assertEqual(self.of_victoria("hour_value"), collections.Counter())
        victoria.stop()
        victoria = self.start_victoria()
        for _ in range(3):
            time.sleep(random.uniform(0.1, 0.4))
            victoria.signal(signal.SIGSTOP)
            time.sleep(0.5)
            victoria.signal(signal.SIGCONT)
            time.sleep(random.uniform(0.1, 0.4))
            strata.kill()
            strata = self.start_strata(strata.port)
        if full_disk:
            self.fill_disk(strata)
        self.kill_victoria(victoria, strata)
        time.sleep(1)
        victoria = self.start_victoria()
        time.sleep(1)
        target.close()
        time.sleep(1)

        at = time.time()
        for name in ("hour_value", "app_value"):
            self.wait_same(strata, name, at, first)
        self.assertEqual(sum(self.of_strata(strata, "hour_value", at, 5000).values()), SERIES * STEPS)
        for expr in QUERIES:
            self.assertEqual(self.answer(f"http://127.0.0.1:{self.victoria_port}", expr, at),
                             self.answer(strata.url, expr, at), expr)

    @staticmethod
    def kill_victoria(victoria, strata):
        """VictoriaMetrics acknowledges what it has not written yet: what a kill of it loses is
        nobody's to send again. So the sender rests until it has written."""
        strata.signal(signal.SIGSTOP)
        time.sleep(12)
        victoria.kill()
        strata.signal(signal.SIGCONT)

    def wait_same(self, strata, name, at, first):
        def same():
            http_request(f"http://127.0.0.1:{self.victoria_port}/internal/force_flush")
            mine = self.of_strata(strata, name, at, int(at - first) + 5000)
            return mine and self.of_victoria(name) == mine
        try:
            wait_until(same, f"{name} to be delivered", timeout=60, every=0.5)
        except AssertionError:
            mine = self.of_strata(strata, name, at, int(at - first) + 5000)
            got = self.of_victoria(name)
            print(name, "lacks", len(mine - got), "has too much", len(got - mine))
            print(sorted((mine - got).items())[:5], sorted((got - mine).items())[:5])
            print(strata.log()[-3000:])
            raise

    def write_hour(self, strata, end, first, last):
        """Samples first..last of the hour, 20 steps a request."""
        for begin in range(first, last, 20):
            times = [end - (STEPS - 1 - step) * STEP * 1000
                     for step in range(begin, min(begin + 20, last))]
            series = {(("__name__", "hour_value"), ("group", str(i % 4)), ("i", str(i))):
                      [(t, hour_value(i, t)) for t in times] for i in range(SERIES)}
            answer = http_request(f"{strata.url}/api/v1/write", write_request(series), "POST",
                                  {"Content-Encoding": "snappy",
                                   "Content-Type": "application/x-protobuf"})
            self.assertEqual(answer.status, 204, answer.body)

    def mount(self, path):
        """A small file system of its own, which a file can fill."""
        if os.geteuid() != 0:
            return False
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", path],
                              capture_output=True, text=True)
        if done.returncode == 0:
            self.addCleanup(subprocess.run, ["umount", "-l", path])
        return done.returncode == 0

    def fill_disk(self, strata):
        """What is scraped meanwhile is not stored, here and there."""
        ballast = self.data / "ballast"
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * (1 << 16))
            except OSError:
                pass
        time.sleep(2)
        self.assertTrue(strata.running())
        ballast.unlink()
        before = self.stored(strata)
        wait_until(lambda: self.stored(strata) > before, "samples to be stored again")

    @staticmethod
    def stored(strata):
        return strata.value("sum(count_over_time(app_value[10m]))") or 0

    def start_strata(self, port=None):
        return self.strata(config=self.config, port=port,
                           arguments=["--web.enable-remote-write-receiver"])

    def start_victoria(self, *arguments):
        process = self.start(Process(
            [VICTORIA, f"-storageDataPath={self.directory}/victoria", "-retentionPeriod=1y",
             "-dedup.minScrapeInterval=1ms", "-search.latencyOffset=0s",
             "-search.maxStalenessInterval=5m",
             f"-httpListenAddr=127.0.0.1:{self.victoria_port}", *arguments],
            self.directory, "victoria"))
        url = f"http://127.0.0.1:{self.victoria_port}/health"
        wait_until(lambda: http_request(url).status == 200, "victoria-metrics")
        return process

    def of_strata(self, strata, name, at, seconds):
        found = collections.Counter()
        for row in strata.query(f"{name}[{seconds}s]", at):
            for t, value in row["values"]:
                found[(row["metric"]["i"], round(t * 1000), float(value))] += 1
        return found

    def of_victoria(self, name):
        found = collections.Counter()
        answer = http_request(f"http://127.0.0.1:{self.victoria_port}/api/v1/export"
                              f"?match%5B%5D={name}&reduce_mem_usage=1")
        for line in answer.body.decode().splitlines():
            row = json.loads(line)
            for t, value in zip(row["timestamps"], row["values"]):
                if value is not None and value == value:
                    found[(row["metric"]["i"], t, float(value))] += 1
        return found

    def answer(self, url, expr, at):
        """Values by labels, as close as adding in another order leaves them."""
        body = http_request(f"{url}/api/v1/query?" + urllib.parse.urlencode(
            {"query": expr, "time": at, "nocache": 1})).json()
        self.assertEqual(body["status"], "success", body)
        # MetricsQL leaves the name where PromQL takes it off.
        rows = {tuple(sorted((k, v) for k, v in row["metric"].items() if k != "__name__")):
                float(row["value"][1]) for row in body["data"]["result"]}
        self.assertTrue(rows, expr)
        return {labels: f"{value:.10g}" for labels, value in rows.items()}


if __name__ == "__main__":
    main()

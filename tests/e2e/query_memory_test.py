"""A query that would take many gigabytes is stopped at its limit, and scraping does not notice."""
import statistics
import threading
import time
import urllib.parse

from harness import EndToEndTest, Exposition, http_request, main, wait_until

SERIES = 4000
INTERVAL = 0.25
CONFIG = """
global: {{scrape_interval: 250ms, scrape_timeout: 250ms}}
scrape_configs:
  - job_name: many
    static_configs: [{{targets: ["{0}"]}}]
"""
# 4,000 series x 900,000 steps of a subquery: 28 GB of values, were they all held.
GREEDY = "sort(sum_over_time((many + many)[15m:1ms]))"
# 4,000 series x 10,000 points: 1.3 GB of points.
WIDE = "many @ {} + 1"


def body(n):
    return "# TYPE many gauge\n" + "".join(
        f'many{{i="{i}"}} {n + i}\n' for i in range(SERIES))


class QueryMemory(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.times = []

        def timed(n):
            self.times.append(time.monotonic())
            return body(n)
        self.target = Exposition(timed)
        self.addCleanup(self.target.close)
        self.server = self.strata(
            config=CONFIG.format(self.target.address),
            arguments=["--query.max-memory=256MB", "--query.max-samples=100000000000"])
        wait_until(lambda: self.server.value("count(many)") == SERIES, "the first scrape")

    def resident(self):
        with open(f"/proc/{self.server.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def jitter(self, seconds, work=None):
        """How far the gaps between scrapes are from the interval: median and greatest."""
        began = len(self.times)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            work() if work else time.sleep(0.05)
        gaps = [b - a for a, b in zip(self.times[began:], self.times[began + 1:])]
        off = [abs(gap - INTERVAL) for gap in gaps]
        return statistics.median(off), max(off), len(gaps)

    def stopped(self, path, **parameters):
        answer = self.server.get(path, **parameters)
        self.assertEqual(answer.status, 422, answer.body[:300])
        error = answer.json()
        self.assertEqual(error["errorType"], "execution")
        self.assertIn("would hold more than 256 MiB in memory", error["error"])
        self.assertIn("--query.max-memory", error["error"])

    def test_is_stopped_while_scraping_goes_on(self):
        quiet = self.jitter(5)
        before = self.resident()
        peak = [before]
        watching = threading.Event()

        def watch():
            while not watching.wait(0.02):
                peak[0] = max(peak[0], self.resident())
        watcher = threading.Thread(target=watch)
        watcher.start()
        now = time.time()

        def work():
            self.stopped("/api/v1/query", query=GREEDY)
            self.stopped("/api/v1/query_range", query=WIDE.format(now),
                         start=now - 1000, end=now, step=0.1)
        try:
            busy = self.jitter(10, work)
        finally:
            watching.set()
            watcher.join()
        grown = (peak[0] - before) / 1024
        for name, (middle, most, count) in (("quiet", quiet), ("beside the queries", busy)):
            print(f"{name}: {count} scrapes, off by {middle * 1e3:.1f} ms (median), "
                  f"{most * 1e3:.1f} ms (most)")
        print(f"resident memory grew by {grown:.0f} MiB")
        # One query at a time, its limit, and what the allocator keeps.
        self.assertLess(grown, 2 * 256)
        self.assertEqual(self.server.value("min_over_time(up[10s])"), 1)
        self.assertGreater(busy[2], 10 / INTERVAL / 2, "scrapes were left out")

    def test_stops_when_its_client_leaves(self):
        slow = "sum(count_over_time(many[14m:1ms]))"
        thread = threading.Thread(target=lambda: self.leave(slow))
        thread.start()
        running = wait_until(self.running_queries, "the query to be listed")
        self.assertEqual(running[0]["query"], slow)
        thread.join()
        wait_until(lambda: not self.running_queries(), "the query to end", timeout=5)

    def running_queries(self):
        return self.server.get("/api/v1/queries").json()["data"]

    def leave(self, query):
        """Asks, and goes away before the answer."""
        parameters = urllib.parse.urlencode({"query": query})
        with self.assertRaises(TimeoutError):
            http_request(f"{self.server.url}/api/v1/query?{parameters}", timeout=1)


if __name__ == "__main__":
    main()

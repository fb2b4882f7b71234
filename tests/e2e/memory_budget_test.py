"""A flood of new series against --storage.memory-budget: memory stays flat, what there was goes on,
and the label that explodes is named where people look."""
import re

from harness import EndToEndTest, main, wait_until

CONFIG = """
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
scrape_configs:
  - job_name: flood
    static_configs: [{{targets: ["{target}"]}}]
"""
LINES = 5000


def flood(number):
    """One series that was there before, and LINES that nobody has seen."""
    first = number * LINES
    return f"steady_total {number}\n" + "".join(
        f'hits_total{{path="/a",request_id="{first + i}"}} 1\n' for i in range(LINES))


class MemoryBudget(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.target = self.exposition(flood)
        self.server = self.strata(config=CONFIG.format(target=self.target.address),
                                  arguments=["--storage.memory-budget=16MB"])

    def resident(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) << 10 for line in status
                        if line.startswith("RssAnon"))

    def refused(self):
        text = self.server.get("/metrics").body.decode()
        found = re.search(r'new_series_refused_total\{label="request_id"\} (\S+)', text)
        return float(found.group(1)) if found else 0

    def test_memory_stays_flat_under_a_flood_of_series(self):
        wait_until(lambda: self.refused() > 0, "series to be refused", timeout=120)
        before, scrapes, refused = self.resident(), self.target.requests, self.refused()
        wait_until(lambda: self.target.requests > scrapes + 30, "30 more scrapes", timeout=120)
        self.assertLess(self.resident(), before + (24 << 20))
        self.assertGreater(self.refused(), refused + 10 * LINES)
        self.assertGreater(self.server.value("steady_total"), scrapes)
        status = self.server.get("/api/v1/status/tsdb").json()["data"]["headMemory"]
        self.assertEqual(status["budgetBytes"], 16 << 20)
        self.assertIn("request_id", status["newSeriesRefusedByLabel"])
        self.assertLess(sum(status["bytesByPart"].values()), 24 << 20)
        self.assertIn("the label request_id", self.server.log())


if __name__ == "__main__":
    main()

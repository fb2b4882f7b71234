"""kill -9 in the middle of scraping loses nothing that was acknowledged, and scraping resumes within
a second of the start.

A sample is acknowledged when a query has shown it. Each round counts what a query shows, kills the
server at a random moment, starts it again, and looks for all of it.
"""
import os
import random
import statistics
import time

from harness import EndToEndTest, main, wait_until

ROUNDS = int(os.environ.get("STRATA_CRASH_ROUNDS", "20"))
SERIES = 200
CONFIG = """
scrape_configs:
  - job_name: counted
    scrape_interval: 100ms
    scrape_timeout: 100ms
    static_configs:
      - targets: ["{target}"]
"""


class Crash(EndToEndTest):
    def test_kill_loses_nothing_acknowledged(self):
        def body(number):
            return "".join(f'counted{{i="{i}"}} {number}\n' for i in range(SERIES))

        target = self.exposition(body)
        config = CONFIG.format(target=target.address)
        rng = random.Random(ROUNDS)
        strata = self.strata(config=config)
        acknowledged = {}
        resumed = []
        for round_number in range(ROUNDS):
            time.sleep(rng.uniform(0.2, 1.0))
            acknowledged = self.samples(strata)
            time.sleep(rng.uniform(0, 0.15))
            strata.kill()

            strata = self.strata(config=config, port=strata.port)
            ready = time.time()
            stored = self.samples(strata)
            for series, samples in acknowledged.items():
                missing = samples - stored.get(series, set())
                self.assertFalse(missing, f"round {round_number}: {series} lost {sorted(missing)[:3]}")
            wait_until(lambda: any(t > ready for samples in self.samples(strata).values()
                                   for t, _ in samples), "scraping to resume", timeout=10)
            resumed.append(time.time() - ready)
        print(f"seconds from ready to the first new sample: median "
              f"{statistics.median(resumed):.2f}, most {max(resumed):.2f}")
        self.assertEqual(len(acknowledged), SERIES)
        # No sample twice, and a scrape is there whole or not at all.
        counts = {}
        for samples in self.samples(strata).values():
            for t, _ in samples:
                counts[t] = counts.get(t, 0) + 1
        self.assertEqual(set(counts.values()), {SERIES})

    def samples(self, strata):
        """All stored samples by series: {i: {(time, value)}}."""
        found = {}
        for series in strata.query("counted[1h]"):
            values = [(float(t), v) for t, v in series["values"]]
            self.assertEqual(len(values), len(set(t for t, _ in values)), "a sample twice")
            found[series["metric"]["i"]] = set(values)
        return found


if __name__ == "__main__":
    main()

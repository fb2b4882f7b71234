"""A target puts a request id into a label, a thousand new ones a second: memory stays flat,
everything else keeps flowing, and the report names the label and the target."""
import pathlib
import subprocess
import time

from harness import BINARY, EndToEndTest, http_request, main, wait_until

CONFIG = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: app
    static_configs: [{{targets: ["{flood}", "{calm}"]}}]
"""
GUARD = """
guard:
  mode: report
  jobs: [{job_name: app, mode: MODE}]
"""
NEW_A_SCRAPE = 200  # at 200 ms: 1,000 a second


def flood(number):
    """The last 2,000 requests, each with its id, beside what a sane target says."""
    last = (number + 1) * NEW_A_SCRAPE
    lines = [f'requests_total{{request_id="r{i}",path="/v1/chat"}} 1'
             for i in range(max(0, last - 2000), last)]
    return "\n".join(["tokens_total 7", *lines, f"steps_total {number}"]) + "\n"


class GuardTest(EndToEndTest):
    def start_flood(self, mode):
        self.flood = self.exposition(flood)
        self.calm = self.exposition(lambda number: f"calm_total {number}\n")
        path = pathlib.Path(self.directory) / "strata.yml"
        path.write_text(GUARD.replace("MODE", mode))
        return self.strata(config=CONFIG.format(flood=self.flood.address, calm=self.calm.address),
                           arguments=[f"--strata.config={path}", "--rules.builtin=off"])

    def report(self, strata):
        return strata.get("/api/v1/status/cardinality").json()["data"]

    def resident_kib(self, strata):
        status = pathlib.Path(f"/proc/{strata.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines()
                    if line.startswith("VmRSS:"))

    def wait_found(self, strata):
        def found():
            growth = self.report(strata)["growth"]
            return growth and growth[0]["withoutEnd"] and growth[0]
        return wait_until(found, "the label to be found")

    def test_memory_stays_flat_and_the_report_names_label_and_target(self):
        strata = self.start_flood("drop")
        growth = self.wait_found(strata)
        self.assertEqual((growth["job"], growth["metric"], growth["label"], growth["mode"]),
                         ("app", "requests_total", "request_id", "drop"))
        self.assertIn(self.flood.address, growth["targets"][0]["target"])
        self.assertTrue(growth["examples"][0].startswith("r"), growth)

        time.sleep(3)
        before = self.report(strata)["headSeries"], self.resident_kib(strata)
        scrapes = self.flood.requests
        wait_until(lambda: self.flood.requests >= scrapes + 50, "fifty more scrapes")
        after = self.report(strata)["headSeries"], self.resident_kib(strata)
        self.assertEqual(before[0], after[0])
        self.assertLess(after[1] - before[1], 8 * 1024, "KiB grown in 10,000 ids")

        self.assertEqual(strata.value('up{instance="%s"}' % self.flood.address), 1)
        for metric, target in (("steps_total", self.flood), ("calm_total", self.calm)):
            self.assertGreater(strata.value(metric), target.requests - 10)
        refused = strata.get("/metrics").body.decode()
        self.assertIn('strata_guard_series_refused_total{job="app",reason="label_dropped"}', refused)

        said = subprocess.run([BINARY, "tsdb", "cardinality", f"--url={strata.url}"],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("requests_total{request_id} of job app", said.stdout)
        self.assertIn(f"http://{self.flood.address}/metrics brought", said.stdout)

    def test_fold_keeps_the_sum(self):
        strata = self.start_flood("fold")
        self.wait_found(strata)
        wait_until(lambda: (strata.value('requests_total{request_id="folded"}') or 0) >= 1000,
                   "the folded series to hold the sum")

    def test_the_mode_changes_with_a_reload(self):
        strata = self.start_flood("report")
        self.wait_found(strata)
        path = pathlib.Path(self.directory) / "strata.yml"
        path.write_text("guard: {mode: loud}\n")
        answer = strata.get("/-/reload")
        self.assertEqual(answer.status, 405)
        self.assertNotEqual(self.reload(strata).status, 200)
        self.assertEqual(self.report(strata)["jobs"][0]["mode"], "report")
        path.write_text("guard: {mode: drop}\n")
        self.assertEqual(self.reload(strata).status, 200)
        self.assertEqual(self.report(strata)["jobs"][0]["mode"], "drop")

    def reload(self, strata):
        return http_request(strata.url + "/-/reload", method="POST", data=b"")


if __name__ == "__main__":
    main()

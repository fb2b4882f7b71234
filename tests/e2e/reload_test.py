"""Reloading the configuration: SIGHUP and POST /-/reload, all or nothing."""
import signal

from harness import EndToEndTest, http_request, main, wait_until

CONFIG = """
global:
  scrape_interval: 200ms
scrape_configs:
  - job_name: {job}
    static_configs:
      - targets: ["{target}"]
        labels: {{team: {team}}}
"""


class Reload(EndToEndTest):
    def test_reload_by_signal_and_by_request(self):
        target = self.exposition(lambda n: f"n {n}\n")

        def write(job, team):
            (strata.directory / "prometheus.yml").write_text(
                CONFIG.format(job=job, team=team, target=target.address))

        strata = self.strata(config=CONFIG.format(job="first", team="a", target=target.address))
        wait_until(lambda: strata.query('n{job="first",team="a"}'), "the first job")

        write("first", "b")
        strata.signal(signal.SIGHUP)
        wait_until(lambda: strata.query('n{job="first",team="b"}'), "the new label")
        wait_until(lambda: not strata.query('n{job="first",team="a"}'), "the old series to end")

        write("second", "b")
        self.assertEqual(http_request(strata.url + "/-/reload", data=b"", method="POST").status, 200)
        wait_until(lambda: strata.query('n{job="second"}'), "the second job")
        wait_until(lambda: not strata.query('n{job="first"}'), "the first job's series to end")

    def test_a_broken_file_changes_nothing(self):
        target = self.exposition(lambda n: f"n {n}\n")
        strata = self.strata(config=CONFIG.format(job="good", team="a", target=target.address))
        wait_until(lambda: strata.query("n"), "the job")
        (strata.directory / "prometheus.yml").write_text("scrape_configs:\n  - job_nam: x\n")
        answer = http_request(strata.url + "/-/reload", data=b"", method="POST")
        self.assertEqual(answer.status, 500)
        self.assertRegex(answer.body.decode(), r"prometheus\.yml:2:\d+: .*job_nam")
        self.assertIn("job_name: good", strata.get("/api/v1/status/config").json()["data"]["yaml"])
        self.assertFalse(strata.get("/api/v1/status/runtimeinfo").json()["data"]
                         ["reloadConfigSuccess"])
        before = target.requests
        wait_until(lambda: target.requests > before + 3, "scraping to go on")


if __name__ == "__main__":
    main()

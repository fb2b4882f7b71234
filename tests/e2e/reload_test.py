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

    def test_a_broken_oncall_section_changes_nothing_in_any_file(self):
        directory = self.directory
        files = {"alertmanager.yml": "route: {receiver: OLD}\nreceivers: [{name: OLD}]\n",
                 "strata.yml": "oncall:\n  people:\n"
                               "  - name: alice\n    channels: [{kind: chat, receiver: OLD}]\n",
                 "prometheus.yml": "global: {external_labels: {site: OLD}}\n"}

        def write(names, **instead):
            for name in names:
                with open(f"{directory}/{name}", "w", encoding="utf-8") as file:
                    file.write(files[name].replace("OLD", instead.get("instead", "OLD")))

        write(files)
        strata = self.strata(config=files["prometheus.yml"], arguments=[
            f"--strata.config={directory}/strata.yml",
            f"--alertmanager.config.file={directory}/alertmanager.yml"])

        def in_use():
            oncall = strata.get("/api/v1/oncall").json()["data"]["people"]
            return (strata.get("/api/v2/receivers").json()[0]["name"],
                    oncall[0]["channels"][0]["receiver"],
                    "OLD" in strata.get("/api/v1/status/config").json()["data"]["yaml"])

        self.assertEqual(in_use(), ("OLD", "OLD", True))
        write(("alertmanager.yml", "prometheus.yml"), instead="NEW")  # and strata.yml has OLD
        answer = http_request(strata.url + "/-/reload", data=b"", method="POST")
        self.assertEqual(answer.status, 500)
        self.assertRegex(answer.body.decode(), r"strata\.yml:3:\d+: .*OLD")
        self.assertEqual(in_use(), ("OLD", "OLD", True))
        write(files, instead="NEW")
        self.assertEqual(http_request(strata.url + "/-/reload", data=b"", method="POST").status, 200)
        self.assertEqual(in_use(), ("NEW", "NEW", False))


if __name__ == "__main__":
    main()

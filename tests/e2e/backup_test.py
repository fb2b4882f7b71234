"""strata backup and strata restore: all that a server knows, copied while it runs, and put back into
an empty directory, where another server answers the same.

tests/data/backups has a backup of each version of the formats, as it was written then. One that is
missing is written by STRATA_WRITE_GOLDEN=VERSION tests/e2e/backup_test.py; none is written again."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from harness import BINARY, EndToEndTest, Strata, free_port, http_request, main, wait_until

CONFIG = """
global: {scrape_interval: 100ms, scrape_timeout: 100ms, evaluation_interval: 200ms}
rule_files: [rules/*.yml]
scrape_configs:
  - job_name: app
    static_configs: [{targets: ["%s"]}]
"""
RULES = """
groups:
  - name: all
    rules:
      - {alert: Always, expr: 'app_value{i="0"} >= 0', labels: {severity: page}}
      - {record: "app:sum", expr: sum(app_value)}
"""
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "data" / "backups"


# What is in a kept backup, for whoever reads it later.
GOLDEN_BODY = """# TYPE app_value gauge
app_value{i="0"} %d
# TYPE app_seconds histogram
app_seconds_bucket{le="0.1"} %d
app_seconds_bucket{le="+Inf"} %d
app_seconds_count %d
app_seconds_sum %d
"""
GOLDEN_CONFIG = """
global: {scrape_interval: 100ms, scrape_timeout: 100ms, evaluation_interval: 200ms}
rule_files: [rules/*.yml]
scrape_configs:
  - job_name: app
    convert_classic_histograms_to_nhcb: true
    always_scrape_classic_histograms: true
    static_configs: [{targets: ["%s"], labels: {instance: kept}}]
"""


def strata_command(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=120)


def add_silence(strata, comment):
    now = time.time()
    body = {"matchers": [{"name": "alertname", "value": "Other", "isRegex": False}],
            "startsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
            "endsAt": "2190-01-01T00:00:00Z",
            "createdBy": "test", "comment": comment}
    answer = http_request(f"{strata.url}/api/v2/silences", json.dumps(body).encode(), "POST",
                          {"Content-Type": "application/json"})
    assert answer.status == 200, answer.body


def silences(strata):
    return [silence["comment"] for silence in strata.get("/api/v2/silences").json()]


def save_dashboard(strata, uid):
    body = {"dashboard": {"uid": uid, "title": uid, "panels": []}, "message": "kept"}
    answer = http_request(f"{strata.url}/api/dashboards/db", json.dumps(body).encode(), "POST",
                          {"Content-Type": "application/json"})
    assert answer.status == 200, answer.body


class Backup(EndToEndTest):
    def serve(self):
        target = self.exposition(
            lambda n: "".join(f'app_value{{i="{i}"}} {n * 1000 + i}\n' for i in range(50)))
        rules = pathlib.Path(self.directory) / "rules"
        rules.mkdir(exist_ok=True)
        (rules / "all.yml").write_text(RULES)
        strata = self.strata(config=CONFIG % target.address,
                             arguments=["--web.enable-admin-api"])
        wait_until(lambda: (strata.value("count(count_over_time(app_value[1m]) > 5)") or 0) == 50,
                   "samples")
        return strata

    def restored(self, backup, name="restored"):
        """A server on a restored backup, that scrapes nothing."""
        directory = pathlib.Path(self.directory) / name
        directory.mkdir()
        done = strata_command("restore", str(backup), f"--storage.path={directory / 'data'}",
                              f"--config-dir={directory / 'etc'}")
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.start(Strata(directory, config="global: {}"))

    def test_what_is_restored_answers_as_what_was_there(self):
        strata = self.serve()
        add_silence(strata, "before")
        save_dashboard(strata, "mine")
        http_request(f"{strata.url}/api/annotations", b'{"text": "deployed", "time": 1000}', "POST",
                     {"Content-Type": "application/json"})
        backup = pathlib.Path(self.directory) / "backup"
        done = strata_command("backup", str(backup), f"--url={strata.url}")
        self.assertEqual(done.returncode, 0, done.stderr)
        at = time.time()
        add_silence(strata, "after")
        self.assertFalse((strata.directory / "data/snapshots/backup").exists())
        self.assertEqual((backup / "config/prometheus.yml").read_text(),
                         (strata.directory / "prometheus.yml").read_text())
        self.assertEqual((backup / "config/rules/all.yml").read_text(), RULES)

        restored = self.restored(backup)
        question = "app_value[2m]"
        expected = {row["metric"]["i"]: row["values"] for row in strata.query(question, at)}
        found = {row["metric"]["i"]: row["values"] for row in restored.query(question, at)}
        self.assertEqual(set(found), set(expected))
        for i, values in found.items():
            # All before the backup, in order; what came while it was made may be missing.
            self.assertGreater(len(values), 5)
            self.assertEqual(values, expected[i][:len(values)])
            self.assertLess(at - values[-1][0], 5)
        self.assertEqual(silences(restored), ["before"])
        annotations = restored.get("/api/annotations", **{"from": 0, "to": 2000}).json()
        self.assertEqual([one["text"] for one in annotations], ["deployed"])
        self.assertEqual(restored.get("/api/dashboards/uid/mine").json()["dashboard"]["uid"],
                         "mine")
        self.assertEqual((pathlib.Path(self.directory) / "restored/etc/rules/all.yml").read_text(),
                         RULES)

    def test_while_no_server_runs(self):
        strata = self.serve()
        add_silence(strata, "before")
        expected = strata.query("sum(count_over_time(app_value[1h]))")
        running = strata_command("backup", f"{self.directory}/backup",
                                 f"--storage.path={strata.directory / 'data'}")
        self.assertEqual(running.returncode, 1)
        self.assertIn("--url", running.stderr)
        strata.stop()
        done = strata_command("backup", f"{self.directory}/backup",
                              f"--storage.path={strata.directory / 'data'}",
                              f"--config.file={strata.directory / 'prometheus.yml'}")
        self.assertEqual(done.returncode, 0, done.stderr)
        restored = self.restored(f"{self.directory}/backup")
        count = restored.value("sum(count_over_time(app_value[1h]))")
        self.assertGreaterEqual(count, float(expected[0]["value"][1]))
        self.assertEqual(silences(restored), ["before"])

    def test_a_kill_in_the_middle_leaves_no_backup_and_the_next_one_succeeds(self):
        strata = self.serve()
        # So large that copying takes a while; nobody reads it.
        ballast = strata.directory / "data/rules/ballast"
        with open(ballast, "wb") as file:
            for _ in range(60):
                file.write(os.urandom(1 << 20))
        backup = pathlib.Path(self.directory) / "backup"
        for _ in range(3):
            copying = subprocess.Popen([BINARY, "backup", str(backup), f"--url={strata.url}"],
                                       stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            partial = pathlib.Path(str(backup) + ".partial")
            wait_until(lambda: partial.exists() or copying.poll() is not None, "the copy",
                       every=0.001)
            copying.send_signal(signal.SIGKILL)
            copying.wait()
            if backup.exists():  # it was faster
                shutil.rmtree(backup)
            refused = strata_command("restore", str(backup) + ".partial",
                                     f"--storage.path={self.directory}/nothing")
            self.assertEqual(refused.returncode, 1)
            self.assertFalse(os.path.exists(f"{self.directory}/nothing"))
        done = strata_command("backup", str(backup), f"--url={strata.url}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(strata_command("restore", str(backup), "--check").returncode, 0)
        self.assertGreater(self.restored(backup).value("count(app_value)") or 0, 0)

    def test_damage_is_named_and_nothing_is_overwritten(self):
        strata = self.serve()
        backup = pathlib.Path(self.directory) / "backup"
        self.assertEqual(strata_command("backup", str(backup), f"--url={strata.url}").returncode, 0)
        again = strata_command("backup", str(backup), f"--url={strata.url}")
        self.assertEqual(again.returncode, 1)
        self.assertIn("not empty", again.stderr)
        there = strata_command("restore", str(backup),
                               f"--storage.path={strata.directory / 'data'}")
        self.assertEqual(there.returncode, 1)
        self.assertIn("not empty", there.stderr)
        series = backup / "data/series"
        bytes_ = bytearray(series.read_bytes())
        bytes_[len(bytes_) // 2] ^= 1
        series.write_bytes(bytes_)
        for arguments in (["--check"], [f"--storage.path={self.directory}/other"]):
            refused = strata_command("restore", str(backup), *arguments)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("data/series", refused.stderr)
        self.assertFalse(os.path.exists(f"{self.directory}/other"))

    def test_without_the_admin_api_it_says_what_is_missing(self):
        strata = self.strata(config="global: {}")
        refused = strata_command("backup", f"{self.directory}/backup", f"--url={strata.url}")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--web.enable-admin-api", refused.stderr)
        away = strata_command("backup", f"{self.directory}/backup",
                              f"--url=http://127.0.0.1:{free_port()}")
        self.assertEqual(away.returncode, 1)
        self.assertIn("asking", away.stderr)

    def test_kept_backups_of_every_version_are_restored(self):
        self.write_golden()
        kept = sorted(path for path in GOLDEN.iterdir() if path.is_dir())
        self.assertTrue(kept)
        for backup in kept:
            with self.subTest(backup.name):
                known = json.loads((GOLDEN / f"{backup.name}.json").read_text())
                directory = pathlib.Path(self.directory) / backup.name
                directory.mkdir()
                done = strata_command("restore", str(backup),
                                      f"--storage.path={directory / 'data'}")
                self.assertEqual(done.returncode, 0, done.stderr)
                strata = self.start(Strata(
                    directory, config="global: {}",
                    arguments=["--storage.tsdb.retention.time=0"]))
                for expr, answer in known["queries"].items():
                    self.assertEqual(strata.query(expr, known["at"]), answer, expr)
                self.assertEqual(silences(strata), ["kept"])
                dashboard = strata.get("/api/dashboards/uid/kept").json()
                self.assertEqual(dashboard["dashboard"]["title"], "kept")
                self.assertEqual(strata_command("tsdb", "verify",
                                                str(directory / "data")).returncode, 0)
                strata.stop()

    def write_golden(self):
        version = os.environ.get("STRATA_WRITE_GOLDEN")
        if not version or (GOLDEN / version).exists():
            return
        GOLDEN.mkdir(exist_ok=True)
        target = self.exposition(lambda n: GOLDEN_BODY % (n, n, 2 * n, 2 * n, n))
        directory = pathlib.Path(self.directory) / "golden"
        (directory / "rules").mkdir(parents=True)
        (directory / "rules/all.yml").write_text(RULES)
        strata = self.start(Strata(directory, config=GOLDEN_CONFIG % target.address,
                                   arguments=["--web.enable-admin-api"]))
        wait_until(lambda: (strata.value("count_over_time(app_value[1m])") or 0) > 50, "samples")
        add_silence(strata, "kept")
        save_dashboard(strata, "kept")
        target.close()
        time.sleep(1)
        at = round(time.time(), 3)
        exprs = ["app_value[1m]", "app_seconds[1m]", "app_seconds_sum[1m]", "ALERTS[1m]",
                 "app:sum[1m]"]
        done = strata_command("backup", str(GOLDEN / version), f"--url={strata.url}")
        assert done.returncode == 0, done.stderr
        (GOLDEN / f"{version}.json").write_text(json.dumps(
            {"at": at, "queries": {expr: strata.query(expr, at) for expr in exprs}}) + "\n")


if __name__ == "__main__":
    main()

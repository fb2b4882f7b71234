"""The web page in Chromium, against a server with an hour of a fleet's history and live targets:
web/e2e does the clicking. Screenshots of every page, in both themes, go to build/page-shots."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest

import harness
from fleet_history import History

WEB = harness.ROOT / "web"
SHOTS = pathlib.Path(os.environ.get("STRATA_SHOTS", harness.ROOT / "build/page-shots"))
RULES = """
groups:
  - name: page
    rules:
      - {alert: TargetDown, expr: up == 0, labels: {severity: warning}, annotations: {summary: "{{ $labels.instance }} does not answer"}}
      - {alert: Watchdog, expr: vector(1), labels: {severity: none}}
      - {record: "job:up:sum", expr: sum by (job) (up)}
"""
CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: strata
    static_configs: [{targets: ['127.0.0.1:OWN']}]
  - job_name: gone
    static_configs: [{targets: ['127.0.0.1:1']}]
  - job_name: traced
    static_configs: [{targets: ['TRACED']}]
"""
ALERTMANAGER = """
route: {receiver: nobody}
receivers:
- name: nobody
- name: phone
  webhook_configs: [{url: 'http://127.0.0.1:PHONE/phone'}]
"""
STRATA = """
oncall:
  people:
  - name: alice
    channels: [{kind: phone, receiver: phone}]
  - name: bob
    channels: [{kind: phone, receiver: phone}]
  schedules:
  - name: primary
    layers: [{people: [alice, bob], rotation: daily}]
  policies:
  - priority: P0
    steps:
    - {after: 0s, notify: [primary], channels: [phone]}
    - {after: 5m, notify: [everyone], channels: [phone]}
  heartbeats: [{name: nightly, timeout: 25h}]
  drill_receiver: phone
"""


def traced(number):
    """A histogram with an exemplar, as OpenMetrics has it."""
    text = ("# TYPE traced_seconds histogram\n"
            f'traced_seconds_bucket{{le="1.0"}} {number} # {{trace_id="t{number}"}} 0.7\n'
            f'traced_seconds_bucket{{le="+Inf"}} {number}\n'
            f"traced_seconds_sum {number}\ntraced_seconds_count {number}\n# EOF\n")
    return 200, "application/openmetrics-text; version=1.0.0", text.encode()


def trouble(now):
    """More series than anybody draws, and numbers that are none."""
    lines = ["# TYPE big gauge"]
    lines += [f'big{{i="{i}"}} {i % 97} {now - 30}' for i in range(50_000)]
    lines += ["# TYPE nothing gauge"]
    lines += [f'nothing{{i="{i}"}} {value} {at}' for i, value in enumerate(["NaN", "+Inf", "-Inf"])
              for at in range(now - 600, now, 15)]
    return "\n".join(lines) + "\n# EOF\n"


def shared_dashboards():
    """Grafana dashboards of others, where there are any."""
    folder = pathlib.Path(os.environ.get("STRATA_SHARED_DATA", harness.ROOT / "../shared/data"))
    return sorted((folder / "dashboards").glob("*.json"))


class PageTest(harness.EndToEndTest):
    def setUp(self):
        super().setUp()
        harness.need_program("chromium")
        if not (WEB / "node_modules/playwright-core").exists():
            self.skipTest("the page's packages are not installed: built without Node.js")
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.now = int(time.time())
        self.phone = harness.free_port()

    def write(self, name, text):
        path = pathlib.Path(self.directory) / name
        path.write_text(text)
        return path

    def server_with(self, text, arguments=(), prefix=""):
        """A server whose store has `text` already, and that scrapes and alerts from now on."""
        self.write("rules.yml", RULES)
        history = self.write("history.om", text)
        subprocess.run([harness.BINARY, "import", "text",
                        f"--storage.path={self.directory}/data", str(history)], check=True,
                       capture_output=True, timeout=120)
        port = harness.free_port()
        alerting = self.write("alertmanager.yml", ALERTMANAGER.replace("PHONE", str(self.phone)))
        config = CONFIG.replace("OWN", str(port)).replace("TRACED", self.exposition(traced).address)
        server = self.strata(config=config, port=port, wait=False, arguments=(
            f"--alertmanager.config.file={alerting}",
            f"--strata.config={self.write('strata.yml', STRATA)}", *arguments))
        harness.wait_until(lambda: server.get(f"{prefix}/-/ready").status == 200, "ready")
        if server.get(f"{prefix}/index1.html").status == 404:
            self.skipTest("the program was built without its page")
        return server

    def push(self, server, path):
        body = json.dumps({"dashboard": json.loads(path.read_text()), "overwrite": True}).encode()
        answer = harness.http_request(f"{server.url}/api/dashboards/db", data=body,
                                      headers={"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()["uid"]

    def browse(self, server, *files, **more):
        """Runs files of web/e2e; what they say when they fail is shown."""
        environment = os.environ | {
            "STRATA_URL": server.url + "/", "STRATA_SHOTS": str(SHOTS),
            "STRATA_NOW": str(self.now * 1000), "STRATA_PHONE": str(self.phone),
            "STRATA_BINARY": harness.BINARY, "STRATA_DIRECTORY": self.directory,
            "CHROMIUM": shutil.which("chromium"), **more}
        node = shutil.which("node") or shutil.which("nodejs")
        result = subprocess.run([node, "--test", *(str(WEB / "e2e" / name) for name in files)],
                                env=environment, capture_output=True, text=True, timeout=500,
                                cwd=WEB)
        print(re.sub(r"(?m)^# (?!fail|pass|tests).*\n", "", result.stdout)[-8000:], file=sys.stderr)
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])

    def test_pages(self):
        server = self.server_with(History(self.now).text())
        boards = ",".join(self.push(server, path) for path in shared_dashboards())
        self.browse(server, "pages.test.mjs", STRATA_BOARDS=boards)

    def test_what_people_do(self):
        server = self.server_with(History(self.now).text())
        self.browse(server, "explore.test.mjs", "edit.test.mjs", "oncall.test.mjs",
                    "overview.test.mjs", "live.test.mjs")

    def test_trouble(self):
        server = self.server_with(History(self.now).text().replace("# EOF\n", "") +
                                  trouble(self.now))
        self.browse(server, "trouble.test.mjs")

    def test_below_a_path(self):
        server = self.server_with(History(self.now).text(), ["--web.route-prefix=/watch"],
                                  "/watch")
        self.browse(server, "prefix.test.mjs")


if __name__ == "__main__":
    harness.main()

"""The web page in Chromium, against a server with an hour of a fleet's history and live targets:
web/e2e/*.test.mjs does the clicking. Screenshots of every page, in both themes, go to build/page-shots."""
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
    static_configs: [{targets: ['127.0.0.1:%d']}]
  - job_name: gone
    static_configs: [{targets: ['127.0.0.1:1']}]
"""


def shared_dashboards():
    """Grafana dashboards of others, where there are any."""
    folder = pathlib.Path(os.environ.get("STRATA_SHARED_DATA", harness.ROOT / "../shared/data"))
    return sorted((folder / "dashboards").glob("*.json"))


class PageTest(harness.EndToEndTest):
    def server_with_history(self, now):
        directory = pathlib.Path(self.directory)
        (directory / "rules.yml").write_text(RULES)
        (directory / "fleet.om").write_text(History(now).text())
        subprocess.run([harness.BINARY, "import", "text", f"--storage.path={directory / 'data'}",
                        str(directory / "fleet.om")], check=True, capture_output=True, timeout=120)
        port = harness.free_port()
        return self.strata(config=CONFIG % port, port=port)

    def push(self, server, path):
        body = json.dumps({"dashboard": json.loads(path.read_text()), "overwrite": True}).encode()
        answer = harness.http_request(f"{server.url}/api/dashboards/db", data=body,
                                      headers={"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()["uid"]

    def test_pages(self):
        harness.need_program("chromium")
        if not (WEB / "node_modules/playwright-core").exists():
            self.skipTest("the page's packages are not installed: built without Node.js")
        now = int(time.time())
        server = self.server_with_history(now)
        if "assets/" not in server.get("/").body.decode(errors="replace") and \
                server.get("/index1.html").status == 404:
            self.skipTest("the program was built without its page")
        shutil.rmtree(SHOTS, ignore_errors=True)
        SHOTS.mkdir(parents=True)
        environment = os.environ | {
            "STRATA_URL": server.url + "/", "STRATA_SHOTS": str(SHOTS), "STRATA_NOW": str(now * 1000),
            "STRATA_BOARDS": ",".join(self.push(server, path) for path in shared_dashboards()),
            "CHROMIUM": shutil.which("chromium")}
        node = shutil.which("node") or shutil.which("nodejs")
        result = subprocess.run([node, "--test", *sorted(map(str, (WEB / "e2e").glob("*.test.mjs")))],
                                env=environment, capture_output=True, text=True, timeout=400, cwd=WEB)
        print(re.sub(r"(?m)^# (?!fail|pass|tests).*\n", "", result.stdout)[-8000:], file=sys.stderr)
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])


if __name__ == "__main__":
    harness.main()

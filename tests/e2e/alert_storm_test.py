#!/usr/bin/env python3
"""A storm: 20,000 alerts at once, in one group and in many; every one is told, once, and what is
held for it in memory has a bound."""
import datetime
import json
import time
import unittest

from fake_providers import FakeProvider
from harness import EndToEndTest, http_request, wait_until

ALERTS = 20_000
CONFIG = """
route:
  receiver: one
  group_wait: 10s
  group_interval: 10s
  group_by: []
  routes:
  - {receiver: many, group_by: [model], continue: true, group_wait: 10s}
  - {receiver: one, group_by: [], group_wait: 10s}
receivers:
- {name: many, webhook_configs: [{url: 'HTTP/many'}]}
- name: one
  webhook_configs: [{url: 'HTTP/one'}]
  slack_configs: [{api_url: 'HTTP/slack', text: '{{ range .Alerts }}{{ .Labels.instance }} {{ end }}'}]
"""


def memory(pid):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return 0


class AlertStorm(EndToEndTest):
    def test_every_alert_is_told_once(self):
        fake = FakeProvider()
        self.addCleanup(fake.close)
        path = f"{self.directory}/alertmanager.yml"
        with open(path, "w") as file:
            file.write(CONFIG.replace("HTTP", fake.url))
        server = self.strata(config="scrape_configs: []\n",
                             arguments=[f"--alertmanager.config.file={path}", "--rules.builtin=off"])
        before = memory(server.process.pid)
        now = datetime.datetime.now(datetime.timezone.utc)
        begun = time.monotonic()
        for start in range(0, ALERTS, 2000):
            alerts = [{"labels": {"alertname": "Down", "instance": f"gpu-{i}:9400",
                                  "model": f"m{i % 400}", "severity": "critical"},
                       "annotations": {"summary": f"gpu-{i} does not answer"},
                       "startsAt": now.isoformat(),
                       "endsAt": (now + datetime.timedelta(minutes=30)).isoformat(),
                       "generatorURL": "http://prometheus/graph?g0.expr=up"}
                      for i in range(start, start + 2000)]
            answer = http_request(server.url + "/api/v2/alerts", json.dumps(alerts).encode(),
                                  "POST", {"Content-Type": "application/json"})
            self.assertEqual(answer.status, 200, answer.body)
        posted = time.monotonic()

        def told(where):
            return [alert["labels"]["instance"] for request in fake.told(where)
                    for alert in request["json"]["alerts"]]

        wait_until(lambda: len(set(told("/many"))) == ALERTS, "all of the many groups", timeout=120)
        wait_until(lambda: len(set(told("/one"))) == ALERTS, "the one group", timeout=120)
        wait_until(lambda: fake.told("/slack"), "the chat", timeout=60)
        done = time.monotonic()
        peak = memory(server.process.pid)
        print(f"posted in {posted - begun:.1f} s, told {done - begun:.1f} s after the first; "
              f"{(peak - before) / 2**20:.0f} MiB more at the peak")
        self.assertEqual(len(told("/many")), len(set(told("/many"))))
        self.assertIn(f"FIRING:{ALERTS}", fake.told("/slack")[-1]["json"]["attachments"][0]["title"])


if __name__ == "__main__":
    unittest.main(verbosity=2)

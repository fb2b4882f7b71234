#!/usr/bin/env python3
"""Sending to external Alertmanagers: Debian's Prometheus and Strata evaluate the same rules, each
tells an Alertmanager of Debian's of its own, and both know the same alerts."""
import json
import pathlib
import time

from fake_providers import FakeProvider
from harness import (EndToEndTest, PrometheusApi, Process, free_port, http_request, main,
                     need_program, wait_until)

RULES = """
groups:
- name: g
  interval: 1s
  rules:
  - alert: Hot
    expr: temperature > 90
    labels: {severity: critical, name: "{{ $labels.gpu }}"}
    annotations: {summary: 'gpu {{ $labels.gpu }} has "{{ $value }}" <>&'}
  - alert: Cold
    expr: temperature < 10
"""

CONFIG = """
global:
  scrape_interval: 200ms
  evaluation_interval: 1s
  external_labels: {{dc: north, replica: b}}
rule_files: ["{rules}"]
alerting:
  alert_relabel_configs:
  - {{regex: replica, action: labeldrop}}
  alertmanagers:
  - path_prefix: /am
    file_sd_configs: [{{files: ["{targets}"]}}]
    relabel_configs:
    - {{source_labels: [zone], regex: far, action: drop}}
scrape_configs:
- job_name: gpus
  static_configs: [{{targets: ["{gpus}"]}}]
"""


class ExternalAlertmanagers(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.temperatures = {"0": 95.5, "1": 5, "2": 50}
        self.gpus = self.exposition(lambda _: "".join(
            f'temperature{{gpu="{gpu}"}} {value}\n' for gpu, value in self.temperatures.items()))

    def alertmanager(self, name):
        port = free_port()
        path = pathlib.Path(self.directory) / f"{name}.yml"
        path.write_text("route: {receiver: r, group_by: [alertname]}\nreceivers: [{name: r}]\n")
        self.start(Process([need_program("prometheus-alertmanager"), f"--config.file={path}",
                            f"--storage.path={self.directory}/{name}-data",
                            "--cluster.listen-address=", "--web.route-prefix=/am",
                            f"--web.listen-address=127.0.0.1:{port}"], self.directory, name))
        wait_until(lambda: http_request(f"http://127.0.0.1:{port}/am/-/ready").status == 200, name)
        return f"127.0.0.1:{port}"

    def configured(self, name, targets):
        directory = pathlib.Path(self.directory)
        rules, found = directory / "rules.yml", directory / f"{name}.json"
        rules.write_text(RULES)
        found.write_text(json.dumps([{"targets": targets},
                                     {"targets": ["far:1"], "labels": {"zone": "far"}}]))
        return CONFIG.format(rules=rules, targets=found, gpus=self.gpus.address)

    def prometheus(self, config):
        directory = pathlib.Path(self.directory) / "prometheus"
        directory.mkdir()
        path = directory / "prometheus.yml"
        path.write_text(config)
        port = free_port()
        self.start(Process([need_program("prometheus"), f"--config.file={path}",
                            f"--web.listen-address=127.0.0.1:{port}",
                            f"--storage.tsdb.path={directory / 'data'}", "--log.level=error",
                            "--web.external-url=http://mon.example"], self.directory, "prometheus"))
        api = PrometheusApi(port)
        wait_until(api.ready, "prometheus to be ready")
        return api

    def known(self, address):
        """What an Alertmanager holds active, without what differs by the sender."""
        return sorted(json.dumps({"labels": alert["labels"], "annotations": alert["annotations"],
                                  "url": alert["generatorURL"].split("?")[0]}, sort_keys=True)
                      for alert in http_request(f"http://{address}/am/api/v2/alerts").json())

    def test_alertmanagers_know_what_prometheus_tells_them(self):
        theirs_am, ours_am = self.alertmanager("theirs"), self.alertmanager("ours")
        theirs = self.prometheus(self.configured("prometheus", [theirs_am]))
        ours = self.strata(config=self.configured("strata", [ours_am]),
                           arguments=["--web.external-url=http://mon.example/"])
        wait_until(lambda: len(self.known(theirs_am)) == 2, "Prometheus' alerts")
        wait_until(lambda: len(self.known(ours_am)) == 2, "our alerts")
        self.assertEqual(self.known(ours_am), self.known(theirs_am))
        self.assertNotIn("replica", self.known(ours_am)[0])

        def places(api):
            data = api.get("/api/v1/alertmanagers").json()["data"]
            return {key: [item["url"].replace(theirs_am, "AM").replace(ours_am, "AM")
                          for item in data[key]] for key in sorted(data)}
        self.assertEqual(places(ours), places(theirs))
        self.assertEqual(places(ours)["droppedAlertmanagers"], ["http://far:1/am/api/v2/alerts"])

        self.temperatures["0"] = 20
        wait_until(lambda: len(self.known(theirs_am)) == 1, "Prometheus' alert to end")
        wait_until(lambda: len(self.known(ours_am)) == 1, "our alert to end")
        self.assertEqual(self.known(ours_am), self.known(theirs_am))
        sent = f'prometheus_notifications_sent_total{{alertmanager="http://{ours_am}/am/api/v2/alerts"}}'
        self.assertIn(sent, ours.get("/metrics").body.decode())

    def test_stopping_sends_what_waits(self):
        def answer(_):
            time.sleep(1)
            return 200, {}, b""
        slow = FakeProvider(answer)
        self.addCleanup(slow.close)
        strata = self.strata(config=self.configured("strata", [slow.url.removeprefix("http://")]),
                             arguments=["--alertmanager.notification-batch-size=1"])
        wait_until(slow.told, "the first alert")
        strata.stop()
        names = {alert["labels"]["alertname"] for told in slow.told() for alert in told["json"]}
        self.assertEqual(names, {"Cold", "Hot"})


if __name__ == "__main__":
    main()

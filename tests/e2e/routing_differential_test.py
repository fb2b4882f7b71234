#!/usr/bin/env python3
"""Routing, grouping, inhibition, silences and muting beside Debian's Alertmanager: one
alertmanager.yml, the same alerts and silences, and what the webhooks are sent is compared.

A scenario is a route under the root that takes its alerts (label `s`), rules of its own, and steps:
alerts that fire (`+`) or are over (`-`), as "name=value" labels; `silence` and `expire` in between.
All scenarios run at once, in one pair of processes.

Not here, for Debian's 0.25 is older than what Strata follows (0.34): `group_by: []` of a child route,
which overrides the parent's since then."""
import datetime
import json
import re
import time
import unittest

from fake_providers import FakeProvider
from harness import EndToEndTest, Process, free_port, http_request, need_program, wait_until

A, B, C = "+alertname=A n=1", "+alertname=A n=2", "+alertname=B n=1"
BY_NAME = "group_by: [alertname]"
ALWAYS = "[{times: [{start_time: '00:00', end_time: '24:00'}]}]"
NEVER = "[{years: ['1990']}]"

# (route, inhibit_rules, steps)
SCENARIOS = [
    # grouping
    ("group_by: []", [], [[A, B, C]]),
    (BY_NAME, [], [[A, B, C]]),
    ("group_by: [alertname, n]", [], [[A, B, C]]),
    ("group_by: ['...']", [], [[A, B, C]]),
    ("group_by: [missing]", [], [[A, B]]),
    ("group_by: [n, missing]", [], [[A, B, C]]),
    (BY_NAME, [], [[A], [B]]),
    (BY_NAME, [], [[A, B], ["-alertname=A n=1"]]),
    (BY_NAME, [], [[A, B], ["-alertname=A n=1", "-alertname=A n=2"]]),
    (BY_NAME, [], [[A], ["-alertname=A n=1"], [A]]),
    (BY_NAME, [], [[A], ["-alertname=A n=1", B]]),
    (BY_NAME, [], [["+alertname=Ünï n=1", '+alertname="quoted\\"x" n=2']]),
    (BY_NAME, [], [["+alertname=A n=1 job=b instance=2", "+alertname=A n=2 job=a instance=9",
                    "+alertname=A n=3 job=b instance=1", "+alertname=A n=4"]]),
    # the tree
    (f"{BY_NAME}, routes: [{{matchers: [n=1], receiver: two}}]", [], [[A, B]]),
    (f"{BY_NAME}, routes: [{{matchers: [n=1], receiver: two, continue: true}},"
     " {matchers: [n=1], receiver: three}]", [], [[A, B]]),
    (f"{BY_NAME}, routes: [{{matchers: [n=1], receiver: two}}, {{matchers: [n=1], receiver: three}}]",
     [], [[A]]),
    (f"{BY_NAME}, routes: [{{matchers: ['n=~\"1|3\"'], receiver: two}}]", [], [[A, B]]),
    (f"{BY_NAME}, routes: [{{matchers: ['n!=\"1\"'], receiver: two}}]", [], [[A, B]]),
    (f"{BY_NAME}, routes: [{{matchers: ['n!~\"1.*\"'], receiver: two}}]", [], [[A, B]]),
    (f"{BY_NAME}, routes: [{{matchers: ['gone=\"\"'], receiver: two}}]", [], [[A]]),
    (f"{BY_NAME}, routes: [{{matchers: ['gone=~\".+\"'], receiver: two}}]", [], [[A]]),
    (f"{BY_NAME}, routes: [{{match: {{n: '1'}}, receiver: two}}]", [], [[A, B]]),
    (f"{BY_NAME}, routes: [{{match_re: {{n: '1|2'}}, receiver: two}}]", [], [[A, B]]),
    (f"{BY_NAME}, routes: [{{matchers: [alertname=A], routes: [{{matchers: [n=2], receiver: two}}]}}]",
     [], [[A, B, C]]),
    (f"{BY_NAME}, routes: [{{matchers: [alertname=A], group_by: [n], receiver: two}}]", [],
     [[A, B, C]]),
    ("receiver: few, " + BY_NAME, [], [[A, B, "+alertname=A n=3"]]),
    ("receiver: firing, " + BY_NAME, [], [[A, B], ["-alertname=A n=1"]]),
    ("receiver: firing, " + BY_NAME, [], [[A], ["-alertname=A n=1"]]),
    ("receiver: both, " + BY_NAME, [], [[A], ["-alertname=A n=1"]]),
    # inhibition
    (BY_NAME, ["source_matchers: [S, alertname=A], target_matchers: [S, alertname=B]"], [[A, C]]),
    (BY_NAME, ["source_matchers: [S, alertname=A], target_matchers: [S, alertname=B], equal: [n]"],
     [[B, C]]),
    (BY_NAME, ["source_matchers: [S, alertname=A], target_matchers: [S, alertname=B], equal: [n]"],
     [[A, C]]),
    (BY_NAME, ["source_matchers: [S, alertname=A], target_matchers: [S, alertname=B], equal: [gone]"],
     [[A, C]]),
    (BY_NAME, ["source_matchers: [S], target_matchers: [S]"], [[A, C]]),
    (BY_NAME, ["source_matchers: [S, 'alertname=~\"A|B\"'], target_matchers: [S, alertname=B]"],
     [[A, C]]),
    (BY_NAME, ["source_match: {s: 'S', alertname: A}, target_match_re: {s: 'S', alertname: 'B.*'}"],
     [[A, C]]),
    (BY_NAME, ["source_matchers: [S, alertname=A], target_matchers: [S, alertname=B]"],
     [[A, C], ["-alertname=A n=1"]]),
    # silences
    (BY_NAME, [], [["silence n=1"], [A, B]]),
    (BY_NAME, [], [["silence n=~1|3"], [A, B]]),
    (BY_NAME, [], [["silence n!=1"], [A, B]]),
    (BY_NAME, [], [["silence n!~1"], [A, B]]),
    (BY_NAME, [], [["silence alertname=A n=2"], [A, B, C]]),
    (BY_NAME, [], [["silence gone="], [A]]),
    (BY_NAME, [], [["silence gone=~.+"], [A]]),
    (BY_NAME, [], [["silence alertname=A"], [A, C], ["expire"]]),
    (BY_NAME, [], [["silence n=1", "silence n=2"], [A, B, C]]),
    (BY_NAME, [], [[A], ["silence n=1"], ["-alertname=A n=1"]]),
    # time
    (f"{BY_NAME}, mute_time_intervals: [always]", [], [[A]]),
    (f"{BY_NAME}, mute_time_intervals: [never]", [], [[A]]),
    (f"{BY_NAME}, active_time_intervals: [always]", [], [[A]]),
    (f"{BY_NAME}, active_time_intervals: [never]", [], [[A]]),
    (f"{BY_NAME}, mute_time_intervals: [never, always]", [], [[A]]),
    (f"{BY_NAME}, routes: [{{matchers: [alertname=A], mute_time_intervals: [always], receiver: two}}]",
     [], [[A, C]]),
]

RECEIVERS = """
- {name: root}
- name: one
  webhook_configs: [{url: 'HTTP/one', send_resolved: true}]
- name: two
  webhook_configs: [{url: 'HTTP/two'}]
- name: three
  webhook_configs: [{url: 'HTTP/three'}]
- name: few
  webhook_configs: [{url: 'HTTP/few', max_alerts: 2}]
- name: firing
  webhook_configs: [{url: 'HTTP/firing', send_resolved: false}]
- name: both
  webhook_configs: [{url: 'HTTP/both/a'}, {url: 'HTTP/both/b', send_resolved: false}]
"""

# More than enough for a group to be flushed twice.
SETTLE = 5.0


def configuration(url):
    routes, rules = [], []
    for i, (route, inhibit, _) in enumerate(SCENARIOS):
        receiver = "" if route.startswith("receiver") else "receiver: one, "
        routes.append(f"  - {{matchers: [s=\"{i}\"], {receiver}{route}}}")
        for rule in inhibit:
            rule = re.sub(r"\[S\b", f"[s=\"{i}\"", rule).replace("s: 'S'", f"s: '{i}'")
            rules.append(f"- {{{rule}}}")
    return ("route:\n  receiver: root\n  group_wait: 1s\n  group_interval: 2s\n"
            "  repeat_interval: 1h\n  routes:\n" + "\n".join(routes) + "\ninhibit_rules:\n"
            + "\n".join(rules) + f"\ntime_intervals:\n- {{name: always, time_intervals: {ALWAYS}}}\n"
            f"- {{name: never, time_intervals: {NEVER}}}\nreceivers:"
            + RECEIVERS.replace("HTTP", url))


def labels_of(text):
    pairs = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', text)
    return {name: value[1:-1].replace('\\"', '"') if value.startswith('"') else value
            for name, value in pairs}


class RoutingDifferential(EndToEndTest):
    def begin(self, program):
        fake = FakeProvider()
        self.addCleanup(fake.close)
        path = f"{self.directory}/{program}.yml"
        with open(path, "w") as file:
            file.write(configuration(fake.url))
        if program == "strata":
            url = self.strata(config="scrape_configs: []\n",
                              arguments=[f"--alertmanager.config.file={path}"]).url
        else:
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            self.start(Process([need_program("prometheus-alertmanager"), f"--config.file={path}",
                                f"--storage.path={self.directory}/am", "--cluster.listen-address=",
                                f"--web.listen-address=127.0.0.1:{port}"], self.directory,
                               "alertmanager"))
            wait_until(lambda: http_request(url + "/-/ready").status == 200, "Alertmanager")
        return url, fake, {}

    def post(self, url, path, body):
        answer = http_request(url + path, json.dumps(body).encode(), "POST",
                              {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer.body)
        return answer

    def take(self, sides, step):
        """One step of every scenario that has so many."""
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        alerts = []
        for i, (_, _, steps) in enumerate(SCENARIOS):
            for word in steps[step] if step < len(steps) else []:
                if word.startswith(("+", "-")):
                    labels = {"s": str(i), **labels_of(word[1:])}
                    key = json.dumps(labels)
                    begin = self.began.setdefault(key, now) if word[0] == "-" else now
                    self.began[key] = begin
                    end = now if word[0] == "-" else now + datetime.timedelta(minutes=10)
                    alerts.append({"labels": labels, "annotations": {"text": word},
                                   "startsAt": begin.isoformat(), "endsAt": end.isoformat(),
                                   "generatorURL": "http://prom/"})
                    continue
                for url, _, silences in sides.values():
                    if word == "expire":
                        for silence in silences.pop(i):
                            http_request(f"{url}/api/v2/silence/{silence}", method="DELETE")
                        continue
                    matchers = [{"name": "s", "value": str(i), "isRegex": False, "isEqual": True}]
                    for name, op, value in re.findall(r"(\w+)(=~|!~|!=|=)(\S*)", word):
                        matchers.append({"name": name, "value": value, "isRegex": "~" in op,
                                         "isEqual": "!" not in op})
                    made = self.post(url, "/api/v2/silences", {
                        "matchers": matchers, "createdBy": "me", "comment": "c",
                        "startsAt": now.isoformat(),
                        "endsAt": (now + datetime.timedelta(hours=1)).isoformat()})
                    silences.setdefault(i, []).append(made.json()["silenceID"])
        if alerts:
            for url, _, _ in sides.values():
                self.post(url, "/api/v2/alerts", alerts)

    @staticmethod
    def told(fake):
        """By scenario and group, what was said in its order."""
        out = {}
        for request in fake.told():
            body = request["json"]
            for name in ("notification_reason", "routeLabels", "externalURL"):
                body.pop(name, None)
            for alert in body["alerts"]:
                alert["startsAt"] = alert["startsAt"][:19]
                alert["endsAt"] = alert["endsAt"][:19]
            scenario = body["alerts"][0]["labels"]["s"]
            out.setdefault(scenario, {}).setdefault((request["path"], body["groupKey"]), []).append(
                body)
        return out

    def test_scenarios(self):
        self.began = {}
        sides = {program: self.begin(program) for program in ("strata", "alertmanager")}
        for step in range(max(len(steps) for _, _, steps in SCENARIOS)):
            self.take(sides, step)
            time.sleep(SETTLE)
        strata, alertmanager = (self.told(sides[side][1]) for side in ("strata", "alertmanager"))
        self.assertGreaterEqual(len(SCENARIOS), 50)
        self.assertGreater(len(alertmanager), 35)
        for i, scenario in enumerate(SCENARIOS):
            with self.subTest(scenario=i, route=scenario[0], inhibit=scenario[1],
                              steps=scenario[2]):
                self.maxDiff = 4000
                self.assertEqual(strata.get(str(i)), alertmanager.get(str(i)))


if __name__ == "__main__":
    unittest.main(verbosity=2)

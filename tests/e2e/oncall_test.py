#!/usr/bin/env python3
"""On call: a rule fires, a fake phone is called, the link acknowledges, the end resolves, and kill -9
in the middle loses nothing."""
import json
import re
import subprocess
import time
import unittest

from alertmanager_test import Receiver
from harness import BINARY, EndToEndTest, http_request, wait_until

ALERTMANAGER = """
route: {receiver: nobody}
receivers:
- name: nobody
- name: phone
  webhook_configs: [{url: 'http://127.0.0.1:PORT/phone'}]
- name: chat
  webhook_configs: [{url: 'http://127.0.0.1:PORT/chat'}]
- name: drill
  webhook_configs: [{url: 'http://127.0.0.1:PORT/drill'}]
"""

STRATA = """
oncall:
  people:
  - name: alice
    channels: [{kind: phone, receiver: phone}, {kind: chat, receiver: chat}]
  schedules:
  - name: primary
    layers: [{people: [alice], rotation: weekly}]
  policies:
  - priority: P0
    steps:
    - {after: 0s, notify: [primary], channels: [phone]}
    - {after: 2s, notify: [primary], channels: [chat]}
    repeat_after: 10m
    acknowledged_for: 30m
  heartbeats: [{name: backup, timeout: 1h}]
  drill_receiver: drill
"""

RULES = """
groups:
- name: engines
  interval: 1s
  rules:
  - alert: EngineDown
    expr: engine_up == 0
    labels: {severity: P0}
    annotations: {summary: 'down'}
"""

PROMETHEUS = """
global: {scrape_interval: 1s, scrape_timeout: 1s}
rule_files: [RULES]
scrape_configs:
- job_name: engine
  static_configs: [{targets: ['TARGET'], labels: {node: node-3}}]
"""


class OnCall(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.up = 1
        self.target = self.exposition(lambda _: f"engine_up {self.up}\n")
        files = {"alertmanager.yml": ALERTMANAGER.replace("PORT", str(self.receiver.port)),
                 "strata.yml": STRATA, "rules.yml": RULES}
        for name, text in files.items():
            with open(f"{self.directory}/{name}", "w") as file:
                file.write(text)
        self.config = PROMETHEUS.replace("TARGET", self.target.address).replace(
            "RULES", f"{self.directory}/rules.yml")
        self.begin()

    def begin(self):
        self.server = self.strata(config=self.config, arguments=[
            f"--alertmanager.config.file={self.directory}/alertmanager.yml",
            f"--strata.config={self.directory}/strata.yml"])

    def data(self, path, **parameters):
        answer = self.server.get(path, **parameters).json()
        self.assertEqual(answer["status"], "success", answer)
        return answer.get("data")

    def post(self, path, status=200, **members):
        answer = http_request(self.server.url + path, json.dumps(members).encode(), "POST",
                              {"Content-Type": "application/json"})
        self.assertEqual(answer.status, status, answer.body)
        return answer.json() if answer.body else None

    def incidents(self, status="active"):
        return self.data("/api/v1/incidents", status=status)["incidents"]

    def ack_path(self, body):
        return re.sub(r"^https?://[^/]+", "", body["commonAnnotations"]["ack_url"])

    def test_from_the_fault_to_the_phone_and_back_with_a_kill_in_between(self):
        self.up = 0
        wait_until(lambda: self.receiver.told("/phone"), "the phone to ring")
        # Killed while the outcome is being written down, it would ring once more.
        incident = wait_until(self.incidents, "an incident")[0]
        wait_until(lambda: [page["status"] for page in self.data(
            f"/api/v1/incidents/{incident['id']}")["pages"]][:1] == ["delivered"], "the outcome")
        self.server.kill()
        self.begin()
        wait_until(lambda: self.receiver.told("/chat"), "the next step, after the kill")
        self.assertEqual(len(self.receiver.told("/phone")), 1, "not called twice")
        call = self.receiver.told("/phone")[0]
        self.assertEqual(call["commonAnnotations"]["oncall_summary"], "P0: EngineDown on node-3")
        self.assertEqual(call["commonAnnotations"]["oncall_person"], "alice")
        incident = self.incidents()[0]
        self.assertEqual((incident["priority"], incident["status"]), ("P0", "open"))

        path = self.ack_path(call)
        shown = self.server.get(path)
        self.assertEqual(shown.status, 200)
        self.assertIn("Acknowledge as alice", shown.body.decode())
        self.assertEqual(self.incidents()[0]["status"], "open", "looking changes nothing")
        self.assertEqual(self.server.get(path[:-1] + ("0" if path[-1] != "0" else "1")).status, 404)
        self.assertEqual(http_request(self.server.url + path, b"", "POST").status, 200)
        acknowledged = self.incidents()[0]
        self.assertEqual(acknowledged["status"], "acknowledged")
        self.assertEqual(acknowledged["acknowledgedBy"], "alice")
        self.server.kill()
        self.begin()
        self.assertEqual(self.incidents()[0]["status"], "acknowledged", "survives kill -9")

        self.up = 1
        wait_until(lambda: self.incidents("resolved"), "the end")
        whole = self.data(f"/api/v1/incidents/{incident['id']}")
        actions = [event["action"] for event in whole["timeline"]]
        self.assertEqual(actions[0], "opened")
        self.assertEqual(actions[-1], "resolved")
        for action in ("paged", "delivered", "acknowledged"):
            self.assertIn(action, actions)
        self.assertEqual(whole["alerts"][0]["labels"]["node"], "node-3")
        verified = self.server.get("/api/v1/audit", verify="true").json()
        self.assertEqual(verified["infos"], ["every entry is as it was written"])
        self.assertIn("opened", self.server.get("/api/v1/audit", format="csv").body.decode())

    def test_people_act_on_an_incident(self):
        self.up = 0
        incident = wait_until(self.incidents, "an incident")[0]
        where = f"/api/v1/incidents/{incident['id']}"
        self.assertIn("actor", self.post(f"{where}/acknowledge", 400)["error"])
        self.post(f"{where}/acknowledge", actor="bob")
        self.post(f"{where}/note", actor="bob", text="looking")
        self.post(f"{where}/assign", actor="bob", owner="carol")
        self.post(f"{where}/unacknowledge", actor="bob")
        self.post(f"{where}/resolve", actor="bob")
        self.post(f"{where}/acknowledge", 409, actor="bob")
        self.post("/api/v1/incidents/999/acknowledge", 404, actor="bob")
        whole = self.data(where)
        self.assertEqual((whole["status"], whole["owner"], whole["resolvedBy"]),
                         ("resolved", "carol", "bob"))
        self.assertIn(("bob", "noted", "looking"),
                      [(e["actor"], e["action"], e["detail"]) for e in whole["timeline"]])

    def test_who_is_on_call_and_overrides(self):
        schedule = self.data("/api/v1/oncall")["schedules"][0]
        self.assertEqual((schedule["name"], schedule["now"]["person"]), ("primary", "alice"))
        made = self.post("/api/v1/oncall/overrides", actor="bob", schedule="primary",
                         person="alice", end=str(time.time() + 60))["data"]
        self.assertEqual(self.data("/api/v1/oncall")["schedules"][0]["now"]["from"], "override")
        gone = http_request(f"{self.server.url}/api/v1/oncall/overrides/{made['id']}?actor=bob",
                            method="DELETE")
        self.assertEqual(gone.status, 200, gone.body)
        self.assertEqual(self.data("/api/v1/oncall/overrides"), [])
        self.post("/api/v1/oncall/overrides", 400, actor="bob", schedule="none", person="alice",
                  end=str(time.time() + 60))

    def test_a_drill_calls_the_drill_receiver_only(self):
        self.post("/api/v1/alerts/drill", actor="bob", priority="P0")
        wait_until(lambda: len(self.receiver.told("/drill")) == 1, "the drill's call")
        self.assertEqual(self.receiver.told("/phone"), [])
        self.assertTrue(self.incidents()[0]["drill"])

    def test_a_heartbeat_that_stays_away_opens_an_incident_and_its_return_ends_it(self):
        self.post("/api/v1/heartbeats/nobody", 404)
        with open(f"{self.directory}/strata.yml", "w") as file:
            file.write(STRATA.replace("timeout: 1h", "timeout: 1s"))
        self.assertEqual(http_request(self.server.url + "/-/reload", b"", "POST").status, 200)
        self.post("/api/v1/heartbeats/backup")
        missing = wait_until(self.incidents, "HeartbeatMissing")[0]
        self.assertEqual(missing["alertname"], "HeartbeatMissing")

        def back():
            self.post("/api/v1/heartbeats/backup")
            return self.incidents("resolved")
        wait_until(back, "the end", every=0.3)

    def command(self, *words, code=0):
        done = subprocess.run([BINARY, *words, "--url", self.server.url, "--actor", "bob"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def test_the_command_line(self):
        said = self.command("alerts", "drill", "P0")
        self.assertIn("Every call of the first step arrived.", said)
        self.assertIn("alice by phone (drill)", said)
        self.up = 0
        wait_until(self.incidents, "an incident")
        self.assertIn("EngineDown", self.command("alerts", "query", 'severity="P0"'))
        listed = self.command("incident", "list").splitlines()
        number = listed[1].split()[0]
        self.assertIn("EngineDown on node-3", listed[1])
        self.assertIn("acknowledged", self.command("incident", "ack", number))
        self.assertIn("open", self.command("incident", "unack", number))
        self.command("incident", "assign", number, "carol")
        self.assertIn("carol", self.command("incident", "list"))
        self.command("incident", "escalate", number)
        self.command("incident", "note", number, "it is the switch")
        self.assertIn("it is the switch", self.command("incident", "show", number))
        self.assertIn('"status":"success"', self.command("incident", "show", number, "--json"))
        self.assertIn("resolved", self.command("incident", "resolve", number))
        self.command("incident", "ack", number, code=1)
        self.command("incident", "show", "999", code=1)
        silence = self.command("silence", "add", "EngineDown", "node=~node-.*", "-c", "new driver")
        self.assertIn('node=~"node-.*"', self.command("silence", "list"))
        self.command("silence", "expire", silence.strip())
        self.assertNotIn("new driver", self.command("silence", "list"))
        self.assertIn("alice", self.command("oncall", "who"))
        made = self.command("oncall", "override", "primary", "alice", "--end",
                            str(int(time.time()) + 60)).strip()
        self.assertIn("alice", self.command("oncall", "overrides"))
        slots = self.command("oncall", "schedule", "primary", "--start", str(int(time.time()))).splitlines()
        self.assertEqual(slots[0].split()[:2], ["SCHEDULE", "FROM"])
        self.assertEqual([line.split()[-1] for line in slots[-2:]], ["override", "1"], slots)
        self.command("oncall", "schedule", "nobodys", code=1)
        self.command("oncall", "remove-override", made)
        self.command("oncall", "remove-override", made, code=1)
        self.assertNotIn("alice", self.command("oncall", "overrides"))
        self.assertIn("never", self.command("oncall", "heartbeats"))
        self.command("oncall", "beat", "backup")
        self.assertIn("well", self.command("oncall", "heartbeats"))
        self.command("oncall", "beat", "nobody", code=1)

    def test_every_command_says_what_it_is_for(self):
        commands = {"alerts": ("query", "drill"), "silence": ("add", "list", "expire"),
                    "incident": ("list", "show", "ack", "unack", "assign", "note", "escalate",
                                 "resolve"),
                    "oncall": ("who", "schedule", "overrides", "override", "remove-override",
                               "heartbeats", "beat")}
        for group, words in commands.items():
            overview = subprocess.run([BINARY, group, "--help"], capture_output=True, text=True,
                                      timeout=60)
            for word in words:
                self.assertIn(f"  {word} ", overview.stdout)
                one = subprocess.run([BINARY, group, word, "--help"], capture_output=True, text=True,
                                     timeout=60)
                self.assertEqual((one.returncode, "--url" in one.stdout, "--json" in one.stdout),
                                 (0, True, True), one)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""Strata in Alertmanager's place: its configuration file, its API with Debian's amtool, a webhook
receiver that is told what it should be and, through kill -9 and failures, neither less nor more."""
import datetime
import http.server
import json
import subprocess
import threading
import time
import unittest

from harness import EndToEndTest, http_request, need_program, wait_until

CONFIG = """
route:
  receiver: chat
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
  routes:
  - matchers: [severity="page"]
    receiver: pager
receivers:
- name: chat
  webhook_configs: [{url: 'http://127.0.0.1:PORT/chat'}]
- name: pager
  webhook_configs: [{url: 'http://127.0.0.1:PORT/pager', send_resolved: false}]
inhibit_rules:
- source_matchers: [alertname="NodeDown"]
  target_matchers: [alertname="Slow"]
  equal: [node]
"""


class Receiver:
    """Takes webhooks; answers what `status` says."""

    def __init__(self):
        receiver = self
        self.status, self.bodies, self.lock = 200, [], threading.Lock()
        self.requests = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.lock:
                    receiver.requests += 1
                    status = receiver.status
                    if status == 200:
                        receiver.bodies.append((self.path, json.loads(body)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def told(self, path="/chat"):
        with self.lock:
            return [body for where, body in self.bodies if where == path]


class Alertmanager(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.file = f"{self.directory}/alertmanager.yml"
        self.write(CONFIG)
        self.server = self.begin()

    def write(self, text):
        with open(self.file, "w") as file:
            file.write(text.replace("PORT", str(self.receiver.port)))

    def begin(self):
        return self.strata(config="scrape_configs: []\n",
                           arguments=[f"--alertmanager.config.file={self.file}"])

    def fire(self, name, seconds=600, **labels):
        now = datetime.datetime.now(datetime.timezone.utc)
        body = [{"labels": {"alertname": name, **labels}, "annotations": {"summary": f"{name}!"},
                 "startsAt": (now - datetime.timedelta(seconds=5)).isoformat(),
                 "endsAt": (now + datetime.timedelta(seconds=seconds)).isoformat(),
                 "generatorURL": "http://prometheus/graph"}]
        answer = http_request(self.server.url + "/api/v2/alerts", json.dumps(body).encode(), "POST",
                              {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer.body)

    def test_a_webhook_is_told_what_fires_and_what_ends(self):
        self.fire("Slow", node="a")
        wait_until(lambda: self.receiver.told(), "the first word")
        body = self.receiver.told()[0]
        self.assertEqual(body["version"], "4")
        self.assertEqual(body["groupKey"], '{}:{alertname="Slow"}')
        self.assertEqual(body["status"], "firing")
        self.assertEqual(body["notification_reason"], "first notification")
        self.assertEqual(body["groupLabels"], {"alertname": "Slow"})
        self.assertEqual(body["commonLabels"], {"alertname": "Slow", "node": "a"})
        self.assertEqual(body["alerts"][0]["annotations"], {"summary": "Slow!"})
        self.assertEqual(body["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z")
        self.fire("Slow", seconds=-1, node="a")
        wait_until(lambda: len(self.receiver.told()) == 2, "the end")
        self.assertEqual(self.receiver.told()[1]["status"], "resolved")

    def test_a_receiver_that_is_away_is_told_when_it_is_back(self):
        self.receiver.status = 503
        self.fire("Slow", node="a", severity="page")
        wait_until(lambda: self.receiver.requests >= 2, "attempts")
        self.receiver.status = 200
        wait_until(lambda: self.receiver.told("/pager"), "delivery")
        time.sleep(1.5)
        self.assertEqual(len(self.receiver.told("/pager")), 1)

    def test_kill_minus_nine_forgets_nothing_and_repeats_nothing(self):
        self.fire("Told", node="a")
        wait_until(lambda: self.receiver.told(), "the first word")
        time.sleep(0.3)  # the outcome is written down
        self.receiver.status = 503
        self.fire("Waiting", node="a")
        wait_until(lambda: self.receiver.requests >= 2, "an attempt")
        self.server.kill()
        self.receiver.status = 200
        self.server = self.begin()
        wait_until(lambda: len(self.receiver.told()) == 2, "what was waiting")
        self.fire("Told", node="a")
        self.fire("Waiting", node="a")
        time.sleep(2)
        self.assertEqual([body["groupLabels"]["alertname"] for body in self.receiver.told()],
                         ["Told", "Waiting"])

    def test_amtool_works(self):
        amtool = need_program("amtool")

        def run(*arguments):
            return subprocess.run(
                [amtool, f"--alertmanager.url={self.server.url}", *arguments],
                capture_output=True, text=True, timeout=20, check=True).stdout

        run("alert", "add", "Slow", "node=a", "--annotation=summary=slow")
        run("alert", "add", "NodeDown", "node=b")
        run("alert", "add", "Slow", "node=b")
        wait_until(lambda: self.receiver.told(), "a word")
        self.assertIn("Slow", run("alert", "query", "node=a", "-o", "simple"))
        inhibited = json.loads(run("alert", "query", "--inhibited", "-o", "json"))
        self.assertIn({"alertname": "Slow", "node": "b"}, [one["labels"] for one in inhibited])
        silence = run("silence", "add", "node=a", "--comment=looking", "--author=me").strip()
        listed = json.loads(run("silence", "query", "-o", "json"))
        self.assertEqual([one["id"] for one in listed], [silence])
        self.assertEqual(listed[0]["comment"], "looking")
        silenced = json.loads(run("alert", "query", "--silenced", "-o", "json"))
        self.assertEqual(silenced[0]["status"]["silencedBy"], [silence])
        self.server.kill()
        self.server = self.begin()
        self.assertEqual(run("silence", "query", "-q").split(), [silence])
        run("silence", "expire", silence)
        self.assertEqual(run("silence", "query", "-q").split(), [])
        self.assertIn("receiver: chat", run("config", "show"))
        self.assertIn("pager", run("config", "routes", "test", "severity=page"))

    def test_a_bad_file_keeps_the_old_one(self):
        self.write("route: {receiver: nobody}\n")
        answer = http_request(self.server.url + "/-/reload", b"", "POST")
        self.assertEqual(answer.status, 500)
        self.assertIn('receiver "nobody" is not defined', answer.body.decode())
        self.fire("Slow", node="a")
        wait_until(lambda: self.receiver.told(), "the old route")

    def test_groups_and_errors(self):
        self.fire("Slow", node="a")
        groups = wait_until(lambda: self.server.get("/api/v2/alerts/groups").json(), "a group")
        self.assertEqual(groups[0]["labels"], {"alertname": "Slow"})
        self.assertEqual(groups[0]["receiver"], {"name": "chat"})
        self.assertEqual(groups[0]["alerts"][0]["status"]["state"], "active")
        self.assertEqual(self.server.get("/api/v2/alerts", filter="a b").status, 400)
        self.assertEqual(self.server.get("/api/v2/silence/none").status, 404)
        bad = http_request(self.server.url + "/api/v2/silences", b'{"matchers": []}', "POST")
        self.assertEqual(bad.status, 400)
        self.assertIn("at least one matcher", bad.json())
        self.assertEqual([one["name"] for one in self.server.get("/api/v2/receivers").json()],
                         ["chat", "pager"])


if __name__ == "__main__":
    unittest.main(verbosity=2)

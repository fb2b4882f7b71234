#!/usr/bin/env python3
"""The same alerts and the same alertmanager.yml through Strata and through Debian's Alertmanager into
the same stand-ins of providers: what they are sent is compared. What differs on purpose is named in
normal(). Times have milliseconds, for Strata keeps no more of them. Debian's 0.25 prints a set of
labels as a map, which 0.34 and Strata do not: not asked for here."""
import datetime
import email
import json
import re
import unittest

from fake_providers import FakeProvider, FakeSmtp
from harness import EndToEndTest, Process, free_port, http_request, need_program, wait_until

CONFIG = """
global: {smtp_require_tls: false, smtp_smarthost: '127.0.0.1:SMTP', smtp_from: strata@example.org}
templates: [DIRECTORY/*.tmpl]
route:
  receiver: all
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
receivers:
- name: all
  webhook_configs: [{url: 'HTTP/webhook'}]
  slack_configs:
  - api_url: 'HTTP/slack'
    channel: '#alerts'
    send_resolved: true
    text: '{{ template "own.text" . }}'
    fields: [{title: Node, value: '{{ .CommonLabels.node }}', short: true}]
    actions: [{type: button, text: Look, url: '{{ (index .Alerts 0).GeneratorURL }}'}]
  pagerduty_configs:
  - url: 'HTTP/pagerduty'
    routing_key: key
    severity: '{{ .CommonLabels.severity }}'
    details: {team: '{{ .CommonLabels.team }}'}
    links: [{href: 'http://runbook/', text: Runbook}]
  opsgenie_configs:
  - api_url: 'HTTP/opsgenie'
    api_key: key
    tags: 'a, b'
    priority: P2
    responders: [{name: team, type: team}]
  victorops_configs: [{api_url: 'HTTP/victorops', api_key: key, routing_key: team}]
  telegram_configs: [{api_url: 'HTTP', bot_token: token, chat_id: 7, message: '<b>{{ template "own.text" . }}</b>'}]
  webex_configs: [{api_url: 'HTTP/webex', room_id: room, http_config: {authorization: {credentials: x}}}]
  discord_configs: [{webhook_url: 'HTTP/discord'}]
  wechat_configs: [{api_url: 'HTTP/wechat', api_secret: s, corp_id: c, agent_id: '1', to_user: '@all', send_resolved: true}]
  email_configs: [{to: 'a@example.org, B <b@example.org>', text: '{{ template "own.text" . }}', send_resolved: true}]
"""

TEMPLATES = """
{{ define "own.text" }}{{ range .Alerts.Firing }}{{ .Labels.node | toUpper }}: {{ .Annotations.summary | title }}
{{ end }}{{ len .Alerts.Resolved }} over; {{ .CommonLabels.SortedPairs.Names | join "," }}
{{ (.CommonLabels.Remove (stringSlice "node" "alertname")).Values }}
{{ reReplaceAll "o+" "0" .Receiver }} {{ match "^fir" .Status }} {{ printf "%q" .Status }}{{ end }}
"""

KINDS = {"webhook": "/webhook", "slack": "/slack", "pagerduty": "/pagerduty",
         "opsgenie": "/opsgenie", "victorops": "/victorops", "telegram": "/bottoken",
         "webex": "/webex", "discord": "/discord", "wechat": "/wechat/message"}


def answer(request):
    path = request["path"]
    if path.startswith("/wechat/gettoken"):
        return 200, {"Content-Type": "application/json"}, b'{"errcode":0,"access_token":"T"}'
    if path.startswith("/wechat"):
        return 200, {"Content-Type": "application/json"}, b'{"errcode":0,"errmsg":"ok"}'
    if path.startswith("/bot"):
        return 200, {"Content-Type": "application/json"}, (
            b'{"ok":true,"result":{"message_id":1,"date":1,"chat":{"id":7}}}')
    return 200, {}, b"ok"


def normal(kind, request, own_url):
    """What is compared of a request: the body as a value, without what names the sender."""
    body = request.get("json", request.get("form", request["body"].decode()))
    text = json.dumps(body, sort_keys=True).replace(own_url, "SELF")
    body = json.loads(text)
    if kind == "webhook":
        # Newer than Debian's 0.25: why it is said now, and labels of routes.
        body.pop("notification_reason", None)
        body.pop("routeLabels", None)
    elif kind == "pagerduty":
        # 0.25 gave the alerts as text, 0.34 as JSON.
        for state in ("firing", "resolved"):
            body["payload"]["custom_details"].pop(state)
        body["payload"]["custom_details"] = {
            name: str(value) for name, value in body["payload"]["custom_details"].items()}
        body.pop("source", None)
    return request["method"], request["path"], body


class ProviderDifferential(EndToEndTest):
    def begin(self, program):
        fake, smtp = FakeProvider(answer), FakeSmtp()
        self.addCleanup(fake.close)
        self.addCleanup(smtp.close)
        path = f"{self.directory}/{program}.yml"
        with open(f"{self.directory}/own.tmpl", "w") as file:
            file.write(TEMPLATES)
        with open(path, "w") as file:
            file.write(CONFIG.replace("HTTP", fake.url).replace("SMTP", str(smtp.port))
                       .replace("DIRECTORY", self.directory))
        if program == "strata":
            server = self.strata(config="scrape_configs: []\n",
                                 arguments=[f"--alertmanager.config.file={path}"])
            url = server.url
        else:
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            self.start(Process([need_program("prometheus-alertmanager"), f"--config.file={path}",
                                f"--storage.path={self.directory}/am", "--cluster.listen-address=",
                                f"--web.listen-address=127.0.0.1:{port}",
                                f"--web.external-url={url}"], self.directory, "alertmanager"))
            wait_until(lambda: http_request(url + "/-/ready").status == 200, "Alertmanager")
        return url, fake, smtp

    def fire(self, url, firing):
        alerts = []
        for node in ("a", "b<c>"):
            alert = {"labels": {"alertname": "Slow", "node": node, "severity": "critical",
                                "team": "infra"},
                     "annotations": {"summary": f'node "{node}" is slow & sad', "x": "y"},
                     "startsAt": self.begin_at, "generatorURL": "http://prom/graph?a=b&c=d"}
            if not firing:
                alert["endsAt"] = self.end_at
            alerts.append(alert)
        answer = http_request(url + "/api/v2/alerts", json.dumps(alerts).encode(), "POST",
                              {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer.body)

    def test_what_providers_are_sent(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        self.begin_at = now.isoformat(timespec="milliseconds")
        sides = {program: self.begin(program) for program in ("strata", "alertmanager")}
        for url, _, _ in sides.values():
            self.fire(url, firing=True)

        def sent(fake, count):
            return all(len(fake.told(path)) >= count for path in KINDS.values())

        def wait(count):
            for url, fake, smtp in sides.values():
                wait_until(lambda: sent(fake, count) and len(smtp.told()) >= count,
                           f"{count} messages of each kind from {url}")

        wait(1)
        self.end_at = datetime.datetime.now(datetime.timezone.utc).isoformat(
            timespec="milliseconds")
        for url, _, _ in sides.values():
            self.fire(url, firing=False)
        wait(2)
        (url_a, a, mail_a), (url_b, b, mail_b) = sides["strata"], sides["alertmanager"]
        for kind, path in KINDS.items():
            for turn in range(2):
                with self.subTest(kind=kind, turn=turn):
                    self.assertEqual(normal(kind, a.told(path)[turn], url_a),
                                     normal(kind, b.told(path)[turn], url_b))
        for turn in range(2):
            with self.subTest(kind="email", turn=turn):
                self.assertEqual(self.mail(mail_a.told()[turn]), self.mail(mail_b.told()[turn]))
        self.assertEqual(a.told("/opsgenie")[0]["headers"]["Authorization"], "GenieKey key")

    @staticmethod
    def mail(sent):
        """Envelope, headers and the text; the page is Strata's own."""
        message = email.message_from_string(sent["data"])
        parts = {part.get_content_type(): part.get_payload(decode=True).decode()
                 for part in message.get_payload()}
        return {"from": sent["from"].replace(" BODY=8BITMIME", ""), "to": sent["to"],
                "headers": {name: str(email.header.make_header(email.header.decode_header(
                    message[name]))) for name in ("Subject", "From", "To")},
                "type": message.get_content_type(), "has": sorted(parts),
                "text": re.sub(r"\r\n", "\n", parts["text/plain"])}


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""What goes wrong between Strata and the services that notifications go to: each fault ends in the
message's delivery or in a count of what was given up, never in silence."""
import datetime
import json
import ssl
import subprocess
import time
import unittest

from fake_providers import FakeProvider, FakeSmtp
from harness import EndToEndTest, http_request, need_program, wait_until


class ProviderFaults(EndToEndTest):
    def provider(self, answer=None, context=None):
        fake = FakeProvider(answer, context)
        self.addCleanup(fake.close)
        return fake

    def certificate(self):
        """A server's TLS context with a certificate of its own making, and that certificate."""
        path = f"{self.directory}/server"
        subprocess.run([need_program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                        "-keyout", path + ".key", "-out", path + ".crt", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path + ".crt", path + ".key")
        return context, path + ".crt"

    def begin(self, receiver, own=""):
        path = f"{self.directory}/alertmanager.yml"
        with open(path, "w") as file:
            file.write("route: {receiver: team, group_by: [alertname], group_wait: 0s, "
                       "group_interval: 1s, repeat_interval: 1h}\n"
                       f"receivers:\n- name: team\n{receiver}")
        arguments = [f"--alertmanager.config.file={path}"]
        if own:
            with open(f"{self.directory}/strata.yml", "w") as file:
                file.write(own)
            arguments.append(f"--strata.config={self.directory}/strata.yml")
        self.server = self.strata(config="scrape_configs: []\n", arguments=arguments)

    def fire(self, name="Slow", seconds=600):
        now = datetime.datetime.now(datetime.timezone.utc)
        alert = [{"labels": {"alertname": name}, "annotations": {"summary": "slow"},
                  "startsAt": (now - datetime.timedelta(seconds=5)).isoformat(),
                  "endsAt": (now + datetime.timedelta(seconds=seconds)).isoformat()}]
        answer = http_request(self.server.url + "/api/v2/alerts", json.dumps(alert).encode(),
                              "POST", {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer.body)

    def count(self, name, **labels):
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(float(line.rsplit(" ", 1)[1])
                   for line in self.server.get("/metrics").body.decode().splitlines()
                   if line.startswith(name + "{") and all(label in line for label in wanted))

    def test_too_fast_is_obeyed(self):
        asked = []

        def answer(_):
            asked.append(time.monotonic())
            return (429, {"Retry-After": "3"}, b"slow down") if len(asked) == 1 else (200, {}, b"ok")

        fake = self.provider(answer)
        self.begin(f"  slack_configs: [{{api_url: '{fake.url}/', channel: c}}]\n")
        self.fire()
        wait_until(lambda: len(asked) == 2, "the second attempt")
        self.assertGreaterEqual(asked[1] - asked[0], 2.9)

    def test_an_error_under_status_200_is_a_failure(self):
        fake = self.provider(lambda _: (200, {"Content-Type": "application/json"},
                                        b'{"ok":false,"error":"channel_not_found"}'))
        self.begin(f"  slack_configs: [{{api_url: '{fake.url}/', channel: c}}]\n")
        self.fire()
        wait_until(lambda: self.count("alertmanager_notifications_failed_total",
                                      integration="slack", reason="clientError") >= 1, "the count")

    def test_a_reset_and_a_hang_are_tried_again(self):
        turns = iter(["reset", "hang"])
        fake = self.provider(lambda _: next(turns, (200, {}, b"ok")))
        self.begin(f"  webhook_configs: [{{url: '{fake.url}/', timeout: 1s}}]\n")
        self.fire()
        wait_until(lambda: len(fake.told()) >= 3, "the third attempt")
        self.assertEqual(fake.told()[0]["body"], fake.told()[2]["body"])

    def test_a_hanging_chat_does_not_keep_a_page_waiting(self):
        chat = self.provider(lambda _: "hang")
        pager = self.provider()
        self.begin(f"  webhook_configs: [{{url: '{chat.url}/'}}]\n"
                   f"  pagerduty_configs: [{{url: '{pager.url}/', routing_key: k}}]\n")
        for i in range(40):
            self.fire(f"Slow{i}")
        wait_until(lambda: len(pager.told()) >= 40, "all pages", timeout=15)

    def test_a_certificate_of_nobody_is_refused(self):
        context, ca = self.certificate()
        fake = self.provider(context=context)
        self.begin(f"  webhook_configs: [{{url: '{fake.url}/'}}]\n")
        self.fire()
        wait_until(lambda: self.count("alertmanager_notification_requests_failed_total",
                                      integration="webhook") >= 1, "a failure")
        self.assertEqual(fake.told(), [])
        self.server.kill()
        self.begin(f"  webhook_configs: [{{url: '{fake.url}/', http_config: "
                   f"{{tls_config: {{ca_file: '{ca}'}}}}}}]\n")
        wait_until(fake.told, "the message, with the certificate known")

    def test_a_name_that_is_none_is_tried_again(self):
        self.begin("  webhook_configs: [{url: 'http://does-not-exist.invalid/'}]\n")
        self.fire()
        wait_until(lambda: self.count("alertmanager_notification_requests_failed_total",
                                      integration="webhook") >= 2, "two attempts")

    def test_what_is_over_takes_the_place_of_what_waits(self):
        state = {"up": False}
        fake = self.provider(lambda _: (200, {}, b"ok") if state["up"] else (503, {}, b""))
        self.begin(f"  webhook_configs: [{{url: '{fake.url}/'}}]\n")
        self.fire()
        wait_until(lambda: len(fake.told()) >= 2, "attempts")
        self.fire(seconds=-1)
        time.sleep(2.5)
        before = len(fake.told())
        state["up"] = True
        wait_until(lambda: len(fake.told()) > before, "the delivery")
        time.sleep(3)
        self.assertEqual([one["json"]["status"] for one in fake.told()[before:]], ["resolved"])

    def test_mail_over_starttls_with_a_password(self):
        context, ca = self.certificate()
        for implicit in (False, True):
            with self.subTest(implicit=implicit):
                smtp = FakeSmtp(context, implicit)
                self.addCleanup(smtp.close)
                self.begin("  email_configs:\n  - {to: 'a@x', from: 's@x', smarthost: "
                           f"'localhost:{smtp.port}', auth_username: u, auth_password: p, "
                           f"force_implicit_tls: {str(implicit).lower()}, "
                           f"tls_config: {{ca_file: '{ca}'}}}}\n")
                self.fire(f"Slow{implicit}")
                mail = wait_until(smtp.told, "the mail")[0]
                self.assertTrue(mail["tls"])
                self.assertEqual(mail["auth"], ("PLAIN", "AHUAcA=="))
                self.assertIn("Subject: [FIRING:1] Slow", mail["data"])
                self.server.kill()

    def test_mail_that_is_refused_for_good_is_given_up(self):
        smtp = FakeSmtp(refuse={"RCPT": "550 no such user"})
        self.addCleanup(smtp.close)
        self.begin("  email_configs: [{to: 'a@x', from: 's@x', require_tls: false, smarthost: "
                   f"'127.0.0.1:{smtp.port}'}}]\n")
        self.fire()
        wait_until(lambda: self.count("alertmanager_notifications_failed_total",
                                      integration="email", reason="clientError") >= 1, "the count")

    def test_receivers_of_strata_yml(self):
        ok = {"Content-Type": "application/json"}

        def answer(request):
            if request["path"].startswith("/feishu"):
                return 200, ok, b'{"code":0,"msg":"success"}'
            return 200, ok, b'{"errcode":0,"errmsg":"ok"}'

        fake = self.provider(answer)
        self.begin("", own=f"""
receivers:
- name: team
  feishu_configs: [{{url: '{fake.url}/feishu', secret: s}}]
  dingtalk_configs: [{{url: '{fake.url}/dingtalk?access_token=t', secret: s}}]
  wecom_configs: [{{url: '{fake.url}/wecom'}}]
  twilio_voice_configs: [{{api_url: '{fake.url}', account_sid: AC, auth_token: t, from: '+1', to: '+2'}}]
  phone_configs: [{{url: '{fake.url}/phone', to: '+3'}}]
""")
        self.fire()
        for path in ("/feishu", "/dingtalk", "/wecom", "/2010-04-01/Accounts/AC/Calls.json",
                     "/phone"):
            wait_until(lambda: fake.told(path), path)
        self.assertIn("sign", fake.told("/feishu")[0]["json"])
        self.assertIn("1 alert firing: Slow. slow.", fake.told("/2010")[0]["form"]["Twiml"])
        self.assertEqual(fake.told("/phone")[0]["json"]["to"], "+3")


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""What goes wrong around a gateway: engines that are away, slow, broken or lying, clients that do not
read, leave or smuggle. Nobody else may notice, and the record says what it was."""
import json
import re
import ssl
import subprocess
import time

import harness
from gateways import (PROMPT, Client, Engine, Gateway, ScriptedEngine, body_of, header, post, raw,
                      status_of)
from harness import BINARY, Process, free_port, wait_until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
EVENT = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
CHAT = post("/v1/chat/completions", PROMPT)
STREAM = post("/v1/chat/completions", dict(PROMPT, stream=True))


def chunk(bytes_):
    return b"%x\r\n%s\r\n" % (len(bytes_), bytes_)


class GatewayFaultTest(harness.EndToEndTest):
    def scripted(self, name, answer, **more):
        engine = ScriptedEngine(answer)
        self.addCleanup(engine.close)
        return {"name": name, "url": engine.url, **more}

    def gateway(self, upstreams, extra="", name="gateway"):
        return self.start(Gateway(self.directory, upstreams, extra, name))

    def outcomes(self, gateway):
        """{outcome: requests} so far."""
        text = harness.http_request(f"http://127.0.0.1:{gateway.web}/metrics").body.decode()
        found = {}
        for labels, value in re.findall(r"^app_requests_total{(.*)} (\d+)$", text, re.M):
            outcome = re.search(r'outcome="(\w+)"', labels).group(1)
            found[outcome] = found.get(outcome, 0) + int(value)
        return found

    def assert_becomes(self, gateway, outcome, count):
        wait_until(lambda: self.outcomes(gateway).get(outcome) == count,
                   f"{count} times {outcome}", timeout=10)


class UpstreamFaultTest(GatewayFaultTest):
    def test_requests_go_elsewhere_when_an_upstream_is_away_and_come_back(self):
        one = self.start(Engine(self.directory, name="one"))
        two = self.start(Engine(self.directory, name="two"))
        gateway = self.gateway([{"name": "one", "url": one.url}, {"name": "two", "url": two.url}],
                               "  policy: round_robin\n")
        for _ in range(4):
            self.assertEqual(status_of(raw(gateway.port, CHAT)), 200)
        one.kill()
        statuses = [status_of(raw(gateway.port, CHAT)) for _ in range(12)]
        self.assertEqual(statuses, [200] * 12)
        self.assertGreater(gateway.series("app_upstream_retries_total", upstream="one"), 0)
        wait_until(lambda: gateway.series("app_upstream_up", upstream="one") == 0, "it set aside")
        self.start(Process([BINARY, "mock-engine", f"--listen=127.0.0.1:{one.port}"],
                           self.directory, "back"))
        wait_until(lambda: gateway.series("app_upstream_up", upstream="one") == 1, "it back")

    def test_upstreams_that_flap_cost_no_request_and_at_most_half_are_set_aside(self):
        """Three of four fail every other second; the gateway is asked throughout."""
        began = time.monotonic()

        def flapping(phase):
            def answer(head, body):
                if int(time.monotonic() - began + phase) % 2 == 0:
                    yield b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
                else:
                    yield OK
            return answer
        names = ["a", "b", "c"]
        upstreams = [self.scripted(name, flapping(i % 2)) for i, name in enumerate(names)]

        def steady(head, body):
            yield OK
        gateway = self.gateway(upstreams + [self.scripted("d", steady)],
                               "  retries: 3\n  policy: round_robin\n")
        refused, asked = 0, 0
        with Client(gateway.port) as client:
            while time.monotonic() - began < 6:
                status, _ = client.ask(post("/v1/chat/completions", PROMPT, close=False))
                asked += 1
                refused += status != 200
                if asked % 50 == 0:
                    aside = sum(gateway.series("app_upstream_up", upstream=name) == 0
                                for name in [*names, "d"])
                    self.assertLessEqual(aside, 2)
                time.sleep(0.005)
        # Retries have a budget, so that a few answers of a failing engine are passed on as they are.
        self.assertLess(refused, asked * 0.1)

    def test_retries_stay_within_their_budget_when_everything_fails(self):
        attempts = []

        def failing(head, body):
            attempts.append(1)
            yield b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
        gateway = self.gateway([self.scripted(name, failing) for name in "abc"], "  retries: 2\n")
        requests = 100
        with Client(gateway.port) as client:
            for _ in range(requests):
                self.assertEqual(client.ask(post("/v1/chat/completions", PROMPT, close=False))[0],
                                 503)
        canaries = 3
        self.assertGreater(len(attempts), requests)
        self.assertLessEqual(len(attempts), requests * 1.1 + 10 + canaries)

    def test_nothing_is_asked_twice_once_an_answer_has_begun(self):
        def breaks(head, body):
            yield STREAM_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(EVENT)
            yield ScriptedEngine.RESET
        one = ScriptedEngine(breaks)
        two = ScriptedEngine(breaks)
        for engine in (one, two):
            self.addCleanup(engine.close)
        gateway = self.gateway([{"name": "one", "url": one.url}, {"name": "two", "url": two.url}])
        answer = raw(gateway.port, STREAM)
        self.assertTrue(body_of(answer).startswith(EVENT.split(b",")[0][:20]))
        self.assertTrue(body_of(answer).endswith(b"<cut>"), answer)
        self.assertEqual(one.requests + two.requests, 1)
        self.assert_becomes(gateway, "upstream_reset", 1)

    def test_a_reset_in_mid_stream_is_a_cut_for_the_client_and_leaves_other_streams_alone(self):
        engine = self.start(Engine(self.directory))
        gateway = self.gateway([{"name": "one", "url": engine.url}])
        with Client(gateway.port) as other:
            other.send(post("/v1/chat/completions", dict(PROMPT, stream=True),
                            ["x-mock-tokens: 30", "x-mock-itl-ms: 20"]))
            _, fields = other.read_head()
            answer = raw(gateway.port, post("/v1/chat/completions", dict(PROMPT, stream=True),
                                            ["x-mock-reset-after: 3", "x-mock-itl-ms: 1"]))
            self.assertTrue(body_of(answer).endswith(b"<cut>"))
            self.assertTrue(other.read_body(fields).endswith(b"data: [DONE]\n\n"))
        self.assert_becomes(gateway, "ok", 1)
        self.assert_becomes(gateway, "upstream_reset", 1)

    def test_an_upstream_that_sends_byte_by_byte_is_passed_on_as_it_comes(self):
        wire = STREAM_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(EVENT) + b"0\r\n\r\n"

        def answer(head, body):
            for i in range(len(wire)):
                yield wire[i:i + 1]
                yield 0.001
        gateway = self.gateway([self.scripted("slow", answer, kind="other")])
        self.assertEqual(body_of(raw(gateway.port, STREAM)), EVENT)

    def test_an_upstream_that_never_begins_is_a_504_where_that_is_limited(self):
        def answer(head, body):
            yield 30
        gateway = self.gateway([self.scripted("hung", answer)], "  first_byte_timeout: 300ms\n")
        self.assertEqual(status_of(raw(gateway.port, CHAT)), 504)
        self.assert_becomes(gateway, "upstream_timeout", 1)

    def test_a_hung_upstream_shows_before_any_answer(self):
        def answer(head, body):
            yield 30
        gateway = self.gateway([self.scripted("hung", answer)])
        with Client(gateway.port) as client:
            client.send(CHAT)
            wait_until(lambda: gateway.series("app_requests_waiting_first_byte") == 1, "the wait")
            wait_until(lambda: gateway.series("app_oldest_waiting_request_seconds") > 0.5, "its age")
        self.assert_becomes(gateway, "client_cancel", 1)

    def test_a_stream_that_falls_silent_ends_at_the_idle_timeout(self):
        def answer(head, body):
            yield STREAM_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(EVENT)
            yield 30
        gateway = self.gateway([self.scripted("silent", answer)], "  idle_timeout: 300ms\n")
        self.assertTrue(body_of(raw(gateway.port, STREAM)).endswith(b"<cut>"))
        self.assert_becomes(gateway, "upstream_timeout", 1)

    def test_what_is_no_http_is_a_502(self):
        for number, text in enumerate((
                b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * (1 << 20) + b"\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}")):
            def answer(head, body, text=text):
                yield text
                yield ScriptedEngine.CLOSE
            gateway = self.gateway([self.scripted("liar", answer)], name=f"gateway{number}")
            self.assertEqual(status_of(raw(gateway.port, CHAT)), 502, text[:60])
            self.assert_becomes(gateway, "upstream_error", 1)

    def test_bytes_behind_an_answer_belong_to_nobody(self):
        """A second answer that nobody asked for must not become the next client's."""
        def answer(head, body):
            yield OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"
        gateway = self.gateway([self.scripted("chatty", answer)])
        for _ in range(3):
            self.assertEqual(body_of(raw(gateway.port, CHAT)), b"{}")

    def test_an_idle_connection_that_the_upstream_closed_costs_nothing(self):
        def answer(head, body):
            yield OK  # says keep-alive, and closes
            yield ScriptedEngine.CLOSE
        gateway = self.gateway([self.scripted("closes", answer)])
        with Client(gateway.port) as client:
            for _ in range(50):
                self.assertEqual(client.ask(post("/v1/chat/completions", PROMPT, close=False)),
                                 (200, b"{}"))
        self.assert_becomes(gateway, "ok", 50)

    def test_an_upstream_that_is_nowhere_is_a_502_in_the_words_of_the_api(self):
        gateway = self.gateway([{"name": "x", "url": f"http://127.0.0.1:{free_port()}"}])
        answer = raw(gateway.port, CHAT)
        self.assertEqual(status_of(answer), 502)
        self.assertEqual(json.loads(body_of(answer))["error"]["type"], "server_error")
        answer = raw(gateway.port, post("/v1/messages", PROMPT))
        self.assertEqual(json.loads(body_of(answer))["type"], "error")

    def test_an_upstream_that_does_not_know_stream_options_is_remembered(self):
        seen = []

        def answer(head, body):
            seen.append(b"stream_options" in body)
            if seen[-1]:
                text = b'{"error":"stream_options: unknown field"}'
                yield b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
                return
            yield STREAM_HEAD + b"Connection: close\r\n\r\n" + EVENT * 3
            yield ScriptedEngine.CLOSE
        gateway = self.gateway([self.scripted("old", answer)])
        for _ in range(2):
            answer = raw(gateway.port, STREAM)
            self.assertEqual(status_of(answer), 200)
            self.assertEqual(body_of(answer).count(b"data:"), 3)
        self.assertEqual(seen, [True, False, False])
        self.assertEqual(gateway.series("app_usage_source_total", usage_source="counted"), 2)

    def test_an_error_that_only_the_events_name_tells_is_an_error(self):
        recorded = (harness.ROOT / "tests/data/streams/llamacpp-messages.sse").read_bytes()

        def answer(head, body):
            yield STREAM_HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(recorded), recorded)
        gateway = self.gateway([self.scripted("fails", answer)])
        answer = raw(gateway.port, post("/v1/messages", dict(PROMPT, stream=True)))
        self.assertEqual(body_of(answer), recorded)
        self.assert_becomes(gateway, "upstream_error", 1)


class ClientFaultTest(GatewayFaultTest):
    def test_smuggling_is_refused_and_reaches_no_engine(self):
        engine = ScriptedEngine(lambda head, body: iter([OK]))
        self.addCleanup(engine.close)
        gateway = self.gateway([{"name": "one", "url": engine.url}])
        for lines, status in (
                ("Content-Length: 2\r\nTransfer-Encoding: chunked", 400),
                ("Transfer-Encoding: chunked\r\nContent-Length: 2", 400),
                ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
                ("Transfer-Encoding: \x0bchunked", 400), ("Transfer-Encoding: xchunked", 501),
                ("Transfer-Encoding : chunked", 400), ("Transfer-Encoding: chunked, identity", 501),
                ("X: y\r\n Transfer-Encoding: chunked", 400), ("Content-Length: +2", 400),
                ("Content-Length: 0x2", 400), ("Content-Length: 2, 2", 400),
                ("Content-Length: -1", 400), ("X: y\nContent-Length: 2", 400),
                ("Content-Length: 2\r\nHost: again", 400), ("X\0: y", 400)):
            request = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n".encode()
            self.assertEqual(status_of(raw(gateway.port, request + b"{}")), status, lines)
        self.assertEqual(engine.requests, 0)

    def test_a_chunked_body_that_is_none_is_refused(self):
        engine = self.start(Engine(self.directory))
        gateway = self.gateway([{"name": "one", "url": engine.url}])
        head = b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        for body in (b"xyz\r\n", b"-1\r\n", b"2\r\n{}x\r\n", b"ffffffffffffffffff\r\n"):
            self.assertEqual(status_of(raw(gateway.port, head + body)), 400, body)
        self.assertEqual(engine.metric("mock_engine_requests_total"), 0)

    def test_fields_about_the_connection_are_not_passed_on(self):
        seen = []

        def answer(head, body):
            seen.append(head)
            yield OK[:17] + b"Keep-Alive: timeout=5\r\nX-Private: 1\r\nConnection: X-Private\r\n" \
                + OK[17:]
        gateway = self.gateway([self.scripted("one", answer)])
        answer = raw(gateway.port, post("/v1/chat/completions", PROMPT, [
            "Connection: X-Hop, close", "X-Hop: 1", "TE: trailers", "Keep-Alive: 5",
            "Proxy-Authorization: secret", "Upgrade: h2c", "traceparent: 00-1-2-01", "X-Stays: 1"],
            close=False))
        for name in ("X-Hop", "TE", "Keep-Alive", "Proxy-Authorization", "Upgrade"):
            self.assertIsNone(header(seen[0], name), name)
        self.assertEqual(header(seen[0], "X-Stays"), "1")
        self.assertEqual(header(seen[0], "traceparent"), "00-1-2-01")
        self.assertTrue(header(seen[0], "X-Request-Id"))
        head = answer.partition(b"\r\n\r\n")[0]
        self.assertIsNone(header(head, "X-Private"))
        self.assertIsNone(header(head, "Keep-Alive"))

    def test_a_client_that_does_not_read_is_let_go_and_slows_nobody(self):
        engine = self.start(Engine(self.directory))
        gateway = self.gateway([{"name": "one", "url": engine.url}], "  write_timeout: 1s\n")
        sleeper = Client(gateway.port)
        self.addCleanup(sleeper.close)
        sleeper.send(post("/v1/chat/completions", dict(PROMPT, stream=True),
                          ["x-mock-tokens: 1000000"]))
        for _ in range(20):
            self.assertEqual(status_of(raw(gateway.port, CHAT)), 200)
        self.assert_becomes(gateway, "client_cancel", 1)
        wait_until(lambda: engine.metric("mock_engine_cancelled_requests_total") == 1, "the engine")
        self.assertLess(engine.metric("vllm:generation_tokens_total"), 500_000)

    def test_a_client_that_sends_half_a_request_and_leaves_is_noted(self):
        engine = self.start(Engine(self.directory))
        gateway = self.gateway([{"name": "one", "url": engine.url}])
        with Client(gateway.port) as client:
            client.send(CHAT[:-5])
        self.assert_becomes(gateway, "client_cancel", 1)
        self.assertEqual(engine.metric("mock_engine_requests_total"), 0)

    def test_overload_is_a_503_with_a_time_to_come_back(self):
        def answer(head, body):
            yield 20
        gateway = self.gateway([self.scripted("busy", answer)],
                               "  max_requests: 2\n  max_buffered: 1MB\n  max_body: 900KB\n")
        waiting = [Client(gateway.port) for _ in range(2)]
        for client in waiting:
            self.addCleanup(client.close)
            client.send(CHAT)
        wait_until(lambda: gateway.series("app_requests_waiting_first_byte") == 2, "two requests")
        refused = raw(gateway.port, CHAT)
        self.assertEqual(status_of(refused), 503)
        self.assertRegex(refused, rb"Retry-After: \d")
        waiting.pop().close()
        self.assert_becomes(gateway, "client_cancel", 1)
        large = post("/v1/chat/completions", b'{"model":"mock","x":"%s"}' % (b"y" * 800_000))
        with Client(gateway.port) as client:
            client.send(large)
            wait_until(lambda: gateway.series("app_requests_waiting_first_byte") == 2, "it")
            waiting.pop().close()
            self.assert_becomes(gateway, "client_cancel", 2)
            self.assertEqual(status_of(raw(gateway.port, large)), 503)
        self.assert_becomes(gateway, "overload", 2)

    def test_more_connections_than_it_takes_are_told_so(self):
        engine = self.start(Engine(self.directory))
        gateway = self.gateway([{"name": "one", "url": engine.url}], "  max_connections: 3\n")
        idle = [Client(gateway.port) for _ in range(3)]
        for client in idle:
            self.addCleanup(client.close)
            self.assertEqual(client.ask(post("/v1/completions", PROMPT, close=False))[0], 200)
        self.assertEqual(status_of(raw(gateway.port, CHAT)), 503)
        self.assertEqual(gateway.series("app_gateway_refused_connections_total"), 1)


class TlsTest(GatewayFaultTest):
    def setUp(self):
        super().setUp()
        harness.need_program("openssl")
        self.certificate, self.key = f"{self.directory}/cert.pem", f"{self.directory}/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key,
                        "-out", self.certificate], check=True, capture_output=True)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(self.certificate, self.key)
        self.engine = ScriptedEngine(self.answer, lambda socket: server.wrap_socket(
            socket, server_side=True))
        self.addCleanup(self.engine.close)
        self.url = f"https://127.0.0.1:{self.engine.port}"

    @staticmethod
    def answer(head, body):
        if b'"stream": true' in body:
            yield STREAM_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
            for _ in range(5):
                yield chunk(EVENT)
            yield b"0\r\n\r\n"
        else:
            yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    def client(self, gateway):
        trust = ssl.create_default_context(cafile=self.certificate)
        client = Client(gateway.port, lambda socket: trust.wrap_socket(
            socket, server_hostname="localhost"))
        self.addCleanup(client.close)
        return client

    def test_tls_on_both_sides(self):
        gateway = self.gateway(
            [{"name": "secure", "url": self.url, "tls_config": {"ca_file": self.certificate}}],
            f"  tls_cert_file: {self.certificate}\n  tls_key_file: {self.key}\n")
        client = self.client(gateway)
        large = dict(PROMPT, messages=[{"role": "user", "content": "x" * 3_000_000}])
        for _ in range(3):
            body = json.dumps(large).encode()
            self.assertEqual(client.ask(post("/v1/chat/completions", body, close=False)),
                             (200, body))
            status, payload = client.ask(post("/v1/chat/completions", dict(PROMPT, stream=True),
                                              close=False))
            self.assertEqual((status, payload), (200, EVENT * 5))
        with Client(gateway.port) as plain, self.assertRaises((EOFError, OSError)):  # no TLS
            plain.ask(CHAT)
        self.assertEqual(client.ask(post("/v1/chat/completions", PROMPT, close=False))[0], 200)
        self.assert_becomes(gateway, "ok", 7)

    def test_a_certificate_that_nobody_vouches_for_is_a_502(self):
        gateway = self.gateway([{"name": "secure", "url": self.url}])
        self.assertEqual(status_of(raw(gateway.port, CHAT)), 502)
        self.assertEqual(self.engine.requests, 0)

    def test_a_tls_client_that_leaves_ends_the_stream_upstream(self):
        engine = self.start(Engine(self.directory))
        gateway = self.gateway(
            [{"name": "one", "url": engine.url}],
            f"  tls_cert_file: {self.certificate}\n  tls_key_file: {self.key}\n")
        client = self.client(gateway)
        client.send(post("/v1/chat/completions", dict(PROMPT, stream=True),
                         ["x-mock-tokens: 10000", "x-mock-itl-ms: 20"]))
        client.read_head()
        client.read_chunk()
        client.close()
        wait_until(lambda: engine.metric("mock_engine_cancelled_requests_total") == 1, "the engine")
        self.assert_becomes(gateway, "client_cancel", 1)


if __name__ == "__main__":
    harness.main()

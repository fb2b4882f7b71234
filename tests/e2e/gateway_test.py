"""The gateway as applications meet it: real clients and hand-made bytes through it to a mock engine,
compared byte for byte with a direct connection; metering, faults, reload, kill -9."""
import csv
import io
import json
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from harness import BINARY, Process, Strata, free_port, http_request, wait_until

PROMPT = {"model": "mock", "messages": [{"role": "user", "content": "hello there"}]}


class Engine(Process):
    def __init__(self, directory, *arguments, name="engine"):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__([BINARY, "mock-engine", f"--listen=127.0.0.1:{self.port}", *arguments],
                         directory, name)
        wait_until(lambda: http_request(f"{self.url}/health").status == 200, "the mock engine")

    def metric(self, name):
        text = http_request(f"{self.url}/metrics").body.decode()
        return int(re.search(rf"^{name}{{.*}} (\d+)$", text, re.M).group(1))


class Gateway(Process):
    def __init__(self, directory, upstreams, extra="", name="gateway"):
        self.directory = pathlib.Path(directory)
        self.port, self.web = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = self.directory / f"{name}.yml"
        self.write_config(upstreams, extra)
        super().__init__([BINARY, "gateway", f"--config={self.config}",
                          f"--listen=127.0.0.1:{self.port}",
                          f"--web.listen-address=127.0.0.1:{self.web}", "--drain=10s"],
                         directory, name)
        wait_until(self.is_ready, "the gateway")

    def write_config(self, upstreams, extra=""):
        lines = ["gateway:", "  upstreams:"]
        for upstream in upstreams:
            lines.append("  - " + json.dumps(upstream))
        self.config.write_text("\n".join(lines) + "\n" + extra)

    def is_ready(self):
        if not self.running():
            raise AssertionError(f"the gateway ended:\n{self.log()[-3000:]}")
        return http_request(f"http://127.0.0.1:{self.web}/-/ready").status == 200

    def series(self, name, **labels):
        """The sum of the series of that name that have these labels."""
        text = http_request(f"http://127.0.0.1:{self.web}/metrics").body.decode()
        total, found = 0.0, False
        for line in text.splitlines():
            match = re.match(rf"{name}(?:{{(.*)}})? (\S+)$", line)
            if match is None:
                continue
            have = dict(re.findall(r'(\w+)="([^"]*)"', match.group(1) or ""))
            if all(have.get(key) == value for key, value in labels.items()):
                total, found = total + float(match.group(2)), True
        return total if found else None


def raw(port, request, timeout=20, half_close=False):
    """All bytes that the server sends until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(request)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def post(path, body, headers=(), version="1.1", close=True):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/{version}", "Host: test", "Content-Type: application/json",
             f"Content-Length: {len(data)}", *headers]
    if close:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def body_of(answer):
    """The payload of an HTTP answer, chunks undone."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return body
    payload = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return payload
        payload, body = payload + body[:length], body[length + 2:]
    return payload + b"<cut>"


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer else 0


class GatewayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        path = pathlib.Path(cls.directory.name)
        cls.engine = Engine(path, "--tokens=8")
        (path / "hmac.key").write_text("a key of the test\n")
        keys = subprocess.run([BINARY, "gateway", "hash-keys", f"--hmac-key-file={path}/hmac.key",
                               "--tenant=search"], input="sk-search\n", text=True,
                              capture_output=True, check=True)
        (path / "tenants").write_text(keys.stdout)
        (path / "prices.yaml").write_text("models:\n- {model: mock, input: 3, cached_input: 0.3,"
                                          " output: 15}\n")
        cls.gateway = Gateway(path, [{"name": "a", "url": cls.engine.url, "models": ["mock"]},
                                     {"name": "any", "url": cls.engine.url, "kind": "other"}],
                              "  tenants: {file: tenants, hmac_key_file: hmac.key}\n"
                              "  prices: [prices.yaml]\n"
                              "  ledger: {path: ledger}\n  policy: least_loaded\n")
        cls.ledger = path / "ledger"

    @classmethod
    def tearDownClass(cls):
        code = cls.gateway.stop()
        cls.engine.stop()
        cls.directory.cleanup()
        assert code == 0, code

    def both(self, request):
        direct, through = raw(self.engine.port, request), raw(self.gateway.port, request)
        self.assertEqual(status_of(through), status_of(direct))
        self.assertEqual(body_of(through), body_of(direct))
        return body_of(through)

    def test_answers_are_byte_for_byte_those_of_a_direct_connection(self):
        own = ["x-mock-id: same"]
        for path in ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"):
            for stream in (False, True):
                for line_end in ("lf", "crlf", "cr"):
                    headers = own + [f"x-mock-line-end: {line_end}", "x-mock-comments: 1"]
                    body = dict(PROMPT, stream=stream, prompt="x", input="y")
                    payload = self.both(post(path, body, headers))
                    self.assertIn(b"w7", payload)
        asked = dict(PROMPT, stream=True, stream_options={"include_usage": True})
        self.assertIn(b'"choices":[],"usage"', self.both(post("/v1/chat/completions", asked, own)))
        self.both(post("/v1/embeddings", {"model": "mock", "input": "x"}, own))
        self.both(post("/v1/chat/completions", PROMPT, own + ["x-mock-status: 429"]))
        self.both(post("/v1/chat/completions", dict(PROMPT, stream=True),
                       own + ["x-mock-error-after: 2"]))
        self.both(post("/v1/chat/completions", dict(PROMPT, stream=True),
                       own + ["x-mock-no-done: 1"]))
        self.both(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    def test_a_client_of_http_1_0_gets_the_payload_and_the_end(self):
        request = post("/v1/chat/completions", dict(PROMPT, stream=True), ["x-mock-id: s"], "1.0")
        answer = raw(self.gateway.port, request)
        self.assertNotIn(b"chunked", answer.lower())
        self.assertTrue(answer.endswith(b"data: [DONE]\n\n"))

    def test_a_request_may_come_in_any_pieces(self):
        body = json.dumps(dict(PROMPT, stream=True)).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 7]), body[i:i + 7])
                          for i in range(0, len(body), 7)) + b"0\r\n\r\n"
        request = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-mock-id: s\r\n"
                   b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        whole = body_of(raw(self.gateway.port, request))
        self.assertIn(b"[DONE]", whole)
        for cut in range(1, len(request), 23):
            with socket.create_connection(("127.0.0.1", self.gateway.port), 20) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.sendall(request[:cut])
                time.sleep(0.002)
                connection.sendall(request[cut:])
                answer = b""
                while piece := connection.recv(65536):
                    answer += piece
            self.assertEqual(body_of(answer), whole, cut)

    def test_keep_alive_and_pipelined_requests_are_answered_in_order(self):
        first = post("/v1/completions", {"model": "mock", "prompt": "x"}, ["x-mock-id: one"],
                     close=False)
        second = post("/v1/completions", {"model": "mock", "prompt": "x"}, ["x-mock-id: two"])
        answer = raw(self.gateway.port, first + second)
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 2)
        self.assertLess(answer.index(b'"one"'), answer.index(b'"two"'))

    def test_smuggling_and_nonsense_are_refused(self):
        body = b'{"model":"mock"}'
        for lines, status in (
                (b"Content-Length: 16\r\nTransfer-Encoding: chunked", 400),
                (b"Content-Length: 16\r\nContent-Length: 16", 400),
                (b"Transfer-Encoding: gzip, chunked", 501),
                (b"Content-Length: 16\r\nX : y", 400),
                (b"Content-Length: 99999999999", 413)):
            request = b"POST /v1/completions HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n\r\n" + body
            self.assertEqual(status_of(raw(self.gateway.port, request)), status, lines)
        big = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * (1 << 20) + b"\r\n\r\n"
        self.assertEqual(status_of(raw(self.gateway.port, big)), 431)
        self.assertEqual(status_of(raw(self.gateway.port, b"\x16\x03\x01\r\n\r\n")), 400)

    def test_tokens_tenants_and_cost_are_counted(self):
        labels = {"model_name": "mock", "tenant_id": "search"}
        before = {name: self.gateway.series(name, **labels) or 0 for name in
                  ("app_output_tokens_total", "app_input_tokens_total",
                   "app_cached_input_tokens_total", "app_cost_usd_total")}
        key = ["Authorization: Bearer sk-search"]
        tokens = len(json.dumps(PROMPT["messages"])) // 4
        raw(self.gateway.port, post("/v1/chat/completions", dict(PROMPT, stream=True),
                                    key + ["x-mock-tokens: 5", "x-mock-cached: 4"]))
        raw(self.gateway.port, post("/v1/chat/completions", PROMPT, key + ["x-mock-tokens: 7"]))

        def grown(name):
            return (self.gateway.series(name, **labels) or 0) - before[name]
        wait_until(lambda: grown("app_output_tokens_total") == 12, "tokens", timeout=5)
        self.assertEqual(grown("app_input_tokens_total"), 2 * tokens)
        self.assertEqual(grown("app_cached_input_tokens_total"), 4)
        cost = ((2 * tokens - 4) * 3 + 4 * 0.3 + 12 * 15) / 1e6
        self.assertAlmostEqual(grown("app_cost_usd_total"), cost, places=12)
        self.assertGreater(self.gateway.series("app_time_to_first_token_seconds_count", **labels), 0)
        raw(self.gateway.port, post("/v1/chat/completions", PROMPT, ["x-api-key: guessed"]))
        self.assertGreater(self.gateway.series("app_requests_total", tenant_id="unknown"), 0)
        self.assertIsNone(self.gateway.series("app_requests_total", tenant_id="guessed"))

    def test_models_that_no_one_answered_for_are_no_labels(self):
        raw(self.gateway.port, post("/v1/chat/completions", dict(PROMPT, model="typo"),
                                    ["x-mock-status: 404"]))
        self.assertIsNone(self.gateway.series("app_requests_total", model_name="typo"))

    def test_a_client_that_leaves_ends_the_engines_work_and_is_counted_to_the_token(self):
        cancelled = self.engine.metric("mock_engine_cancelled_requests_total")
        output = self.gateway.series("app_output_tokens_total", model_name="mock") or 0
        request = post("/v1/chat/completions", dict(PROMPT, stream=True),
                       ["x-mock-tokens: 10000", "x-mock-itl-ms: 20"])
        with socket.create_connection(("127.0.0.1", self.gateway.port), 20) as connection:
            connection.sendall(request)
            got = b""
            while got.count(b'"content":"w') < 5:
                got += connection.recv(65536)
            self.assertNotIn(b'"usage"', got)
        wait_until(lambda: self.engine.metric("mock_engine_cancelled_requests_total") > cancelled,
                   "the engine to notice", timeout=5)
        wait_until(lambda: self.gateway.series("app_requests_total", outcome="client_cancel"),
                   "the outcome", timeout=5)
        rows = [row for row in self.rows() if row["outcome"] == "client_cancel"]
        self.assertEqual(rows[-1]["usage_source"], "continuous")
        delivered = self.gateway.series("app_output_tokens_total", model_name="mock") - output
        # Events that were under way when the client left are counted, too: it was sent them.
        self.assertTrue(5 <= delivered <= 12, delivered)

    def rows(self):
        time.sleep(0.6)  # rows are written four times a second
        out = subprocess.run([BINARY, "gateway", "ledger", "export", f"--ledger={self.ledger}",
                              "--csv"], text=True, capture_output=True, check=True).stdout
        return list(csv.DictReader(io.StringIO(out)))

    def test_a_stream_that_breaks_off_breaks_off_for_the_client(self):
        answer = raw(self.gateway.port, post("/v1/chat/completions", dict(PROMPT, stream=True),
                                             ["x-mock-reset-after: 3", "x-mock-itl-ms: 1"]))
        self.assertTrue(body_of(answer).endswith(b"<cut>"), answer[-200:])
        self.assertIn("upstream_reset", [row["outcome"] for row in self.rows()])

    def test_a_slow_reader_does_not_fill_memory(self):
        request = post("/v1/chat/completions", dict(PROMPT, stream=True),
                       ["x-mock-tokens: 300000"])
        status = pathlib.Path(f"/proc/{self.gateway.process.pid}/status")

        def resident():
            return int(re.search(r"VmRSS:\s+(\d+)", status.read_text()).group(1)) >> 10
        before = resident()
        with socket.create_connection(("127.0.0.1", self.gateway.port), 30) as connection:
            connection.sendall(request)
            time.sleep(1)
            self.assertLess(resident() - before, 40)
            size = 0
            while piece := connection.recv(1 << 20):
                size += len(piece)
        self.assertGreater(size, 30_000_000)

    def test_large_bodies_pass_and_larger_ones_are_refused(self):
        image = "A" * (20 << 20)
        body = dict(PROMPT, messages=[{"role": "user", "content": image}])
        self.assertEqual(status_of(raw(self.gateway.port, post("/v1/chat/completions", body), 60)),
                         200)
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 70000000\r\n\r\n"
        self.assertEqual(status_of(raw(self.gateway.port, head)), 413)

    def test_the_ledger_and_the_cost_report_agree(self):
        raw(self.gateway.port, post("/v1/completions", {"model": "mock", "prompt": "x" * 40}))
        rows = self.rows()
        report = subprocess.run([BINARY, "cost", "report", f"--ledger={self.ledger}", "--csv",
                                 "--by=model,tenant"], text=True, capture_output=True,
                                check=True).stdout
        sums = list(csv.DictReader(io.StringIO(report)))
        for column in ("input_tokens", "output_tokens"):
            self.assertEqual(sum(int(row[column]) for row in rows),
                             sum(int(line[column]) for line in sums))
        cost = sum(round(float(row["cost_usd"]) * 1e9) for row in rows if row["cost_usd"])
        self.assertEqual(cost, sum(round(float(line["cost_usd"]) * 1e9) for line in sums))
        self.assertTrue(all(row["tenant"] for row in rows))

    def test_curl(self):
        out = subprocess.run(["curl", "-sN", f"{self.gateway.url}/v1/chat/completions", "-d",
                              json.dumps(dict(PROMPT, stream=True)), "-H", "x-mock-tokens: 3"],
                             capture_output=True, check=True, timeout=20).stdout
        self.assertEqual(out.count(b'"content":"w'), 3)
        self.assertTrue(out.endswith(b"data: [DONE]\n\n"))

    def test_openais_client(self):
        try:
            import openai
        except ImportError:
            self.skipTest("the openai package is not installed")
        client = openai.OpenAI(base_url=f"{self.gateway.url}/v1", api_key="sk-search",
                               max_retries=0)
        answer = client.chat.completions.create(**PROMPT)
        self.assertEqual(answer.usage.completion_tokens, 8)
        text = ""
        for chunk in client.chat.completions.create(**PROMPT, stream=True):
            self.assertIsNone(chunk.usage)
            text += chunk.choices[0].delta.content or ""  # fails on a frame without choices
        self.assertEqual(text, answer.choices[0].message.content)
        last = None
        for chunk in client.chat.completions.create(**PROMPT, stream=True,
                                                    stream_options={"include_usage": True}):
            last = chunk
        self.assertEqual(last.usage.completion_tokens, 8)
        self.assertEqual([model.id for model in client.models.list()], ["mock"])
        with self.assertRaises(openai.RateLimitError):
            client.chat.completions.create(**PROMPT, extra_headers={"x-mock-status": "429"})


class FaultTest(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.temporary.name)
        self.processes = []

    def tearDown(self):
        for process in self.processes:
            process.kill()
        self.temporary.cleanup()

    def start(self, kind, *arguments, **options):
        process = kind(self.path, *arguments, **options)
        self.processes.append(process)
        return process

    def test_requests_go_elsewhere_when_an_upstream_is_away_and_come_back(self):
        one = self.start(Engine, name="one")
        two = self.start(Engine, name="two")
        gateway = self.start(Gateway, [{"name": "one", "url": one.url},
                                       {"name": "two", "url": two.url}],
                             "  policy: round_robin\n")
        request = post("/v1/chat/completions", PROMPT)
        for _ in range(4):
            self.assertEqual(status_of(raw(gateway.port, request)), 200)
        one.kill()
        statuses = [status_of(raw(gateway.port, request)) for _ in range(12)]
        self.assertEqual(statuses, [200] * 12)
        self.assertGreater(gateway.series("app_upstream_retries_total", upstream="one"), 0)
        wait_until(lambda: gateway.series("app_upstream_up", upstream="one") == 0, "it set aside")
        back = Process([BINARY, "mock-engine", f"--listen=127.0.0.1:{one.port}"], self.path, "back")
        self.processes.append(back)
        wait_until(lambda: gateway.series("app_upstream_up", upstream="one") == 1, "it back")

    def test_an_upstream_that_is_nowhere_is_a_502_in_the_words_of_the_api(self):
        gateway = self.start(Gateway, [{"name": "x", "url": f"http://127.0.0.1:{free_port()}"}])
        answer = raw(gateway.port, post("/v1/chat/completions", PROMPT))
        self.assertEqual(status_of(answer), 502)
        self.assertEqual(json.loads(body_of(answer))["error"]["type"], "server_error")
        answer = raw(gateway.port, post("/v1/messages", PROMPT))
        self.assertEqual(json.loads(body_of(answer))["type"], "error")

    def test_an_upstream_that_does_not_know_stream_options_is_remembered(self):
        """A server of our own that answers 400 to stream_options and streams otherwise."""
        seen = []

        def serve(listener):
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    got = b""
                    while b"\r\n\r\n" not in got:
                        got += connection.recv(65536)
                    head, _, body = got.partition(b"\r\n\r\n")
                    length = int(re.search(rb"content-length: (\d+)", head.lower()).group(1))
                    while len(body) < length:
                        body += connection.recv(65536)
                    seen.append(b"stream_options" in body)
                    if seen[-1]:
                        answer = b'{"error":"stream_options: unknown field"}'
                        connection.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n%s" %
                                           (len(answer), answer))
                    else:
                        event = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                           b"Connection: close\r\n\r\n" + event * 3)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=serve, args=(listener,), daemon=True)
            thread.start()
            port = listener.getsockname()[1]
            gateway = self.start(Gateway, [{"name": "old", "url": f"http://127.0.0.1:{port}"}])
            for _ in range(2):
                answer = raw(gateway.port, post("/v1/chat/completions", dict(PROMPT, stream=True)))
                self.assertEqual(status_of(answer), 200)
                self.assertEqual(body_of(answer).count(b"data:"), 3)
        self.assertEqual(seen, [True, False, False])
        self.assertEqual(gateway.series("app_usage_source_total", usage_source="counted"), 2)

    def test_a_stream_outlives_a_reload_and_a_drain(self):
        engine = self.start(Engine)
        gateway = self.start(Gateway, [{"name": "one", "url": engine.url}])
        request = post("/v1/chat/completions", dict(PROMPT, stream=True),
                       ["x-mock-tokens: 60", "x-mock-itl-ms: 50"])
        answers = []
        thread = threading.Thread(target=lambda: answers.append(raw(gateway.port, request)))
        thread.start()
        wait_until(lambda: engine.metric("vllm:num_requests_running") == 1, "the stream")
        gateway.write_config([{"name": "renamed", "url": engine.url}])
        gateway.signal(1)
        wait_until(lambda: gateway.series("app_upstream_up", upstream="renamed") == 1, "a reload")
        self.assertEqual(gateway.stop(), 0)
        thread.join(20)
        self.assertTrue(body_of(answers[0]).endswith(b"data: [DONE]\n\n"))
        self.assertEqual(answers[0].count(b'"content":"w'), 60)

    def test_a_budget_that_is_spent_is_a_429_also_after_a_restart(self):
        engine = self.start(Engine)
        extra = ("  ledger: {path: ledger}\n"
                 "  tenants: {header: X-Tenant, budgets: [{tenant: small, tokens_per_day: 20}]}\n")
        gateway = self.start(Gateway, [{"name": "one", "url": engine.url}], extra)
        request = post("/v1/chat/completions", PROMPT, ["X-Tenant: small"])
        other = post("/v1/chat/completions", PROMPT, ["X-Tenant: other"])
        self.assertEqual(status_of(raw(gateway.port, request)), 200)
        refused = raw(gateway.port, request)
        self.assertEqual(status_of(refused), 429)
        self.assertRegex(refused, rb"Retry-After: \d+\r\n")
        self.assertEqual(status_of(raw(gateway.port, other)), 200)
        gateway.stop()
        again = self.start(Gateway, [{"name": "one", "url": engine.url}], extra, name="again")
        self.assertEqual(status_of(raw(again.port, request)), 429)

    def test_strata_serve_runs_a_gateway_and_stores_its_series(self):
        engine = self.start(Engine)
        port = free_port()
        (self.path / "strata.yml").write_text(
            f"gateway:\n  listen: 127.0.0.1:{port}\n"
            f"  upstreams: [{{name: one, url: '{engine.url}'}}]\n")
        strata = self.start(Strata, arguments=[f"--strata.config={self.path / 'strata.yml'}"])
        self.assertEqual(status_of(raw(port, post("/v1/chat/completions", PROMPT))), 200)
        own = strata.get("/metrics").body.decode()
        self.assertIn('app_requests_total{model_name="mock"', own)

    def test_kill_9_loses_at_most_the_last_second_of_the_ledger(self):
        engine = self.start(Engine)
        gateway = self.start(Gateway, [{"name": "one", "url": engine.url}],
                             "  ledger: {path: ledger}\n")
        for _ in range(20):
            raw(gateway.port, post("/v1/chat/completions", PROMPT))
        time.sleep(1.0)
        gateway.kill()
        out = subprocess.run([BINARY, "gateway", "ledger", "export",
                              f"--ledger={self.path / 'ledger'}", "--json"], text=True,
                             capture_output=True, check=True).stdout
        rows = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(len(rows), 20)
        self.assertEqual({row["outcome"] for row in rows}, {"ok"})


if __name__ == "__main__":
    unittest.main(verbosity=2)

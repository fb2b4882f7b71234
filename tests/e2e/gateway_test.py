"""The gateway as applications meet it: real clients and hand-made bytes through it to a mock engine,
compared byte for byte with a direct connection; tokens, tenants, the ledger."""
import base64
import csv
import hmac
import io
import json
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest

import harness
from gateways import (PROMPT, Engine, Gateway, ScriptedEngine, body_of, header, post, raw,
                      status_of)
from harness import BINARY, wait_until

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

    def test_models_of_several_upstreams_are_one_list(self):
        asked = []

        def lists(*models):
            def answer(head, body):
                asked.append(header(head, "Authorization"))
                text = json.dumps({"object": "list", "data": [
                    {"id": model, "object": "model", "max_model_len": 4096} for model in models]})
                yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text),
                                                                           text.encode())
            return answer

        def broken(head, body):
            yield ScriptedEngine.CLOSE
        engines = [ScriptedEngine(answer) for answer in
                   (lists("a", "b"), lists("b", "c", "not routed here"), broken)]
        for engine in engines:
            self.addCleanup(engine.close)
        with tempfile.TemporaryDirectory() as directory:
            gateway = Gateway(directory, [
                {"name": "one", "url": engines[0].url},
                {"name": "two", "url": engines[1].url, "models": ["b", "c"], "api_key": "sk-two"},
                {"name": "three", "url": engines[2].url}])
            try:
                answer = harness.http_request(f"{gateway.url}/v1/models",
                                              headers={"Authorization": "Bearer sk-mine"})
                models = answer.json()["data"]
                self.assertEqual(sorted(model["id"] for model in models), ["a", "b", "c"])
                self.assertEqual({model["max_model_len"] for model in models}, {4096})
                self.assertEqual(set(asked), {"Bearer sk-mine", "Bearer sk-two"})
                for engine in engines[:2]:
                    engine.close()
                    engine.answer = broken
                answer = harness.http_request(f"{gateway.url}/v1/models")
                self.assertEqual(answer.status, 502)
            finally:
                gateway.kill()

    def test_the_model_of_a_form_is_found(self):
        seen = []

        def transcribe(head, body):
            seen.append(body)
            text = (b'{"text":"hello","usage":{"type":"tokens","input_tokens":14,'
                    b'"output_tokens":45,"total_tokens":59}}')
            yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
        engine = ScriptedEngine(transcribe)
        self.addCleanup(engine.close)
        form = (b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
                b"Content-Type: audio/wav\r\n\r\n" + bytes(range(256)) * 400 + b"\r\n--xyz\r\n"
                b'Content-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--xyz--\r\n')
        with tempfile.TemporaryDirectory() as directory:
            gateway = Gateway(directory, [
                {"name": "chat", "url": self.engine.url, "models": ["mock"]},
                {"name": "audio", "url": engine.url, "models": ["whisper-1"]}])
            try:
                answer = harness.http_request(
                    f"{gateway.url}/v1/audio/transcriptions", form,
                    headers={"Content-Type": "multipart/form-data; boundary=xyz"})
                self.assertEqual(answer.json()["text"], "hello")
                self.assertEqual(seen, [form])
                labels = {"model_name": "whisper-1"}
                wait_until(lambda: gateway.series("app_output_tokens_total", **labels) == 45, "it")
                self.assertEqual(gateway.series("app_input_tokens_total", **labels), 14)
            finally:
                gateway.kill()

    def test_the_claim_of_a_signed_token_is_the_tenant(self):
        def part(bytes_):
            return base64.urlsafe_b64encode(bytes_).rstrip(b"=").decode()

        def token(secret, **claims):
            text = part(b'{"alg":"HS256"}') + "." + part(json.dumps(claims).encode())
            return text + "." + part(hmac.digest(secret, text.encode(), "sha256"))
        secret = b"a secret of the test's own"
        with tempfile.TemporaryDirectory() as directory:
            (pathlib.Path(directory) / "secret").write_bytes(secret)
            gateway = Gateway(directory, [{"name": "one", "url": self.engine.url}],
                              "  tenants: {require: true, jwt: {claim: org, secret_file: secret,"
                              " audience: llm}}\n")
            try:
                until = time.time() + 1000
                good = {"org": "blue", "aud": "llm", "exp": until}
                for key, status in ((token(secret, **good), 200), (token(b"x" * 16, **good), 401),
                                    (token(secret, **{**good, "exp": until - 2000}), 401),
                                    (token(secret, **{**good, "aud": "other"}), 401), ("sk-1", 401)):
                    answer = raw(gateway.port, post("/v1/chat/completions", PROMPT,
                                                    [f"Authorization: Bearer {key}"]))
                    self.assertEqual(status_of(answer), status)
                self.assertEqual(gateway.series("app_requests_total", tenant_id="blue"), 1)
                self.assertEqual(gateway.series("app_requests_total", outcome="invalid"), 4)
                self.assertNotIn(token(secret, **good), gateway.log())
            finally:
                gateway.kill()

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


if __name__ == "__main__":
    harness.main()

"""The gateway before llama.cpp's server: what a client gets, what is metered, and that leaving ends the
engine's work. The program is found as in llamacpp_test.py."""
import json
import os
import re
import sys

import engine
import harness
import llamacpp_test
import tiny_gguf

sys.path.insert(0, str(engine.ROOT / "tests/e2e"))
from gateways import Client, Gateway, body_of, post, raw, status_of  # noqa: E402

TOKENS = 12


class GatewayBeforeLlamaCppTest(engine.RealEngineTest):
    def setUp(self):
        super().setUp()
        model = os.path.join(self.directory, "tiny.gguf")
        tiny_gguf.write(model)
        self.port = harness.free_port()
        url = f"http://127.0.0.1:{self.port}"
        beside = {"LD_LIBRARY_PATH": os.path.dirname(os.path.realpath(llamacpp_test.SERVER))}
        self.engine([llamacpp_test.SERVER, "-m", model, "--host", "127.0.0.1", "--port",
                     str(self.port), "--metrics", "-np", "2", "-c", "2048", "-t", "1", "-a", "tiny"],
                    f"{url}/health", "llama-server", beside)
        self.gateway = self.start(Gateway(self.directory, [
            {"name": "llama", "url": url, "kind": "openai", "models": ["tiny"]}]))

    def body(self, **more):
        return {"model": "tiny", "messages": [{"role": "user", "content": "hello"}],
                "max_tokens": TOKENS, "temperature": 0, "seed": 1, "ignore_eos": True,
                "cache_prompt": False, "grammar": llamacpp_test.GRAMMAR, **more}

    @staticmethod
    def steady(payload):
        """What of an answer is the same each time."""
        text = re.sub(rb'"(created|id|system_fingerprint)":("[^"]*"|\d+)', rb'"\1":0', payload)
        return re.sub(rb',"timings":{[^}]*}', b"", text)

    def both(self, path, body):
        request = post(path, body)
        direct, through = raw(self.port, request, 60), raw(self.gateway.port, request, 60)
        self.assertEqual(status_of(direct), status_of(through))
        self.assertEqual(self.steady(body_of(direct)), self.steady(body_of(through)))
        return body_of(through)

    def metered(self, name):
        return self.gateway.series(name, model_name="tiny") or 0

    def test_answers_are_those_of_a_direct_connection(self):
        answer = json.loads(self.both("/v1/chat/completions", self.body()))
        self.assertEqual(answer["usage"]["completion_tokens"], TOKENS)
        self.assertNotIn(b'"usage"', self.both("/v1/chat/completions", self.body(stream=True)))
        asked = self.body(stream=True, stream_options={"include_usage": True})
        self.assertIn(b'"usage"', self.both("/v1/chat/completions", asked))
        self.both("/v1/completions", dict(self.body(stream=True), prompt="hello"))
        unknown = post("/v1/chat/completions", self.body(model="nobody"))
        self.assertEqual(status_of(raw(self.gateway.port, unknown)), 404)

    def test_tokens_are_the_engines_own(self):
        usage = json.loads(body_of(raw(self.gateway.port, post("/v1/chat/completions", self.body()),
                                       60)))["usage"]
        raw(self.gateway.port, post("/v1/chat/completions", self.body(stream=True)), 60)
        harness.wait_until(lambda: self.metered("app_output_tokens_total") == 2 * TOKENS, "tokens")
        self.assertEqual(self.metered("app_input_tokens_total"), 2 * usage["prompt_tokens"])
        self.assertEqual(self.gateway.series("app_usage_source_total", usage_source="final"), 2)
        self.assertGreater(self.metered("app_time_to_first_token_seconds_count"), 0)

    def test_a_client_that_leaves_ends_the_engines_work(self):
        with Client(self.gateway.port, timeout=60) as client:
            client.send(post("/v1/chat/completions", self.body(stream=True, max_tokens=1900)))
            client.read_head()
            for _ in range(5):
                client.read_chunk()

        def idle():
            text = harness.http_request(f"http://127.0.0.1:{self.port}/metrics").body.decode()
            return re.search(r"^llamacpp:requests_processing 0$", text, re.M)
        harness.wait_until(idle, "the engine to stop")
        harness.wait_until(lambda: self.gateway.series("app_requests_total",
                                                       outcome="client_cancel") == 1, "the record")
        self.assertGreaterEqual(self.metered("app_output_tokens_total"), 3)


if __name__ == "__main__":
    harness.main()

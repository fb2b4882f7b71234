"""llama.cpp's server with a model of random weights: what it exposes is what the catalog says, and
its canonical series say what was asked of it.

The program is STRATA_LLAMA_SERVER, or what `./dev setup --real-engines` installed, or llama-server
on the PATH.
"""
import json
import os
import re
import shutil
import subprocess

import engine
import harness
import tiny_gguf

ANSWER_TOKENS = 24
# Of a noise model, so that its tokens make text: letters and spaces only.
GRAMMAR = "root ::= [a-z ]+"


def find_server():
    named = os.environ.get("STRATA_LLAMA_SERVER")
    installed = sorted(engine.INSTALLED.glob("**/bin/llama-server"))
    path = named or (installed and str(installed[-1])) or shutil.which("llama-server")
    if not path:
        harness.skip("llama.cpp's server is not installed (./dev setup --real-engines)")
    return path


SERVER = find_server()  # here: a test that began cannot be skipped whole


class LlamaCppTest(engine.RealEngineTest):
    def setUp(self):
        super().setUp()
        model = os.path.join(self.directory, "tiny.gguf")
        tiny_gguf.write(model)
        self.port = harness.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # Its libraries may lie beside it.
        beside = {"LD_LIBRARY_PATH": os.path.dirname(os.path.realpath(SERVER))}
        self.version = version_of(SERVER, beside)
        self.engine([SERVER, "-m", model, "--host", "127.0.0.1", "--port", str(self.port),
                     "--metrics", "-np", "2", "-c", "1024", "-t", "1"],
                    f"{self.url}/health", "llama-server", beside)

    def complete(self, prompt):
        body = {"prompt": prompt, "n_predict": ANSWER_TOKENS, "grammar": GRAMMAR,
                "cache_prompt": False, "ignore_eos": True}
        answer = harness.http_request(f"{self.url}/completion", json.dumps(body).encode(),
                                      headers={"Content-Type": "application/json"}, timeout=60)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def exposition(self):
        return harness.http_request(f"{self.url}/metrics").body.decode()

    def test_canonical_series_count_what_was_asked(self):
        strata = self.scraped_by_strata(f"127.0.0.1:{self.port}")
        answers = [self.complete(prompt) for prompt in ("a short prompt", "another one")]
        prompt_tokens = sum(answer["timings"]["prompt_n"] for answer in answers)
        predicted = sum(answer["timings"]["predicted_n"] for answer in answers)
        self.assertEqual(predicted, 2 * ANSWER_TOKENS)
        kind = '{engine_kind="llamacpp"}'
        self.assert_becomes(strata, "llm_generation_tokens_total" + kind, predicted)
        self.assert_becomes(strata, "llm_prompt_tokens_total" + kind, prompt_tokens)
        self.assert_becomes(strata, "llm_requests_running" + kind, 0)
        self.assert_becomes(strata, "llm_requests_waiting" + kind, 0)
        self.assert_becomes(strata, "llm_engine_info" + kind, 1)
        engine.record("llamacpp.txt",
                      f"llama.cpp's llama-server {self.version}, a random llama model, after two "
                      "completions.", self.exposition())

    def test_the_catalog_knows_every_family_that_it_exposes(self):
        self.complete("a prompt")
        for family in sorted(engine.families(self.exposition())):
            explained = subprocess.run([harness.BINARY, "catalog", "explain", family],
                                       capture_output=True, text=True, timeout=60)
            self.assertEqual(explained.returncode, 0, family + explained.stdout)
            self.assertIn("llama.cpp server", explained.stdout, family)


def version_of(server, environment):
    told = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})
    found = re.search(r"version: (.*)", told.stdout + told.stderr)
    return found.group(1).strip() if found else "of an unknown version"


if __name__ == "__main__":
    harness.main()

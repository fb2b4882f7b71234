#!/usr/bin/env python3
"""The rules that come with Strata: they run without configuration, their files and unit tests are
what Debian's promtool takes, and a fleet of engines that break in different ways is told of in time,
while those that only compute a long prompt are left alone.

ONSETS=100 in the environment measures: that many engines break at times spread over 20 s, and the
times from there to the webhook are printed. They decide nothing here but whether it was told at all.
"""
import http.server
import json
import os
import pathlib
import random
import subprocess
import threading
import time

from harness import (BINARY, EndToEndTest, ROOT, Strata, free_port, http_request, main, need_program,
                     wait_until)

ONSETS = int(os.environ.get("ONSETS", "9"))
FAULTS = ("refuses", "hangs", "freezes")

CONFIG = """
global: {scrape_interval: 5s, scrape_timeout: 4s}
scrape_configs:
- job_name: engines
  static_configs: [{targets: [TARGETS]}]
"""
ALERTMANAGER = """
route: {receiver: phone, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h,
        routes: [{matchers: ['severity!="P0"'], receiver: nobody}]}
receivers:
- {name: phone, webhook_configs: [{url: 'http://127.0.0.1:PORT/'}]}
- {name: nobody}
"""


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def reply(self, body=b""):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        pass  # a client that did not wait


class Engine:
    """Says of itself what vLLM says; `fault` decides whether it is true."""

    def __init__(self):
        engine = self
        self.fault, self.broke_at, self.began = None, None, time.monotonic()

        class EngineHandler(Handler):
            def do_GET(self):
                if engine.fault == "hangs":
                    time.sleep(60)
                self.reply(engine.metrics().encode())

        self.server = Listener(("127.0.0.1", 0), EngineHandler)
        self.name = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def metrics(self):
        now = self.broke_at if self.fault == "freezes" else time.monotonic()
        tokens, kv = int((now - self.began) * 400), 0.3 + 0.1 * ((now * 7) % 1)
        if self.fault == "prefills":  # 32 k tokens, alone in the batch, in chunks of 8 k
            since = now - self.broke_at
            tokens = int((self.broke_at - self.began) * 400 + max(0, since - 16) * 40)
            kv = 0.1 + 0.02 * int(min(since, 16) / 4) + 0.0001 * int(max(0, since - 16))
        running = 4
        if self.fault == "prefills at once":  # alone, after a pause, for 45 s
            since = now - self.broke_at
            tokens = int((self.broke_at - self.began) * 400 + max(0, since - 55) * 40)
            running, kv = (0, 0) if since < 10 else (1, 0.3)
        labels = '{model_name="m",engine="0"}'
        return "\n".join(f"# TYPE {name} {kind}\n{name}{labels} {value}" for name, kind, value in (
            ("vllm:num_requests_running", "gauge", running), ("vllm:num_requests_waiting", "gauge", 0),
            ("vllm:kv_cache_usage_perc", "gauge", kv),
            ("vllm:generation_tokens_total", "counter", tokens))) + "\n"

    def break_it(self, fault):
        self.broke_at = time.monotonic()
        self.fault = fault
        if fault == "refuses":
            self.server.shutdown()
            self.server.server_close()

    def close(self):
        if self.fault != "refuses":
            self.server.shutdown()
            self.server.server_close()


class Phone:
    """Takes webhooks; when each (alert, instance) was first told of as firing."""

    def __init__(self):
        self.told, lock = {}, threading.Lock()
        phone = self

        class PhoneHandler(Handler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    for alert in body["alerts"]:
                        key = (alert["labels"]["alertname"], alert["labels"].get("instance"))
                        if alert["status"] == "firing":
                            phone.told.setdefault(key, (time.monotonic(), alert))
                self.reply()

        self.server = Listener(("127.0.0.1", 0), PhoneHandler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class ShippedRules(EndToEndTest):
    def test_files_and_unit_tests_are_good_for_promtool_and_for_us(self):
        promtool = need_program("promtool")
        files = sorted(map(str, (ROOT / "rules").glob("*.yaml")))
        tests = sorted(map(str, (ROOT / "rules/tests").glob("*.yaml")))
        self.assertEqual(len(files), len(tests))
        for command in ([promtool, "check", "rules", *files], [promtool, "test", "rules", *tests],
                        [BINARY, "check", "rules", *files], [BINARY, "test", "rules", *tests],
                        [BINARY, "lint", "--scrape-interval=5s", *files]):
            done = subprocess.run(command, capture_output=True, text=True, timeout=300)
            self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-2000:])

    def test_commands(self):
        listed = subprocess.run([BINARY, "rules", "list"], capture_output=True, text=True)
        self.assertIn("P0    LLMEngineHung", listed.stdout)
        shown = subprocess.run([BINARY, "rules", "show", "LLMEngineHung"], capture_output=True,
                               text=True)
        self.assertIn("llm_generation_tokens_total", shown.stdout)
        self.assertIn("## Do", shown.stdout)
        out = pathlib.Path(self.directory) / "out"
        for code in (0, 1):  # the second time they are there
            done = subprocess.run([BINARY, "rules", "export", str(out)], capture_output=True)
            self.assertEqual(done.returncode, code)
        for shipped in (ROOT / "rules").glob("*.yaml"):
            self.assertEqual((out / "rules" / shipped.name).read_text(), shipped.read_text())

    def test_they_run_unless_there_are_others(self):
        def groups(strata):
            data = strata.get("/api/v1/rules").json()["data"]
            return {group["file"] for group in data["groups"]}
        own = pathlib.Path(self.directory) / "own.yml"
        own.write_text("groups: [{name: own, rules: [{record: a, expr: vector(1)}]}]\n")
        config = f"rule_files: ['{own}']\n"
        auto = ("--rules.builtin=auto",)  # the default, but for tests
        for text, arguments, shipped in ((None, auto, True), ("global: {}\n", auto, True),
                                         (config, auto, False), (None, ("--rules.builtin=off",), False),
                                         (config, ("--rules.builtin=on",), True)):
            strata = self.start(Strata(self.directory, text, arguments=arguments))
            self.assertEqual("builtin/availability.yaml" in groups(strata), shipped, (text, arguments))
            page = strata.get("/runbooks/LLMEngineHung")
            self.assertEqual(page.status, 200)
            self.assertTrue(page.body.startswith(b"# LLMEngineHung\n"))
            self.assertEqual(strata.get("/runbooks/NoSuchThing").status, 404)
            strata.stop()

    def test_a_fleet_that_breaks_is_told_of(self):
        engines = [Engine() for _ in range(ONSETS + 3)]
        phone = Phone()
        routes = pathlib.Path(self.directory) / "alertmanager.yml"
        routes.write_text(ALERTMANAGER.replace("PORT", str(phone.server.server_address[1])))
        targets = ", ".join(f"'{engine.name}'" for engine in engines)
        strata = self.start(Strata(self.directory, CONFIG.replace("TARGETS", targets), arguments=(
            f"--alertmanager.config.file={routes}", "--rules.builtin=on")))
        wait_until(lambda: strata.value("count(count_over_time(up[1m]) >= 5)") == len(engines),
                   "the engines to be known", timeout=90)
        self.assertEqual(phone.told, {})

        *broken, prefilling, at_once, healthy = engines
        chance = random.Random(1)
        for i, engine in enumerate(broken):
            timer = threading.Timer(chance.uniform(0, 20), engine.break_it, [FAULTS[i % 3]])
            timer.daemon = True
            timer.start()
        prefilling.break_it("prefills")
        at_once.break_it("prefills at once")
        wait_until(lambda: len(phone.told) >= len(broken), "all to be told of", timeout=120)
        times = {fault: [] for fault in FAULTS}
        for engine in broken:
            name = "LLMEngineHung" if engine.fault == "freezes" else "InferenceServiceDown"
            told_at, alert = phone.told[name, engine.name]
            times[engine.fault].append(told_at - engine.broke_at)
            link = alert["annotations"]["runbook_url"]
            self.assertTrue(link.endswith("/runbooks/" + name), link)
        for fault, seconds in times.items():
            seconds.sort()
            p99 = seconds[int(0.99 * (len(seconds) - 1) + 0.5)]
            print(f"{fault}: {len(seconds)} onsets, told after {seconds[len(seconds) // 2]:.1f} s "
                  f"(median), {p99:.1f} s (p99), {seconds[-1]:.1f} s (worst)")
        for engine in (prefilling, at_once, healthy):
            self.assertFalse([key for key in phone.told if key[1] == engine.name], phone.told.keys())


if __name__ == "__main__":
    main()

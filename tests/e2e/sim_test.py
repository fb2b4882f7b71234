"""The simulated fleet through the whole path: discovered, scraped, translated, asked for."""
import json
import subprocess
import threading

from harness import BINARY, EndToEndTest, Process, free_port, http_request, main, wait_until


class Sim(Process):
    def __init__(self, directory, *arguments):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        super().__init__([BINARY, "sim", f"--listen={self.address}", *arguments], directory, "sim")
        wait_until(lambda: http_request(self.url + "/").status == 200, "the fleet")

    def get(self, path, **options):
        return http_request(self.url + path, **options)

    def config(self):
        printed = subprocess.run([BINARY, "sim", f"--listen={self.address}", "--print-config"],
                                 check=True, capture_output=True, text=True, timeout=60)
        return printed.stdout.replace("scrape_interval: 15s", "scrape_interval: 1s")


class SimulatedFleet(EndToEndTest):
    def sim(self, *arguments):
        return self.start(Sim(self.directory, *arguments))

    def scenario(self, text):
        path = f"{self.directory}/scenario.yml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_every_target_is_scraped_and_speaks_canonical_names(self):
        sim = self.sim("--nodes=4")
        strata = self.strata(config=sim.config())
        # Four nodes: three exporters and two engines each, and the gateway.
        wait_until(lambda: strata.value("sum(up)") == 21, "all targets", 60)
        self.assertEqual(strata.value("count(llm_engine_info)"), 8)
        kinds = {one["metric"]["engine_kind"] for one in strata.query("llm_engine_info")}
        self.assertEqual(kinds, {"vllm", "sglang"})
        # vLLM 0.7 is among them, and has what the others have under older names.
        for name in ("llm_requests_running", "llm_requests_waiting", "llm_kv_cache_usage_ratio",
                     "llm_kv_cache_capacity_tokens", "llm_generation_tokens_total",
                     "llm_time_to_first_token_seconds_count", "llm_request_queue_seconds_count",
                     "llm_inter_token_latency_seconds_count", "llm_request_duration_seconds_count"):
            self.assertEqual(strata.value(f"count(count by (instance) ({name}))"), 8, name)
        for name in ("gpu_power_watts", "gpu_temperature_celsius", "gpu_utilization_ratio",
                     "gpu_dram_active_ratio", "gpu_memory_used_bytes", "gpu_sm_clock_hertz"):
            self.assertEqual(strata.value(f"count({name})"), 32, name)
        self.assertGreater(strata.value('sum(app_requests_total{outcome="ok"})'), 100)
        self.assertEqual(strata.value("count(node_memory_MemAvailable_bytes)"), 4)

    def test_topology_joins_gpus_to_engines(self):
        sim = self.sim("--nodes=1", "--engine=vllm")
        strata = self.strata(config=sim.config())
        joined = ('count(gpu_power_watts * on (uuid) group_left (instance) '
                  'strata_topology_info{instance="node-0:8000"})')
        wait_until(lambda: strata.value("sum(up)") == 6, "all targets", 60)
        self.assertEqual(strata.value(joined), 4)

    def test_a_hung_engine_runs_requests_and_gives_no_tokens(self):
        path = self.scenario("faults: [{fault: engine-hang, at: 0s, for: 1h, node: 0, engine: 0}]")
        sim = self.sim("--nodes=1", "--engine=vllm", "--speed=10", f"--scenario={path}")
        truth = sim.get("/scenario").json()["faults"]
        self.assertEqual([(one["fault"], one["cause"], one["active"]) for one in truth],
                         [("engine-hang", 26, True)])
        strata = self.strata(config=sim.config())
        hung = ('llm_requests_running{instance="node-0:8000"} > 0 and on (instance) '
                'increase(llm_generation_tokens_total[10s]) == 0')
        wait_until(lambda: strata.query(hung), "tokens to stop", 60)
        well = 'increase(llm_generation_tokens_total{instance="node-0:8001"}[10s]) > 0'
        wait_until(lambda: strata.query(well), "the other engine to go on", 60)

    def test_what_is_down_is_down_and_what_hangs_times_out(self):
        path = self.scenario("faults:\n"
                             "  - {fault: engine-crash, at: 0s, for: 1h, node: 0, engine: 1}\n"
                             "  - {fault: exporter-down, at: 0s, for: 1h, node: 0}\n")
        sim = self.sim("--nodes=1", f"--scenario={path}")
        wait_until(lambda: sim.get("/node-0/engine-1/metrics").status == 503, "the crash")
        self.assertEqual(sim.get("/node-0/engine-0/metrics").status, 200)
        self.assertEqual(sim.get("/node-0/gpu/metrics").status, 503)
        self.assertEqual(sim.get("/node-0/node/metrics").status, 200)
        self.assertEqual(sim.get("/node-7/node/metrics").status, 404)

    def test_engines_answer_their_api(self):
        sim = self.sim("--nodes=1", "--engine=vllm")
        base = "/node-0/engine-0"
        self.assertEqual(sim.get(base + "/health").status, 200)
        model = sim.get(base + "/v1/models").json()["data"][0]["id"]
        body = {"model": model, "max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}]}
        whole = sim.get(base + "/v1/chat/completions", data=json.dumps(body).encode()).json()
        self.assertEqual(whole["usage"]["completion_tokens"], 5)
        body["stream"] = True
        stream = sim.get(base + "/v1/chat/completions", data=json.dumps(body).encode())
        self.assertIn("text/event-stream", stream.headers["Content-Type"])
        self.assertTrue(stream.body.rstrip().endswith(b"data: [DONE]"))

    def test_requests_load_the_engine_that_they_are_sent_to(self):
        sim = self.sim("--nodes=1", "--engine=vllm", "--rate=0.01")
        strata = self.strata(config=sim.config())
        running = 'vllm:num_requests_running{instance="node-0:8000"}'
        wait_until(lambda: strata.value("sum(up)") == 6, "all targets", 60)
        wait_until(lambda: strata.value(running) <= 1, "an idle engine", 60)
        model = sim.get("/node-0/engine-0/v1/models").json()["data"][0]["id"]
        body = json.dumps({"model": model, "max_tokens": 400, "stream": True,
                           "messages": [{"role": "user", "content": "Hello " * 200}]}).encode()
        before = strata.value('vllm:generation_tokens_total{instance="node-0:8000"}')
        answers = []

        def ask():
            answers.append(sim.get("/node-0/engine-0/v1/chat/completions", data=body, timeout=120))
        clients = [threading.Thread(target=ask) for _ in range(20)]
        for client in clients:
            client.start()
        wait_until(lambda: strata.value(running) >= 20, "the engine to run them", 60)
        for client in clients:
            client.join()
        made = 'vllm:generation_tokens_total{instance="node-0:8000"}'
        tokens = sum(answer.body.count(b'"content":"w') for answer in answers)
        self.assertGreater(tokens, 20 * 50)
        wait_until(lambda: strata.value(made) >= before + tokens, "their tokens", 60)
        other = 'vllm:num_requests_running{instance="node-0:8001"}'
        self.assertLessEqual(strata.value(other), 2)

    def test_mistakes_are_named(self):
        def failed(*arguments):
            ran = subprocess.run([BINARY, "sim", "--listen=127.0.0.1:0", *arguments],
                                 capture_output=True, text=True, timeout=60)
            self.assertEqual(ran.returncode, 1, ran)
            return ran.stderr
        path = self.scenario("faults:\n  - fault: engine-hung\n")
        self.assertIn(f"{path}:2:", failed(f"--scenario={path}"))
        self.assertIn("engine-hang", failed(f"--scenario={path}"))
        self.assertIn("h100", failed("--gpu=v100"))
        self.assertIn("does not fit", failed("--gpus=2", "--nodes=1"))


if __name__ == "__main__":
    main()

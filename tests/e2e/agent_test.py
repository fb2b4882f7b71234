"""`strata agent` over the fake GPU driver: what a node agent is put on a machine for."""
import base64
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from harness import BINARY, ROOT, Process, Strata, free_port, http_request, skip, wait_until

FAKE_NVML = pathlib.Path(BINARY).parent / "fake_nvml" / "libnvidia-ml.so.1"


class Agent(Process):
    def __init__(self, directory, arguments=()):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        Process.__init__(self, [BINARY, "agent", f"--web.listen-address=127.0.0.1:{self.port}",
                                "--node=n1", f"--gpu.library={FAKE_NVML}", *arguments],
                         directory, "agent")
        wait_until(lambda: self.get("/-/healthy").status == 200, "the agent to listen", every=0.02)

    def get(self, path, **more):
        return http_request(self.url + path, **more)

    def lines(self, path="/metrics"):
        answer = self.get(path)
        assert answer.status == 200, (path, answer.body)
        return [line for line in answer.body.decode().splitlines() if not line.startswith("#")]


def value(lines, name, *labels):
    """Of the only sample with that name and these labels."""
    found = [line for line in lines
             if line.startswith((name + "{", name + " ")) and all(label in line for label in labels)]
    if len(found) != 1:
        raise ValueError(f"{name} {labels}: {found}")  # wait_until() takes it for "not yet"
    return float(found[0].rsplit(" ", 1)[1])


class AgentTest(unittest.TestCase):
    def setUp(self):
        if not FAKE_NVML.exists():
            skip("the fake driver is not built")
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.script_path = pathlib.Path(self.directory.name) / "gpus"
        self.script("gpus 2")
        os.environ["STRATA_FAKE_NVML"] = str(self.script_path)
        self.addCleanup(os.environ.pop, "STRATA_FAKE_NVML")

    def script(self, text):
        new = self.script_path.with_suffix(".new")
        new.write_text(text + "\n")
        new.rename(self.script_path)

    def agent(self, *arguments):
        agent = Agent(self.directory.name, arguments)
        self.addCleanup(agent.kill)
        return agent

    def test_one_port_has_gpus_host_and_agent(self):
        agent = self.agent()
        lines = agent.lines()
        self.assertEqual(value(lines, "DCGM_FI_DEV_GPU_UTIL", 'gpu="0"', 'hostname="n1"'), 86)
        self.assertEqual(value(lines, "gpu_utilization_ratio", 'gpu="1"', 'node="n1"'), 0.86)
        self.assertEqual(value(lines, "gpu_up", 'gpu="0"'), 1)
        self.assertGreater(value(lines, "node_memory_MemTotal_bytes"), 0)
        self.assertGreater(value(lines, "process_resident_memory_bytes"), 0)
        self.assertEqual(agent.stop(), 0)

    def test_an_agent_that_nobody_can_reach_pushes(self):
        """Through an outage of the receiver, without a gap and without anything twice."""
        push = pathlib.Path(self.directory.name) / "push.yml"
        port = free_port()
        push.write_text(f"""
global: {{scrape_interval: 500ms, external_labels: {{site: b}}}}
remote_write:
- url: http://127.0.0.1:{port}/api/v1/write
  queue_config: {{max_backoff: 200ms}}
""")
        data = tempfile.mkdtemp(dir=self.directory.name)

        def receiver():
            strata = Strata(data, config="scrape_configs: []\n", port=port,
                            arguments=["--web.enable-remote-write-receiver"])
            self.addCleanup(strata.kill)
            return strata
        strata = receiver()
        agent = self.agent(f"--push.config.file={push}")
        name = f'gpu_utilization_ratio{{gpu="0",job="agent",site="b",instance="n1:{agent.port}"}}'
        wait_until(lambda: (strata.value(f"count_over_time({name}[1m])") or 0) >= 3, "pushed samples")
        strata.kill()
        time.sleep(3)
        strata = receiver()
        wait_until(lambda: (strata.value(f"count_over_time({name}[1m])") or 0) >= 15, "the outage's samples")
        times = [t for t, _ in strata.query(f"{name}[1m]")[0]["values"]]
        gaps = [b - a for a, b in zip(times, times[1:])]
        self.assertLess(max(gaps), 2.5, gaps)  # that of a collection which was late
        self.assertEqual(len(set(times)), len(times))
        self.assertEqual(strata.value(f'up{{instance="n1:{agent.port}"}}'), 1)
        self.assertEqual(agent.stop(), 0)
        wait_until(lambda: not strata.query(name), "stale markers")

    def test_a_push_configuration_without_a_target_is_refused(self):
        path = pathlib.Path(self.directory.name) / "push.yml"
        path.write_text("global: {scrape_interval: 1s}\n")
        done = subprocess.run([BINARY, "agent", "--web.listen-address=127.0.0.1:0", "--gpu=false",
                               f"--push.config.file={path}"], capture_output=True, text=True,
                              timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no remote_write", done.stderr)

    def test_jobs_with_their_own_intervals_share_the_agent(self):
        agent = self.agent()
        fast = agent.lines("/metrics?collect[]=gpu.utilization&collect[]=gpu.memory")
        names = {line.split("{")[0] for line in fast}
        self.assertIn("DCGM_FI_DEV_FB_USED", names)
        self.assertNotIn("DCGM_FI_DEV_GPU_TEMP", names)
        self.assertFalse([name for name in names if name.startswith("node_")])
        slow = agent.lines("/metrics?collect[]=gpu.temperature&collect[]=gpu.power")
        self.assertEqual(value(slow, "DCGM_FI_DEV_POWER_USAGE", 'gpu="0"'), 480.25)
        host = agent.lines("/metrics?collect[]=meminfo")
        self.assertTrue(all(line.startswith(("node_memory_", "node_scrape_")) for line in host))
        wrong = agent.get("/metrics?collect[]=gpu.heat")
        self.assertEqual(wrong.status, 400)
        self.assertIn(b"gpu.temperature", wrong.body)

    def test_a_driver_that_hangs_does_not_hold_up_the_host(self):
        agent = self.agent("--gpu.deadline=300ms")
        wait_until(lambda: value(agent.lines(), "gpu_up", 'gpu="1"') == 1, "the GPUs")
        self.script("gpus 2\nhang nvmlDeviceGetPowerUsage 1")
        lines = agent.lines()
        self.assertEqual(value(lines, "gpu_up", 'gpu="0"', "nvmlDeviceGetPowerUsage of GPU 1"), 0)
        self.assertFalse([line for line in lines if line.startswith("DCGM_")])
        self.assertGreater(value(lines, "node_memory_MemTotal_bytes"), 0)
        self.script("gpus 2")
        wait_until(lambda: value(agent.lines(), "gpu_up", 'gpu="0"') == 1, "the driver to recover")

    def test_an_xid_error_is_counted(self):
        agent = self.agent()
        self.assertEqual(value(agent.lines(), "gpu_xid_errors_total", 'gpu="1"', 'xid="79"'), 0)
        self.script("gpus 2\nxid 1 1 79")
        self.assertEqual(value(agent.lines(), "gpu_xid_errors_total", 'gpu="1"', 'xid="79"'), 1)

    def test_an_engine_is_tied_to_its_gpu(self):
        engine_port = free_port()
        code = ("import socket, time; s = socket.socket(); "
                f"s.bind(('127.0.0.1', {engine_port})); s.listen(); time.sleep(600)")
        engine = subprocess.Popen(["python3", "-c", code])
        self.addCleanup(engine.wait)
        self.addCleanup(engine.kill)
        self.script(f"gpus 1\nprocess 0 {engine.pid} 1000000000")
        agent = self.agent()
        wait_until(lambda: value(agent.lines("/metrics?collect[]=topology"), "strata_topology_info",
                                 f'instance="n1:{engine_port}"', f'pid="{engine.pid}"') == 1,
                   "the engine's port")

    def test_fields_users_and_a_second_port(self):
        fields = pathlib.Path(self.directory.name) / "fields.csv"
        fields.write_text("DCGM_FI_DEV_GPU_TEMP, gauge, Heat.\nDCGM_FI_DEV_SERIAL, label, Serial.\n")
        also = free_port()
        web = pathlib.Path(self.directory.name) / "web.yml"
        hashed = subprocess.run([BINARY, "hash-password"], input="secret\n", text=True,
                                capture_output=True, check=True).stdout.strip()
        web.write_text(f"basic_auth_users:\n  prometheus: {hashed}\n")
        agent = self.agent(f"--collectors={fields}", f"--web.also-listen-address=127.0.0.1:{also}",
                           f"--web.config.file={web}", "--gpu.old-hostname-label")
        self.assertEqual(agent.get("/metrics").status, 401)
        login = {"Authorization": "Basic " + base64.b64encode(b"prometheus:secret").decode()}
        answer = http_request(f"http://127.0.0.1:{also}/metrics?collect[]=gpu", headers=login)
        self.assertEqual(answer.status, 200)
        classic = [line for line in answer.body.decode().splitlines() if line.startswith("DCGM_")]
        self.assertEqual(len(classic), 2)
        self.assertIn('DCGM_FI_DEV_SERIAL="1650000000000"', classic[0])
        self.assertIn('Hostname="n1"', classic[0])

    def test_check_names_what_is_wrong_and_what_helps(self):
        self.script("gpus 2\nerror nvmlInit_v2 - 18")
        check = subprocess.run([BINARY, "agent", "check", f"--gpu.library={FAKE_NVML}"], text=True,
                               capture_output=True, timeout=60)
        self.assertEqual(check.returncode, 1)
        self.assertIn("PROBLEM  NVIDIA: driver and NVML library are of different versions",
                      check.stdout)
        self.assertIn("reboot", check.stdout)
        self.script("gpus 2")
        check = subprocess.run([BINARY, "agent", "check", f"--gpu.library={FAKE_NVML}"], text=True,
                               capture_output=True, timeout=60)
        self.assertIn("GPU 1: NVIDIA H100 80GB HBM3", check.stdout)

    def test_strata_scrapes_an_agent_as_the_example_does(self):
        agent = self.agent()
        example = (ROOT / "examples" / "prometheus.yml").read_text()
        config = example.replace("gpu-node-01:9400, gpu-node-02:9400", f"127.0.0.1:{agent.port}")
        config = config.replace("15s", "1s").replace("30s", "2s")
        strata = Strata(self.directory.name, config)
        self.addCleanup(strata.kill)
        wait_until(lambda: strata.query('DCGM_FI_DEV_GPU_UTIL{job="gpu"}'), "utilisation")
        wait_until(lambda: strata.query('gpu_temperature_celsius{job="gpu-heat"}'), "heat")
        wait_until(lambda: strata.query('node_load1{job="node"}'), "the host")
        # The catalog makes nothing of what is canonical already.
        for name in ("gpu_utilization_ratio", "gpu_ecc_errors_total", "gpu_info"):
            more = strata.query(f"count without (job) ({name}{{job=\"gpu\"}}) > 1")
            self.assertEqual(more, [], name)
            count = strata.value(f"count({name}{{job=\"gpu\"}})")
            self.assertEqual(count, {"gpu_ecc_errors_total": 8}.get(name, 2), name)
        # The guide's rule on memory, as it is written there.
        percent = strata.query("(DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE))"
                               " * 100 > 90")
        self.assertEqual(len(percent), 2)


if __name__ == "__main__":
    unittest.main()

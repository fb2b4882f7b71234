"""A gateway from start to end: reload and drain with streams under way, kill -9, restarts, in `strata
serve`, and with ten thousand connections."""
import json
import pathlib
import re
import resource
import selectors
import socket
import subprocess
import threading
import time

import harness
from gateways import PROMPT, Client, Engine, Gateway, post, raw, status_of
from harness import BINARY, Strata, free_port, wait_until

CHAT = post("/v1/chat/completions", PROMPT)


class GatewayLifeTest(harness.EndToEndTest):
    def gateway(self, upstreams, extra="", name="gateway"):
        return self.start(Gateway(self.directory, upstreams, extra, name))

    def engine(self, *arguments):
        return self.start(Engine(self.directory, *arguments))

    def rows(self):
        out = subprocess.run([BINARY, "gateway", "ledger", "export",
                              f"--ledger={self.directory}/ledger", "--json"], text=True,
                             capture_output=True, check=True).stdout
        return [json.loads(line) for line in out.splitlines()]

    def test_streams_outlive_reloads_and_a_drain(self):
        engine = self.engine()
        gateway = self.gateway([{"name": "one", "url": engine.url}])
        request = post("/v1/chat/completions", dict(PROMPT, stream=True),
                       ["x-mock-tokens: 60", "x-mock-itl-ms: 50"])
        streams = [Client(gateway.port) for _ in range(20)]
        for stream in streams:
            self.addCleanup(stream.close)
            stream.send(request)
        wait_until(lambda: engine.metric("vllm:num_requests_running") == 20, "the streams")
        for name in ("renamed", "again"):
            gateway.write_config([{"name": name, "url": engine.url}])
            gateway.signal(1)
            wait_until(lambda: gateway.series("app_upstream_up", upstream=name) == 1, "a reload")
        self.assertEqual(status_of(raw(gateway.port, CHAT)), 200)
        stopping = threading.Thread(target=gateway.stop)
        stopping.start()

        def refuses():
            try:
                return not raw(gateway.port, CHAT)
            except OSError:
                return True
        wait_until(refuses, "the listener to be closed")
        for stream in streams:
            status, fields = stream.read_head()
            body = stream.read_body(fields)
            self.assertEqual(status, 200)
            self.assertEqual(body.count(b'"content":"w'), 60)
            self.assertTrue(body.endswith(b"data: [DONE]\n\n"))
        stopping.join(20)
        self.assertEqual(gateway.process.returncode, 0)

    def test_a_configuration_that_is_wrong_changes_nothing(self):
        engine = self.engine()
        gateway = self.gateway([{"name": "one", "url": engine.url}])
        gateway.config.write_text("gateway: {upstreams: [{url: nonsense}]}\n")
        gateway.signal(1)
        wait_until(lambda: "keeps what it had" in gateway.log(), "the complaint")
        self.assertEqual(status_of(raw(gateway.port, CHAT)), 200)

    def test_a_budget_that_is_spent_is_a_429_also_after_a_restart(self):
        engine = self.engine()
        (pathlib.Path(self.directory) / "prices.yaml").write_text(
            "models: [{model: mock, input: 1000, output: 1000}]\n")
        extra = ("  ledger: {path: ledger}\n  prices: [prices.yaml]\n"
                 "  tenants: {header: X-Tenant, budgets: [{tenant: small, tokens_per_day: 20},"
                 " {tenant: poor, usd_per_day: 0.01}]}\n")
        gateway = self.gateway([{"name": "one", "url": engine.url}], extra)

        def status(gateway, tenant):
            return status_of(raw(gateway.port, post("/v1/chat/completions", PROMPT,
                                                    [f"X-Tenant: {tenant}"])))
        for tenant in ("small", "poor"):
            self.assertEqual(status(gateway, tenant), 200)
            self.assertEqual(status(gateway, tenant), 429)
        refused = raw(gateway.port, post("/v1/chat/completions", PROMPT, ["X-Tenant: small"]))
        self.assertRegex(refused, rb"Retry-After: \d+\r\n")
        self.assertEqual(status(gateway, "other"), 200)
        gateway.stop()
        again = self.gateway([{"name": "one", "url": engine.url}], extra, name="again")
        for tenant in ("small", "poor"):
            self.assertEqual(status(again, tenant), 429)

    def test_strata_serve_runs_a_gateway_and_stores_its_series(self):
        engine = self.engine()
        port = free_port()
        path = pathlib.Path(self.directory) / "strata.yml"
        path.write_text(f"gateway:\n  listen: 127.0.0.1:{port}\n"
                        f"  upstreams: [{{name: one, url: '{engine.url}'}}]\n")
        config = ("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: strata\n"
                  "  static_configs: [{targets: ['127.0.0.1:PORT']}]\n")
        own = free_port()
        strata = self.start(Strata(self.directory, config.replace("PORT", str(own)), own,
                                   [f"--strata.config={path}"]))
        self.assertEqual(status_of(raw(port, CHAT)), 200)
        wait_until(lambda: strata.value('sum(app_requests_total{model_name="mock"})') == 1,
                   "its series in the store")

    def test_kill_9_loses_at_most_the_last_second_of_the_ledger(self):
        engine = self.engine()
        gateway = self.gateway([{"name": "one", "url": engine.url}], "  ledger: {path: ledger}\n")
        finished = []  # when each of the answers was whole, by the wall clock
        with Client(gateway.port) as client:
            end = time.monotonic() + 4
            while time.monotonic() < end:
                self.assertEqual(client.ask(post("/v1/completions", PROMPT, close=False))[0], 200)
                finished.append(time.time())
            gateway.kill()
            killed = time.time()
        rows = self.rows()
        due = sum(at < killed - 1 for at in finished)
        self.assertGreater(due, 100)
        self.assertGreaterEqual(len(rows), due)
        self.assertEqual(len({row["request_id"] for row in rows}), len(rows))
        self.assertEqual({row["outcome"] for row in rows}, {"ok"})
        again = self.gateway([{"name": "one", "url": engine.url}], "  ledger: {path: ledger}\n",
                             name="again")
        self.assertEqual(status_of(raw(again.port, CHAT)), 200)
        self.assertEqual(again.stop(), 0)
        self.assertEqual(len(self.rows()), len(rows) + 1)


def sanitized():
    """Built with a sanitizer, which takes memory of its own."""
    return b"__asan_init" in pathlib.Path(BINARY).read_bytes()


class ManyConnectionsTest(harness.EndToEndTest):
    COUNT = 10_000
    MOST_MB = 150

    def setUp(self):
        super().setUp()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        # Two sockets a stream in the gateway; one that is hit says so by refusing.
        if hard < 2 * self.COUNT + 100:
            self.count = (hard - 100) // 2
        else:
            self.count = self.COUNT
        self.engine = self.start(Engine(self.directory))
        self.gateway = self.start(Gateway(self.directory,
                                          [{"name": "one", "url": self.engine.url}]))
        self.sockets = []
        self.addCleanup(lambda: [one.close() for one in self.sockets])

    def open(self, request):
        """Opens the connections, sends each `request`, and reads what is answered at first."""
        poll = selectors.DefaultSelector()
        waiting = 0
        for i in range(self.count):
            one = socket.create_connection(("127.0.0.1", self.gateway.port), 30)
            self.sockets.append(one)
            if request:
                one.sendall(request)
                poll.register(one, selectors.EVENT_READ)
                waiting += 1
            while waiting > 200 or (waiting and i + 1 == self.count):
                events = poll.select(30)
                self.assertTrue(events)
                for key, _ in events:
                    self.assertTrue(key.fileobj.recv(4096).startswith(b"HTTP/1.1 200 "))
                    poll.unregister(key.fileobj)
                    waiting -= 1

    def assert_small(self):
        status = pathlib.Path(f"/proc/{self.gateway.process.pid}/status").read_text()
        resident = int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) >> 10
        print(f"{self.count} connections: {resident} MB resident", flush=True)
        if not sanitized():
            self.assertLessEqual(resident, self.MOST_MB * self.count / self.COUNT + 5)

    def test_ten_thousand_open_streams(self):
        self.open(post("/v1/chat/completions", dict(PROMPT, stream=True),
                       ["x-mock-tokens: 1000", "x-mock-itl-ms: 10000"]))
        self.assertEqual(self.engine.metric("vllm:num_requests_running"), self.count)
        self.assert_small()
        self.assertEqual(status_of(raw(self.gateway.port, CHAT)), 200)  # and it still answers
        for one in self.sockets:
            one.close()
        wait_until(lambda: self.engine.metric("vllm:num_requests_running") == 0,
                   "the engine to hear of it", timeout=60)
        wait_until(lambda: self.gateway.series("app_requests_total", outcome="client_cancel")
                   == self.count, "the records", timeout=60)

    def test_ten_thousand_idle_connections(self):
        self.open(None)
        self.assert_small()
        self.assertEqual(status_of(raw(self.gateway.port, CHAT)), 200)
        self.sockets[0].sendall(CHAT)
        self.assertTrue(self.sockets[0].recv(100).startswith(b"HTTP/1.1 200 "))


if __name__ == "__main__":
    harness.main()

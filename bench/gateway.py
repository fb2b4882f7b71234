#!/usr/bin/env python3
"""The gateway beside Debian's nginx (proxy_pass, one worker) in front of the same mock engine.

  bench/gateway.py [--seconds N] [--streams N]

Rates are requests and events per second of the proxy's own CPU time (schedstat), which a busy
machine does not change; what came through in the run's wall time stands beside them. Latencies are
of an open loop at half of what the slowest proxy managed, each counted from when its request was
due; a machine with more to do than it has CPUs says nothing about them, and they are left out.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from report import human, machine, table, write_section  # noqa: E402
from servers import harness  # noqa: E402

LOAD = pathlib.Path(harness.BINARY).parent / "gateway_load"
CONNECTIONS = 64


def cpu_seconds(pid):
    """Of all threads of a process."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def resident_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) >> 10


class Nginx:
    name = "nginx"

    def __init__(self, directory, engine_port):
        self.port = harness.free_port()
        self.directory = pathlib.Path(directory)
        config = self.directory / "nginx.conf"
        config.write_text(f"""
worker_processes 1; daemon off; pid {directory}/nginx.pid; error_log {directory}/nginx.err;
worker_rlimit_nofile 65536;
events {{ worker_connections 60000; }}
http {{
  access_log off; client_max_body_size 64m; client_body_temp_path {directory}/b;
  proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u;
  scgi_temp_path {directory}/s; keepalive_requests 100000000;
  upstream engine {{ server 127.0.0.1:{engine_port}; keepalive 512; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{self.port}; location / {{
    proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_buffering off; proxy_read_timeout 600s; }} }}
}}""")
        self.process = subprocess.Popen([harness.need_program("nginx"), "-c", str(config), "-p",
                                         str(directory)], stderr=subprocess.DEVNULL)
        harness.wait_until(lambda: harness.http_request(f"http://127.0.0.1:{self.port}/health").status,
                           "nginx")
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        self.pid = int(pathlib.Path(children).read_text().split()[0])

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Gateway:
    def __init__(self, directory, engine_port, name, kind, ledger=True):
        self.name, self.port, web = name, harness.free_port(), harness.free_port()
        config = pathlib.Path(directory) / f"{name}.yml"
        config.write_text(f"gateway:\n  upstreams: [{{name: a, url: 'http://127.0.0.1:{engine_port}',"
                          f" kind: {kind}, models: [mock]}}]\n" +
                          (f"  ledger: {{path: ledger-{kind}}}\n" if ledger else ""))
        self.process = harness.Process([harness.BINARY, "gateway", f"--config={config}",
                                        f"--listen=127.0.0.1:{self.port}",
                                        f"--web.listen-address=127.0.0.1:{web}", "--drain=1s"],
                                       directory, name)
        self.pid = self.process.process.pid
        harness.wait_until(lambda: harness.http_request(f"http://127.0.0.1:{web}/-/ready").status,
                           "the gateway")

    def stop(self):
        self.process.stop()


def request_file(directory, name, body, headers=()):
    data = json.dumps(body).encode()
    path = pathlib.Path(directory) / name
    head = ["POST /v1/chat/completions HTTP/1.1", "Host: x", "Content-Type: application/json",
            "Authorization: Bearer sk-0123456789", f"Content-Length: {len(data)}", *headers]
    path.write_bytes("\r\n".join(head).encode() + b"\r\n\r\n" + data)
    return path


def load(port, request, connections, seconds, rate=0):
    out = subprocess.run([str(LOAD), f"127.0.0.1:{port}", str(request), str(connections),
                          str(seconds), str(rate)], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def measure(proxy, request, seconds, connections=CONNECTIONS, rate=0):
    load(proxy.port, request, connections, 0.5)
    before = cpu_seconds(proxy.pid)
    result = load(proxy.port, request, connections, seconds, rate)
    result["proxy_cpu"] = cpu_seconds(proxy.pid) - before
    if result["errors"]:
        print(f"{proxy.name}: {result['errors']} errors", file=sys.stderr)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--streams", type=int, default=10_000)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as directory:
        port = harness.free_port()
        engine = harness.Process([harness.BINARY, "mock-engine", f"--listen=127.0.0.1:{port}",
                                  "--tokens=200"], directory, "engine")
        harness.wait_until(lambda: harness.http_request(f"http://127.0.0.1:{port}/health").status == 200,
                           "the engine")
        prompt = {"model": "mock", "messages": [{"role": "user", "content": "x" * 900}]}
        unary = request_file(directory, "unary", prompt)
        tokens = 1000
        stream = request_file(directory, "stream", dict(prompt, stream=True),
                              [f"x-mock-tokens: {tokens}"])
        proxies = [Nginx(directory, port), Gateway(directory, port, "strata, as it is", "other"),
                   Gateway(directory, port, "strata, usage asked for and taken out", "vllm")]
        rows, rates = [], {}
        for proxy in proxies:
            one = measure(proxy, unary, options.seconds)
            rates[proxy.name] = one["requests"] / one["proxy_cpu"]
            many = measure(proxy, stream, options.seconds, 16)
            events = many["requests"] * (tokens + 3)
            rows.append([proxy, one, events / many["proxy_cpu"], events / options.seconds])
        busy = os.getloadavg()[0] > os.cpu_count() + 1  # the run itself keeps two or three
        half = min(row[1]["requests"] for row in rows) / options.seconds / 2
        direct = load(port, unary, 16, options.seconds, half)
        lines = []
        for proxy, one, events, wall_events in rows:
            timed = None if busy else measure(proxy, unary, options.seconds, 16, half)
            share = rates[proxy.name] / rates["nginx"]
            lines.append([proxy.name, human(rates[proxy.name]), f"{share:.0%}",
                          human(one["requests"] / options.seconds), human(events),
                          human(wall_events),
                          *(timed[q] - direct[q] if timed else "-" for q in ("p50_us", "p99_us"))])
        slow = request_file(directory, "slow", dict(prompt, stream=True),
                            ["x-mock-tokens: 100000", "x-mock-itl-ms: 5000"])
        memory = []
        for proxy in (proxies[0], proxies[2]):
            before = resident_mb(proxy.pid)
            running = subprocess.Popen([str(LOAD), f"127.0.0.1:{proxy.port}", str(slow),
                                        str(options.streams), "20"], stdout=subprocess.DEVNULL)
            time.sleep(18)
            memory.append((proxy.name, before, resident_mb(proxy.pid)))
            running.wait()
        for proxy in proxies:
            proxy.stop()
        engine.kill()
    text = f"""## The gateway, beside nginx
{machine()} `bench/gateway.py`: 1 KB in and out, {CONNECTIONS} connections; streams of {tokens} tokens; latency added to a direct connection's at {human(half)} requests/s.

{table(["proxy", "requests a CPU-second", "of nginx", "requests/s in the run", "events a CPU-second", "events/s in the run", "added p50, us", "added p99, us"], lines)}

{options.streams} open streams: """ + "; ".join(
        f"{name}: {after} MB resident ({before} before)" for name, before, after in memory) + "."
    write_section("gateway", text)


if __name__ == "__main__":
    main()

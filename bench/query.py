#!/usr/bin/env python3
"""Queries of Strata beside Prometheus and VictoriaMetrics over the same 24 hours at 15 s.

  bench/query.py [--nodes N] [--hours H] [--repeat N]

The recording (20 nodes) has one latency histogram of 40 engines (880 bucket series), two gauges an
engine, GPU utilisation (8 a node) and 960 series of CPU seconds. Each query is asked --repeat times
of each server in turn, with result caches off; the table has the median wall time from the request
to the last byte. Answers are compared: a fast wrong answer does not count.
"""
import argparse
import http.client
import json
import math
import pathlib
import socket
import statistics
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from disk import import_into_prometheus, import_into_victoria  # noqa: E402
from report import human, machine, met, ratio, table, write_section  # noqa: E402
from servers import (PrometheusServer, StrataServer, VictoriaServer, fleet_command,  # noqa: E402
                     need_peers)

KEEP = (r'vllm:e2e_request_latency_seconds_bucket.*|vllm:num_requests_running.*|'
        r'vllm:kv_cache_usage_perc.*|DCGM_FI_DEV_GPU_UTIL.*|'
        r'node_cpu_seconds_total\{cpu="[0-5]".*')
BUCKETS = "vllm:e2e_request_latency_seconds_bucket"
BY_LE = f"histogram_quantile(0.99, sum by (le) (rate({BUCKETS}[5m])))"
BY_INSTANCE = f"histogram_quantile(0.99, sum by (le, instance) (rate({BUCKETS}[5m])))"
CPU = "sum by (instance, mode) (rate(node_cpu_seconds_total[5m]))"
GPU = "DCGM_FI_DEV_GPU_UTIL"

# (what, expression, step in seconds or 0 for an instant query, must to Prometheus, to Victoria, the
# one metric whose samples are scanned); a must of 0 counts into the geometric mean of the others.
QUERIES = [
    ("p99 by le", BY_LE, 15, 50, 4, BUCKETS),
    ("p99 by le", BY_LE, 60, 30, 2, BUCKETS),
    ("p99 by le, instance", BY_INSTANCE, 15, 50, 4, BUCKETS),
    ("p99 by le, instance", BY_INSTANCE, 60, 30, 2, BUCKETS),
    ("CPU by instance and mode", CPU, 60, 0, 0, "node_cpu_seconds_total"),
    ("GPU ratio by instance", f"avg by (instance) ({GPU}) / 100", 60, 0, 0, GPU),
    ("avg_over_time[1h]", f"avg_over_time({GPU}[1h])", 60, 0, 0, GPU),
    ("max_over_time[1h]", f"max_over_time({GPU}[1h])", 60, 0, 0, GPU),
    ("count by name", 'count by (__name__) ({__name__=~".+"})', 300, 0, 0, None),
    ("quantile_over_time[1h]", f"quantile_over_time(0.99, {GPU}[1h])", 60, 100, 40, GPU),
    ("raw, large JSON", '{__name__=~"DCGM_.*|vllm:kv_.*"}', 15, 5, 5, None),
    ("alert rule, instant", BY_LE + " > 5", 0, 10, 20, None),
    ("alert rule, instant, by instance", BY_INSTANCE + " > 5", 0, 10, 20, None),
    ("count of all series, instant", 'count({__name__=~".+"})', 0, 10, 20, None),
]
# What a dashboard asks when it opens: six hours, a point a minute.
PANELS = [
    BY_LE, BY_INSTANCE, f"histogram_quantile(0.5, sum by (le) (rate({BUCKETS}[5m])))",
    f'sum(rate({BUCKETS}{{le="+Inf"}}[1m]))',
    f'sum by (instance) (rate({BUCKETS}{{le="+Inf"}}[1m]))',
    f'sum(rate({BUCKETS}{{le="5.0"}}[5m])) / sum(rate({BUCKETS}{{le="+Inf"}}[5m]))',
    "sum(vllm:num_requests_running)", "vllm:num_requests_running",
    "avg(vllm:kv_cache_usage_perc)", "max by (instance) (vllm:kv_cache_usage_perc)",
    "topk(5, vllm:kv_cache_usage_perc)", "max_over_time(vllm:kv_cache_usage_perc[10m])",
    f"avg({GPU})", f"avg by (instance) ({GPU})", f"min by (gpu) ({GPU})", f"{GPU} < 50",
    "sum by (mode) (rate(node_cpu_seconds_total[5m]))", CPU,
    'avg by (instance) (1 - rate(node_cpu_seconds_total{mode="idle"}[5m]))',
    f"count by (job) ({GPU})",
]


class Client:
    """Asks one server over a connection that stays open: a new one costs more than some queries."""

    def __init__(self, server):
        self.server = server
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, expr, step, start, end):
        """(seconds, body)"""
        parameters = {"query": expr, "nocache": 1}
        if step:
            path = "/api/v1/query_range"
            parameters |= {"start": start, "end": end, "step": step}
        else:
            path = "/api/v1/query"
            parameters["time"] = end
        target = f"{path}?{urllib.parse.urlencode(parameters)}"
        began = time.perf_counter()
        self.connection.request("GET", target)
        answer = self.connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - began
        assert answer.status == 200, (self.server.name, expr, body[:300])
        return took, body


def values(body):
    result = json.loads(body)["data"]["result"]
    out = {}
    for series in result:
        key = tuple(sorted((k, str(float(v)) if k == "le" else v)
                           for k, v in series["metric"].items()))
        points = series["values"] if "values" in series else [series["value"]]
        out[key] = {float(t): float(v) for t, v in points}
    return out


def differing(a, b):
    """What share of the points of two answers differ by more than 1e-6."""
    a, b = values(a), values(b)
    total = differ = 0
    for key in a.keys() | b.keys():
        mine, theirs = a.get(key, {}), b.get(key, {})
        for t in mine.keys() | theirs.keys():
            total += 1
            x, y = mine.get(t, math.nan), theirs.get(t, math.nan)
            close = math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-9)
            differ += not close and not (math.isnan(x) and math.isnan(y))
    return differ / total if total else 0.0


def milliseconds(seconds):
    return f"{seconds * 1000:.3g}"


def median_times(clients, ask_one, repeat):
    """Median seconds of each server, and its last answer; the servers take turns."""
    times = [[] for _ in clients]
    answers = [None for _ in clients]
    for _ in range(repeat):
        for i, client in enumerate(clients):
            took, answers[i] = ask_one(client)
            times[i].append(took)
    return [statistics.median(of_one) for of_one in times], answers


def scanned_samples(server, selector, start, end):
    return server.value(f"sum(count_over_time({selector}[{end - start}s]))", end) or 0


def measure(clients, query, start, end, repeat):
    """A row of the table, and the two ratios."""
    what, expr, step, to_prometheus, to_victoria, selector = query
    (prometheus, victoria, ours), answers = median_times(
        clients, lambda client: client.ask(expr, step, start, end), repeat)
    must = met_cell = ""
    if to_prometheus:
        must = f"{to_prometheus}x; {to_victoria}x"
        met_cell = met(prometheus >= to_prometheus * ours, victoria >= to_victoria * ours)
    samples = selector and scanned_samples(clients[-1].server, selector, start, end)
    row = [what, f"{step} s" if step else "-", milliseconds(prometheus), milliseconds(victoria),
           milliseconds(ours), ratio(ours, prometheus), ratio(ours, victoria), must, met_cell,
           f"{ours / samples * 1e9:.2g}" if samples else "",
           f"{differing(answers[-1], answers[0]):.2%}"]
    print(" | ".join(row), flush=True)
    return row, (prometheus / ours, victoria / ours)


def measure_dashboard(clients, end, repeat):
    def ask_all(client):
        return sum(client.ask(panel, 60, end - 6 * 3600, end)[0] for panel in PANELS), None
    (prometheus, victoria, ours), _ = median_times(clients, ask_all, repeat)
    row = [f"dashboard of {len(PANELS)} panels, 6 h", "60 s", milliseconds(prometheus),
           milliseconds(victoria), milliseconds(ours), ratio(ours, prometheus),
           ratio(ours, victoria), "", "", "", ""]
    return row, (prometheus / ours, victoria / ours)


def measure_all(servers, start, end, repeat):
    clients = [Client(server) for server in servers]
    rows, others = [], []
    for query in QUERIES:
        row, ratios = measure(clients, query, start, end, repeat)
        rows.append(row)
        if query[3] == 0:
            others.append(ratios)
    row, ratios = measure_dashboard(clients, end, repeat)
    rows.append(row)
    others.append(ratios)
    means = [statistics.geometric_mean(column) for column in zip(*others)]
    rows.append(["range queries without a must of their own, geometric mean", "", "", "", "",
                 f"{means[0]:.3g}x", f"{means[1]:.3g}x", "10x; 3x",
                 met(means[0] >= 10, means[1] >= 3), "", ""])
    return rows


def load(directory, arguments):
    """The three servers with the same recording, ready, and what it holds."""
    written = fleet_command("write", *arguments, directory / "files")
    print(f"{human(written['series'])} series, {human(written['samples'])} samples; importing",
          flush=True)
    import_into_prometheus(sorted((directory / "files").glob("*.om")), directory / "prometheus")
    import_into_victoria(sorted((directory / "files").glob("*.prom")), directory / "victoria")
    (directory / "strata").mkdir()
    stored = fleet_command("store", *arguments, directory / "strata" / "data")
    assert stored["differences"] == 0, stored
    servers = [PrometheusServer(directory / "prometheus"), VictoriaServer(directory / "victoria"),
               StrataServer(directory / "strata")]
    return servers, written


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--hours", type=float, default=24, help="that range queries span")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    need_peers()
    about = machine()
    with tempfile.TemporaryDirectory(prefix="strata-query-") as temporary:
        # The recording ends an hour ago, on a minute, and begins an hour before the queries do, so
        # that the first windows are full. Queries are evaluated off the grid of samples: where a
        # window's edge meets a sample, 3.x and 2.42 disagree on whether it is in.
        end = int(time.time() - 3600) // 60 * 60
        start = end - int((options.hours + 1) * 3600)
        arguments = ["--nodes", options.nodes, "--hours", options.hours + 1, "--start", start,
                     "--keep", KEEP]
        servers, written = load(pathlib.Path(temporary), arguments)
        try:
            for server in servers:
                server.wait_ready()
            rows = measure_all(servers, start + 3600 - 7, end - 7, options.repeat)
        finally:
            for server in servers:
                server.kill()
    write_section("queries", "## Queries\n" + about + "\n\n" +
                  f"{options.hours:g} h at 15 s, {human(written['series'])} series, "
                  f"{human(written['samples'])} samples; result caches off. Median of "
                  f"{options.repeat}, milliseconds; evaluated 7 s off the sample grid. Ratios of "
                  "queries under 20 ms are noise. \"ns\": of Strata, for each sample in the "
                  "query's range. \"differ\": points whose answer is not Prometheus'.\n\n" +
                  table(["query", "step", "Prometheus", "VictoriaMetrics", "Strata",
                         "to Prometheus", "to VictoriaMetrics", "must", "met", "ns", "differ"],
                        rows))


if __name__ == "__main__":
    main()

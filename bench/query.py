#!/usr/bin/env python3
"""Queries of Strata beside Prometheus and VictoriaMetrics over the same 24 hours at 15 s.

  bench/query.py [--nodes N] [--hours H] [--repeat N]

The recording has one latency histogram (22 buckets an engine: 880 series from 40 nodes), GPU
utilisation (8 a node) and a thousand series of CPU seconds. Each query is asked --repeat times of
each server in turn, with result caches off; the table has the median wall time from the request to
the last byte. Answers are compared: a fast wrong answer does not count.
"""
import argparse
import json
import math
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from disk import import_into_prometheus, import_into_victoria  # noqa: E402
from report import human, machine, ratio, table, write_section  # noqa: E402
from servers import (PrometheusServer, StrataServer, VictoriaServer, fleet_command,  # noqa: E402
                     need_peers)

KEEP = (r'vllm:time_to_first_token_seconds_bucket.*|DCGM_FI_DEV_GPU_UTIL\{.*|'
        r'node_cpu_seconds_total\{cpu="[0-2]".*')
TTFT = "vllm:time_to_first_token_seconds_bucket"

# (what, expression, step in seconds or 0 for an instant query, must to Prometheus, to Victoria)
QUERIES = [
    ("p99 by le", f"histogram_quantile(0.99, sum by (le) (rate({TTFT}[5m])))", 15, 50, 4),
    ("p99 by le", f"histogram_quantile(0.99, sum by (le) (rate({TTFT}[5m])))", 60, 30, 2),
    ("p99 by le, instance",
     f"histogram_quantile(0.99, sum by (le, instance) (rate({TTFT}[5m])))", 15, 50, 4),
    ("p99 by le, instance",
     f"histogram_quantile(0.99, sum by (le, instance) (rate({TTFT}[5m])))", 60, 30, 2),
    ("CPU by instance and mode",
     "sum by (instance, mode) (rate(node_cpu_seconds_total[5m]))", 60, 10, 3),
    ("busy GPUs", "avg by (instance) (DCGM_FI_DEV_GPU_UTIL) / 100", 60, 10, 3),
    ("avg_over_time[1h]", "avg_over_time(DCGM_FI_DEV_GPU_UTIL[1h])", 60, 10, 3),
    ("max_over_time[1h]", "max_over_time(DCGM_FI_DEV_GPU_UTIL[1h])", 60, 10, 3),
    ("count by name", 'count by (__name__) ({__name__=~".+"})', 300, 10, 3),
    ("quantile_over_time[1h]", "quantile_over_time(0.99, DCGM_FI_DEV_GPU_UTIL[1h])", 60, 100, 40),
    ("raw, large JSON", "DCGM_FI_DEV_GPU_UTIL", 60, 5, 5),
    ("alert rule, instant", f"histogram_quantile(0.99, sum by (le) (rate({TTFT}[5m]))) > 5", 0, 10,
     20),
    ("alert rule, instant, by instance",
     f"histogram_quantile(0.99, sum by (le, instance) (rate({TTFT}[5m]))) > 5", 0, 10, 20),
]


def ask(server, expr, step, start, end):
    """(seconds, answer)"""
    parameters = {"query": expr, "nocache": 1}
    if step:
        path = "/api/v1/query_range"
        parameters |= {"start": start, "end": end, "step": step}
    else:
        path = "/api/v1/query"
        parameters["time"] = end
    began = time.perf_counter()
    answer = server.get(path, **parameters)
    took = time.perf_counter() - began
    assert answer.status == 200, (server.name, expr, answer.body[:300])
    return took, answer.body


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
            same = (math.isnan(x) and math.isnan(y)) or math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-9)
            differ += not same
    return differ / total if total else 0.0


def milliseconds(seconds):
    return f"{seconds * 1000:.3g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=40)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    need_peers()
    about = machine()
    with tempfile.TemporaryDirectory(prefix="strata-query-") as temporary:
        directory = pathlib.Path(temporary)
        # Ends an hour ago, on a minute.
        end = int(time.time() - 3600) // 60 * 60
        start = end - int(options.hours * 3600)
        arguments = ["--nodes", options.nodes, "--hours", options.hours, "--start", start,
                     "--keep", KEEP]
        written = fleet_command("write", *arguments, directory / "files")
        print(f"{human(written['series'])} series, {human(written['samples'])} samples; importing",
              flush=True)
        import_into_prometheus(sorted((directory / "files").glob("*.om")), directory / "prometheus")
        import_into_victoria(sorted((directory / "files").glob("*.prom")), directory / "victoria")
        (directory / "strata").mkdir()
        fleet_command("store", *arguments, directory / "strata" / "data")
        servers = [PrometheusServer(directory / "prometheus"),
                   VictoriaServer(directory / "victoria"), StrataServer(directory / "strata")]
        try:
            for server in servers:
                server.wait_ready()
            rows = [measure(servers, query, start + 7200, end - 7, options.repeat)
                    for query in QUERIES]
        finally:
            for server in servers:
                server.kill()
    write_section("queries", "## Queries\n" + about + "\n\n" +
                  f"{options.hours:g} h at 15 s, {human(written['series'])} series, "
                  f"{human(written['samples'])} samples; result caches off. Median of "
                  f"{options.repeat}, milliseconds; evaluated 7 s off the sample grid. Ratios of "
                  "queries under 20 ms are noise. \"differ\": points whose answer is not "
                  "Prometheus' (VictoriaMetrics defines rate otherwise).\n\n" +
                  table(["query", "step", "Prometheus", "VictoriaMetrics", "Strata",
                         "to Prometheus", "to VictoriaMetrics", "must", "differ"], rows))


def measure(servers, query, start, end, repeat):
    what, expr, step, to_prometheus, to_victoria = query
    start = start - 7 if step else start
    times = {server.name: [] for server in servers}
    answers = {}
    for _ in range(repeat):
        for server in servers:
            took, body = ask(server, expr, step, start, end)
            times[server.name].append(took)
            answers[server.name] = body
    prometheus, victoria, ours = (statistics.median(times[server.name]) for server in servers)
    differ = differing(answers["Strata"], answers["Prometheus"])
    row = [what, f"{step} s" if step else "-", milliseconds(prometheus), milliseconds(victoria),
           milliseconds(ours), ratio(ours, prometheus), ratio(ours, victoria),
           f"{to_prometheus}x; {to_victoria}x", f"{differ:.2%}"]
    print(" | ".join(row), flush=True)
    return row


if __name__ == "__main__":
    main()

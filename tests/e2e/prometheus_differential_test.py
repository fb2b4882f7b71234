"""The same data in Strata and in Debian's Prometheus gives the same answers.

A real node_exporter is recorded, metrics of engines are generated to go with it (counters that begin
anew, series that come and go, NaN), and these bodies are replayed to both servers with explicit
timestamps 15 s apart, so that both hold exactly the same samples. Queries are evaluated off the
sample grid: Prometheus 2.42 counts a sample on the left edge of a range, 3.x does not.

Rules for differences between 2.42 and 3.x (applied to every answer):
- `le` and `quantile` are floats: 3.x spells "1" as "1.0".
- `atan2` drops the metric's name in 3.x, as the other arithmetic operators do.
- `holt_winters` is an experimental function in 3.x: `double_exponential_smoothing`.
- 2.42 lets the distance to zero decide how far a counter that begins inside the window is
  extrapolated, 3.x the average distance of samples first. The two agree for counters that are far
  from zero, so the generated ones begin there.
Subqueries whose inner steps fall on the sample grid are shifted by an offset in node_queries.txt:
the left edge again.
"""
import http.server
import math
import pathlib
import random
import threading
import time

from harness import (EndToEndTest, PrometheusApi, Process, free_port, http_request, main,
                     need_program, wait_until)

BODIES = 60
STEP_MS = 15_000
QUERIES = [pathlib.Path(__file__).with_name(name)
           for name in ("node_queries.txt", "engine_queries.txt")]

CONFIG = """
global:
  scrape_interval: 100ms
  scrape_timeout: 100ms
scrape_configs:
  - job_name: node
    metrics_path: /{reader}
    static_configs:
      - targets: ["{target}"]
"""


class Replay:
    """Serves body n to the n-th request of each reader; nothing after the last."""

    def __init__(self, bodies):
        replay = self
        self.bodies = bodies
        self.served = {}
        lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                with lock:
                    n = replay.served.get(self.path, 0)
                    replay.served[self.path] = n + 1
                data = replay.bodies[n] if n < len(replay.bodies) else b""
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


BOUNDS = ["0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf"]
MODELS = ["llama-8b", "llama-70b", "qwen", "mistral"]


class Engines:
    """Metrics of six engines, scrape by scrape; the same in every run."""

    def __init__(self):
        self.random = random.Random(42)
        self.tokens, self.requests, self.sums, self.buckets = [], [], [], []
        for e in range(6):
            for counter in (self.tokens, self.requests, self.sums, self.buckets):
                counter.append(None)
            self.start(e)

    def start(self, e):
        """Counters as an engine begins with: after a restart still far below what they had been."""
        self.tokens[e], self.requests[e], self.sums[e] = 9000.0, 900, 700.0
        self.buckets[e] = [100 * (b + 1) for b in range(len(BOUNDS))]

    def work(self, e, n):
        if (e, n) in ((2, 25), (2, 26), (4, 40)):  # it was started anew
            self.start(e)
        if e == 5 and 20 <= n < 35:
            return  # it hangs
        for _ in range(self.random.randrange(12)):
            took = self.random.lognormvariate(-1.2 + 0.3 * e, 0.9)
            self.requests[e] += 1
            self.tokens[e] += self.random.randrange(400)
            self.sums[e] += took
            for b, bound in enumerate(BOUNDS):
                self.buckets[e][b] += took <= float(bound.replace("Inf", "inf"))

    def body(self, n):
        lines = []
        for e in range(6):
            self.work(e, n)
            if e == 3 and n < 10:
                continue  # it comes later
            labels = f'engine="{e}",model="{MODELS[e % 4]}"'
            name = "engine_request_duration_seconds"
            for bound, count in zip(BOUNDS, self.buckets[e]):
                lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {count}')
            score = [math.nan, math.inf, -math.inf, -2.5, 0.0, 1e-9 * n][(n // 7 + e) % 6]
            lines += [
                f"{name}_sum{{{labels}}} {self.sums[e]!r}",
                f"{name}_count{{{labels}}} {self.requests[e]}",
                f"engine_requests_total{{{labels}}} {self.requests[e]}",
                f"engine_generation_tokens_total{{{labels}}} {self.tokens[e]!r}",
                f"engine_requests_waiting{{{labels}}} {self.random.randrange(8)}",
                f"engine_kv_cache_usage_ratio{{{labels}}} {self.random.random()!r}",
                f"engine_temperature_celsius{{{labels}}} {50 + 12 * math.sin(n / 9 + e)!r}",
                f"engine_score{{{labels}}} {str(score).replace('inf', 'Inf').replace('nan', 'NaN')}",
                f'engine_info{{engine="{e}",version="0.{e % 3}"}} 1',
            ]
            if (n // 4 + e) % 3:
                lines.append(f"engine_flaky{{{labels}}} {n}")
        return ("\n".join(lines) + "\n").encode()


def with_timestamps(body, t):
    lines = []
    for line in body.decode().splitlines():
        lines.append(line if not line or line.startswith("#") else f"{line} {t}")
    return ("\n".join(lines) + "\n").encode()


def renamed(query):
    """As 3.x calls what 2.42 has under another name."""
    return query.replace("holt_winters(", "double_exponential_smoothing(")


def spelled(labels, without_name=False):
    return tuple(sorted((k, str(float(v)) if k in ("le", "quantile") else v)
                        for k, v in labels.items() if not (without_name and k == "__name__")))


def close(a, b, query):
    """To 1e-9; slopes to 1e-6, as Prometheus' own suite has it: that of a gauge which hardly moves,
    such as free memory, is the difference of sums that agree in their first nine digits."""
    a, b = float(a), float(b)
    tolerance = 1e-6 if "deriv(" in query or "predict_linear(" in query else 1e-9
    return (math.isnan(a) and math.isnan(b)) or a == b or math.isclose(a, b, rel_tol=tolerance)


def samples_of(data, query):
    """{labels: [(t, v), …]} of any result type."""
    kind, result = data["resultType"], data["result"]
    nameless = " atan2 " in query
    if kind in ("scalar", "string"):
        return {(): [tuple(result)]}
    if kind == "vector":
        return {spelled(one["metric"], nameless): [tuple(one["value"])] for one in result}
    return {spelled(one["metric"], nameless): [tuple(v) for v in one["values"]] for one in result}


def difference(query, ours, theirs):
    """What differs between two answers, or None."""
    if ours["status"] != theirs["status"]:
        return f"{ours} against {theirs}"
    if ours["data"]["resultType"] != theirs["data"]["resultType"]:
        return f"{ours['data']['resultType']} against {theirs['data']['resultType']}"
    a, b = samples_of(ours["data"], query), samples_of(theirs["data"], query)
    if a.keys() != b.keys():
        return (f"series: only ours {sorted(a.keys() - b.keys())[:3]}, "
                f"only theirs {sorted(b.keys() - a.keys())[:3]}")
    for labels, points in a.items():
        other = b[labels]
        if len(points) != len(other):
            return f"{labels}: {len(points)} points against {len(other)}"
        for (t, v), (u, w) in zip(points, other):
            if abs(float(t) - float(u)) > 0.0005 or not close(v, w, query):
                return f"{labels}: {v} @{t} against {w} @{u}"
    return None


class Differential(EndToEndTest):
    def test_same_answers_as_prometheus(self):
        exporter = need_program("prometheus-node-exporter")
        prometheus_binary = need_program("prometheus")

        # Timestamps end a few minutes ago, on the grid.
        last = (int(time.time() * 1000) - 300_000) // STEP_MS * STEP_MS
        first = last - (BODIES - 1) * STEP_MS
        engines = Engines()
        bodies = [with_timestamps(body + engines.body(i), first + i * STEP_MS)
                  for i, body in enumerate(self.record(exporter))]
        replay = Replay(bodies)
        self.addCleanup(replay.server.shutdown)

        theirs = self.prometheus(prometheus_binary, replay)
        ours = self.strata(config=CONFIG.format(reader="strata", target=replay.address),
                           arguments=["--enable-feature=promql-experimental-functions"])
        for reader in ("strata", "prometheus"):
            wait_until(lambda: replay.served.get(f"/{reader}", 0) > BODIES + 2,
                       f"{reader} to have read everything", timeout=60)

        # Both really have all of it.
        at = last / 1000 + 7.3
        for api in (ours, theirs):
            self.assertEqual(api.value("count_over_time(node_load1[1h])", at), BODIES)

        queries = [line for path in QUERIES for line in path.read_text().splitlines()
                   if line and not line.startswith("#")]
        self.assertGreaterEqual(len(queries), 300)
        failures = []
        empty = 0
        for query in queries:
            for parameters in self.evaluations(first, last):
                path = "/api/v1/query_range" if "step" in parameters else "/api/v1/query"
                a = ours.get(path, query=renamed(query), **parameters).json()
                b = theirs.get(path, query=query, **parameters).json()
                found = difference(query, a, b)
                if found:
                    failures.append(f"{query}  {parameters}\n    {found}")
                elif not b["data"]["result"]:
                    empty += 1
        print(f"{len(queries)} queries, {len(queries) * 3} evaluations, {empty} empty, "
              f"{len(failures)} differ")
        self.assertFalse(failures, "\n".join(failures[:20]))
        self.assertLess(empty, len(queries) * 3 * 0.15, "too many queries select nothing")

    @staticmethod
    def evaluations(first, last):
        off_grid = 7.3
        return [
            {"time": last / 1000 + off_grid},
            {"time": (first + last) / 2000 + off_grid - 3},
            {"start": first / 1000 + 100 + off_grid, "end": last / 1000 - off_grid, "step": 37},
        ]

    def record(self, exporter):
        port = free_port()
        self.start(Process([exporter, f"--web.listen-address=127.0.0.1:{port}"], self.directory,
                           "node_exporter"))
        url = f"http://127.0.0.1:{port}/metrics"
        wait_until(lambda: http_request(url).status == 200, "node_exporter")
        bodies = []
        for _ in range(BODIES):
            bodies.append(http_request(url).body)
            time.sleep(0.1)
        return bodies

    def prometheus(self, binary, replay):
        port = free_port()
        path = pathlib.Path(self.directory) / "theirs.yml"
        path.write_text(CONFIG.format(reader="prometheus", target=replay.address))
        self.start(Process([binary, f"--config.file={path}",
                            f"--storage.tsdb.path={self.directory}/theirs",
                            f"--web.listen-address=127.0.0.1:{port}"],
                           self.directory, "prometheus"))
        api = PrometheusApi(port)
        wait_until(api.ready, "prometheus to be ready")
        return api


if __name__ == "__main__":
    main()

"""Blocks of Prometheus in and out: promtool and a real Prometheus read what Strata exports, Strata
reads what they wrote, and both give the same answers.

Values move as an engine's do: counters with resets, gauges of both signs, a histogram, a series that
begins late and one that has gaps. Queries are evaluated off the sample grid (see
prometheus_differential_test.py for the rules of comparison), and where no window reaches back before
the first sample: 2.42 extrapolates a counter that begins near zero otherwise than 3.x does.
"""
import math
import pathlib
import random
import subprocess

from harness import (BINARY, EndToEndTest, PrometheusApi, Process, free_port, http_request, main,
                     need_program, wait_until)
from prometheus_differential_test import difference

START = 1_700_000_000 // 7200 * 7200  # seconds, where a block begins
HOURS = 5
STEP = 15
BUCKETS = ("0.1", "0.5", "1.0", "2.5", "+Inf")

CONFIG = "scrape_configs: []\n"

QUERIES = [
    "llm_requests_total",
    "sum(llm_requests_total) by (instance)",
    "rate(llm_requests_total[5m])",
    "sum by (reason) (rate(llm_requests_total[10m]))",
    "increase(llm_requests_total[30m])",
    "irate(llm_requests_total[2m])",
    "resets(llm_requests_total[2h])",
    "gpu_power_watts",
    "avg_over_time(gpu_power_watts[20m])",
    "max_over_time(gpu_power_watts[1h])",
    "stddev_over_time(gpu_power_watts[1h])",
    "deriv(gpu_power_watts[15m])",
    "topk(2, gpu_power_watts)",
    "histogram_quantile(0.9, sum by (le) (rate(llm_ttft_seconds_bucket[5m])))",
    "rate(llm_ttft_seconds_sum[5m]) / rate(llm_ttft_seconds_count[5m])",
    "count_over_time(llm_late[1h])",
    "changes(llm_late[1h])",
    "count({__name__=~\".+\"}) by (__name__)",
    "absent(llm_nothing)",
    "gpu_power_watts{instance=~\"n.:1\"} * on (instance) group_left sum by (instance) "
    "(llm_requests_total)",
    "quantile_over_time(0.5, gpu_odd[30m])",
    "sum_over_time(gpu_odd[1h])",
    "last_over_time(llm_gaps[10m])",
]


def exposition():
    """(OpenMetrics text, number of samples): a family after the other, a series after the other."""
    random.seed(7)
    lines, samples = [], 0
    times = range(START, START + HOURS * 3600, STEP)

    def add(series, values):
        nonlocal samples
        for t, v in values:
            lines.append(f"{series} {v!r} {t}")
            samples += 1

    def counter(rate, reset=None):
        total = 0.0
        for t in times:
            total = 0.0 if t == reset else total + random.randrange(rate)
            yield t, total

    lines.append("# TYPE gpu_odd gauge")
    odd = [0.0, -0.0, 1e-300, -1e300, 5e-324, 1 / 3, math.pi, 1.0]
    add('gpu_odd{instance="n1:1",job="e"}', ((t, random.choice(odd)) for t in times))
    lines.append("# TYPE gpu_power_watts gauge")
    for node in (1, 2, 3):
        add(f'gpu_power_watts{{instance="n{node}:1",job="e",note="a\\"b\\\\c\\nd é"}}',
            ((t, round(random.gauss(-5, 400), 3)) for t in times))
    lines.append("# TYPE llm_gaps gauge")
    add('llm_gaps{instance="n1:1",job="e"}', ((t, t % 97 / 10) for t in times if t // 600 % 3))
    lines.append("# TYPE llm_late gauge")
    add('llm_late{instance="n2:1",job="e"}',
        ((t + 3, float(t % 5)) for t in times if t > START + 8000))
    lines.append("# TYPE llm_requests counter")
    for node in (1, 2, 3):
        for reason in ("stop", "length"):
            add(f'llm_requests_total{{instance="n{node}:1",job="e",reason="{reason}"}}',
                counter(9, START + 9000 if node == 2 else None))
    lines.append("# TYPE llm_ttft_seconds histogram")
    for node in (1, 2):
        labels = f'instance="n{node}:1",job="e"'
        counts, total, sums = [0] * len(BUCKETS), 0.0, []
        columns = [[] for _ in BUCKETS]
        for t in times:
            for _ in range(random.randrange(4)):
                value = random.expovariate(1)
                total += value
                for i, bound in enumerate(BUCKETS):
                    counts[i] += value <= float(bound)
            sums.append((t, total))
            for i, n in enumerate(counts):
                columns[i].append((t, n))
        # OpenMetrics wants all of one point together only within a scrape; here series by series.
        for bound, column in zip(BUCKETS, columns):
            add(f'llm_ttft_seconds_bucket{{{labels},le="{bound}"}}', column)
        add(f'llm_ttft_seconds_count{{{labels}}}', columns[-1])
        add(f'llm_ttft_seconds_sum{{{labels}}}', sums)
    lines.append("# EOF")
    return "\n".join(lines) + "\n", samples


class Interop(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.prometheus_program = need_program("prometheus")
        self.promtool = need_program("promtool")
        self.dir = pathlib.Path(self.directory)
        text, self.samples = exposition()
        self.text = self.dir / "data.om"
        self.text.write_text(text)

    def run_ok(self, *arguments):
        done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True,
                              timeout=300)
        self.assertEqual(done.returncode, 0, (arguments, done.stdout, done.stderr))
        return done.stdout

    def strata_command(self, *arguments):
        return self.run_ok(BINARY, *arguments)

    def theirs(self):
        """Blocks that promtool made of the text."""
        path = self.dir / "theirs"
        self.run_ok(self.promtool, "tsdb", "create-blocks-from", "openmetrics", self.text, path)
        return path

    def serve_prometheus(self, data, *arguments):
        config = self.dir / "empty.yml"
        config.write_text(CONFIG)
        port = free_port()
        process = self.start(Process(
            [self.prometheus_program, f"--config.file={config}", f"--storage.tsdb.path={data}",
             "--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{port}",
             "--web.enable-admin-api", *arguments], self.directory, f"prometheus-{port}"))
        api = PrometheusApi(port)
        wait_until(api.ready, "Prometheus to be ready")
        return api, process

    def serve_strata(self, data):
        directory = self.dir / f"serve-{data.name}"
        directory.mkdir()
        data.rename(directory / "data")
        return self.strata(directory=directory, config=CONFIG,
                           arguments=["--storage.tsdb.retention.time=0"])

    def compare(self, ours, theirs):
        wrong = []
        end = START + HOURS * 3600
        for query in QUERIES:
            for at in (START + 5000.5, START + 7204.25, end - 100.75):
                a = ours.get("/api/v1/query", query=query, time=at).json()
                b = theirs.get("/api/v1/query", query=query, time=at).json()
                if problem := difference(query, a, b):
                    wrong.append(f"{query} @{at}: {problem}")
            parameters = dict(query=query, start=START + 1861.5, end=end - 1.5, step=173)
            a = ours.get("/api/v1/query_range", **parameters).json()
            b = theirs.get("/api/v1/query_range", **parameters).json()
            if problem := difference(query, a, b):
                wrong.append(f"{query} (range): {problem}")
        self.assertEqual(wrong, [])

    def count(self, api):
        end = START + HOURS * 3600
        names = api.get("/api/v1/label/__name__/values", start=START, end=end).json()["data"]
        return sum(api.value(f"sum(count_over_time({name}[{HOURS + 1}h]))", at=end) or 0
                   for name in names)

    def test_exported_blocks_answer_in_prometheus_as_in_strata(self):
        store = self.dir / "ours"
        self.strata_command("import", "text", self.text, "--storage.path", store)
        out = self.dir / "exported"
        self.strata_command("export", "prometheus-blocks", "--out", out, "--storage.path", store)

        listed = self.run_ok(self.promtool, "tsdb", "list", out)
        rows = [line.split() for line in listed.splitlines()[1:]]
        self.assertEqual(len(rows), 3, listed)
        self.assertEqual(sum(int(row[4]) for row in rows), self.samples, listed)
        self.assertIn("Series: 26", self.run_ok(self.promtool, "tsdb", "analyze", out))

        theirs, _ = self.serve_prometheus(out)
        ours = self.serve_strata(store)
        self.assertEqual(self.count(theirs), self.samples)
        self.compare(ours, theirs)

    def test_blocks_of_prometheus_answer_in_strata_as_in_prometheus(self):
        blocks = self.theirs()
        store = self.dir / "ours"
        self.strata_command("import", "prometheus-blocks", blocks, "--storage.path", store)
        ours = self.serve_strata(store)
        theirs, _ = self.serve_prometheus(blocks)
        self.assertEqual(self.count(ours), self.samples)
        self.compare(ours, theirs)

    def test_samples_that_prometheus_deleted_stay_deleted(self):
        blocks = self.theirs()
        theirs, process = self.serve_prometheus(blocks)
        answer = http_request(
            f"{theirs.url}/api/v1/admin/tsdb/delete_series?match[]=llm_requests_total"
            f"&start={START + 3600}&end={START + 9000}", method="POST")
        self.assertEqual(answer.status, 204, answer.body)
        expected = self.count(theirs)
        self.assertLess(expected, self.samples)
        process.stop()
        store = self.dir / "ours"
        self.strata_command("import", "prometheus-blocks", blocks, "--storage.path", store)
        self.assertEqual(self.count(self.serve_strata(store)), expected)

    def test_an_export_can_be_narrowed(self):
        store = self.dir / "ours"
        self.strata_command("import", "text", self.text, "--storage.path", store)
        out = self.dir / "exported"
        self.strata_command("export", "prometheus-blocks", "--out", out, "--storage.path", store,
                            "--match", 'gpu_power_watts{instance="n1:1"}', "--min-time", START + 60,
                            "--max-time", START + 119)
        listed = self.run_ok(self.promtool, "tsdb", "list", out).splitlines()
        self.assertEqual([row.split()[4:6] for row in listed[1:]], [["4", "1"]], listed)

    def test_verify_names_the_block_that_is_damaged(self):
        store = self.dir / "ours"
        self.strata_command("import", "prometheus-blocks", self.theirs(), "--storage.path", store)
        listed = self.strata_command("tsdb", "list", store)
        self.assertEqual(len(listed.splitlines()), 4, listed)
        self.assertIn("gpu_power_watts", self.strata_command("tsdb", "analyze", store))
        self.strata_command("tsdb", "verify", store)
        data = sorted((store / "blocks").iterdir())[1] / "data"
        content = bytearray(data.read_bytes())
        content[len(content) // 2] ^= 4
        data.write_bytes(content)
        done = subprocess.run([BINARY, "tsdb", "verify", store], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"{data.parent}: damaged", done.stdout)

    def test_a_damaged_block_leaves_the_store_as_it_was(self):
        blocks = self.theirs()
        chunks = sorted(blocks.iterdir())[-1] / "chunks" / "000001"
        content = bytearray(chunks.read_bytes())
        content[len(content) // 2] ^= 1
        chunks.write_bytes(content)
        store = self.dir / "ours"
        done = subprocess.run([BINARY, "import", "prometheus-blocks", blocks, "--storage.path",
                               store], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("chunks/000001", done.stderr)
        self.assertEqual(list((store / "blocks").iterdir()), [])

    def test_a_store_in_use_takes_no_import(self):
        server = self.strata(config=CONFIG)
        done = subprocess.run([BINARY, "import", "text", self.text, "--storage.path",
                               server.directory / "data"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("in use", done.stderr)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What rules cost: R rules, each every 15 s, over S series that are scraped meanwhile.

  bench/rules.py [--rules N] [--series N] [--seconds T] [--per-group N]

The targets' pages are fixed texts, so that serving them costs next to nothing; each rule selects
the S/R-th part of a metric, or 100 series when that is less, as rules on a fleet do: seven of ten
compare, two sum rates over five minutes, one records. CPU time of the process is taken with and
without rules, in windows of the same length and the same scraping; the difference is the rules'.
"""
import argparse
import http.server
import pathlib
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from report import human, machine, met, table, write_section  # noqa: E402
from servers import StrataServer, harness  # noqa: E402

PER_TARGET = 10_000
PER_METRIC = 100


class Targets:
    """/N: page N, the same bytes every time."""

    def __init__(self, count):
        lines = [f'load_{metric}{{slot="{slot}"}} {metric + slot}'
                 for metric in range(PER_TARGET // PER_METRIC) for slot in range(PER_METRIC)]
        page = ("\n".join(lines) + "\n").encode()
        self.count = count

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def config(self, rules):
        lines = ["global: {scrape_interval: 15s, scrape_timeout: 15s, evaluation_interval: 15s}",
                 f"rule_files: [{rules}]", "scrape_configs:"]
        for number in range(self.count):
            lines += [f"- job_name: t{number}", f"  metrics_path: /{number}",
                      f"  static_configs: [{{targets: ['127.0.0.1:{self.port}']}}]"]
        return "\n".join(lines) + "\n"


def rule(number, targets):
    metric = number % (PER_TARGET // PER_METRIC)
    job = number // (PER_TARGET // PER_METRIC) % targets
    selector = f'load_{metric}{{job="t{job}"}}'
    kind = number % 10
    if kind == 9:
        return f"  - {{record: 'r:load:{number}', expr: 'sum by (job) ({selector})'}}"
    expr = (f"sum by (job) (rate({selector}[5m])) > 1e9" if kind in (4, 8)
            else f"{selector} > 1e9")
    return (f"  - {{alert: A{number}, expr: '{expr}', for: 5m, labels: {{severity: page}}, "
            f"annotations: {{summary: '{{{{ $labels.slot }}}} has {{{{ $value }}}}'}}}}")


def rule_file(count, targets, per_group=100):
    lines = ["groups:"]
    for number in range(count):
        if number % per_group == 0:
            lines += [f"- name: g{number // per_group}", "  interval: 15s", "  rules:"]
        lines.append(rule(number, targets))
    return "\n".join(lines) + "\n"


def window(server, seconds):
    """Cores that the process used for `seconds`."""
    began, used = time.monotonic(), server.cpu_seconds()
    time.sleep(seconds)
    return (server.cpu_seconds() - used) / (time.monotonic() - began)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rules", type=int, default=10_000)
    options.add_argument("--series", type=int, default=500_000)
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--per-group", type=int, default=100, help="rules")
    options = options.parse_args()
    about = machine()
    targets = Targets(max(1, options.series // PER_TARGET))
    with tempfile.TemporaryDirectory(prefix="strata-bench-") as directory:
        rules = pathlib.Path(directory) / "rules.yml"
        rules.write_text("groups: []\n")
        server = StrataServer(directory, config=targets.config(rules)).wait_ready()
        try:
            harness.wait_until(lambda: (server.value("count(up == 1)") or 0) >= targets.count,
                               "all targets to be scraped", timeout=120)
            time.sleep(20)
            without = window(server, options.seconds)
            rules.write_text(rule_file(options.rules, targets.count, options.per_group))
            answer = harness.http_request(server.url + "/-/reload", method="POST")
            assert answer.status == 200, answer.body
            time.sleep(20)
            evaluated = server.own_metric("prometheus_rule_evaluations_total")
            missed = server.own_metric("prometheus_rule_group_iterations_missed_total")
            with_rules = window(server, options.seconds)
            evaluated = server.own_metric("prometheus_rule_evaluations_total") - evaluated
            missed = server.own_metric("prometheus_rule_group_iterations_missed_total") - missed
            failures = server.own_metric("prometheus_rule_evaluation_failures_total")
            cost = with_rules - without
        finally:
            began = time.monotonic()
            server.stop(timeout=120)
            ended = time.monotonic() - began
    series = targets.count * PER_TARGET
    write_section(f"rules {options.per_group} a group", (
        f"## Rules, {options.per_group} a group\n{about}\n\n{options.rules} rules every 15 s over "
        f"{human(series)} series, CPU time of {options.seconds} s with them less that of "
        f"{options.seconds} s without (must: 30 % of a core).\n\n" +
        table(["evaluations a second", "left out", "failed", "% of a core without rules", "with",
               "rules alone", "us an evaluation", "s from SIGTERM to the end", "met"],
              [[f"{evaluated / options.seconds:.0f}", f"{missed:.0f}", f"{failures:.0f}",
                f"{100 * without:.1f}", f"{100 * with_rules:.1f}", f"{100 * cost:.1f}",
                f"{1e6 * cost * options.seconds / max(1, evaluated):.0f}", f"{ended:.1f}",
                met(cost <= 0.3)]])))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What `strata sim` costs with a thousand nodes: 8,000 GPUs and 2,000 engines that all work, every
target scraped once in 15 s. Must: one core.

  bench/sim.py [--nodes N] [--rounds N]

CPU time is the kernel's, of the simulator's process alone, per round; the scraper, which only reads
and throws away, is another process on the same machine. The first round is left out: it runs the
fleet in for two minutes.
"""
import argparse
import http.client
import json
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from report import machine, median_and_spread, met, table, write_section  # noqa: E402
from servers import harness  # noqa: E402

INTERVAL = 15.0


def cpu_seconds(pid):
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def resident_megabytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines()
                if line.startswith("VmRSS:")) * 1024 / 1e6


class Scraper:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, path):
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def round(self, paths):
        answered, size = 0, 0
        for path in paths:
            status, body = self.get(path)
            answered += status == 200
            size += len(body)
        return answered, size


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    port = harness.free_port()
    shown = machine()
    with tempfile.TemporaryDirectory() as directory, open(f"{directory}/log", "w") as log:
        sim = subprocess.Popen([harness.BINARY, "sim", f"--nodes={options.nodes}",
                                f"--listen=127.0.0.1:{port}"], stdout=log, stderr=log)
        try:
            harness.wait_until(lambda: harness.http_request(f"http://127.0.0.1:{port}/").status == 200,
                               "the fleet", 60)
            scraper = Scraper(port)
            paths = [entry["labels"]["__metrics_path__"]
                     for entry in json.loads(scraper.get("/sd")[1])]
            scraper.round(paths)
            costs, size, answered, due = [], 0, 0, time.monotonic()
            for _ in range(options.rounds):
                due += INTERVAL
                time.sleep(max(0.0, due - time.monotonic()))
                before = cpu_seconds(sim.pid)
                answered, size = scraper.round(paths)
                costs.append(cpu_seconds(sim.pid) - before)
            memory = resident_megabytes(sim.pid)
        finally:
            sim.terminate()
            sim.wait(timeout=30)
    share = [cost / INTERVAL for cost in costs]
    rows = [[f"{options.nodes:,}", f"{len(paths):,}", f"{answered:,}", f"{size / 1e6:.0f}",
             median_and_spread(costs, lambda v: f"{v:.2f}"),
             f"{100 * max(share):.0f} %", f"{memory:.0f}", met(max(share) < 1, answered == len(paths))]]
    write_section("simulator", f"""## The simulated fleet
{shown} {options.rounds} rounds, 15 s apart. Must: one core.

{table(["nodes", "targets", "answered", "MB a round", "CPU seconds a round", "of a core at most",
        "MB resident", "met"], rows)}""")


if __name__ == "__main__":
    main()

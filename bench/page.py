#!/usr/bin/env python3
"""What the web page costs a browser: largest contentful paint, a board of 20 panels of 50 series and
720 points, a mouse move over 40 panels, the heap over 1,000 refreshes.

  bench/page.py [--runs N] [--refreshes N] [--dry]

The server has three hours of 16 nodes with 8 GPUs each (tests/e2e/fleet_history.py), and the boards'
series. The browser is Debian's chromium, headless, with an empty cache for each run.
"""
import argparse
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from report import machine, median_and_spread, met, table, write_section  # noqa: E402
from servers import ROOT, harness  # noqa: E402
from fleet_history import History, STEP  # noqa: E402

SPAN = 720 * STEP
PANELS, SERIES = 40, 50
MOST = {"paint": 1000, "interactive": 1500, "hover": 8}


def history(now):
    """The fleet, and for each panel fifty series that are unlike each other."""
    fleet = History(now, span=SPAN, nodes=16, gpus=8)
    for panel in range(PANELS):
        for i in range(SERIES):
            fleet.add("bench_load", "gauge", {"panel": panel, "i": i},
                      lambda t, a=panel, b=i: b + math.sin(t / (300 + 7 * b)) + (t * (a + 3) % 17) / 17)
    return fleet.text()


def board(uid, panels, columns, height):
    width = 24 // columns
    return {"uid": uid, "title": uid, "panels": [
        {"id": i + 1, "type": "timeseries", "title": f"Panel {i}", "interval": f"{STEP}s",
         "maxDataPoints": 720,
         "gridPos": {"x": i % columns * width, "y": i // columns * height, "w": width, "h": height},
         "options": {"legend": {"showLegend": False}},
         "targets": [{"refId": "A", "expr": f'bench_load{{panel="{i}"}}', "legendFormat": "{{i}}"}]}
        for i in range(panels)]}


def push(server, value):
    answer = harness.http_request(f"{server.url}/api/dashboards/db",
                                  data=json.dumps({"dashboard": value, "overwrite": True}).encode(),
                                  headers={"Content-Type": "application/json"})
    assert answer.status == 200, answer.body


def measure(directory, runs, refreshes):
    now = int(time.time()) // STEP * STEP
    text = pathlib.Path(directory, "history.om")
    text.write_text(history(now))
    subprocess.run([harness.BINARY, "import", "text", f"--storage.path={directory}/data", text],
                   check=True, capture_output=True)
    port = harness.free_port()
    server = harness.Strata(directory, port=port, config=(
        "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: strata\n"
        f"  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"))
    try:
        push(server, board("bench-20", 20, 5, 4))
        push(server, board("bench-40", 40, 5, 5))
        push(server, board("bench-heap", 6, 3, 6))
        done = subprocess.run(
            [shutil.which("node") or shutil.which("nodejs"), ROOT / "web/bench/page.mjs"], check=True,
            stdout=subprocess.PIPE, text=True, cwd=ROOT / "web", env=os.environ | {
                "STRATA_URL": server.url + "/", "STRATA_RANGE": f"from={(now - SPAN) * 1000}&to={now * 1000 - 1}",
                "CHROMIUM": shutil.which("chromium"), "RUNS": str(runs), "REFRESHES": str(refreshes)})
        return json.loads(done.stdout)
    finally:
        server.kill()


def report(found, load):
    def row(what, name, values, unit="ms"):
        return [what, median_and_spread(values, lambda v: f"{v:.1f}") + f" {unit}",
                f"<= {MOST[name]} ms", met(statistics.median(values) <= MOST[name])]
    heap = found["heap"]
    first, last = heap[min(1, len(heap) - 1)], heap[-1]
    grown = (last["heap"] / first["heap"] - 1) * 100
    rows = [row("largest contentful paint, overview, cold", "paint", found["paint"]),
            row("20 panels x 50 series x 720 points, drawn and idle", "interactive",
                found["interactive"]),
            row("script of a mouse move over 40 panels", "hover",
                [one["script"] for one in found["hover"]]),
            [f"heap from refresh {first['refreshes']} to {last['refreshes']}",
             f"{first['heap'] / 1e6:.2f} to {last['heap'] / 1e6:.2f} MB ({grown:+.1f} %), "
             f"{first['nodes']:.0f} to {last['nodes']:.0f} nodes", "flat", met(grown < 5)]]
    busy = (" Other work had the machine too: the figures are upper bounds." if load > 1 else "")
    return (f"## The web page\n{machine()}{busy}\n\nChromium, headless, a cold cache for each run; median (lowest to "
            "highest). Everything of the mouse move's frame, layout and painting too: "
            f"{statistics.median(one['task'] for one in found['hover']):.1f} ms.\n\n" +
            table(["", "measured", "must", "met"], rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--refreshes", type=int, default=1000)
    parser.add_argument("--dry", action="store_true", help="only print")
    arguments = parser.parse_args()
    if shutil.which("chromium") is None or not (ROOT / "web/node_modules/playwright-core").exists():
        return print("needs chromium and the page's packages (./dev setup --test)")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="strata-bench-") as directory:
        section = report(measure(directory, arguments.runs, arguments.refreshes), load)
    if arguments.dry:
        print(section)
    else:
        write_section("page", section)


if __name__ == "__main__":
    main()

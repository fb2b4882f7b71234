#!/usr/bin/env python3
"""A million series: what they take in memory, how long alert rules' queries wait, a query that is
far too large beside scraping, and a restart after kill -9.

  bench/million.py [--series N] [--peers]

Strata scrapes every second until it holds 480 samples a series, as after 2 h at 15 s; then every
15 s, while it is asked. With --peers Prometheus and VictoriaMetrics follow, one after the other, at
15 s from the start, for they cannot be fed that fast here: 20 minutes more.
"""
import argparse
import pathlib
import shutil
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from query import Client  # noqa: E402
from report import human, machine, met, table, write_section  # noqa: E402
from servers import SERVERS, FleetServer, StrataServer, harness, need_peers  # noqa: E402
from storage import SERIES_A_NODE, restart_all  # noqa: E402

# What rules ask: of few series, of one a node, of a histogram of one model, of a ratio.
RULES = [
    "up == 0",
    'DCGM_FI_DEV_GPU_TEMP{instance="gpu-0017:9400"} > 85',
    "max by (instance) (DCGM_FI_DEV_XID_ERRORS) > 0",
    'rate(vllm:num_preemptions_total{instance="gpu-0003:8000"}[5m]) > 1',
    'histogram_quantile(0.99, sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket'
    '{instance=~"gpu-001[0-9]:8000"}[5m]))) > 5',
    'node_memory_MemAvailable_bytes{instance="gpu-0200:9100"} / '
    'node_memory_MemTotal_bytes{instance="gpu-0200:9100"} < 0.05',
]
# A million series by 10,000 points: 160 GB, were it answered.
GREEDY = '{__name__=~".+"} + 1'


def ask_rules(server, rounds=200):
    """Milliseconds of each query, all rules in turn, over one connection."""
    client = Client(server)
    took = []
    for _ in range(rounds):
        for rule in RULES:
            seconds, _ = client.ask(rule, 0, 0, time.time())
            took.append(seconds * 1000)
    return took


def percentile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def scrape_gaps(server, seconds):
    """How far apart the scrapes of one target began, from what is stored, in seconds."""
    time.sleep(seconds)
    answer = server.get("/api/v1/query", query=f'up{{instance="gpu-0007:9100"}}[{seconds}s]').json()
    times = [t for t, _ in answer["data"]["result"][0]["values"]]
    return [b - a for a, b in zip(times, times[1:])]


def greedy_beside_scraping(server):
    """The answer to a query that is far too large, again and again for a minute, and what scraping
    made of it: scrapes skipped, and the gaps of one target."""
    answers = []
    over = threading.Event()

    def ask():
        while not over.is_set():
            end = time.time()
            began = time.monotonic()
            answer = server.get("/api/v1/query_range", query=GREEDY, start=end - 9999, end=end,
                                step=1, nocache=1)
            answers.append((answer.status, time.monotonic() - began,
                            answer.json().get("error", "")))
    skipped = server.own_metric("strata_scrapes_skipped_total")
    asker = threading.Thread(target=ask)
    asker.start()
    gaps = scrape_gaps(server, 60)
    over.set()
    asker.join()
    return answers, server.own_metric("strata_scrapes_skipped_total") - skipped, gaps


def measure(kind, directory, series):
    """A row of the table, and for Strata what it did with the greedy query."""
    fast = kind is StrataServer
    interval, seconds = (1, 500) if fast else (15, 600)
    fleet = FleetServer(directory, "--nodes", round(series / SERIES_A_NODE), "--interval", interval)
    server = kind(directory / f"million-{kind.name}", fleet.config(f"{interval}s"))
    greedy = None
    try:
        server.wait_ready()
        time.sleep(seconds)
        resident, anonymous = server.memory()
        held = server.samples() / fleet.series
        if fast:
            server.config.write_text(fleet.config("15s"))
            harness.http_request(server.url + "/-/reload", data=b"", method="POST")
            time.sleep(20)
        took = ask_rules(server)
        if fast:
            greedy = greedy_beside_scraping(server), server.memory()[0]
        server.process.kill()
        kill_time = time.time()
        server.kill()
        again, _ = restart_all([server], kill_time, patience=900)[server.name]
        row = [server.name, human(fleet.series), f"{held:.0f}", human(resident / fleet.series),
               human(anonymous / fleet.series), f"{percentile(took, 0.5):.3g}",
               f"{percentile(took, 0.99):.3g}", human(again)]
        print(" | ".join(row), flush=True)
        ok = [met(anonymous / fleet.series <= 600), met(percentile(took, 0.99) <= 5),
              met(again <= 1)]
        return row, ok, greedy
    finally:
        server.kill()
        fleet.kill()
        shutil.rmtree(server.directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=1_000_000)
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    kinds = [StrataServer] + [kind for kind in SERVERS if kind is not StrataServer]
    if options.peers:
        need_peers()
    about = machine()
    rows = []
    with tempfile.TemporaryDirectory(prefix="strata-million-") as temporary:
        for kind in kinds if options.peers else kinds[:1]:
            row, ok, seen = measure(kind, pathlib.Path(temporary), options.series)
            rows.append(row)
            if seen is not None:
                mine, ((answers, skipped, gaps), resident) = ok, seen
    statuses = ", ".join(f"{n} x {status}" for status in sorted({a[0] for a in answers})
                         if (n := sum(a[0] == status for a in answers)))
    write_section("million", f"""## A million series
{about}

Must: RssAnon <= 600 bytes a series ({mine[0]}), p99 of a rule's query <= 5 ms ({mine[1]}), restart <= 1 s ({mine[2]}). {len(RULES)} queries of alert rules in turn, {200 * len(RULES)} in all, over HTTP while scraping goes on; milliseconds.

""" + table(["", "series", "samples a series", "resident bytes a series", "RssAnon",
             "a rule's query, median", "p99", "seconds from kill -9 to answers"], rows) + f"""

A query for 160 GB (`{GREEDY}` over 10,000 steps), for a minute: answered {statuses} after {statistics.median(a[1] for a in answers):.3g} s (median): "{answers[0][2]}". Meanwhile {skipped:.0f} scrapes were skipped, scrapes of one target were {min(gaps):.3f} to {max(gaps):.3f} s apart (15 s asked for; a stamp within 10 ms of its tick is put on it), and {human(resident)} bytes were resident at the end.
""")


if __name__ == "__main__":
    main()

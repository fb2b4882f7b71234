#!/usr/bin/env python3
"""Ingestion and storage of Strata beside Prometheus and VictoriaMetrics: samples scraped per second
of CPU, memory a series, bytes a sample in log and blocks, restart after kill -9.

  bench/storage.py [--full] [--series N] [--interval SECONDS] [--windows N] [--hours H]

All three scrape the same fleet side by side: step for step the same bodies. A step of the fleet's
time is 15 s and passes every --interval of real time, so the values move as between scrapes 15 s
apart. The default takes about nine minutes; --full adds a whole day on disk. bench/million.py has what a
million series take.
"""
import argparse
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import disk  # noqa: E402
from report import (human, machine, median_and_spread, met, ratio, table,  # noqa: E402
                    write_section)
from servers import (SERVERS, FleetServer, StrataServer, harness,  # noqa: E402
                     need_peers)

SERIES_A_NODE = 2044


class Reading:
    """Counters of one server at one moment."""

    def __init__(self, server):
        self.samples = server.samples()
        self.cpu = server.cpu_seconds()
        self.time = time.monotonic()


def measure_windows(servers, windows, seconds):
    """Samples a CPU-second of each server in each of `windows` stretches of time."""
    rates = {server.name: [] for server in servers}
    before = {server.name: Reading(server) for server in servers}
    for _ in range(windows):
        time.sleep(seconds)
        for server in servers:
            now, then = Reading(server), before[server.name]
            before[server.name] = now
            rates[server.name].append((now.samples - then.samples) / (now.cpu - then.cpu))
    return rates


def samples_received_share(servers, fleet, interval, since):
    """What part of the samples on offer each server stored: about 1 when no scrape was missed."""
    offered = fleet.series * (time.monotonic() - since) / interval
    return {server.name: server.samples() / offered for server in servers}


def restart_all(servers, kill_time, patience=120):
    """kill -9 was at `kill_time`. Seconds until each answers a query for what it had, and how old
    the newest sample is that it kept."""
    results = {}
    for dead in servers:
        started = time.monotonic()
        server = dead.restart()
        try:
            def answers():
                return server.query("count(up)", kill_time)
            harness.wait_until(answers, f"{server.name} to know what it knew", patience,
                               every=0.002)
            seconds = time.monotonic() - started
            newest = server.value("max(timestamp(up))", kill_time)
            results[server.name] = (seconds, kill_time - newest)
        finally:
            server.kill()
    return results


def scrape_side_by_side(directory, options):
    """The measurements that need running servers. Returns rows of the table and notes."""
    nodes = max(1, round(options.series / SERIES_A_NODE))
    fleet = FleetServer(directory, "--nodes", nodes, "--interval", options.interval)
    interval = f"{options.interval:g}s"
    servers = []
    try:
        since = time.monotonic()
        for kind in SERVERS:
            servers.append(kind(directory / kind.name, fleet.config(interval)))
        for server in servers:
            server.wait_ready()
        time.sleep(15)
        identity = measure_windows(servers, options.windows, 20)
        fleet.compress(True)
        time.sleep(2 * options.interval)
        gzipped = measure_windows(servers, 3, 20)
        share = samples_received_share(servers, fleet, options.interval, since)
        memory = {server.name: server.memory() for server in servers}
        log = {server.name: server.wal_bytes() for server in servers}
        stored = {server.name: server.samples() for server in servers}
        for server in servers:
            server.process.kill()
        kill_time = time.time()
        for server in servers:
            server.kill()
        restarts = restart_all(servers, kill_time)
    finally:
        for server in servers:
            server.kill()
        fleet.kill()
    series = fleet.series

    def of(values, show=human):
        return [show(values[kind.name]) for kind in SERVERS]

    def ratios(values, more_is_better=False):
        peers = [kind.name for kind in SERVERS if kind is not StrataServer]
        mine = values["Strata"]
        return [ratio(1 / mine, 1 / values[peer]) if more_is_better and values[peer]
                else ratio(mine, values[peer]) for peer in peers]

    medians = {name: statistics.median(rates) for name, rates in identity.items()}
    gzip_medians = {name: statistics.median(rates) for name, rates in gzipped.items()}
    a_series = {name: sizes[0] / series for name, sizes in memory.items()}
    anonymous = {name: sizes[1] / series for name, sizes in memory.items()}
    a_sample = {name: size and size / stored[name] for name, size in log.items()}
    seconds = {name: result[0] for name, result in restarts.items()}
    lost = {name: result[1] for name, result in restarts.items()}
    ours = "Strata"
    fast = all(medians[ours] >= 10 * rate for name, rate in medians.items() if name != ours)
    rows = [
        ["samples scraped a CPU-second, identity", *of(identity, median_and_spread),
         *ratios(medians, True), "10x; 10x", met(fast)],
        ["the same, gzip", *of(gzipped, median_and_spread), *ratios(gzip_medians, True), "", ""],
        ["resident bytes a series", *of(a_series), *ratios(a_series), "", ""],
        ["of them anonymous (RssAnon)", *of(anonymous), *ratios(anonymous), "<= 600",
         met(anonymous[ours] <= 600)],
        ["log bytes a sample", *of(a_sample), *ratios(a_sample), "<= 1.5",
         met(a_sample[ours] <= 1.5)],
        ["seconds from kill -9 to answers", *of(seconds), *ratios(seconds), "<= 0.3",
         met(seconds[ours] <= 0.3)],
        ["age of the newest sample kept, s", *of(lost), "", "", f"<= {interval}",
         met(lost[ours] <= options.interval)],
    ]
    held = statistics.median(stored.values()) / series
    missed = ", ".join(f"{name} {100 * part:.1f} %" for name, part in share.items())
    notes = (f"{nodes} nodes, {len(fleet.targets)} targets, {human(series)} series, scraped every "
             f"{interval}; {held:.0f} samples a series in the heads when memory was read and the "
             f"servers were killed ({human(stored['Strata'])} samples). Stored of what was on "
             f"offer: {missed}. Windows of 20 s: {options.windows} identity, 3 gzip; "
             f"median (lowest to highest).")
    return rows, notes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="also a whole day on disk")
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--interval", type=float, default=1)
    parser.add_argument("--windows", type=int, default=6, help="of 20 s, identity encoding")
    parser.add_argument("--hours", type=float, help="of data on disk (default 13; --full: 25)")
    parser.add_argument("--only", choices=("scrape", "disk"))
    options = parser.parse_args()
    need_peers()
    hours = options.hours or (25 if options.full else 13)
    about = machine()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="strata-bench-"))
    try:
        if options.only in (None, "scrape"):
            rows, notes = scrape_side_by_side(directory, options)
            peers = [kind.name for kind in SERVERS]
            text = (f"## Scraping\n{about}\n\n{notes}\n\n" +
                    table(["", *peers, "to Prometheus", "to VictoriaMetrics", "must", "met"], rows))
            write_section("scraping", text)
        if options.only in (None, "disk"):
            write_section("disk", f"## On disk\n{about}\n\n" + disk.compare(directory, hours))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()

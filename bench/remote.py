#!/usr/bin/env python3
"""What remote write costs: a server that was cut off sends what it kept, to VictoriaMetrics and to
another Strata, in both versions of the protocol.

  bench/remote.py [--nodes N] [--samples N] [--interval SECONDS]

The receiver is away while a fleet is scraped; then nothing is scraped any more, the receiver comes
back, and everything that the sender's process does is sending. So its CPU time is that of sending
alone, and the receiver's that of receiving; how fast it went also depends on whatever else the
machine had to do. What arrived is counted by the receiver and compared with what was stored.
"""
import argparse
import pathlib
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from report import human, machine, met, table, write_section  # noqa: E402
from servers import FleetServer, StrataServer, VictoriaServer, harness, need_peers  # noqa: E402

RATE = 200_000          # samples a second that have to be sent
MOST_CORES = 0.3        # for that
MOST_MEGABYTES = 150    # of the sender, over what it had
OUTAGE_RATE = 20_000    # samples a second that came while the receiver was away
LEAST_CATCH_UP = 5      # times that
LEAST_RECEIVED = 3.5e6  # samples a CPU-second
REMOTE = """
remote_write:
  - url: http://127.0.0.1:{port}/api/v1/write
    protobuf_message: {message}
    queue_config: {{max_samples_per_send: 10000, max_shards: 10, max_backoff: 200ms}}
    metadata_config: {{send: false}}
"""
MESSAGES = {"1.0": "prometheus.WriteRequest", "2.0": "io.prometheus.write.v2.Request"}


class Receiver(StrataServer):
    def command(self):
        return super().command() + ["--web.enable-remote-write-receiver"]


class Victoria(VictoriaServer):
    def command(self):
        return super().command() + ["-dedup.minScrapeInterval=1ms"]


def stored(server, at):
    """How many samples there are up to `at`, by counting them. (Stale markers are none.)"""
    names = server.get("/api/v1/label/__name__/values").json()["data"]
    return sum(server.value(f'sum(count_over_time({{__name__="{name}"}}[1h]))', at) or 0
               for name in names)


def catch_up(directory, options, kind, version):
    """Fills a sender's log, then lets it send. Returns a row of numbers."""
    directory = directory / f"{kind.name}-{version}"
    directory.mkdir()
    fleet = FleetServer(directory, f"--nodes={options.nodes}")
    port = harness.free_port()
    sender = StrataServer(directory / "sender",
                          fleet.config(f"{int(options.interval * 1000)}ms") +
                          REMOTE.format(port=port, message=MESSAGES[version])).wait_ready()
    try:
        harness.wait_until(lambda: sender.samples() >= options.samples, "samples to be stored",
                           timeout=900, every=0.5)
        fleet.kill()
        time.sleep(3)  # the last scrapes and their stale markers
        at, kept = time.time(), sender.samples()
        memory = sender.memory()[0]
        receiver = kind(directory / "receiver", port=port).wait_ready()
        try:
            return measure(sender, receiver, kept, memory, at)
        finally:
            receiver.kill()
    finally:
        sender.kill()
        fleet.kill()


def measure(sender, receiver, kept, memory, at):
    cpu, theirs, began = sender.cpu_seconds(), receiver.cpu_seconds(), time.monotonic()
    most = memory
    idle = 0
    while idle < 3:  # nothing more is sent
        time.sleep(0.25)
        most = max(most, sender.memory()[0])
        sent = sender.own_metric("prometheus_remote_storage_samples_total")
        if sent < 0.99 * kept:
            ended, cpu_now, theirs_now = time.monotonic(), sender.cpu_seconds(), receiver.cpu_seconds()
            continue
        idle += 1
        if idle == 1:
            ended, cpu_now, theirs_now = time.monotonic(), sender.cpu_seconds(), receiver.cpu_seconds()
    time.sleep(3)
    return {"sent": sent, "seconds": ended - began, "cpu": cpu_now - cpu,
            "received_cpu": theirs_now - theirs, "most": most, "grew": most - memory,
            "lost": stored(sender, at) - stored(receiver, at),
            "failed": sender.own_metric("prometheus_remote_storage_samples_failed_total")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=10, help="of about 2,000 series")
    parser.add_argument("--samples", type=float, default=6e6, help="that are kept, then sent")
    parser.add_argument("--interval", type=float, default=0.2)
    options = parser.parse_args()
    need_peers()
    about = machine()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="strata-bench-"))
    rows = []
    try:
        for kind, version in ((Victoria, "1.0"), (Receiver, "1.0"), (Receiver, "2.0")):
            got = catch_up(directory, options, kind, version)
            each = got["cpu"] / got["sent"]
            received = got["sent"] / got["received_cpu"]
            fast = got["sent"] / got["seconds"]
            own = kind is Receiver
            rows.append([
                f"{kind.name}, {version}", human(got["sent"]), f"{each * 1e6:.2f} µs",
                f"{each * RATE:.2f}", f"{got['most'] / 1e6:.0f} MB, {got['grew'] / 1e6:+.0f}",
                f"{human(fast)}/s, {fast / OUTAGE_RATE:.0f}x", human(received),
                f"{got['lost']:.0f}",
                met(each * RATE <= MOST_CORES, got["grew"] <= MOST_MEGABYTES * 1e6,
                    fast >= LEAST_CATCH_UP * OUTAGE_RATE, got["lost"] == 0,
                    not own or received >= LEAST_RECEIVED)])
            print(rows[-1], flush=True)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    write_section("remote", f"""## Remote write
{about}

About {options.nodes * 2044} series were scraped while the receiver was away; then it came back, and nothing was
scraped any more. Musts: {RATE // 1000} k samples/s with {MOST_CORES} of a core and {MOST_MEGABYTES} MB, catching up
at {LEAST_CATCH_UP} times the {OUTAGE_RATE // 1000} k samples/s of an outage, none lost or twice, {human(LEAST_RECEIVED)} samples a
CPU-second received. Rates depend on what else the machine did; CPU time does not.

""" + table(["receiver", "samples", "sender's CPU a sample", "cores for 200 k/s",
             "sender's memory, of it for sending", "catching up", "received a CPU-second",
             "missing", "met"], rows))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How long it takes from an engine's fault to the first attempt at a phone call.

  bench/paging.py [--onsets N] [--spread S]

One simulated fleet (`strata sim`), each engine behind a relay of this script; the shipped rules, the
people on call and a fake phone provider (`strata mock-phone`), which notes when it was called. At
times spread over S seconds N engines break, a quarter each way: the relay refuses connections,
resets them, or takes a request and says nothing; or the engine itself hangs (the simulator's
engine-hang: it answers scrapes and makes no tokens). Calls are not held back (`phone_gap: 0s`) and
each engine is an incident of its own (`place: [instance]`), since a call for each onset is what is
measured. Nobody acknowledges; one call an incident counts, the first.
"""
import argparse
import asyncio
import random
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from report import machine, met, table, write_section  # noqa: E402
from servers import harness  # noqa: E402
from engine_hang_test import MockPhone  # noqa: E402
from sim_test import Sim  # noqa: E402

KINDS = {"refused": 15, "reset": 15, "timeout": 15, "hung": 30}  # and the limit in seconds
SETTLED = 60  # seconds of a healthy fleet before the first fault

PROMETHEUS = """
global: {{scrape_interval: 5s, scrape_timeout: 4s}}
scrape_configs:
- job_name: engines
  static_configs:
"""
ALERTMANAGER = """
route: {receiver: nobody}
receivers: [{name: nobody}, {name: phone}]
"""
STRATA = """
receivers:
- name: phone
  phone_configs:
  - url: URL/phone
    body: '{"to":"alice","text":"{{ .CommonAnnotations.oncall_incidents }}"}'
oncall:
  phone_gap: 0s
  people: [{name: alice, channels: [{kind: phone, receiver: phone}]}]
  incidents: {place: [instance]}
"""


class Relay:
    """Passes scrapes of one engine on, until it is told to break. Lives on the relays' loop."""

    def __init__(self, path, sim_port):
        self.path, self.sim_port = path, sim_port
        self.fault, self.writers = None, set()

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        self.writers.add(writer)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                if self.fault == "reset":
                    self.reset(writer)
                    return
                if self.fault == "timeout":
                    await asyncio.sleep(3600)
                body = await self.ask()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
                             b"Content-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    async def ask(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.sim_port)
        writer.write(f"GET {self.path} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer.partition(b"\r\n\r\n")[2]

    @staticmethod
    def reset(writer):
        linger = struct.pack("ii", 1, 0)  # close() sends RST
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    def break_it(self, fault):
        self.fault = fault
        if fault == "refused":
            self.server.close()
        if fault in ("refused", "reset"):
            for writer in list(self.writers):
                self.reset(writer)


class Fleet:
    """The simulated engines and their relays: name of each is that of its relay's address."""

    def __init__(self, directory, onsets, spread):
        chance = random.Random(1)
        kinds = (list(KINDS) * onsets)[:onsets]
        chance.shuffle(kinds)
        self.times = [SETTLED + chance.uniform(0, spread) for _ in kinds]
        self.kinds = kinds
        faults = [f"  - {{fault: engine-hang, at: {int(1000 * at)}ms, for: 1h, node: {i // 2}, "
                  f"engine: {i % 2}}}" for i, (kind, at) in enumerate(zip(kinds, self.times))
                  if kind == "hung"]
        scenario = pathlib.Path(directory) / "scenario.yml"
        scenario.write_text("faults:\n" + "\n".join(faults) + "\n")
        nodes = onsets // 2 + 2  # engines beyond the onsets stay well
        self.sim = Sim(directory, f"--nodes={nodes}", "--engine=vllm", f"--scenario={scenario}")
        self.began = self.sim.get("/scenario").json()["faults"][0]["onset"] - self.times[
            self.kinds.index("hung")]
        self.relays = [Relay(f"/node-{i // 2}/engine-{i % 2}/metrics", self.sim.port)
                       for i in range(2 * nodes)]
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        for relay in self.relays:
            asyncio.run_coroutine_threadsafe(relay.start(), self.loop).result()

    def config(self):
        return PROMETHEUS.replace("{{", "{").replace("}}", "}") + "".join(
            f"  - targets: ['127.0.0.1:{relay.port}']\n" for relay in self.relays)

    def break_all(self):
        """Breaks each at its time; the onsets by instance, as (kind, Unix time)."""
        onsets = {}
        for at, kind, relay in sorted(zip(self.times, self.kinds, self.relays), key=lambda o: o[0]):
            time.sleep(max(0, self.began + at - time.time()))
            if kind != "hung":
                self.loop.call_soon_threadsafe(relay.break_it, kind)
            onsets[f"127.0.0.1:{relay.port}"] = (
                kind, time.time() if kind != "hung" else self.began + at)
        return onsets


def first_calls(strata, phone):
    """By the instance of each incident, when the phone was first called for it."""
    out = {}
    incidents = strata.get("/api/v1/incidents", status=["active", "resolved"], limit=10000)
    instances = {str(one["id"]): one["place"]["value"]
                 for one in incidents.json()["data"]["incidents"]}
    for call in phone.calls("phone"):
        for number in call["text"].split(", "):
            out.setdefault(instances[number], call["at"] / 1000)
    return out


def measure(directory, options):
    phone = MockPhone(directory)
    fleet = Fleet(directory, options.onsets, options.spread)
    for name, text in (("alertmanager.yml", ALERTMANAGER),
                       ("strata.yml", STRATA.replace("URL", phone.url))):
        (pathlib.Path(directory) / name).write_text(text)
    strata = harness.Strata(directory, fleet.config(), arguments=[
        f"--strata.config={directory}/strata.yml", "--rules.builtin=on",
        f"--alertmanager.config.file={directory}/alertmanager.yml"])
    try:
        harness.wait_until(lambda: strata.value("sum(up)") == len(fleet.relays), "the fleet", 60)
        onsets = fleet.break_all()
        harness.wait_until(lambda: set(onsets) <= set(first_calls(strata, phone)),
                           "a call for each onset", timeout=120, every=1)
        calls = first_calls(strata, phone)
    finally:
        for process in (strata, fleet.sim, phone):
            process.kill()
    well = {f"127.0.0.1:{relay.port}" for relay in fleet.relays} - set(onsets)
    delays = {kind: sorted(calls[instance] - at for instance, (of, at) in onsets.items()
                           if of == kind) for kind in KINDS}
    return delays, well & set(calls)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--onsets", type=int, default=100)
    parser.add_argument("--spread", type=float, default=60)
    options = parser.parse_args()
    about = machine()
    with tempfile.TemporaryDirectory(prefix="strata-bench-") as directory:
        delays, wrongly = measure(directory, options)
    rows = []
    for kind, limit in KINDS.items():
        seconds = delays[kind]
        p99 = seconds[int(0.99 * (len(seconds) - 1) + 0.5)]
        rows.append([kind, len(seconds), f"{statistics.median(seconds):.1f}", f"{p99:.1f}",
                     f"{seconds[-1]:.1f}", f"<= {limit}", met(p99 <= limit)])
    write_section("paging", (
        f"## From the fault to the phone\n{about}\n\n{options.onsets} engines of one simulated "
        f"fleet, scraped every 5 s (timeout 4 s), break within {options.spread:.0f} s; seconds from "
        f"the onset to the fake provider's receipt of the first call. Calls for engines that were "
        f"well: {len(wrongly)}.\n\n" +
        table(["fault", "onsets", "median", "p99", "worst", "must (p99)", "met"], rows)))


if __name__ == "__main__":
    main()

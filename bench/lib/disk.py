"""Bytes a sample on disk: the same recording through each server's own import, merged as far as it
merges by itself."""
import concurrent.futures
import json
import shutil
import subprocess
import time

from report import human, met, ratio, table
from servers import (PrometheusServer, VictoriaServer, directory_bytes, fleet_command, harness)

# What is recorded, as arguments of `fleet`, and the share of VictoriaMetrics' bytes that is a must.
RECORDINGS = {
    "mixed fleet, noisy": ([], 0.75),
    "engines, noisy": (["--jobs", "vllm"], 0.75),
    "engines, narrow latencies": (["--jobs", "vllm", "--narrow"], 0.5),
    "GPUs": (["--jobs", "dcgm"], 0.5),
    "hosts": (["--jobs", "node"], 1.0),
}
SERIES, DAYS, INTERVAL = 20_000, 180, 15  # what the guide wants to keep
GIB = 1 << 30


def import_into_prometheus(files, directory):
    """promtool makes blocks, Prometheus merges them. Returns (bytes, samples)."""
    data = directory / "data"
    for file in files:
        subprocess.run([shutil.which("promtool"), "tsdb", "create-blocks-from", "openmetrics",
                        str(file), str(data)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    blocks = sum(1 for _ in data.glob("*/meta.json"))
    server = PrometheusServer(directory).wait_ready()
    try:
        # It looks for work a minute after its start, and merges three blocks of a level into one.
        merged = time.monotonic() + 90
        while time.monotonic() < merged:
            time.sleep(1)
            now = sum(1 for _ in data.glob("*/meta.json"))
            if now < blocks:
                merged = min(merged, time.monotonic() + 15)
    finally:
        server.stop()
    samples = sum(json.loads(meta.read_text())["stats"]["numSamples"]
                  for meta in data.glob("*/meta.json"))
    size = directory_bytes(data, lambda path: "/chunks/" in path or path.endswith("/index"))
    return size, samples


def import_into_victoria(files, directory):
    """Returns (bytes, samples) after a forced merge."""
    server = VictoriaServer(directory).wait_ready()
    try:
        for file in files:
            with open(file, "rb") as body:
                answer = harness.http_request(
                    f"http://127.0.0.1:{server.port}/api/v1/import/prometheus", data=body,
                    method="POST", timeout=600,
                    headers={"Content-Length": str(file.stat().st_size)})
                assert answer.status in (200, 204), answer.body
        server.get("/internal/force_flush")
        server.get("/internal/force_merge")
        time.sleep(2)
        harness.wait_until(lambda: server.own_metric("vm_active_force_merges") == 0 and
                           server.own_metric("vm_active_merges") == 0, "merges to end", 300, 0.5)
        samples = server.own_metric("vm_rows{type=\"storage/big\"}")
        samples += server.own_metric("vm_rows{type=\"storage/small\"}")
    finally:
        server.stop(60)
    size = directory_bytes(directory / "data", lambda path: path.startswith(("data/", "indexdb/")))
    return size, samples


def compare(directory, hours):
    """The table, as text."""
    def record(name):
        arguments, _ = RECORDINGS[name]
        place = directory / "disk" / name.replace(" ", "-").replace(",", "")
        written = fleet_command("write", "--hours", hours, *arguments, place / "files")
        files = sorted((place / "files").glob("*.om")), sorted((place / "files").glob("*.prom"))
        with concurrent.futures.ThreadPoolExecutor() as pool:
            prometheus = pool.submit(import_into_prometheus, files[0], place / "prometheus")
            victoria = pool.submit(import_into_victoria, files[1], place / "victoria")
            ours = fleet_command("store", "--hours", hours, *arguments, place / "strata")
            sizes = prometheus.result(), victoria.result(), (ours["block_bytes"],
                                                             ours["block_samples"])
        assert ours["differences"] == 0, ours
        shutil.rmtree(place)
        return name, written, sizes

    rows = []
    mixed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(RECORDINGS)) as pool:
        for name, written, sizes in pool.map(record, RECORDINGS):
            prometheus, victoria, ours = (size / samples for size, samples in sizes)
            if name.startswith("mixed"):
                mixed = ours
            share = RECORDINGS[name][1]
            rows.append([name, human(written["series"]), human(written["samples"]),
                         f"{prometheus:.3f}", f"{victoria:.3f}", f"{ours:.3f}",
                         ratio(ours, prometheus), f"{ours / victoria:.2f}",
                         f"<= {share:g}", met(ours <= share * victoria)])
    kept = mixed * SERIES * DAYS * 86_400 / INTERVAL
    return (f"{hours:g} h of one node at 15 s, bytes a sample with index, after each server merged "
            "by itself (promtool's blocks under a running Prometheus, a forced merge, Strata's "
            "store with its upkeep as time passed). Strata's and Prometheus' values are the "
            "recording's to the last bit (Strata's are read back and compared); VictoriaMetrics "
            "keeps 12 digits.\n\n" +
            table(["recording", "series", "samples", "Prometheus", "VictoriaMetrics", "Strata",
                   "to Prometheus", "of VictoriaMetrics", "must", "met"], rows) +
            f"\n\n{human(SERIES)} series of the mixed fleet at {INTERVAL} s for {DAYS} days: "
            f"{kept / GIB:.1f} GiB (must: 12).")

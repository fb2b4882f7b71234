#!/usr/bin/env python3
"""What `strata agent` costs on a node with 8 GPUs and 128 CPUs, beside Debian's
prometheus-node-exporter on the same machine's files.

  bench/agent.py [--scrapes N] [--idle SECONDS]

The host is the project's own test tree, grown to 128 CPUs, 16 disks, 12 network devices and 8
InfiniBand ports; the GPUs are those of tests/fake_nvml. Both are also measured on the machine that
runs this. CPU time is the kernel's (schedstat, nanoseconds), per scrape, with what a quarter of a
minute of idling costs added: so much of a core does a scrape every 15 s take. A driver's own time
in a call into NVML is not in it: there is no driver.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from report import machine, met, table, write_section  # noqa: E402
from servers import ROOT, harness  # noqa: E402

INTERVAL = 15.0
CPUS = 128
DISKS = 16
DEVICES = 12
PORTS = 8
MOST_CPU_PERCENT = 0.5
MOST_MEGABYTES = 25
FAKE_NVML = pathlib.Path(harness.BINARY).parent / "fake_nvml" / "libnvidia-ml.so.1"


def grow_host(tree):
    """The test tree with as many CPUs, disks and devices as a GPU server has."""
    shutil.copytree(ROOT / "src/collect/testdata/host", tree)
    proc, sysfs = tree / "proc", tree / "sys"
    total, *rest = (proc / "stat").read_text().splitlines()
    cpus = [line for line in rest if line.startswith("cpu")]
    others = [line for line in rest if not line.startswith("cpu")]
    numbers = cpus[0].split(" ", 1)[1]
    lines = [total] + [f"cpu{n} {numbers}" for n in range(CPUS)] + others
    (proc / "stat").write_text("\n".join(lines) + "\n")
    first = (proc / "net/softnet_stat").read_text().splitlines()[0]
    (proc / "net/softnet_stat").write_text(f"{first}\n" * CPUS)
    schedstat = (proc / "schedstat").read_text().splitlines()
    head = [line for line in schedstat if not line.startswith(("cpu", "domain"))]
    cpu0 = next(line for line in schedstat if line.startswith("cpu")).split(" ", 1)[1]
    (proc / "schedstat").write_text("\n".join(head + [f"cpu{n} {cpu0}" for n in range(CPUS)]) + "\n")
    for n in range(2, CPUS):
        shutil.copytree(sysfs / "devices/system/cpu/cpu0", sysfs / f"devices/system/cpu/cpu{n}")
        (sysfs / f"devices/system/cpu/cpu{n}/topology/core_id").write_text(f"{n}\n")
    disk = (proc / "diskstats").read_text().splitlines()[0].split(None, 3)[3]
    (proc / "diskstats").write_text("".join(f" 259 {n} nvme{n}n1 {disk}\n" for n in range(DISKS)))
    device = (proc / "net/dev").read_text().splitlines()
    numbers = device[2].split(":", 1)[1]
    (proc / "net/dev").write_text(
        "\n".join(device[:2] + [f"eth{n}: {numbers}" for n in range(DEVICES)]) + "\n")
    for n in range(1, DEVICES):
        shutil.copytree(sysfs / "class/net/eth0", sysfs / f"class/net/eth{n}")
    for n in range(1, PORTS):
        shutil.copytree(sysfs / "class/infiniband/mlx5_0", sysfs / f"class/infiniband/mlx5_{n}")


def cpu_seconds(pid):
    """Of all threads that run now; both programs keep theirs."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def memory(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


class Subject(harness.Process):
    def __init__(self, name, command, directory, port):
        super().__init__(command, directory, name.replace(" ", "_"))
        self.name = name
        self.url = f"http://127.0.0.1:{port}/metrics"
        self.pid = self.process.pid
        harness.wait_until(lambda: self.scrape() > 0, f"{name} to answer", timeout=60)

    def scrape(self):
        """As Prometheus asks; the number of samples."""
        answer = harness.http_request(self.url, headers={"Accept-Encoding": "identity"})
        assert answer.status == 200, (self.name, answer.status)
        lines = answer.body.splitlines()
        return sum(1 for line in lines if line and not line.startswith(b"#"))

    def measure(self, scrapes, idle):
        """CPU seconds a scrape (median), and a second of idling."""
        before = cpu_seconds(self.pid)
        time.sleep(idle)
        resting = (cpu_seconds(self.pid) - before) / idle
        costs = []
        for _ in range(scrapes):
            time.sleep(0.2)  # past what profiling needs between two samples
            before = cpu_seconds(self.pid)
            samples = self.scrape()
            costs.append(cpu_seconds(self.pid) - before)
        return samples, statistics.median(costs), resting


def subjects(directory, tree):
    """tree: None for this machine."""
    agent, exporter = harness.free_port(), harness.free_port()
    paths = [] if tree is None else [f"--path.procfs={tree}/proc", f"--path.sysfs={tree}/sys",
                                     f"--path.udev.data={tree}/udev"]
    where = "this machine" if tree is None else "128 CPUs"
    yield Subject(f"strata agent, 8 GPUs, {where}",
                  [harness.BINARY, "agent", f"--web.listen-address=127.0.0.1:{agent}",
                   f"--gpu.library={FAKE_NVML}", *paths], directory, agent)
    yield Subject(f"strata agent without GPUs, {where}",
                  [harness.BINARY, "agent", f"--web.listen-address=127.0.0.1:{exporter}",
                   "--gpu=false", *paths], directory, exporter)
    port = harness.free_port()
    yield Subject(f"node_exporter, {where}",
                  [harness.need_program("prometheus-node-exporter"),
                   f"--web.listen-address=127.0.0.1:{port}", *paths], directory, port)


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--scrapes", type=int, default=50)
    arguments.add_argument("--idle", type=float, default=10.0)
    options = arguments.parse_args()
    if not FAKE_NVML.exists():
        harness.skip(f"no fake driver at {FAKE_NVML} (./dev bench builds it)")
    os.environ.pop("STRATA_FAKE_NVML", None)
    before = machine()
    version = subprocess.run(["dpkg-query", "-W", "-f=${Version}", "prometheus-node-exporter"],
                             stdout=subprocess.PIPE, text=True).stdout
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        tree = pathlib.Path(directory) / "host"
        grow_host(tree)
        for host in (tree, None):
            for subject in subjects(directory, host):
                try:
                    samples, cost, resting = subject.measure(options.scrapes, options.idle)
                    percent = (cost / INTERVAL + resting) * 100
                    resident = memory(subject.pid, "VmRSS")
                    judged = "GPUs, 128" in subject.name
                    rows.append([subject.name, samples, f"{cost * 1e3:.2f}",
                                 f"{resting * 1e3:.2f}", f"{percent:.3f} %", f"{resident:.1f}",
                                 f"{memory(subject.pid, 'RssAnon'):.1f}",
                                 met(percent <= MOST_CPU_PERCENT, resident <= MOST_MEGABYTES)
                                 if judged else ""])
                finally:
                    subject.stop()
    write_section("agent", "\n".join([
        "## The node agent", before + f" node_exporter {version}.", "",
        f"CPU time a scrape (median of {options.scrapes}) and of a second of idling; share of a "
        f"core at a scrape every 15 s (must: {MOST_CPU_PERCENT} %); memory after them (must: "
        f"{MOST_MEGABYTES} MB resident). Everything that is on by default. The GPUs are the fake "
        "driver's: a real one adds the time that it spends in its calls.", "",
        table(["", "samples", "ms a scrape", "ms a second idle", "of a core", "MB resident",
               "MB of its own", "met"], rows)]))


if __name__ == "__main__":
    main()

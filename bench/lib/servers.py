"""The three servers under comparison, each in a directory of its own on loopback, and what the
kernel says about them."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import harness  # noqa: E402

FLEET = str(pathlib.Path(harness.BINARY).parent / "fleet")
TICKS = os.sysconf("SC_CLK_TCK")


def fleet_command(*arguments):
    """Runs `fleet` to its end; its last line of output is JSON."""
    done = subprocess.run([FLEET, *map(str, arguments)], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def directory_bytes(path, only=None):
    """Sizes of the files below `path`; `only` decides by relative path."""
    total = 0
    for file in pathlib.Path(path).rglob("*"):
        if file.is_file() and (only is None or only(str(file.relative_to(path)))):
            total += file.stat().st_size
    return total


class FleetServer(harness.Process):
    """The fleet, to be scraped: /t/N/metrics."""

    def __init__(self, directory, *arguments):
        super().__init__([FLEET, "serve", *map(str, arguments)], directory, "fleet")
        line = harness.wait_until(lambda: self.log().startswith("listening on ") and self.log(),
                                  "the fleet to listen", timeout=60)
        self.port = int(line.split()[2])
        self.targets = harness.http_request(f"http://127.0.0.1:{self.port}/targets").json()

    @property
    def series(self):
        return sum(target["lines"] for target in self.targets)

    def compress(self, on):
        harness.http_request(f"http://127.0.0.1:{self.port}/gzip/{'on' if on else 'off'}")

    def config(self, interval):
        """A prometheus.yml that all three servers understand."""
        lines = ["global:", f"  scrape_interval: {interval}", f"  scrape_timeout: {interval}",
                 "scrape_configs:"]
        for job in sorted({target["job"] for target in self.targets}):
            lines += [f"  - job_name: {job}", "    static_configs:"]
            for number, target in enumerate(self.targets):
                if target["job"] == job:
                    lines += [f"      - targets: ['127.0.0.1:{self.port}']",
                              "        labels:",
                              f"          instance: {target['instance']}",
                              f"          __metrics_path__: /t/{number}/metrics"]
        return "\n".join(lines) + "\n"


class Server(harness.Process, harness.PrometheusApi):
    """One of the three. Subclasses say how it is started and what its own counters are called."""
    name = version = None
    appended = None  # its counter of stored samples, up to the value

    def __init__(self, directory, config=None, port=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.data = self.directory / "data"
        self.config = self.directory / "prometheus.yml"
        if config is not None:
            self.config.write_text(config)
        harness.PrometheusApi.__init__(self, port or harness.free_port())
        self.started_at = time.monotonic()
        harness.Process.__init__(self, self.command(), directory, self.name)

    def command(self):
        raise NotImplementedError

    def wait_ready(self, timeout=120):
        def ready():
            if not self.running():
                raise AssertionError(f"{self.name} ended:\n{self.log()[-3000:]}")
            return self.get(self.ready_path).status == 200
        harness.wait_until(ready, f"{self.name} to be ready", timeout, every=0.02)
        return self

    def restart(self):
        """A new process on the same directory and port."""
        return type(self)(self.directory, port=self.port)

    def cpu_seconds(self):
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = stat.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        """(resident bytes, anonymous of them)"""
        sizes = {}
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in ("VmRSS", "RssAnon"):
                sizes[name] = int(rest.split()[0]) * 1024
        return sizes["VmRSS"], sizes["RssAnon"]

    def own_metric(self, name):
        """The sum of the lines of its /metrics that begin with `name`."""
        text = self.get("/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith(name + " ") or line.startswith(name + "{"))

    def samples(self):
        return self.own_metric(self.appended)


class StrataServer(Server):
    name = "Strata"
    appended = "prometheus_tsdb_head_samples_appended_total"
    ready_path = "/-/ready"

    def command(self):
        if not self.config.exists():
            self.config.write_text("scrape_configs: []\n")
        # Canonical series are Strata's own extra: peers store what they scrape, so do we here.
        own = self.config.with_name("strata.yml")
        own.write_text("catalog: {translate: false}\n")
        return [harness.BINARY, "serve", f"--config.file={self.config}", f"--strata.config={own}",
                f"--storage.path={self.data}", f"--web.listen-address=127.0.0.1:{self.port}",
                "--storage.tsdb.retention.time=0", "--rules.builtin=off"]

    def wal_bytes(self):
        return self.own_metric("strata_tsdb_wal_bytes_written_total")


class PrometheusServer(Server):
    name = "Prometheus"
    appended = "prometheus_tsdb_head_samples_appended_total"
    ready_path = "/-/ready"

    def command(self):
        if not self.config.exists():
            self.config.write_text("scrape_configs: []\n")
        return [shutil.which("prometheus"), f"--config.file={self.config}",
                f"--storage.tsdb.path={self.data}", f"--web.listen-address=127.0.0.1:{self.port}",
                "--storage.tsdb.retention.time=100y", "--query.max-samples=500000000",
                "--log.level=warn"]

    def wal_bytes(self):
        return directory_bytes(self.data / "wal")


class VictoriaServer(Server):
    name = "VictoriaMetrics"
    appended = "vm_rows_inserted_total"
    ready_path = "/health"

    def command(self):
        scrape = [f"-promscrape.config={self.config}"] if self.config.exists() else []
        return [shutil.which("victoria-metrics"), f"-storageDataPath={self.data}",
                f"-httpListenAddr=127.0.0.1:{self.port}", "-retentionPeriod=100y",
                "-search.disableCache", "-search.maxSamplesPerQuery=1000000000",
                "-search.maxUniqueTimeseries=2000000", "-search.latencyOffset=0s",
                "-loggerLevel=WARN", *scrape]

    def wal_bytes(self):
        return None


SERVERS = (PrometheusServer, VictoriaServer, StrataServer)


def versions():
    def first_line(*command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.stdout.strip().splitlines()[0]

    def debian(package):
        return first_line("dpkg-query", "-W", "-f=${Version}", package)
    return {"Prometheus": debian("prometheus"), "VictoriaMetrics": debian("victoria-metrics"),
            "Strata": first_line(harness.BINARY, "--version")}


def need_peers():
    for program in ("prometheus", "promtool", "victoria-metrics"):
        harness.need_program(program)
    for program in (harness.BINARY, FLEET):
        if not os.access(program, os.X_OK):
            harness.skip(f"no binary at {program} (./dev bench builds it)")

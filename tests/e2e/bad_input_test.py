"""Bad input: one clear line, a metric, and the rest keeps working."""
import os
import socket
import subprocess
import threading

from harness import BINARY, EndToEndTest, Strata, free_port, main, wait_until

CONFIG = """
global:
  scrape_interval: 300ms
  scrape_timeout: 250ms
scrape_configs:
  - job_name: bad
    body_size_limit: {limit}
    static_configs: [{{targets: ["{bad}"]}}]
  - job_name: good
    static_configs: [{{targets: ["{good}"]}}]
"""


class RawServer:
    """A peer that does to each connection what `behave(connection)` says."""

    def __init__(self, behave):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.connections = []

        def accept():
            while True:
                try:
                    connection, _ = self.listener.accept()
                except OSError:
                    return
                self.connections.append(connection)
                threading.Thread(target=self.run, args=(behave, connection), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    @staticmethod
    def run(behave, connection):
        try:
            connection.recv(65536)
            behave(connection)
        except OSError:
            pass

    def close(self):
        self.listener.close()
        for connection in self.connections:
            connection.close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"


class BadTargets(EndToEndTest):
    def check(self, behave, error, limit="1MB"):
        """The bad target is down with `error`; the good one goes on."""
        bad = RawServer(behave)
        self.addCleanup(bad.close)
        good = self.exposition(lambda n: f"n {n}\n")
        strata = self.strata(
            config=CONFIG.format(bad=bad.address, good=good.address, limit=limit))

        def reported():
            targets = strata.get("/api/v1/targets").json()["data"]["activeTargets"]
            return next((t["lastError"] for t in targets
                         if t["scrapePool"] == "bad" and t["health"] == "down"), None)

        message = wait_until(reported, "the bad target to be down")
        self.assertRegex(message, error)
        self.assertEqual(strata.value('up{job="bad"}'), 0)
        first = wait_until(lambda: strata.query("n"), "the good target to be scraped")
        first = float(first[0]["value"][1])
        wait_until(lambda: (strata.value("n") or 0) > first + 2, "the good target to go on")
        metrics = strata.get("/metrics").body.decode()
        self.assertRegex(metrics, r"strata_scrape_failures_total [1-9]")
        self.assertEqual(strata.log().count("scrape failed"), 1, strata.log())
        return strata, metrics

    def test_target_that_hangs(self):
        def hang(connection):
            connection.recv(1)
        self.check(hang, "time")

    def test_body_that_never_ends(self):
        def endless(connection):
            connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            line = b"x 1\n" * 1000
            while True:
                connection.sendall(b"%x\r\n%s\r\n" % (len(line), line))
        _, metrics = self.check(endless, "limit|larger|exceed", limit="100KB")
        self.assertRegex(metrics,
                         r"prometheus_target_scrapes_exceeded_body_size_limit_total [1-9]")

    def test_body_cut_in_the_middle(self):
        def cut(connection):
            connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\na 1\nb 2\n")
            connection.close()
        strata, _ = self.check(cut, "clos|end|trunc|cut|broke")
        self.assertFalse(strata.query("a"))

    def test_ten_megabytes_of_one_label(self):
        body = b'a{x="' + b"y" * 10_000_000 + b'"} 1\n'

        def large(connection):
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.check(large, "limit|larger|exceed", limit="1MB")

    def test_not_http(self):
        def garbage(connection):
            connection.sendall(b"\x00\xff SSH-2.0-nonsense\r\n\r\n")
            connection.close()
        self.check(garbage, ".")

    def test_not_an_exposition(self):
        def page(connection):
            body = b"<html>hello</html>"
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
                               b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.check(page, "text/html|Content-Type")

    def test_refused(self):
        port = free_port()
        good = self.exposition(lambda n: f"n {n}\n")
        strata = self.strata(config=CONFIG.format(bad=f"127.0.0.1:{port}", good=good.address,
                                                  limit="1MB"))
        wait_until(lambda: strata.value('up{job="bad"}') == 0, "the target to be down")
        targets = strata.get("/api/v1/targets").json()["data"]["activeTargets"]
        self.assertIn("refused", next(t["lastError"] for t in targets if t["scrapePool"] == "bad"))


class BadStart(EndToEndTest):
    def run_serve(self, *arguments):
        return subprocess.run([BINARY, "serve", *arguments], cwd=self.directory, timeout=30,
                              capture_output=True, text=True)

    def test_config_with_a_typo(self):
        path = os.path.join(self.directory, "prometheus.yml")
        with open(path, "w") as file:
            file.write("global:\n  scrape_intervall: 5s\n")
        done = self.run_serve(f"--config.file={path}", "--web.listen-address=127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"prometheus\.yml:2:3: .*scrape_interval")
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            done = self.run_serve(f"--web.listen-address=127.0.0.1:{taken.getsockname()[1]}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("in use", done.stderr)

    def test_data_directory_in_use(self):
        first = self.strata()
        done = self.run_serve(f"--storage.path={first.directory / 'data'}",
                              "--web.listen-address=127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("another process", done.stderr)
        self.assertTrue(first.ready())

    def test_listening_to_the_world_needs_a_decision(self):
        done = self.run_serve("--web.listen-address=0.0.0.0:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--web.allow-unauthenticated", done.stderr)

    def test_unknown_flag(self):
        done = self.run_serve("--no.such.flag")
        self.assertEqual(done.returncode, 2)

    def test_flag_out_of_range(self):
        done = self.run_serve("--storage.tsdb.retention.time=soon")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--storage.tsdb.retention.time=soon", done.stderr)


class FullDisk(EndToEndTest):
    """A tmpfs of 8 MB that fills up and is emptied again."""

    def test_full_disk_and_back(self):
        if os.geteuid() != 0:
            self.skipTest("mounting a tmpfs needs root")
        mount = os.path.join(self.directory, "small")
        os.mkdir(mount)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", mount],
                                 capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", mount])
        target = self.exposition(lambda n: f"n {n}\n" + "".join(
            f'wide{{i="{i}"}} {n * 1.1 + i * 0.37}\n' for i in range(500)))
        config = ("scrape_configs:\n  - job_name: t\n    scrape_interval: 200ms\n"
                  f"    static_configs: [{{targets: ['{target.address}']}}]\n")
        strata = self.start(Strata(mount, config=config))
        wait_until(lambda: strata.value("n"), "scraping")
        filler = os.path.join(mount, "filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 65536)
            except OSError:
                pass
        before = strata.value("max_over_time(n[10m])")
        wait_until(lambda: "prometheus_tsdb_wal_writes_failed_total 0" not in
                   strata.get("/metrics").body.decode(), "appends to fail")
        self.assertTrue(strata.ready())
        self.assertGreaterEqual(strata.value("max_over_time(n[10m])"), before)
        os.remove(filler)
        wait_until(lambda: (strata.value("n") or 0) > before + 5, "scraping to go on once there is room")
        stored = strata.value("count_over_time(n[10m])")
        strata.kill()
        again = self.start(Strata(mount, config=config, port=strata.port))
        self.assertGreaterEqual(again.value("count_over_time(n[10m])"), stored)


if __name__ == "__main__":
    main()

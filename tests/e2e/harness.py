"""What the end-to-end tests share: free ports, the program under test, its peers, HTTP.

Everything is bound to loopback, works in a temporary directory, and is ended by process id.
"""
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = os.path.abspath(os.environ.get("STRATA_BINARY", ROOT / "build/release/strata"))


def skip(reason):
    """Ends the test as skipped: CTest knows exit code 77."""
    print(f"skipped: {reason}")
    sys.exit(77)


def need_program(name):
    path = shutil.which(name)
    if path is None:
        skip(f"{name} is not installed (./dev setup --test installs it)")
    return path


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(condition, what, timeout=30.0, every=0.05):
    """Polls until condition() is true or raises AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    last = None
    while time.monotonic() < deadline:
        try:
            last = condition()
            if last:
                return last
        except (OSError, urllib.error.URLError, ValueError, KeyError) as error:
            last = error
        time.sleep(every)
    raise AssertionError(f"waited {timeout} s for {what}; last: {last!r}")


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def http_request(url, data=None, method=None, headers=None, timeout=30):
    """Any status is a Response, not an exception."""
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as answer:
            return Response(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return Response(error.code, error.headers, error.read())


class Process:
    """A server started by a test; its output goes to a file that is shown when the test fails."""

    def __init__(self, arguments, cwd, name):
        self.log_path = pathlib.Path(cwd) / f"{name}.log"
        self.log_file = open(self.log_path, "ab")
        self.process = subprocess.Popen(arguments, cwd=cwd, stdin=subprocess.DEVNULL,
                                        stdout=self.log_file, stderr=subprocess.STDOUT)

    def running(self):
        return self.process.poll() is None

    def log(self):
        return self.log_path.read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.running():
            self.process.kill()
        self.process.wait()
        self.log_file.close()

    def stop(self, timeout=20):
        """Asks it to end, as systemd would; returns the exit code."""
        if self.running():
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not end within {timeout} s of SIGTERM:\n{self.log()[-3000:]}")
        self.log_file.close()
        return code


class PrometheusApi:
    """Strata's and Prometheus' HTTP API."""

    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters, doseq=True)
        return http_request(f"{self.url}{path}" + (f"?{query}" if query else ""))

    def query(self, expr, at=None, **parameters):
        if at is not None:
            parameters["time"] = at
        answer = self.get("/api/v1/query", query=expr, **parameters).json()
        assert answer["status"] == "success", (expr, answer)
        return answer["data"]["result"]

    def value(self, expr, at=None):
        """The only sample of an instant vector, or None when it is empty."""
        result = self.query(expr, at)
        if not result:
            return None
        assert len(result) == 1, (expr, result)
        return float(result[0]["value"][1])

    def ready(self):
        return self.get("/-/ready").status == 200


class Strata(Process, PrometheusApi):
    def __init__(self, directory, config=None, port=None, arguments=(), wait=True):
        port = port or free_port()
        PrometheusApi.__init__(self, port)
        self.directory = pathlib.Path(directory)
        command = [BINARY, "serve", f"--web.listen-address=127.0.0.1:{port}",
                   f"--storage.path={self.directory / 'data'}", *arguments]
        # What comes with Strata would be among the alerts and series of tests that count theirs.
        if not any(argument.startswith("--rules.builtin") for argument in arguments):
            command.append("--rules.builtin=off")
        if config is not None:
            path = self.directory / "prometheus.yml"
            path.write_text(config)
            command.append(f"--config.file={path}")
        Process.__init__(self, command, directory, "strata")
        if wait:
            self.wait_ready()

    def wait_ready(self, timeout=30):
        def check():
            if not self.running():
                raise AssertionError(f"strata ended:\n{self.log()[-3000:]}")
            return self.ready()
        wait_until(check, "strata to be ready", timeout, every=0.01)


class Exposition:
    """A scrape target whose body the test decides: `body(n)` for the n-th request, either text or
    (status, content type, bytes)."""

    def __init__(self, body, port=0):
        exposition = self
        self.requests = 0
        self.closed = False
        self.lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if exposition.closed:  # on a connection that was kept
                    self.close_connection = True
                    return
                with exposition.lock:
                    number = exposition.requests
                    exposition.requests += 1
                answer = body(number)
                if isinstance(answer, str):
                    answer = (200, "text/plain; version=0.0.4", answer.encode())
                status, content_type, data = answer
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = port != 0

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.closed = True
        self.server.shutdown()
        self.server.server_close()


class EndToEndTest(unittest.TestCase):
    """Gives each test a directory, and ends what it started; shows logs of a failed one."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="strata-e2e-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.started = []
        self.addCleanup(self.end_all)

    def end_all(self):
        for process in reversed(self.started):
            process.kill()

    def start(self, process):
        self.started.append(process)
        return process

    def strata(self, **options):
        options.setdefault("directory", self.directory)
        return self.start(Strata(**options))

    def exposition(self, body):
        exposition = Exposition(body)
        self.addCleanup(exposition.close)
        return exposition


def main():
    if not os.access(BINARY, os.X_OK):
        skip(f"no binary at {BINARY} (./dev build)")
    unittest.main(verbosity=2)

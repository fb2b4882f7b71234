"""A blackbox_exporter job works when it is pointed at Strata: HTTP against nginx, TLS with a
certificate of our own, TCP, and a canary that tells an engine that answers from one that hangs."""
import datetime
import http.server
import json
import pathlib
import shutil
import socket
import subprocess
import threading
import time

from harness import EndToEndTest, Process, free_port, main, need_program, wait_until

PROBES = """
probes:
  http_2xx: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4}}
  https_own:
    prober: http
    http: {fail_if_not_ssl: true, tls_config: {ca_file: cert.pem}}
  tcp_connect: {prober: tcp}
  tls_connect: {prober: tcp, tcp: {tls: true, tls_config: {ca_file: cert.pem}}}
  canary: {prober: canary, timeout: 400ms, allowed_targets: ["127[.]0[.]0[.]1:[0-9]+"]}
"""
# As blackbox_exporter's documentation has it, with Strata's address for the exporter's.
JOB = """
scrape_configs:
  - job_name: blackbox
    scrape_interval: 500ms
    scrape_timeout: 500ms
    metrics_path: /probe
    params: {{module: [http_2xx]}}
    static_configs: [{{targets: ["http://127.0.0.1:{good}/", "http://127.0.0.1:{bad}/"]}}]
    relabel_configs:
      - {{source_labels: [__address__], target_label: __param_target}}
      - {{source_labels: [__param_target], target_label: instance}}
      - {{target_label: __address__, replacement: "127.0.0.1:{strata}"}}
"""
NGINX = """
worker_processes 1; daemon off; pid nginx.pid; error_log stderr;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t;
  uwsgi_temp_path t; scgi_temp_path t;
  server {{ listen 127.0.0.1:{http}; location / {{ return 200 "well\\n"; }}
            location /old {{ return 301 /; }} location /down {{ return 503; }} }}
  server {{ listen 127.0.0.1:{https} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem;
            location / {{ return 200 "well\\n"; }} }}
}}
"""


class Engine(http.server.BaseHTTPRequestHandler):
    """An engine's OpenAI API; it lists its models also while it hangs."""
    protocol_version = "HTTP/1.1"
    hangs = False

    def do_GET(self):
        self.answer({"data": [{"id": "tiny"}]})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if Engine.hangs:
            time.sleep(2)
        self.answer({"model": "tiny", "choices": [{"message": {"content": "p"}}],
                     "usage": {"prompt_tokens": 3, "completion_tokens": 1}})

    def answer(self, value):
        body = json.dumps(value).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except BrokenPipeError:
            pass  # the probe's time was over

    def log_message(self, *_):
        pass


def samples(text):
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


class ProbeTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.directory)
        self.cert_days = 30
        subprocess.run([need_program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                        "-keyout", "key.pem", "-out", "cert.pem", "-days", str(self.cert_days),
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
                       cwd=self.path, check=True, capture_output=True)
        (self.path / "strata.yml").write_text(PROBES)

    def start_strata(self, **options):
        return self.strata(arguments=[f"--strata.config={self.path}/strata.yml"], **options)

    def probe(self, strata, module, target, **parameters):
        answer = strata.get("/probe", module=module, target=target, **parameters)
        self.assertEqual(answer.status, 200, answer.body)
        return samples(answer.body.decode())

    def start_nginx(self):
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if nginx is None:
            self.skipTest("nginx is not installed (./dev setup --test installs it)")
        self.http, self.https = free_port(), free_port()
        (self.path / "t").mkdir()
        (self.path / "nginx.conf").write_text(NGINX.format(http=self.http, https=self.https))
        self.start(Process([nginx, "-p", str(self.path), "-c", "nginx.conf"], self.directory,
                           "nginx"))

        def listens():
            with socket.create_connection(("127.0.0.1", self.https), 1):
                return True
        wait_until(listens, "nginx to listen")

    def test_http_and_tls_of_nginx(self):
        self.start_nginx()
        strata = self.start_strata()
        said = self.probe(strata, "http_2xx", f"127.0.0.1:{self.http}")
        self.assertEqual((said["probe_success"], said["probe_http_status_code"]), (1, 200))
        said = self.probe(strata, "http_2xx", f"http://127.0.0.1:{self.http}/old")
        self.assertEqual((said["probe_success"], said["probe_http_redirects"]), (1, 1))
        said = self.probe(strata, "http_2xx", f"http://127.0.0.1:{self.http}/down")
        self.assertEqual((said["probe_success"], said["probe_http_status_code"]), (0, 503))

        said = self.probe(strata, "https_own", f"https://127.0.0.1:{self.https}/")
        self.assertEqual((said["probe_success"], said["probe_http_ssl"]), (1, 1))
        expires = time.time() + datetime.timedelta(days=self.cert_days).total_seconds()
        self.assertAlmostEqual(said["probe_ssl_earliest_cert_expiry"], expires, delta=600)
        self.assertAlmostEqual(said["probe_ssl_last_chain_expiry_timestamp_seconds"], expires,
                               delta=600)
        self.assertEqual(self.probe(strata, "https_own", f"127.0.0.1:{self.http}")["probe_success"],
                         0)  # not over TLS
        # A certificate that nobody vouches for.
        self.assertEqual(self.probe(strata, "http_2xx",
                                    f"https://127.0.0.1:{self.https}/")["probe_success"], 0)

        said = self.probe(strata, "tls_connect", f"127.0.0.1:{self.https}")
        self.assertEqual(said["probe_success"], 1)
        self.assertAlmostEqual(said["probe_ssl_earliest_cert_expiry"], expires, delta=600)
        self.assertEqual(self.probe(strata, "tcp_connect",
                                    f"127.0.0.1:{self.http}")["probe_success"], 1)
        self.assertEqual(self.probe(strata, "tcp_connect",
                                    f"127.0.0.1:{free_port()}")["probe_success"], 0)

    def test_a_blackbox_job_works_when_pointed_at_us(self):
        good = self.exposition(lambda number: "x 1\n")
        bad = self.exposition(lambda number: (500, "text/plain", b"no"))
        port = free_port()
        strata = self.start_strata(port=port,
                                   config=JOB.format(good=good.port, bad=bad.port, strata=port))
        for target, success in ((good, 1), (bad, 0)):
            instance = f'instance="http://127.0.0.1:{target.port}/"'
            wait_until(lambda: strata.value("probe_success{%s}" % instance) == success,
                       f"probe_success {success}")
            self.assertEqual(strata.value("up{%s}" % instance), 1)

    def test_a_canary_tells_an_engine_that_hangs(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Engine)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        target = f"127.0.0.1:{server.server_address[1]}"
        strata = self.start_strata()
        Engine.hangs = False
        said = self.probe(strata, "canary", target)
        self.assertEqual((said["probe_success"], said["probe_canary_completion_tokens"]), (1, 1))
        self.assertGreater(said["probe_canary_time_to_first_byte_seconds"], 0)
        Engine.hangs = True
        began = time.monotonic()
        said = self.probe(strata, "canary", target)
        self.assertLess(time.monotonic() - began, 1.9)
        self.assertEqual(said["probe_success"], 0)
        debug = strata.get("/probe", module="canary", target=target, debug="true").body.decode()
        self.assertIn("The probe failed: timeout after ", debug)

    def test_only_what_is_configured(self):
        strata = self.start_strata()
        for parameters in ({"module": "other", "target": "127.0.0.1:1"},
                           {"module": "http_2xx"},
                           {"module": "canary", "target": "example.invalid:80"}):
            self.assertEqual(strata.get("/probe", **parameters).status, 400, parameters)
        (self.path / "plain").mkdir()
        plain = self.strata(directory=self.path / "plain")
        self.assertEqual(plain.get("/probe", module="http_2xx", target="127.0.0.1:1").status, 400)


if __name__ == "__main__":
    main()

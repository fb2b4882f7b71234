"""Strata asks Debian's VictoriaMetrics and Prometheus instead of its own store: queries, names,
rules and federation work there, and while the backend is paused, killed or something else, errors
say so at once, and scraping goes on."""
import pathlib
import signal
import time

from harness import (EndToEndTest, PrometheusApi, Process, Strata, free_port, http_request, main,
                     need_program, wait_until)

PROMETHEUS = need_program("prometheus")
VICTORIA = need_program("victoria-metrics")
SERIES = 20
CONFIG = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 500ms}}
rule_files: [rules.yml]
remote_write:
  - url: {url}/api/v1/write
    queue_config: {{batch_send_deadline: 100ms, max_backoff: 200ms}}
scrape_configs:
  - job_name: app
    static_configs: [{{targets: ["{target}"]}}]
"""
RULES = """
groups:
  - name: all
    rules:
      - {record: "app:sum", expr: "sum(app_value) + 0 * scalar(sum(only_there))"}
      - {alert: Always, expr: 'app_value{i="0"} > 0'}
"""
QUERIES = ["sum(app_value)", "count by (job) (app_value)", "app_value{i=~'1.'}", "1 + 1",
           "max_over_time(app_value[20s])", "topk(3, app_value)"]


class QueryBackend(EndToEndTest):
    def start_victoria(self, port):
        process = self.start(Process(
            [VICTORIA, f"-storageDataPath={self.directory}/victoria",
             f"-httpListenAddr=127.0.0.1:{port}", "-search.latencyOffset=0s"],
            self.directory, "victoria"))
        wait_until(lambda: http_request(f"http://127.0.0.1:{port}/health").status == 200,
                   "victoria-metrics")
        return process

    def start_prometheus(self, port):
        with open(f"{self.directory}/receiver.yml", "w") as file:
            file.write("global: {}\n")
        process = self.start(Process(
            [PROMETHEUS, f"--config.file={self.directory}/receiver.yml",
             "--web.enable-remote-write-receiver", f"--storage.tsdb.path={self.directory}/prom",
             f"--web.listen-address=127.0.0.1:{port}"], self.directory, "prometheus"))
        wait_until(PrometheusApi(port).ready, "prometheus")
        return process

    def serve(self, port):
        target = self.exposition(
            lambda n: "".join(f'app_value{{i="{i}"}} {i + 1}\n' for i in range(SERIES)))
        (self.path / "rules.yml").write_text(RULES)
        (self.path / "strata.yml").write_text(
            f"query: {{backend: {{url: http://127.0.0.1:{port}, timeout: 2s}}}}\n")
        return self.strata(
            config=CONFIG.format(url=f"http://127.0.0.1:{port}", target=target.address),
            arguments=[f"--strata.config={self.path / 'strata.yml'}",
                       "--web.enable-remote-write-receiver"])

    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.directory)

    def check(self, start):
        port = free_port()
        engine, api = start(port), PrometheusApi(port)
        strata = self.serve(port)
        # A series that only the backend has: no scrape of Strata's brings it.
        lines = f"only_there 7 {int(time.time() * 1000)}\n"
        if start == self.start_victoria:
            http_request(f"{api.url}/api/v1/import/prometheus", lines.encode(), "POST")
        else:
            other = self.start(Strata(self.subdirectory("other"), config=CONFIG.replace(
                "rule_files: [rules.yml]", "").format(
                    url=api.url, target=self.exposition(lambda n: "only_there 7\n").address)))
            self.assertTrue(other.ready())
        wait_until(lambda: strata.value("only_there"), "what only the backend has")
        wait_until(lambda: (strata.value("min(count_over_time(app_value[1m]))") or 0) > 20,
                   "samples of four seconds")
        wait_until(lambda: strata.value('app:sum'), "a rule's result, there and back")
        at = time.time() - 1
        for expr in QUERIES:
            same = {str(sorted(row["metric"].items())): row["value"][1]
                    for row in self.rows(strata, expr, at)}
            self.assertEqual(same, {str(sorted(row["metric"].items())): row["value"][1]
                                    for row in self.rows(api, expr, at)}, expr)
            self.assertTrue(same, expr)
        matrix = strata.get("/api/v1/query_range", query="sum(app_value)", start=at - 2, end=at,
                            step=1).json()["data"]["result"]
        self.assertEqual({value for _, value in matrix[0]["values"]},
                         {str(SERIES * (SERIES + 1) // 2)})
        self.assertIn("only_there", strata.get("/api/v1/label/__name__/values").json()["data"])
        self.assertIn("i", strata.get("/api/v1/labels").json()["data"])
        series = strata.get("/api/v1/series", **{"match[]": "app_value", "start": at - 60,
                                                 "end": at + 1}).json()["data"]
        self.assertEqual(len(series), SERIES)
        federated = strata.get("/federate", **{"match[]": "only_there"}).body.decode()
        self.assertRegex(federated, r"only_there\{.*\} 7 ")
        wait_until(lambda: any(alert["labels"]["alertname"] == "Always" for alert in
                               strata.get("/api/v1/alerts").json()["data"]["alerts"]), "an alert")
        self.assertEqual(strata.get("/api/v1/metadata").status, 200)
        self.assertEqual(strata.get("/api/v1/query_exemplars", query="app_value", start=at - 60,
                                    end=at).status, 200)
        return engine, api, strata

    def subdirectory(self, name):
        (self.path / name).mkdir()
        return self.path / name

    @staticmethod
    def rows(api, expr, at):
        data = api.get("/api/v1/query", query=expr, time=at).json()["data"]
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        return data["result"]

    def faults(self, start):
        engine, api, strata = self.check(start)
        scraped = self.scrapes(strata)
        engine.signal(signal.SIGSTOP)
        stat = pathlib.Path(f"/proc/{engine.process.pid}/stat")
        wait_until(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T", "it to stop")
        began = time.monotonic()
        for path in ("/api/v1/query?query=up", "/api/v1/series?match[]=up", "/api/v1/labels"):
            answer = http_request(strata.url + path)
            self.assertIn(answer.status, (503, 500), answer.body)
            self.assertIn("query backend http://127.0.0.1", answer.json()["error"])
        self.assertLess(time.monotonic() - began, 15)
        self.assertEqual(strata.get("/-/healthy").status, 200)
        self.assertGreater(self.scrapes(strata), scraped)
        alerts = strata.get("/api/v1/alerts").json()["data"]["alerts"]
        self.assertTrue(alerts, "an alert does not end because the backend is away")
        engine.signal(signal.SIGCONT)
        wait_until(lambda: strata.value("count(app_value)") == SERIES, "answers again")
        engine.kill()
        answer = strata.get("/api/v1/query", query="up")
        self.assertEqual(answer.status, 503, answer.body)
        self.assertIn("query backend", answer.json()["error"])
        began = time.monotonic()
        strata.stop()  # nothing waits for the backend
        self.assertLess(time.monotonic() - began, 10)

    def scrapes(self, strata):
        text = strata.get("/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith("prometheus_tsdb_head_samples_appended_total"))

    def test_victoria_metrics(self):
        self.faults(self.start_victoria)

    def test_prometheus(self):
        self.faults(self.start_prometheus)

    def test_something_else_is_there(self):
        other = self.exposition(lambda n: "<html>welcome\n")
        (self.path / "strata.yml").write_text(
            f"query: {{backend: {{url: http://{other.address}}}}}\n")
        strata = self.strata(config="global: {}",
                             arguments=[f"--strata.config={self.path / 'strata.yml'}"])
        answer = strata.get("/api/v1/query_range", query="up", start=1, end=2, step=1)
        self.assertEqual(answer.status, 503)
        self.assertIn("query backend", answer.json()["error"])


class ForwardOnly(EndToEndTest):
    def test_a_site_sends_and_answers_no_queries(self):
        target = self.exposition(lambda n: f"app_value {n}\n")
        center = self.start(Strata(self.made("center"), config="global: {}",
                                   arguments=["--web.enable-remote-write-receiver"]))
        config = CONFIG.replace("rule_files: [rules.yml]", "").format(url=center.url,
                                                                      target=target.address)
        site = self.start(Strata(self.made("site"), config=config, arguments=["--forward-only"]))
        wait_until(lambda: center.value("app_value"), "samples at the center")
        for path in ("/api/v1/query?query=up", "/api/v1/labels", "/api/v1/series?match[]=up",
                     "/federate?match[]=up"):
            answer = http_request(site.url + path)
            self.assertEqual(answer.status, 503, path)
            self.assertIn(f"{center.url}/api/v1/write", answer.json()["error"])
        self.assertEqual(site.get("/api/v1/targets").status, 200)
        self.assertEqual(site.get("/api/v1/rules").json()["data"]["groups"], [])

    def test_what_it_would_not_do_is_refused(self):
        for name, config, text in (("none", "global: {}", "remote_write"),
                                   ("rules", 'remote_write: [{url: "http://127.0.0.1:1/w"}]\n'
                                    "rule_files: [x.yml]", "rule_files")):
            site = self.start(Strata(self.made(name), config=config,
                                     arguments=["--forward-only"], wait=False))
            site.process.wait(timeout=20)
            self.assertEqual(site.process.returncode, 1)
            self.assertIn(text, site.log())

    def made(self, name):
        path = pathlib.Path(self.directory) / name
        path.mkdir()
        return path


if __name__ == "__main__":
    main()

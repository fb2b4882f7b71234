#!/usr/bin/env python3
"""What a real Grafana (its Prometheus data source, as of August 2026) sends to its server, sent to
Strata: the health check, panels, exemplars, the metadata calls of its editor and variables."""
import gzip
import unittest
import urllib.parse

from harness import EndToEndTest, Exposition, http_request, wait_until

TEXT = """# HELP vllm:num_requests_running Requests that run.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="a"} 3
"""


class GrafanaClient(EndToEndTest):
    def setUp(self):
        super().setUp()
        target = Exposition(lambda _: TEXT)
        self.addCleanup(target.close)
        self.server = self.strata(
            config="global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: app\n"
                   f"  static_configs: [{{targets: ['{target.address}']}}]\n")
        wait_until(lambda: self.server.value("up") == 1.0, "a scrape")
        self.now = self.server.query("time()")[0]

    def post(self, path, **form):
        return http_request(
            self.server.url + path, urllib.parse.urlencode(form, doseq=True).encode(), "POST",
            {"Content-Type": "application/x-www-form-urlencoded", "Accept-Encoding": "gzip",
             "User-Agent": "Grafana/12.1.0", "X-Grafana-Org-Id": "1"})

    def data(self, answer):
        self.assertEqual(answer.status, 200, answer.body)
        body = answer.body
        if answer.headers.get("Content-Encoding") == "gzip":
            answer.body = gzip.decompress(body)
        answer = answer.json()
        self.assertEqual(answer["status"], "success")
        return answer["data"]

    def test_health_check(self):
        self.assertEqual(self.data(self.post("/api/v1/query", query="1+1", time="4")),
                         {"resultType": "scalar", "result": [4, "2"]})
        build = self.data(self.server.get("/api/v1/status/buildinfo"))
        self.assertNotIn("features", build)  # else it is taken for Mimir
        version = [int(part) for part in build["version"].split("+")[0].split(".")]
        self.assertGreaterEqual(version, [2, 24, 0])

    def test_panels(self):
        data = self.data(self.post("/api/v1/query_range", query='{__name__="vllm:num_requests_running"}',
                                   start=f"{self.now - 60:.3f}", end=f"{self.now + 5:.3f}",
                                   step="5", timeout="60s"))
        self.assertEqual(data["resultType"], "matrix")
        self.assertEqual(data["result"][0]["metric"]["model_name"], "a")
        data = self.data(self.post("/api/v1/query", query="up", time=f"{self.now:.3f}"))
        self.assertEqual(data["resultType"], "vector")
        # An expression that is wrong: Grafana shows `error`.
        wrong = self.post("/api/v1/query_range", query="rate(up[5m]", start="1", end="2", step="1")
        self.assertEqual(wrong.status, 400)
        self.assertIn("parse error", wrong.body.decode())

    def test_exemplars_probe_with_milliseconds(self):
        now = round(self.now * 1000)
        self.assertEqual(self.data(self.post("/api/v1/query_exemplars", query="test",
                                             start=str(now - 3600_000), end=str(now))), [])

    def test_metadata(self):
        times = {"start": round(self.now) - 3600, "end": round(self.now) + 60}
        names = self.data(self.post("/api/v1/labels", limit=40000, **times,
                                    **{"match[]": '{__name__=~"vllm.*"}'}))
        self.assertEqual(names, ["__name__", "instance", "job", "model_name"])
        values = self.data(self.server.get("/api/v1/label/model_name/values", limit=0, **times,
                                           **{"match[]": '{"vllm:num_requests_running"}'}))
        self.assertEqual(values, ["a"])
        # A name in its escaped form (U__ and the code points): the same label.
        self.assertEqual(self.data(self.server.get("/api/v1/label/U__model__name/values")), ["a"])
        series = self.data(self.post("/api/v1/series", limit=40000, **times,
                                     **{"match[]": ["up", '{model_name="a"}']}))
        self.assertLessEqual({"up", "vllm:num_requests_running"},
                             {one["__name__"] for one in series})
        metadata = self.data(self.server.get("/api/v1/metadata"))
        self.assertEqual(metadata["vllm:num_requests_running"][0]["type"], "gauge")

    def test_unknown_paths_are_no_page(self):
        # Grafana's Alertmanager data source asks for this one to tell the implementations apart.
        for path in ("/alertmanager/api/v2/status", "/api/v1/nothing", "/api/datasources"):
            answer = self.server.get(path)
            self.assertEqual(answer.status, 404, path)
            self.assertEqual(answer.json()["status"], "error", path)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""What a person sees in the first minutes: no configuration, this host, a page, an API."""
import gzip
import time

from harness import EndToEndTest, http_request, main, wait_until


class FirstMinutes(EndToEndTest):
    def test_zero_config_watches_this_host(self):
        strata = self.strata()
        wait_until(lambda: strata.value('up{job="node"}') == 1.0, "the host to be scraped")
        wait_until(lambda: strata.value('up{job="strata"}') == 1.0, "Strata to scrape itself")
        # Two scrapes of /proc make a rate.
        modes = wait_until(lambda: strata.query("sum(rate(node_cpu_seconds_total[1m]))by(mode)"),
                           "a CPU rate", timeout=60)
        by_mode = {sample["metric"]["mode"]: float(sample["value"][1]) for sample in modes}
        self.assertIn("idle", by_mode)
        self.assertIn("user", by_mode)
        self.assertGreater(sum(by_mode.values()), 0)
        for name in ("node_memory_MemTotal_bytes", "node_load1", "node_filesystem_size_bytes",
                     "node_network_receive_bytes_total", "node_boot_time_seconds",
                     "node_uname_info", "process_cpu_seconds_total",
                     "prometheus_tsdb_head_series", "scrape_duration_seconds"):
            self.assertTrue(strata.query(name), name)

    def test_finds_an_engine_on_a_usual_port(self):
        # vLLM's port may be taken on this machine; any of the usual ones will do.
        engine = None
        for port in (8000, 8080, 8002, 30000, 9400):
            try:
                engine = self.exposition_on(port)
                break
            except OSError:
                continue
        if engine is None:
            self.skipTest("all of the usual ports are taken here")
        strata = self.strata()
        found = wait_until(lambda: strata.query('vllm:num_requests_running'), "the engine", 45)
        self.assertIn(str(port), found[0]["metric"]["instance"])

    def exposition_on(self, port):
        from harness import Exposition
        body = "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running 3\n"
        exposition = Exposition(lambda _: body, port=port)
        self.addCleanup(exposition.close)
        return exposition

    def test_serves_the_page_and_says_no_politely(self):
        strata = self.strata()
        page = http_request(strata.url + "/", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(page.status, 200)
        self.assertIn("text/html", page.headers["Content-Type"])
        self.assertIn(b"<html", gzip.decompress(page.body))
        self.assertIn(b"<html", http_request(strata.url + "/").body, "for those without gzip")
        self.assertIn("default-src 'none'", page.headers["Content-Security-Policy"])
        missing = strata.get("/api/v1/nothing")
        self.assertEqual(missing.status, 404)
        self.assertEqual(missing.json()["errorType"], "not_found")
        wrong = http_request(strata.url + "/-/reload")
        self.assertEqual(wrong.status, 405)
        later = http_request(strata.url + "/api/v1/otlp/v1/metrics", data=b"{}")
        self.assertEqual(later.status, 501)

    def test_api_shapes(self):
        strata = self.strata()
        for job in ("strata", "node"):
            wait_until(lambda: strata.value(f'up{{job="{job}"}}') == 1.0, "a first scrape")
        self.assertEqual(strata.get("/-/healthy").status, 200)
        build = strata.get("/api/v1/status/buildinfo").json()["data"]
        self.assertIn("version", build)
        flags = strata.get("/api/v1/status/flags").json()["data"]
        self.assertEqual(flags["storage.tsdb.path"], str(strata.directory / "data"))
        self.assertIn("job_name: node", strata.get("/api/v1/status/config").json()["data"]["yaml"])
        self.assertEqual(strata.get("/api/v1/status/runtimeinfo").json()["data"]
                         ["storageRetention"], "15d")
        tsdb = strata.get("/api/v1/status/tsdb").json()["data"]
        self.assertGreater(tsdb["headStats"]["numSeries"], 100)
        self.assertTrue(tsdb["seriesCountByMetricName"])
        self.assertIn("mode", strata.get("/api/v1/labels").json()["data"])
        self.assertIn("node", strata.get("/api/v1/label/job/values").json()["data"])
        series = strata.get("/api/v1/series", **{"match[]": "up"}).json()["data"]
        self.assertEqual({one["__name__"] for one in series}, {"up"})
        targets = strata.get("/api/v1/targets").json()["data"]["activeTargets"]
        by_job = {target["scrapePool"]: target for target in targets}
        self.assertEqual(by_job["strata"]["health"], "up")
        self.assertIn("node_load1", strata.get("/api/v1/metadata", metric="node_load1").json()["data"])
        now = time.time()
        matrix = strata.get("/api/v1/query_range", query="up", start=now - 60, end=now,
                            step=5).json()["data"]
        self.assertEqual(matrix["resultType"], "matrix")
        self.assertEqual(float(strata.get("/api/v1/query", query="1+1", time=4).json()["data"]
                               ["result"][1]), 2)

    def test_operators_paths(self):
        strata = self.strata()
        wait_until(lambda: strata.value('up{job="node"}') == 1.0, "a first scrape")
        running = strata.get("/api/v1/queries").json()
        self.assertEqual(running["data"], [])
        gone = http_request(strata.url + "/api/v1/queries/77", method="DELETE")
        self.assertEqual(gone.status, 404)
        features = strata.get("/api/v1/features").json()["data"]
        self.assertTrue(features["promql_functions"]["rate"])
        self.assertFalse(features["promql_functions"]["info"])
        self.assertEqual(strata.get("/api/v1/status/tsdb/blocks").json()["data"]["blocks"], [])
        federated = strata.get("/federate", **{"match[]": "up"})
        self.assertEqual(federated.status, 200)
        self.assertRegex(federated.body.decode(),
                         r'# TYPE up untyped\nup\{instance="[^"]+",job="[^"]+"\} 1 \d{13}\n')
        self.assertEqual(strata.get("/federate").status, 400)
        hint = strata.get("/api/v1/query", query="node_laod1").json()
        self.assertIn('did you mean "node_load1"?', hint["infos"][0])

    def test_errors_name_what_is_wrong(self):
        strata = self.strata()
        broken = strata.get("/api/v1/query", query="sum(rate(x[5m])")
        self.assertEqual(broken.status, 400)
        self.assertEqual(broken.json()["errorType"], "bad_data")
        self.assertRegex(broken.json()["error"], r"1:\d+: parse error")
        wide = strata.get("/api/v1/query_range", query="up", start=0, end=1e6, step=1)
        self.assertEqual(wide.status, 400)
        self.assertIn("11,000 points", wide.json()["error"])
        self.assertEqual(strata.get("/api/v1/query", query="up", time="yesterday").status, 400)
        self.assertEqual(strata.get("/api/v1/series").status, 400)

    def test_stops_on_sigterm_and_keeps_what_it_had(self):
        strata = self.strata()
        wait_until(lambda: strata.value('up{job="node"}') == 1.0, "the host to be scraped")
        before = strata.value('count({__name__=~".+"})')
        self.assertEqual(strata.stop(), 0)
        again = self.strata(port=strata.port)
        self.assertGreaterEqual(again.value('count({__name__=~".+"})'), before)


if __name__ == "__main__":
    main()

"""The same configuration gives the same targets in Strata and in Debian's Prometheus: discovered
labels, labels, scrape URLs and intervals, dropped targets, compared through /api/v1/targets.

Rules for differences between Prometheus 2.42 and 3.x, which Strata follows (applied to all):
- 2.42 adds the scheme's port to an address that has none, in the URL and in the default instance.
- 3.x has discovered labels that 2.42 does not know: those in ONLY_3.
- 2.42's relabelling overwrites the discovered labels of the targets it keeps: they are compared
  where nothing is relabelled, and of the targets that were dropped.
Nothing is scraped: intervals are hours, and addresses are on loopback or in .invalid.
"""
import http.server
import json
import pathlib
import re
import threading

from harness import (EndToEndTest, PrometheusApi, Process, free_port, http_request, main,
                     need_program, wait_until)

ONLY_3 = {"__scrape_native_histograms__", "__always_scrape_classic_histograms__",
          "__convert_classic_histograms_to_nhcb__", "__unix_socket__"}

# Job by job: what stands under its job_name.
JOBS = {
    "static": """
    static_configs:
      - targets: [127.0.0.1:1, 127.0.0.1:2]
""",
    "static_labels": """
    static_configs:
      - targets: [127.0.0.1:1]
        labels: {env: prod, team: a, empty: ""}
      - targets: [127.0.0.1:1, 127.0.0.1:3]
        labels: {env: dev}
""",
    "same_target_twice": """
    static_configs:
      - targets: [127.0.0.1:1, 127.0.0.1:1]
      - targets: [127.0.0.1:1]
""",
    "no_port": """
    static_configs:
      - targets: [node.invalid]
""",
    "no_port_https": """
    scheme: https
    static_configs:
      - targets: [node.invalid, "node.invalid:80", "other.invalid:443"]
""",
    "ipv6": """
    static_configs:
      - targets: ["[::1]:9100", "[fe80::1]:80"]
""",
    "path_and_params": """
    metrics_path: /federate
    params:
      "match[]": ['{job="a"}', up]
      b: [x y, "1&2"]
    static_configs:
      - targets: [127.0.0.1:1]
""",
    "path_without_slash": """
    metrics_path: probe
    static_configs:
      - targets: [127.0.0.1:1]
""",
    "intervals": """
    scrape_interval: 2h
    scrape_timeout: 90m
    static_configs:
      - targets: [127.0.0.1:1]
""",
    "labels_of_the_group_win": """
    metrics_path: /a
    scheme: https
    static_configs:
      - targets: [127.0.0.1:1]
        labels: {__metrics_path__: /b, __scheme__: http, __param_x: y, job: other, instance: me,
                 __scrape_interval__: 3h, __scrape_timeout__: 1s}
""",
    "blackbox": """
    metrics_path: /probe
    params: {module: [http_2xx]}
    static_configs:
      - targets: ["http://a.invalid/x?y=z", "https://b.invalid"]
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance}
      - {target_label: __address__, replacement: "127.0.0.1:9115"}
""",
    "keep": """
    static_configs:
      - targets: [127.0.0.1:1, 127.0.0.1:2, 127.0.0.1:13]
    relabel_configs:
      - {source_labels: [__address__], regex: '.*:1\\d*', action: keep}
""",
    "drop": """
    static_configs:
      - targets: [127.0.0.1:1, 127.0.0.1:2]
        labels: {a: b}
    relabel_configs:
      - {source_labels: [__address__, a], separator: "/", regex: '127\\.0\\.0\\.1:1/b', action: drop}
""",
    "drop_all": """
    static_configs:
      - targets: [127.0.0.1:1]
    relabel_configs:
      - {action: drop}
""",
    "replace_groups": """
    static_configs:
      - targets: [gpu-17.rack-3.invalid:9400]
    relabel_configs:
      - {source_labels: [__address__], regex: '([^.]+)\\.rack-(?P<rack>\\d+)\\..*', target_label: node,
         replacement: "${1}/$rack"}
      - {source_labels: [node], target_label: "$1_is", regex: '(gpu)-.*', replacement: "yes"}
      - {source_labels: [missing], regex: '(.+)', target_label: never}
      - {source_labels: [node], target_label: node2, regex: 'none'}
""",
    "remove_by_replace": """
    static_configs:
      - targets: [127.0.0.1:1]
        labels: {a: b, c: d}
    relabel_configs:
      - {target_label: a, replacement: ""}
      - {source_labels: [missing], target_label: c}
""",
    "hashmod": """
    static_configs:
      - targets: [127.0.0.1:1, 127.0.0.1:2, 127.0.0.1:3, 127.0.0.1:4, 127.0.0.1:5, 127.0.0.1:6]
    relabel_configs:
      - {source_labels: [__address__], modulus: 3, target_label: shard, action: hashmod}
      - {source_labels: [shard], regex: "0|2", action: keep}
""",
    "labelmap": """
    static_configs:
      - targets: [127.0.0.1:1]
        labels: {__meta_k8s_label_app: web, __meta_k8s_label_tier: front, other: x}
    relabel_configs:
      - {regex: '__meta_k8s_label_(.+)', action: labelmap}
      - {regex: 'other', replacement: renamed, action: labelmap}
""",
    "labeldrop": """
    static_configs:
      - targets: [127.0.0.1:1]
        labels: {a_tmp: "1", b_tmp: "2", c: "3"}
    relabel_configs:
      - {regex: '.*_tmp', action: labeldrop}
""",
    "labelkeep": """
    static_configs:
      - targets: [127.0.0.1:1]
        labels: {a: "1", b: "2", c: "3"}
    relabel_configs:
      - {regex: '__.*|a|job', action: labelkeep}
""",
    "letter_case": """
    static_configs:
      - targets: [127.0.0.1:1]
        labels: {site: "Zürich-ÄÖ", other: MiXed}
    relabel_configs:
      - {source_labels: [site], target_label: lower, action: lowercase}
      - {source_labels: [site, other], target_label: upper, action: uppercase}
""",
    "keepequal": """
    static_configs:
      - {targets: [127.0.0.1:1], labels: {a: x, b: x}}
      - {targets: [127.0.0.1:2], labels: {a: x, b: y}}
      - {targets: [127.0.0.1:3]}
    relabel_configs:
      - {source_labels: [a], target_label: b, action: keepequal}
""",
    "dropequal": """
    static_configs:
      - {targets: [127.0.0.1:1], labels: {a: x, b: x}}
      - {targets: [127.0.0.1:2], labels: {a: x, b: y}}
    relabel_configs:
      - {source_labels: [a], target_label: b, action: dropequal}
""",
    "scheme_and_path_by_relabelling": """
    static_configs:
      - targets: [127.0.0.1:1]
    relabel_configs:
      - {target_label: __scheme__, replacement: https}
      - {target_label: __metrics_path__, replacement: /m/n}
      - {target_label: __param_p, replacement: "v w"}
      - {target_label: __scrape_interval__, replacement: 4h}
      - {target_label: __scrape_timeout__, replacement: 3s}
""",
    "merged_by_relabelling": """
    static_configs:
      - targets: [127.0.0.1:1, 127.0.0.1:2]
    relabel_configs:
      - {target_label: __address__, replacement: "127.0.0.1:9"}
""",
    "job_by_relabelling": """
    static_configs:
      - targets: [127.0.0.1:1]
    relabel_configs:
      - {target_label: job, replacement: renamed}
      - {target_label: __tmp_x, replacement: gone}
      - {source_labels: [__tmp_x, job], target_label: both}
""",
    "address_that_is_none": """
    static_configs:
      - targets: [127.0.0.1:1, 127.0.0.1:2]
    relabel_configs:
      - {source_labels: [__address__], regex: '.*:2', target_label: __address__, replacement: ""}
""",
    "file_json": """
    file_sd_configs:
      - files: [files/*.json]
""",
    "file_yaml": """
    file_sd_configs:
      - files: [files/a.yml, files/missing.yml]
        refresh_interval: 1h
    relabel_configs:
      - {source_labels: [__meta_filepath], regex: '.*/([^/]+)', target_label: file}
""",
    "file_and_static": """
    honor_labels: true
    static_configs:
      - targets: [127.0.0.1:1]
    file_sd_configs:
      - files: [files/a.yml]
""",
    "no_targets": """
    static_configs: []
""",
    "empty_job": "",
}

FILES = {
    "a.json": json.dumps([{"targets": ["127.0.0.1:10", "127.0.0.1:11"], "labels": {"k": "ü"}},
                          {"targets": []}, {"labels": {"x": "y"}}]),
    "b.json": json.dumps([{"targets": ["127.0.0.1:12"]}]),
    "a.yml": "- targets: ['127.0.0.1:20']\n  labels: {k: yes, n: 1}\n- targets: [b.invalid]\n",
}

# What stands under global, by its interval as the API shows it.
GLOBALS = {
    "1h": "scrape_interval: 1h",
    "1h30m": "scrape_interval: 90m\n  scrape_timeout: 20s\n  external_labels: {region: eu}",
}


def config_of(settings, jobs):
    text = f"global:\n  {settings}\nscrape_configs:\n"
    return text + "".join(f"  - job_name: {name}{body.rstrip()}\n" for name, body in jobs.items())


def without_default_port(text, scheme):
    port = {"http": "80", "https": "443"}.get(scheme)
    return re.sub(rf":{port}(?=/|$)", "", text) if port else text


def comparable(target, relabelled=False):
    """What the two must agree on, as one value."""
    discovered = {k: v for k, v in target["discoveredLabels"].items() if k not in ONLY_3}
    if "labels" not in target:
        return json.dumps(discovered, sort_keys=True)
    scheme = target["scrapeUrl"].split(":")[0]
    labels = dict(target["labels"])
    labels["instance"] = without_default_port(labels["instance"], scheme)
    url = re.sub(r"^(\w+://)([^/]*)", lambda m: m[1] + without_default_port(m[2], scheme),
                 target["scrapeUrl"])
    return json.dumps([None if relabelled else discovered, labels, url, target["scrapeInterval"],
                       target["scrapeTimeout"]], sort_keys=True, ensure_ascii=False)


def targets_of(api):
    """{job: (active, dropped)}, sorted. A dropped target of 2.42 names its job in its labels."""
    data = api.get("/api/v1/targets").json()["data"]
    jobs = {}
    for target in data["activeTargets"]:
        job = target["scrapePool"]
        relabelled = "relabel_configs" in JOBS.get(job, "relabel_configs")
        jobs.setdefault(job, ([], []))[0].append(comparable(target, relabelled))
    for target in data["droppedTargets"]:
        jobs.setdefault(target["discoveredLabels"]["job"], ([], []))[1].append(comparable(target))
    return {job: (sorted(active), sorted(dropped)) for job, (active, dropped) in jobs.items()}


class JsonServer:
    """Answers every GET with one JSON text."""

    def __init__(self, text):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d/targets" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Prometheus(Process, PrometheusApi):
    def __init__(self, directory, binary):
        PrometheusApi.__init__(self, free_port())
        Process.__init__(self, [binary, f"--config.file={directory / 'prometheus.yml'}",
                                f"--web.listen-address=127.0.0.1:{self.port}",
                                "--storage.tsdb.path=prometheus-data", "--web.enable-lifecycle"],
                         directory, "prometheus")


class Discovery(EndToEndTest):
    def start_both(self, config):
        binary = need_program("prometheus")
        directory = pathlib.Path(self.directory)
        (directory / "files").mkdir()
        for name, text in FILES.items():
            (directory / "files" / name).write_text(text)
        self.ours = self.strata(config=config)  # writes prometheus.yml, which both read
        self.theirs = self.start(Prometheus(directory, binary))
        wait_until(self.theirs.ready, "prometheus to be ready")

    def load(self, config):
        (pathlib.Path(self.directory) / "prometheus.yml").write_text(config)
        for api in (self.ours, self.theirs):
            answer = http_request(f"{api.url}/-/reload", method="POST")
            self.assertEqual(answer.status, 200, answer.body)

    def compare(self, interval):
        """Prometheus hands targets on every 5 s: waits until both have taken the configuration and
        agree, then shows what differs."""
        def agree():
            ours, theirs = targets_of(self.ours), targets_of(self.theirs)
            return ours == theirs and f'"{interval}"' in str(ours)
        try:
            wait_until(agree, "both to agree", timeout=20, every=0.2)
        except AssertionError:
            pass
        ours, theirs = targets_of(self.ours), targets_of(self.theirs)
        self.maxDiff = None
        for job in sorted(ours.keys() | theirs.keys()):
            with self.subTest(interval=interval, job=job):
                self.assertEqual(ours.get(job), theirs.get(job))
        self.assertIn(f'"{interval}"', str(theirs))
        return theirs

    def test_same_targets_as_prometheus(self):
        self.assertGreaterEqual(len(JOBS), 30)
        self.start_both(config_of(next(iter(GLOBALS.values())), JOBS))
        for interval, settings in GLOBALS.items():
            self.load(config_of(settings, JOBS))
            agreed = self.compare(interval)
            # Both saying nothing would agree too.
            self.assertGreaterEqual(sum(bool(a or d) for a, d in agreed.values()), len(JOBS) - 3)

    def test_same_targets_by_http(self):
        server = JsonServer(json.dumps(
            [{"targets": ["127.0.0.1:1", "127.0.0.1:2"], "labels": {"__meta_rack": "r1", "k": "v"}},
             {"targets": ["a.invalid"]}]))
        self.addCleanup(server.server.shutdown)
        self.start_both(config_of("scrape_interval: 1h", {"http": f"""
    http_sd_configs:
      - url: {server.url}
    relabel_configs:
      - {{source_labels: [__meta_rack], target_label: rack}}
"""}))
        if "nothing here can speak HTTP" in self.ours.log():
            self.skipTest("this binary has no HTTP client for discovery")
        agreed = self.compare("1h")
        self.assertEqual(len(agreed["http"][0]), 3)


if __name__ == "__main__":
    main()

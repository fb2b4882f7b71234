"""Targets that come over the network, through the whole program: http_sd, whose answer changes, and
Kubernetes, from an API server of our own that lists, watches, and forgets (410)."""
import http.server
import json
import queue
import threading
import urllib.parse

from harness import EndToEndTest, main, wait_until

HTTP_SD = """
scrape_configs:
  - job_name: over-http
    scrape_interval: 200ms
    scrape_timeout: 200ms
    http_sd_configs: [{{url: "http://127.0.0.1:{port}/targets", refresh_interval: 200ms}}]
"""
KUBERNETES = """
scrape_configs:
  - job_name: pods
    scrape_interval: 200ms
    scrape_timeout: 200ms
    kubernetes_sd_configs: [{{role: pod, api_server: "http://127.0.0.1:{port}"}}]
    relabel_configs:
      - {{source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], regex: "true",
         action: keep}}
      - {{source_labels: [__meta_kubernetes_pod_name], target_label: pod}}
"""


class Server:
    """An HTTP server; `answer(handler, path, query)` is called for each GET."""

    def __init__(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                answer(self, url.path, dict(urllib.parse.parse_qsl(url.query)))

            def send_json(self, value, status=200):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class ApiServer(Server):
    """Pods, as the Kubernetes API lists and watches them."""

    def __init__(self):
        self.pods, self.version, self.watches = {}, 1, []
        self.lists = 0
        self.lock = threading.Lock()
        super().__init__(self.answer)

    def answer(self, handler, path, query):
        if path != "/api/v1/pods":
            return handler.send_json({"kind": "Status", "code": 404}, 404)
        if query.get("watch") not in ("1", "true"):
            with self.lock:
                self.lists += 1
                items = list(self.pods.values())
                version = self.version
            return handler.send_json({"kind": "PodList", "items": items,
                                      "metadata": {"resourceVersion": str(version)}})
        events = queue.Queue()
        with self.lock:
            self.watches.append(events)
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while (event := events.get()) is not None:
            line = (json.dumps(event) + "\n").encode()
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            handler.wfile.flush()
        handler.wfile.write(b"0\r\n\r\n")

    def tell(self, event):
        for events in self.watches:
            events.put(event)

    def set_pod(self, name, port):
        with self.lock:
            self.version += 1
            known = name in self.pods
            self.pods[name] = {
                "metadata": {"name": name, "namespace": "llm", "uid": name,
                             "resourceVersion": str(self.version),
                             "annotations": {"prometheus.io/scrape": "true"}},
                "spec": {"containers": [{"name": "engine", "ports": [{"containerPort": port}]}]},
                "status": {"phase": "Running", "podIP": "127.0.0.1"}}
            self.tell({"type": "MODIFIED" if known else "ADDED", "object": self.pods[name]})

    def delete_pod(self, name):
        with self.lock:
            self.version += 1
            self.tell({"type": "DELETED", "object": self.pods.pop(name)})

    def forget(self):
        """The watch's version is too old; what changed meanwhile is only in a new list."""
        with self.lock:
            self.tell({"type": "ERROR", "object": {"kind": "Status", "code": 410}})
            self.end_watches()

    def end_watches(self):
        self.tell(None)
        self.watches.clear()

    def close(self):
        with self.lock:
            self.end_watches()
        super().close()


class NetworkDiscoveryTest(EndToEndTest):
    def instances(self, strata, job):
        return sorted(target["labels"]["instance"]
                      for target in strata.get("/api/v1/targets").json()["data"]["activeTargets"]
                      if target["labels"]["job"] == job)

    def test_http_sd(self):
        first, second = (self.exposition(lambda number: f"x {number}\n") for _ in range(2))
        answer = {"status": 200, "groups": [{"targets": [first.address], "labels": {"rack": "a"}}]}
        server = Server(lambda handler, path, query: handler.send_json(answer["groups"],
                                                                       answer["status"]))
        self.addCleanup(server.close)
        strata = self.strata(config=HTTP_SD.format(port=server.port))
        wait_until(lambda: strata.value('up{job="over-http",rack="a"}') == 1, "the first target")
        answer["groups"] = [{"targets": [second.address], "labels": {"rack": "b"}}]
        wait_until(lambda: self.instances(strata, "over-http") == [second.address],
                   "the second target instead")
        answer["status"] = 500
        wait_until(lambda: "sd_refresh_failures_total" in
                   strata.get("/metrics").body.decode(), "a refresh that fails")
        wait_until(lambda: strata.value('up{job="over-http",rack="b"}') == 1,
                   "the targets of before to stay")
        self.assertEqual(self.instances(strata, "over-http"), [second.address])

    def test_kubernetes(self):
        one, two, three = (self.exposition(lambda number: f"x {number}\n") for _ in range(3))
        api = ApiServer()
        self.addCleanup(api.close)
        api.set_pod("engine-0", one.port)
        strata = self.strata(config=KUBERNETES.format(port=api.port))
        wait_until(lambda: strata.value('up{pod="engine-0"}') == 1, "the pod of the list")
        wait_until(lambda: api.watches, "a watch")
        api.set_pod("engine-1", two.port)
        wait_until(lambda: strata.value('up{pod="engine-1"}') == 1, "the pod of the watch")
        api.delete_pod("engine-0")
        wait_until(lambda: self.instances(strata, "pods") == [two.address], "the deleted pod to go")
        wait_until(lambda: strata.value('up{pod="engine-0"}') is None, "its series to end")

        lists = api.lists
        api.forget()
        api.set_pod("engine-2", three.port)
        wait_until(lambda: api.lists > lists, "a new list after 410")
        wait_until(lambda: self.instances(strata, "pods") == sorted([two.address, three.address]),
                   "what the new list has")


if __name__ == "__main__":
    main()

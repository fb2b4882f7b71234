#!/usr/bin/env python3
"""Dashboards by hand and by program: strata dashboards list, export and push, to a Grafana that is
played and to Strata itself; the guide's curl; everything below a path prefix, alone and behind nginx."""
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import threading

from harness import BINARY, EndToEndTest, ROOT, Process, free_port, http_request, main, wait_until


class FakeGrafana:
    """The part of Grafana's API that `push` needs; a token has to be there."""

    def __init__(self):
        grafana = self
        self.bodies = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.headers["Authorization"] != "Bearer secret":
                    return self.answer(401, {"message": "Unauthorized"})
                if self.path != "/grafana/api/dashboards/db" or "title" not in body["dashboard"]:
                    return self.answer(400, {"message": "bad request data"})
                grafana.bodies.append(body)
                uid = body["dashboard"].get("uid") or "made"
                self.answer(200, {"id": 1, "uid": uid, "url": f"/grafana/d/{uid}/x",
                                  "status": "success", "version": 1, "slug": "x"})

            def answer(self, status, value):
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/grafana"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def strata(*arguments, code=0, **environment):
    result = subprocess.run([BINARY, "dashboards", *arguments], capture_output=True, text=True,
                            timeout=30, env=os.environ | environment)
    assert result.returncode == code, (arguments, result.stdout, result.stderr)
    return result.stdout + result.stderr


class DashboardCommands(EndToEndTest):
    def write(self, name, value):
        path = pathlib.Path(self.directory) / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return str(path)

    def test_the_binary_lists_and_exports_its_own(self):
        self.assertIn("strata-engine", strata("list"))
        folder = f"{self.directory}/boards"
        self.assertIn("3 dashboards", strata("export", folder))
        board = json.loads(pathlib.Path(folder, "strata-gpu.json").read_text())
        self.assertEqual(board["title"], "GPU")
        self.assertIn("is there already", strata("export", folder, code=1))
        self.assertIn("0 of 1", strata("export", f"{folder}2", "nosuch", code=1))

    def test_a_grafana_is_pushed_to(self):
        grafana = FakeGrafana()
        self.addCleanup(grafana.close)
        token = self.write("token", "secret\n")
        whole = self.write("whole.json", {"id": 9, "uid": "mine", "title": "Mine", "panels": []})
        panels = self.write("fragment.json", [{"type": "stat", "title": "Only a panel"}])
        said = strata("push", whole, panels, "--url", grafana.url, "--token-file", token,
                      "--folder", "llm", "--message", "by test", "--overwrite")
        self.assertIn("/grafana/d/mine/x version 1", said)
        first, second = grafana.bodies
        self.assertEqual(first, {"dashboard": {"id": None, "uid": "mine", "title": "Mine",
                                               "panels": []},
                                 "folderUid": "llm", "message": "by test", "overwrite": True})
        self.assertEqual(second["dashboard"]["title"], "fragment")
        self.assertEqual(second["dashboard"]["panels"][0]["title"], "Only a panel")
        self.assertIn("401: Unauthorized", strata("push", whole, "--url", grafana.url, code=1,
                                                  GRAFANA_TOKEN="wrong"))
        self.assertIn("fragment.json", strata("push", panels, "--url", grafana.url,
                                              GRAFANA_TOKEN="secret"))
        broken = self.write("broken.json", "{")
        self.assertIn("broken.json", strata("push", broken, "--url", grafana.url, code=1))

    def test_strata_takes_what_it_gives(self):
        server = self.strata(config="")
        mine = self.write("mine.json", {"title": "Mine", "panels": []})
        self.assertIn("version 1", strata("push", mine, "--url", server.url))
        self.assertIn("(saved)", strata("list", "--url", server.url))
        folder = f"{self.directory}/out"
        self.assertIn("4 dashboards", strata("export", folder, "--url", server.url))
        self.assertTrue(any(json.loads(path.read_text())["title"] == "Mine"
                            for path in pathlib.Path(folder).iterdir()))
        # Everything that comes with Strata is taken again.
        strata("push", *map(str, sorted(ROOT.glob("dashboards/*.json"))), "--url", server.url)

    def test_the_guides_curl(self):
        server = self.strata(config="")
        body = self.write("dashboard.json", {"dashboard": {"title": "By curl", "panels": []}})
        result = subprocess.run(
            ["curl", "-sS", "-X", "POST", "-H", "Content-Type: application/json", "-H",
             "Authorization: Bearer YOUR_GRAFANA_API_KEY", "-d", f"@{body}",
             f"{server.url}/api/dashboards/db"], capture_output=True, text=True, timeout=30)
        self.assertEqual(json.loads(result.stdout)["status"], "success", result)

    def test_the_provisioning_of_a_real_grafana_is_valid(self):
        try:
            import yaml
        except ImportError:
            self.skipTest("python3-yaml is not installed")
        folder = ROOT / "dashboards/grafana-provisioning"
        source = yaml.safe_load((folder / "datasources/strata.yaml").read_text())
        provider = yaml.safe_load((folder / "dashboards/strata.yaml").read_text())
        self.assertEqual(source["apiVersion"], 1)
        self.assertEqual(source["datasources"][0]["type"], "prometheus")
        self.assertEqual(provider["apiVersion"], 1)
        self.assertEqual(provider["providers"][0]["type"], "file")


class PathPrefix(EndToEndTest):
    NGINX = """
daemon off; master_process off; pid PID; error_log stderr;
events {}
http {
  access_log off;
  server {
    listen 127.0.0.1:PORT;
    location /watch/ { proxy_pass http://127.0.0.1:UPSTREAM; proxy_http_version 1.1; proxy_buffering off; }
  }
}
"""

    def check(self, url):
        self.assertEqual(http_request(f"{url}/-/healthy").status, 200)
        self.assertEqual(http_request(f"{url}/api/v1/query?query=1").json()["status"], "success")
        page = http_request(f"{url}/").body.decode()
        self.assertIn("<html", page)
        self.assertNotIn('src="/', page)
        self.assertIn("strata_build_info", http_request(f"{url}/metrics").body.decode())
        board = http_request(f"{url}/api/search").json()[0]
        self.assertTrue(board["url"].startswith("/watch/d/"), board)
        batch = json.dumps({"queries": [{"id": "a", "query": "1", "end": 1000}]}).encode()
        answer = http_request(f"{url}/api/v1/query_batch", data=batch).body.decode()
        self.assertTrue(answer.endswith('{"done":true}\n'), answer)

    def test_below_the_external_urls_path(self):
        port = free_port()
        server = self.strata(config="", port=port, wait=False, arguments=[
            f"--web.external-url=http://127.0.0.1:{port}/watch/"])
        wait_until(lambda: http_request(f"{server.url}/watch/-/ready").status == 200, "ready")
        self.check(f"{server.url}/watch")
        self.assertEqual(http_request(f"{server.url}/api/v1/query?query=1").status, 404)

    def test_behind_nginx(self):
        if shutil.which("nginx") is None:
            self.skipTest("nginx is not installed")
        port, front = free_port(), free_port()
        server = self.strata(config="", port=port, wait=False, arguments=[
            f"--web.external-url=http://127.0.0.1:{front}/watch"])
        wait_until(lambda: http_request(f"{server.url}/watch/-/ready").status == 200, "ready")
        config = pathlib.Path(self.directory, "nginx.conf")
        config.write_text(self.NGINX.replace("PID", f"{self.directory}/pid").replace(
            "PORT", str(front)).replace("UPSTREAM", str(port)))
        self.start(Process(["nginx", "-p", self.directory, "-e", "stderr", "-c", str(config)],
                           self.directory, "nginx"))
        wait_until(lambda: http_request(f"http://127.0.0.1:{front}/watch/-/ready").status == 200,
                   "nginx")
        self.check(f"http://127.0.0.1:{front}/watch")


if __name__ == "__main__":
    main()

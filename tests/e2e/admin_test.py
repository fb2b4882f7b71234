"""Administration of the store by people and scripts: deletion of series, snapshots that are stores,
retention by series in strata.yml, and repair of a damaged block on the command line."""
import pathlib
import subprocess
import time

from harness import BINARY, EndToEndTest, http_request, main, wait_until

CONFIG = """
global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}
scrape_configs:
  - job_name: app
    static_configs: [{{targets: ["{target}"]}}]
"""
RETENTION = """
storage:
  retention:
    - match: '{__name__="short"}'
      keep: 2s
"""


def body(number):
    return f"short {number}\nlong {number}\ndoomed {number}\n"


class AdminTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.target = self.exposition(body)

    def serve(self, *arguments, **options):
        return self.strata(config=CONFIG.format(target=self.target.address),
                           arguments=["--web.enable-admin-api", *arguments], **options)

    def post(self, strata, path):
        return http_request(f"{strata.url}/api/v1/admin/tsdb/{path}", data=b"", method="POST")

    def stored(self, strata, name, window="1h"):
        found = strata.query(f"{name}[{window}]")
        return {float(t): v for t, v in found[0]["values"]} if found else {}

    def test_deleted_series_are_gone_and_stay_gone(self):
        strata = self.serve()
        wait_until(lambda: len(self.stored(strata, "doomed")) > 10, "scrapes")
        before = max(self.stored(strata, "doomed"))
        self.assertEqual(self.post(strata, "delete_series?match[]=doomed").status, 204)
        self.assertFalse([t for t in self.stored(strata, "doomed") if t <= before])
        self.assertGreater(len(self.stored(strata, "long")), 10)
        self.assertEqual(self.post(strata, "clean_tombstones").status, 204)
        strata.kill()
        strata = self.serve(port=strata.port)
        self.assertFalse([t for t in self.stored(strata, "doomed") if t <= before])
        self.assertEqual(self.post(strata, "delete_series").status, 400)

    def test_a_snapshot_is_served_while_scraping_goes_on(self):
        strata = self.serve()
        wait_until(lambda: len(self.stored(strata, "long")) > 10, "scrapes")
        before = self.stored(strata, "long")
        answer = self.post(strata, "snapshot").json()
        self.assertEqual(answer["status"], "success")
        path = pathlib.Path(self.directory) / "data/snapshots" / answer["data"]["name"]
        other = self.strata(config="scrape_configs: []\n",
                            arguments=[f"--storage.tsdb.path={path}"])
        copied = self.stored(other, "long")
        self.assertEqual({t: v for t, v in copied.items() if t in before}, before)
        wait_until(lambda: len(self.stored(strata, "long")) > len(copied) + 5, "scraping to go on")
        self.assertEqual(len(self.stored(other, "long")), len(copied))

    def test_retention_by_series_hides_at_once(self):
        path = pathlib.Path(self.directory) / "strata.yml"
        path.write_text(RETENTION)
        strata = self.serve(f"--strata.config={path}")
        wait_until(lambda: len(self.stored(strata, "long")) > 35, "scrapes")
        newest = max(self.stored(strata, "long"))
        self.assertLess(newest - min(self.stored(strata, "short")), 3)
        self.assertGreater(newest - min(self.stored(strata, "long")), 3)
        path.write_text(RETENTION.replace('"short"}', '"short"'))
        failed = http_request(f"{strata.url}/-/reload", data=b"", method="POST")
        self.assertEqual(failed.status, 500)
        self.assertIn(b"strata.yml:4:14", failed.body)

    def test_repair_says_what_was_lost(self):
        data = pathlib.Path(self.directory) / "imported"
        text = pathlib.Path(self.directory) / "old.prom"
        start = int(time.time()) - 12 * 3600
        text.write_text("".join(f'old{{i="{i}"}} {t % 97} {(start + t) * 1000}\n'
                                for i in range(20) for t in range(0, 3600, 15)))
        self.run_strata(0, "import", "text", str(text), "--storage.path", str(data))
        self.assertIn("nothing is damaged", self.run_strata(0, "tsdb", "repair", str(data)))
        block = next((data / "blocks").iterdir())
        bytes_ = bytearray((block / "data").read_bytes())
        bytes_[len(bytes_) // 2] ^= 1
        (block / "data").write_bytes(bytes_)
        said = self.run_strata(1, "tsdb", "repair", str(data))
        self.assertIn("lost: up to", said)
        self.assertTrue((data / "blocks" / (block.name + ".damaged")).exists())
        self.assertIn("0 damage(s) found", self.run_strata(0, "tsdb", "verify", str(data)))
        # It looks at what was kept aside again, and says again that nothing can be saved.
        self.assertIn("no sample of it", self.run_strata(1, "tsdb", "repair", str(data)))

    def run_strata(self, code, *arguments):
        done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout


if __name__ == "__main__":
    main()

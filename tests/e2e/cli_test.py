"""The command line: help, version, check config, query."""
import json
import pathlib
import subprocess

from harness import BINARY, EndToEndTest, free_port, main, wait_until


def strata(*arguments, cwd=None):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=30, cwd=cwd)


class CommandLine(EndToEndTest):
    def test_help_and_version(self):
        shown = strata("--help")
        self.assertEqual(shown.returncode, 0)
        for word in ("serve", "check", "query", "version"):
            self.assertIn(word, shown.stdout)
        self.assertIn("--storage.tsdb.path", strata("serve", "--help").stdout)
        version = strata("version")
        self.assertEqual(version.returncode, 0)
        self.assertRegex(version.stdout, r"^strata \d+\.\d+\.\d+ ")
        nothing = strata()
        self.assertEqual(nothing.returncode, 2)
        self.assertEqual(strata("nonsense").returncode, 2)

    def test_check_config(self):
        path = pathlib.Path(self.directory) / "prometheus.yml"
        path.write_text("scrape_configs:\n  - job_name: a\n"
                        "    static_configs: [{targets: ['b:1']}]\n")
        good = strata("check", "config", str(path))
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertIn("SUCCESS", good.stdout)
        path.write_text("scrape_configs:\n  - job_name: a\n  - job_name: a\n")
        bad = strata("check", "config", str(path))
        self.assertEqual(bad.returncode, 1)
        self.assertRegex(bad.stderr, r"prometheus\.yml:3:\d+: ")
        self.assertEqual(strata("check", "config", str(path) + ".missing").returncode, 1)

    def test_query(self):
        target = self.exposition(lambda n: f'n{{a="x,y"}} {n}\n')
        server = self.strata(config="scrape_configs:\n  - job_name: j\n    scrape_interval: 200ms\n"
                             f"    static_configs: [{{targets: ['{target.address}']}}]\n")
        wait_until(lambda: server.query("n"), "a sample")
        table = strata("query", "instant", "--url", server.url, "n")
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertRegex(table.stdout, r'n\{a="x,y", instance=".*", job="j"\}\s+\d+')
        answer = strata("query", "instant", "--url", server.url, "-o", "json", "n")
        self.assertEqual(json.loads(answer.stdout)["data"]["resultType"], "vector")
        csv = strata("query", "range", "--url", server.url, "-o", "csv", "--step", "1", "n")
        self.assertTrue(csv.stdout.startswith("series,time,value\n"))
        self.assertIn('"n{a=""x,y""', csv.stdout)
        wrong = strata("query", "instant", "--url", server.url, "sum(")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("parse error", wrong.stderr)

    def test_promql_test_files(self):
        path = pathlib.Path(self.directory) / "a.test"
        path.write_text("load 1m\n  a 1 2 3\n\neval instant at 2m a\n  a 3\n")
        good = strata("test", "promql", str(path))
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertIn("1/1 evaluations pass", good.stdout)
        path.write_text("load 1m\n  a 1 2 3\n\neval instant at 2m a\n  a 4\n")
        bad = strata("test", "promql", str(path))
        self.assertEqual(bad.returncode, 1)
        self.assertIn("a.test:4: a", bad.stdout)

    def test_query_without_a_server(self):
        alone = strata("query", "instant", "--url", f"http://127.0.0.1:{free_port()}", "up")
        self.assertEqual(alone.returncode, 1)
        self.assertIn("refused", alone.stderr)
        self.assertIn("strata serve", alone.stderr)


if __name__ == "__main__":
    main()

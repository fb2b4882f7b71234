"""The configurations of examples/scale, run: their hosts are put on loopback, the rest is as it is
written there."""
import collections
import pathlib
import re
import subprocess

from harness import (BINARY, EndToEndTest, Process, ROOT, Strata, free_port, http_request, main,
                     need_program, wait_until)

VICTORIA = need_program("victoria-metrics")
EXAMPLES = ROOT / "examples" / "scale"


class Topology(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.made = 0
        # Each says which one it is.
        self.targets = [self.exposition(lambda n, i=i: f'node_number{{instance="node-{i}"}} {i}\n')
                        for i in range(12)]

    def config(self, name, hosts=None, **changes):
        """The text of examples/scale/NAME: targets node-N are ours, scrapes come faster."""
        text = (EXAMPLES / name).read_text()
        text = re.sub(r"(scrape|evaluation)_interval: \d+s", r"\1_interval: 500ms", text)
        ours = ", ".join(f'"{target.address}"' for target in self.targets)
        text = re.sub(r'"node-1:9400"(, "node-\d:9400")*', ours, text)
        for host, address in (hosts or {}).items():
            self.assertIn(host, text)
            text = text.replace(host, address)
        for old, new in changes.items():
            text = text.replace(old, new)
        return text

    def serve(self, config, *arguments, strata_config=None):
        self.made += 1
        directory = pathlib.Path(self.directory) / f"server-{self.made}"
        directory.mkdir()
        arguments = list(arguments)
        if strata_config is not None:
            (directory / "strata.yml").write_text(strata_config)
            arguments.append(f"--strata.config={directory / 'strata.yml'}")
        return self.start(Strata(directory, config=config, arguments=arguments))

    def victoria(self):
        port = free_port()
        self.start(Process(
            [VICTORIA, f"-storageDataPath={self.directory}/victoria",
             f"-httpListenAddr=127.0.0.1:{port}", "-search.latencyOffset=0s"],
            self.directory, "victoria"))
        wait_until(lambda: http_request(f"http://127.0.0.1:{port}/health").status == 200,
                   "victoria-metrics")
        return f"127.0.0.1:{port}"

    def test_every_configuration_loads(self):
        for path in sorted(EXAMPLES.glob("*.yml")):
            with self.subTest(path.name):
                if path.name.endswith("-strata.yml"):
                    self.assertEqual(self.serve("global: {}",
                                                strata_config=path.read_text()).stop(), 0)
                    continue
                done = subprocess.run([BINARY, "check", "config", str(path)],
                                      capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_one_site_and_an_engine_that_keeps_more(self):
        victoria = self.victoria()
        strata = self.serve(self.config("one-site.yml", {"victoria:8428": victoria}))
        wait_until(lambda: strata.value("sum(node_number)") == 66, "samples here")
        other = self.serve("global: {}", strata_config=(
            f"query: {{backend: {{url: http://{victoria}}}}}\n"))
        wait_until(lambda: other.value('sum(node_number{site="north"})') == 66, "samples there")

    def test_many_sites_and_a_center_that_asks_about_all(self):
        victoria = {"victoria:8428": self.victoria()}
        for site in ("north", "south"):
            self.serve(self.config("site.yml", victoria, north=site), "--forward-only")
        center = self.serve(self.config("center.yml", victoria), "--rules.builtin=on",
                            strata_config=self.config("center-strata.yml", victoria))
        wait_until(lambda: {row["metric"]["site"]: row["value"][1]
                            for row in center.query("sum by (site) (node_number)")} ==
                   {"north": "66", "south": "66"}, "both sites")
        # The rules that come with Strata are evaluated over there, without errors.
        groups = center.get("/api/v1/rules").json()["data"]["groups"]
        self.assertGreater(len(groups), 3)
        wait_until(lambda: all(rule["health"] in ("ok", "unknown")
                               for group in center.get("/api/v1/rules").json()["data"]["groups"]
                               for rule in group["rules"]), "healthy rules")

    def test_three_shards_scrape_each_target_once(self):
        shards = [self.serve(self.config("shard.yml", {
            'regex: "0"': f'regex: "{i}"', 'shard: "0"': f'shard: "{i}"'})) for i in range(3)]
        wait_until(lambda: sum(shard.value("count(node_number)") or 0 for shard in shards) == 12,
                   "samples of all targets")
        owners = collections.Counter()
        for shard in shards:
            owners.update(row["metric"]["instance"] for row in shard.query("node_number"))
        self.assertEqual(owners, collections.Counter(f"node-{i}" for i in range(12)))
        self.assertTrue(all(0 < len(shard.query("node_number")) < 12 for shard in shards))

        # In one place, with the labels that they have in the shards.
        parent = self.serve(self.config("federation.yml", {
            f"shard-{i}:9090": f"127.0.0.1:{shards[i].port}" for i in range(3)}))
        wait_until(lambda: parent.value('count(up{job="node"})') == 12, "the shards' series")
        instances = {row["metric"]["instance"] for row in parent.query('up{job="node"}')}
        self.assertEqual(instances, {target.address for target in self.targets})
        self.assertEqual({row["metric"]["shard"] for row in parent.query('up{job="node"}')},
                         {"0", "1", "2"})
        self.assertEqual(parent.value('count(up{job="shards"})'), 3)


if __name__ == "__main__":
    main()

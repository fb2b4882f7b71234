"""Debian's Prometheus reads from Strata by remote read, and answers as Strata does; Strata reads
from Prometheus and from Strata, and answers as they do."""
import pathlib
import time

from harness import (EndToEndTest, PrometheusApi, Process, Strata, free_port, main, need_program,
                     wait_until)

PROMETHEUS = need_program("prometheus")
STRATA = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms, external_labels: {{site: north}}}}
scrape_configs:
  - job_name: app
    static_configs: [{{targets: ["{target}"]}}]
"""
READER = """
remote_read:
  - url: http://127.0.0.1:{port}/api/v1/read
    read_recent: true
"""


def body(number):
    sometimes = f"app_sometimes {number}\n" if number % 7 < 5 else ""
    return sometimes + "".join(f'app_value{{i="{i}"}} {number * 1000 + i}\n' for i in range(20))


class RemoteRead(EndToEndTest):
    def test_prometheus_reads_what_strata_has(self):
        target = self.exposition(body)
        strata = self.strata(config=STRATA.format(target=target.address))
        reader = PrometheusApi(free_port())
        with open(f"{self.directory}/reader.yml", "w") as file:
            file.write(READER.format(port=strata.port))
        self.start(Process(
            [PROMETHEUS, f"--config.file={self.directory}/reader.yml",
             f"--storage.tsdb.path={self.directory}/reader",
             f"--web.listen-address=127.0.0.1:{reader.port}"], self.directory, "prometheus"))
        wait_until(reader.ready, "prometheus")
        time.sleep(5)
        end = int(time.time()) - 1
        for expr in ("app_value[4s]", 'app_value{i=~"1.*"}[4s]', "app_sometimes[4s]",
                     'up{job!="node"}', "max(rate(app_value[2s])) by (job)", "app_sometimes",
                     'count({__name__=~"app_.*",i!=""})'):
            with self.subTest(expr):
                theirs = self.rows(reader.query(expr, end))
                self.assertEqual(theirs, self.rows(strata.query(expr, end)))
                self.assertTrue(theirs or expr == "app_sometimes")
        # The external labels are there for who asks from elsewhere.
        self.assertEqual(len(reader.query('app_value{site="north"}', end)), 20)
        self.assertEqual(reader.query('app_value{site="south"}', end), [])

    def test_strata_reads_what_others_have(self):
        target = self.exposition(body)
        prometheus = PrometheusApi(free_port())
        with open(f"{self.directory}/writer.yml", "w") as file:
            file.write(STRATA.format(target=target.address))
        process = self.start(Process(
            [PROMETHEUS, f"--config.file={self.directory}/writer.yml",
             f"--storage.tsdb.path={self.directory}/writer",
             f"--web.listen-address=127.0.0.1:{prometheus.port}"], self.directory, "prometheus"))
        wait_until(prometheus.ready, "prometheus")
        other = self.start(Strata(self.made("other"), config=STRATA.format(target=target.address)))
        readers = {}
        for name, api in (("prometheus", prometheus), ("strata", other)):
            readers[name] = api, self.start(Strata(self.made(f"reads-{name}"), config=f"""
global: {{external_labels: {{site: north}}}}
remote_read:
  - {{url: "http://127.0.0.1:{api.port}/api/v1/read", read_recent: true}}
"""))
        # Prometheus may take five seconds to begin.
        for api in (prometheus, other):
            wait_until(lambda api=api: (api.value('count_over_time(app_value{i="1"}[1m])') or 0) > 30,
                       "samples of six seconds")
        end = int(time.time()) - 1
        for name, (api, reader) in readers.items():
            for expr in ("app_value[4s]", 'app_value{i=~"1.*"}[4s]', "app_sometimes[4s]",
                         "max(rate(app_value[2s])) by (job)", "app_sometimes",
                         'count({__name__=~"app_.*",i!=""})'):
                with self.subTest(expr, peer=name):
                    theirs = self.rows(api.query(expr, end))
                    self.assertEqual(self.rows(reader.query(expr, end)), theirs)
                    self.assertTrue(theirs or expr == "app_sometimes")
        # A peer that is away is named; half an answer is none.
        process.kill()
        answer = readers["prometheus"][1].get("/api/v1/query", query="app_value")
        self.assertEqual(answer.status, 503, answer.body)
        self.assertIn(f"remote read http://127.0.0.1:{prometheus.port}", answer.json()["error"])

    def made(self, name):
        path = pathlib.Path(self.directory) / name
        path.mkdir()
        return path

    @staticmethod
    def rows(result):
        return {tuple(sorted((k, v) for k, v in row["metric"].items() if k != "site")):
                row.get("values", row.get("value")) for row in result}


if __name__ == "__main__":
    main()

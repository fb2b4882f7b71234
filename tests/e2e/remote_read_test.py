"""Debian's Prometheus reads from Strata by remote read, and answers as Strata does."""
import time

from harness import EndToEndTest, PrometheusApi, Process, free_port, main, need_program, wait_until

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

    @staticmethod
    def rows(result):
        return {tuple(sorted((k, v) for k, v in row["metric"].items() if k != "site")):
                row.get("values", row.get("value")) for row in result}


if __name__ == "__main__":
    main()

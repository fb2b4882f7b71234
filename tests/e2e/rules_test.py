"""Rules in the running server: the same alerts as Debian's Prometheus from the same files and data,
what a restart and a reload keep, and the commands on rule files."""
import json
import os
import pathlib
import re
import subprocess
import threading

from harness import (BINARY, EndToEndTest, PrometheusApi, Process, ROOT, free_port, main,
                     need_program, wait_until)

RULES = """
groups:
- name: states
  interval: 1s
  rules:
  - alert: Waits
    expr: temperature > 90
    for: 1h
    labels: {severity: warning, gpu: "gpu-{{ $labels.gpu }}"}
    annotations:
      summary: '{{ $labels.gpu }} of {{ $labels.job }} has {{ $value }}'
      text: '{{ $value | humanize }} {{ $value | humanize1024 }} {{ humanizeDuration $value }}'
  - alert: Fires
    expr: temperature > 90
    labels: {severity: critical}
    annotations:
      printf: '{{ printf "%.2f|%5d|%-6s|%q|%v|%e|%x" $value 7 "ab" "c" $labels $value 255 }}'
      labels: '{{ $labels }} {{ $labels.none }}|{{ $externalLabels.dc }}'
      query: '{{ with query "limit" }}{{ . | first | value }} {{ . | first | label "kind" }}{{ end }}'
      range: '{{ range $i, $s := query "temperature" | sortByLabel "gpu" }}{{ $i }}:{{ .Labels.gpu }}={{ .Value }} {{ end }}'
      logic: '{{ if gt $value 1000.0 }}huge{{ else if eq $labels.gpu "1" }}one{{ else }}other{{ end }}'
      text: '{{ title "hot gpu" }} {{ toUpper $labels.gpu }} {{ reReplaceAll "(.)" "<$1>" "ab" }} {{ match "^a" "abc" }}'
      when: '{{ humanizeTimestamp 1600000000.5 }} {{ parseDuration "1h" | humanizeDuration }}'
      define: '{{ define "x" }}[{{ . }}]{{ end }}{{ template "x" $labels.gpu }}'
      wrong_type: '{{ gt $value 5 }}'
      wrong_text: '{{ humanize "abc" }}'
      missing: '{{ query "nothing" | first | value }}'
      trimmed: |
        {{- range $k, $v := $labels }}
        {{ $k }}={{ $v -}}
        {{ end }}
  - alert: Broken
    expr: temperature * on (none) group_left limit + on (none) temperature
  - alert: Scalar
    expr: 1 + 1
  - alert: Never
    expr: temperature > 1e9
- name: recorded
  interval: 1s
  rules:
  - {record: 'gpu:temperature:avg', expr: 'avg(temperature)', labels: {from: rule}}
  - {record: 'gpu:temperature:double', expr: 'gpu:temperature:avg * 2'}
"""

# What promtool expands for each of VALUES, to the byte.
TEMPLATES = [
    "{{ $value }}", "{{ .Value }}", "{{ printf \"%v\" $value }}", "{{ printf \"%.0f\" $value }}",
    "{{ printf \"%.2f\" $value }}", "{{ printf \"%.3g\" $value }}", "{{ printf \"%g\" $value }}",
    "{{ printf \"%e\" $value }}", "{{ printf \"%E\" $value }}", "{{ printf \"%.1e\" $value }}",
    "{{ printf \"%G\" $value }}", "{{ printf \"%8.2f|%-8.2f|%08.2f|%+.1f|% .1f\" $value $value $value $value $value }}",
    "{{ printf \"%d\" $value }}", "{{ printf \"%s\" $value }}", "{{ printf \"%q\" $value }}",
    "{{ printf \"%x\" $value }}", "{{ printf \"%t %T\" $value $value }}", "{{ printf \"%5.1f%%\" $value }}",
    "{{ humanize $value }}", "{{ humanize1024 $value }}", "{{ humanizeDuration $value }}",
    "{{ humanizePercentage $value }}", "{{ humanizeTimestamp $value }}", "{{ $value | humanize }}",
    "{{ $labels }}", "{{ $labels.v }} {{ $labels.none }}|", "{{ $externalLabels.dc }} {{ $externalLabels }}",
    "{{ printf \"%s %v %q\" $labels $labels $labels }}", "{{ len $labels }} {{ index $labels \"v\" }}",
    "{{ if gt $value 100.0 }}>{{ else if lt $value 0.0 }}-{{ else }}<{{ end }}",
    "{{ gt $value 5 }}", "{{ eq $value 1.0 1e6 }}", "{{ ne $labels.v \"1\" }}", "{{ le 1 2 }} {{ ge \"a\" \"b\" }}",
    "{{ and $labels.none \"x\" }}|{{ or $labels.none \"x\" }}|{{ not $labels.none }}",
    "{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ else }}none{{ end }}",
    "{{ range query \"sort(y)\" }}{{ .Labels.a }}:{{ .Value }} {{ end }}",
    "{{ range query \"sort(y)\" | sortByLabel \"a\" }}{{ label \"a\" . }}{{ value . }} {{ end }}",
    "{{ with query \"y\" }}{{ . | len }}{{ end }}", "{{ query \"y{a='1'}\" | first | value | humanize }}",
    "{{ query \"none\" | first | value }}", "{{ query \"1 +\" }}", "{{ humanize \"abc\" }}", "{{ humanize \"1234.5\" }}",
    "{{ title \"hello big-world it's\" }} {{ toUpper \"aé\" }} {{ toLower \"AÉ\" }}",
    "{{ reReplaceAll \"(d)b([0-9]+)\" \"$2-${1}x-$2x\" $labels.host }}", "{{ reReplaceAll \"b*\" \"_\" \"abbc\" }}",
    "{{ match \"db[0-4].*\" $labels.host }}",
    "{{ stripPort $labels.host }} {{ stripPort \"[::1]:80\" }} {{ stripPort \"plain\" }}",
    "{{ stripDomain $labels.host }} {{ stripDomain \"10.0.0.1:80\" }} {{ stripDomain \"a.b\" }}",
    "{{ graphLink \"up{a=\\\"b\\\"} / 2\" }} {{ tableLink \"a + b\" }}", "{{ parseDuration \"1h30m\" }} {{ parseDuration \"x\" }}",
    "{{ args 1 \"b\" 2.5 }} {{ (args 1).arg1 }}", "{{ print 1 2 \"a\" \"b\" 3 nil }}", "{{ print $value 1 true }}{{ println \"x\" }}",
    "{{ html \"<a href='x'>&\" }} {{ js \"it's \\\"x\\\"\" }} {{ urlquery \"a b&c\" }}",
    "{{ define \"t\" }}<{{ . }}>{{ end }}{{ template \"t\" $value }}{{ template \"t\" }}", "{{ template \"none\" }}",
    "a {{- 1 -}} b {{/* c */}} d {{- /* e */ -}} f", "{{ $x := 1 }}{{ $x }}{{ $x = 2 }}{{ $x }}", "{{ 1.0 }} {{ 1e21 }} {{ 1e20 }} {{ 1000000.0 }} {{ 0x1F }} {{ 'x' }} {{ 1_000 }}",
    "{{ printf \"%d|%5d|%-5d|%05d|%x|%X|%o|%b|%c|%U|%+d\" 42 42 42 42 255 255 8 5 65 65 42 }}",
    "{{ printf \"%s|%5s|%-5s|%q|%x|%.2s|%v\" \"abc\" \"a\" \"a\" \"a\\\"b\" \"hi\" \"xyz\" \"v\" }}",
    "{{ printf \"%d %s\" \"x\" 1 }} {{ printf \"%d\" }} {{ printf \"x\" 1 }} {{ printf \"%!\" 1 }} {{ printf \"%\" }} {{ printf \"%*d\" 5 1 }}",
    "{{ printf \"%v %v %v\" true nil 1.5 }}", "{{ slice \"abcdef\" 1 3 }} {{ index \"abc\" 1 }}", "{{ len 3 }}", "{{ index $labels 1 }}",
    "{{ humanizeTimestamp 1435065584.128 }} {{ humanizeDuration 0.00001 }} {{ humanizeDuration -3700 }}",
    "{{ $labels.v.x }}", "{{ block \"b\" $labels }}{{ .v }}{{ end }}", "{{ with $x := $labels.v }}{{ $x }}{{ end }}{{ with $labels.none }}y{{ else }}n{{ end }}",
    "{{ humanize }}", "{{ \"raw\" | printf \"%s-%s\" \"a\" }}", "{{ (printf \"%d\" 7) | len }} {{ `raw \\n` }} {{ \"\\u00e9\\x41\" }}",
]
VALUES = [0, 1, -1, 0.5, 95.5, 99.999, 999.95, 1000, 1023.9, 1024, 99999.5, 123456, 1000000, 1234567.5, 123456789.5,
          1e15, 1e20, 1e21, 1e-3, 0.0001, 0.000012, 3600, 3661.5, 86400, 1.7e9, "NaN", "+Inf", "-0.25", 59.96]

CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{dc: north}}}}
rule_files: [{rules}]
scrape_configs:
- job_name: gpus
  static_configs: [{{targets: ["{target}"]}}]
"""


def spelled(text):
    """What 2.42 spells otherwise than 3.x: numbers of expressions (1e+09), series in errors."""
    text = re.sub(r"\[\{.*\}\]|\[\w+\{.*\}\]", "[…]", text)
    return re.sub(r"(?<![\w.:])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w:])",
                  lambda number: repr(float(number.group())), text)


def without_times(value):
    """Answers with what differs between any two servers taken out."""
    dropped = {"activeAt", "lastEvaluation", "evaluationTime", "file", "keepFiringSince"}
    if isinstance(value, dict):
        value = {k: spelled(v) if k in ("query", "lastError") else v for k, v in value.items()}
        return {k: without_times(v) for k, v in value.items() if k not in dropped}
    if isinstance(value, list):
        return [without_times(v) for v in value]
    return value


def by_labels(alerts):
    return sorted(alerts, key=lambda alert: json.dumps(alert["labels"], sort_keys=True))


class Rules(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.lock = threading.Lock()
        self.values = {}

    def gpus(self):
        """A target whose temperatures a test sets."""
        def body(_):
            with self.lock:
                lines = [f'temperature{{gpu="{gpu}"}} {v}' for gpu, v in self.values.items()]
            return "\n".join(lines + ['limit{kind="hard"} 95']) + "\n"
        return self.exposition(body).address

    def show(self, **values):
        with self.lock:
            self.values = {name.removeprefix("g"): value for name, value in values.items()}

    def configured(self, rules=RULES):
        path = pathlib.Path(self.directory) / "rules.yml"
        path.write_text(rules)
        return CONFIG.format(rules=path, target=self.gpus())

    def prometheus(self, config):
        binary = need_program("prometheus")
        directory = pathlib.Path(self.directory) / "prometheus"
        directory.mkdir()
        path = directory / "prometheus.yml"
        path.write_text(config)
        port = free_port()
        self.start(Process([binary, f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}",
                            f"--storage.tsdb.path={directory / 'data'}", "--log.level=error",
                            "--web.external-url=http://mon.example"], self.directory, "prometheus"))
        api = PrometheusApi(port)
        wait_until(api.ready, "prometheus to be ready")
        return api

    def states(self, api):
        answer = api.get("/api/v1/alerts").json()["data"]["alerts"]
        return {(a["labels"]["alertname"], a["labels"].get("gpu")): a["state"] for a in answer}

    def test_same_alerts_as_prometheus(self):
        self.show(g0=95.5, g1=1234567, g2=20)
        config = self.configured()
        theirs = self.prometheus(config)
        ours = self.strata(config=config, arguments=["--web.external-url=http://mon.example/"])
        phases = [dict(g0=95.5, g1=1234567, g2=20), dict(g0=99, g2=20.25), dict(g0=1, g1=2, g2=3)]
        for number, phase in enumerate(phases):
            self.show(**phase)
            hot = {str(gpu) for gpu, v in
                   ((k.removeprefix("g"), v) for k, v in phase.items()) if v > 90}
            want = {("Scalar", None)}
            want |= {("Fires", gpu) for gpu in hot} | {("Waits", f"gpu-{gpu}") for gpu in hot}
            value = sum(phase.values()) / len(phase)
            for api in (ours, theirs):
                wait_until(lambda: self.states(api).keys() == want, f"the alerts of phase {number}")
                # All rules of an iteration have seen the phase.
                wait_until(lambda: abs((api.value("gpu:temperature:double") or 0) - 2 * value) < 1e-6,
                           "the recording rules")
            wait_until(lambda: self.same(ours, theirs), f"the same answers in phase {number}",
                       timeout=15)
        self.assertEqual(self.same_report(ours, theirs), [])

    def same(self, ours, theirs):
        report = self.same_report(ours, theirs)
        if report:
            raise ValueError(report)
        return True

    def same_report(self, ours, theirs):
        report = []
        a, b = ([by_labels(without_times(api.get("/api/v1/alerts").json()["data"]["alerts"]))
                 for api in (ours, theirs)])
        if a != b:
            report.append(f"alerts: {a}\nagainst {b}")
        a, b = (without_times(api.get("/api/v1/rules").json()["data"]["groups"])
                for api in (ours, theirs))
        for group in (*a, *b):
            for rule in group["rules"]:
                if "alerts" in rule:
                    rule["alerts"] = by_labels(rule["alerts"])
                rule.pop("noData", None)  # ours
                rule.setdefault("labels", {})  # 2.42 leaves empty ones out
        a, b = (sorted(groups, key=lambda group: group["name"]) for groups in (a, b))
        if a != b:
            report.append(f"rules: {json.dumps(a)}\nagainst {json.dumps(b)}")
        for query in ("ALERTS", "ALERTS * 0 + 1", "count(ALERTS_FOR_STATE) by (alertname)"):
            sets = [sorted(json.dumps(one["metric"], sort_keys=True) for one in api.query(query))
                    for api in (ours, theirs)]
            if sets[0] != sets[1]:
                report.append(f"{query}: {sets}")
        return report

    def test_public_rules_read_as_in_prometheus(self):
        folder = pathlib.Path(os.environ.get("STRATA_SHARED_DATA", ROOT / "../shared/data"))
        promtool = need_program("promtool")
        files = [str(path) for path in sorted(folder.glob("rules_public/**/*.yml"))]
        if not files:
            self.skipTest("no public rules: set STRATA_SHARED_DATA")
        files = [path for path in files
                 if subprocess.run([promtool, "check", "rules", path], capture_output=True).returncode == 0]
        self.show(g0=1)
        config = CONFIG.format(rules=", ".join(files), target=self.gpus())
        theirs, ours = self.prometheus(config), self.strata(config=config)

        def read(api):
            groups = api.get("/api/v1/rules").json()["data"]["groups"]
            rules = {}
            for group in groups:
                for rule in group["rules"]:
                    key = (group["file"], group["name"], rule["name"], spelled(rule["query"]))
                    rules[key] = (rule["labels"], rule.get("annotations"), rule.get("duration"),
                                  group["interval"])
            return rules
        a, b = read(ours), read(theirs)
        self.assertGreater(len(b), 500)
        different = {key for key in a.keys() | b.keys() if a.get(key) != b.get(key)}
        self.assertEqual(sorted(different), [])

    def test_firing_is_still_firing_after_kill(self):
        self.show(g0=95)
        config = self.configured()
        strata = self.strata(config=config)
        wait_until(lambda: self.states(strata).get(("Fires", "0")) == "firing", "the alert")
        before = {json.dumps(a["labels"], sort_keys=True): (a["state"], a["activeAt"])
                  for a in strata.get("/api/v1/alerts").json()["data"]["alerts"]
                  if a["state"] == "firing"}
        strata.kill()
        again = self.strata(config=config)
        after = {json.dumps(a["labels"], sort_keys=True): (a["state"], a["activeAt"])
                 for a in again.get("/api/v1/alerts").json()["data"]["alerts"]}
        for labels, state in before.items():
            self.assertEqual(after.get(labels), state, labels)
        self.assertEqual(self.states(again)[("Waits", "gpu-0")], "pending")

    def test_a_reload_keeps_what_is_still_there(self):
        self.show(g0=95)
        strata = self.strata(config=self.configured())
        wait_until(lambda: self.states(strata).get(("Fires", "0")) == "firing", "the alert")
        active = [a["activeAt"] for a in strata.get("/api/v1/alerts").json()["data"]["alerts"]
                  if a["labels"]["alertname"] == "Fires"]
        rules = pathlib.Path(self.directory) / "rules.yml"
        rules.write_text(RULES.replace("temperature > 1e9", "temperature > 1e8"))
        self.assertEqual(strata.get("/-/reload").status, 405)
        from harness import http_request
        self.assertEqual(http_request(strata.url + "/-/reload", method="POST").status, 200)
        self.assertEqual(
            [a["activeAt"] for a in strata.get("/api/v1/alerts").json()["data"]["alerts"]
             if a["labels"]["alertname"] == "Fires"], active)
        # What does not load changes nothing.
        rules.write_text("groups: [{name: x, rules: [{alert: A, expr: '('}]}]")
        answer = http_request(strata.url + "/-/reload", method="POST")
        self.assertNotEqual(answer.status, 200)
        self.assertIn(b"rules.yml:1:", answer.body)
        self.assertEqual(self.states(strata).get(("Fires", "0")), "firing")
        # Groups that are gone take their series along.
        rules.write_text("groups: []")
        self.assertEqual(http_request(strata.url + "/-/reload", method="POST").status, 200)
        self.assertEqual(self.states(strata), {})
        self.assertEqual(strata.query("ALERTS"), [])

    def test_filters_and_pages(self):
        self.show(g0=95)
        strata = self.strata(config=self.configured())

        def names(**parameters):
            answer = strata.get("/api/v1/rules", **parameters).json()["data"]
            return [rule["name"] for group in answer["groups"] for rule in group["rules"]]
        self.assertEqual(names(type="record"), ["gpu:temperature:avg", "gpu:temperature:double"])
        self.assertEqual(names(**{"rule_name[]": "Fires"}), ["Fires"])
        self.assertEqual(names(**{"rule_group[]": "recorded", "type": "alert"}), [])
        self.assertEqual(names(**{"match[]": '{severity="critical"}'}), ["Fires"])
        self.assertEqual(names(**{"file[]": "none"}), [])
        wait_until(lambda: self.states(strata).get(("Fires", "0")) == "firing", "the alert")
        rules = strata.get("/api/v1/rules", exclude_alerts="true").json()["data"]["groups"]
        self.assertTrue(all(not rule.get("alerts") for group in rules for rule in group["rules"]))
        first = strata.get("/api/v1/rules", group_limit=1).json()["data"]
        self.assertEqual([group["name"] for group in first["groups"]], ["recorded"])
        second = strata.get("/api/v1/rules", group_limit=1,
                            group_next_token=first["groupNextToken"]).json()["data"]
        self.assertEqual([group["name"] for group in second["groups"]], ["states"])
        self.assertNotIn("groupNextToken", second)
        self.assertEqual(strata.get("/api/v1/rules", group_next_token="x").status, 400)
        self.assertEqual(strata.get("/api/v1/rules", group_limit=1, group_next_token="x").status, 400)
        self.assertEqual(strata.get("/api/v1/rules", type="x").status, 400)

    def test_own_series(self):
        self.show(g0=95)
        strata = self.strata(config=self.configured())
        wait_until(lambda: self.states(strata).get(("Fires", "0")) == "firing", "the alert")
        text = strata.get("/metrics").body.decode()
        path = pathlib.Path(self.directory) / "rules.yml"
        self.assertIn(f'prometheus_rule_group_rules{{rule_group="{path};states"}} 5', text)
        self.assertIn("prometheus_rule_group_iterations_missed_total", text)
        self.assertIn('strata_rule_alerts{state="firing"} 3', text)

    def test_templates_print_what_promtool_prints(self):
        promtool = need_program("promtool")
        directory = pathlib.Path(self.directory)
        # JSON is YAML.
        rule = {"alert": "T", "expr": "x > -1e300 or x != x",  # NaN, too
                "annotations": {f"a{i:03}": text for i, text in enumerate(TEMPLATES)}}
        (directory / "r.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": [rule]}]}))
        series = [{"series": f'x{{v="{i}",host="db{i}.example:9100"}}', "values": str(value)}
                  for i, value in enumerate(VALUES)]
        series.append({"series": 'y{a="1"}', "values": "5"})
        series.append({"series": 'y{a="0"}', "values": "6"})
        test = {"rule_files": ["r.yml"], "tests": [{
            "interval": "1m", "input_series": series, "external_labels": {"dc": "north"},
            "alert_rule_test": [{"eval_time": "0m", "alertname": "T", "exp_alerts": []}]}]}
        (directory / "t.yml").write_text(json.dumps(test))

        def expanded(*command):
            done = subprocess.run([*command, "test", "rules", "t.yml"], cwd=directory, text=True,
                                  capture_output=True, timeout=60)
            out = done.stdout + done.stderr
            found, labels = {}, None
            for line in out.splitlines():
                line = line.strip()
                if line.startswith("Labels:"):
                    labels = line
                elif line.startswith("Annotations:"):
                    found[labels] = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', line))
            self.assertEqual(len(found), len(VALUES), out[-500:])
            return found
        ours, theirs = expanded(BINARY), expanded(promtool)
        different = []
        for labels, texts in theirs.items():
            for name, text in texts.items():
                if ours.get(labels, {}).get(name) != text:
                    different.append(f"{TEMPLATES[int(name[1:])]}: {ours.get(labels, {}).get(name)}"
                                     f"\n  against {text}")
        self.assertEqual(different, [], "\n".join(different[:20]))

    def run_strata(self, *arguments):
        done = subprocess.run([BINARY, *arguments], cwd=self.directory, capture_output=True,
                              timeout=60, text=True)
        return done.returncode, done.stdout + done.stderr

    def test_commands(self):
        directory = pathlib.Path(self.directory)
        (directory / "r.yml").write_text(RULES)
        (directory / "bad.yml").write_text("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: 'x >'\n")
        code, out = self.run_strata("check", "rules", "r.yml")
        self.assertEqual((code, "SUCCESS: 7 rules found" in out), (0, True), out)
        code, out = self.run_strata("check", "rules", "r.yml", "bad.yml")
        self.assertEqual((code, "bad.yml:5:11:" in out), (1, True), out)
        (directory / "t.yml").write_text(
            "rule_files: [r.yml]\ntests:\n- interval: 1m\n  input_series:\n"
            "  - {series: 'temperature{gpu=\"0\"}', values: '10 20'}\n"
            "  promql_expr_test:\n  - {expr: 'gpu:temperature:double', eval_time: 1m,"
            " exp_samples: [{labels: 'gpu:temperature:double{from=\"rule\"}', value: VALUE}]}\n")
        text = (directory / "t.yml").read_text()
        (directory / "t.yml").write_text(text.replace("VALUE", "40"))
        code, out = self.run_strata("test", "rules", "t.yml")
        self.assertEqual((code, "SUCCESS" in out), (0, True), out)
        (directory / "t.yml").write_text(text.replace("VALUE", "41"))
        code, out = self.run_strata("test", "rules", "t.yml")
        self.assertEqual((code, "FAILED" in out), (1, True), out)

    def test_replay_over_stored_history(self):
        directory = pathlib.Path(self.directory)
        start = 1_700_000_000
        lines = ["# TYPE temperature gauge"]
        for i in range(60):
            value = 95 if 20 <= i < 40 else 50
            lines.append(f'temperature{{gpu="0"}} {value} {start + i * 60}')
        (directory / "history.txt").write_text("\n".join(lines) + "\n# EOF\n")
        code, out = self.run_strata("import", "text", "history.txt", "--storage.path", "data")
        self.assertEqual(code, 0, out)
        (directory / "replay.yml").write_text(
            "groups:\n- name: g\n  interval: 1m\n  rules:\n"
            "  - {record: doubled, expr: temperature * 2}\n"
            "  - {alert: Hot, expr: doubled > 180, for: 5m, annotations: {at: '{{ $value }}'}}\n")
        code, out = self.run_strata("rules", "replay", "replay.yml", "--storage.path", "data",
                                    "--from", str(start), "--to", str(start + 3600), "--json")
        self.assertEqual(code, 0, out)
        episodes = json.loads(out)
        self.assertEqual(len(episodes), 1, out)
        self.assertEqual(episodes[0]["labels"], {"alertname": "Hot", "gpu": "0"})
        self.assertEqual(episodes[0]["annotations"], {"at": "190"})
        # Hot from minute 20 on, fired five minutes later, over at minute 40.
        self.assertEqual(episodes[0]["firedAt"], "2023-11-14T22:38:20.000Z")
        self.assertEqual(episodes[0]["endedAt"], "2023-11-14T22:53:20.000Z")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Every request that Prometheus' API description gives as an example, sent to Strata: the answer has
the status and the shape that the description says.

The description is shared data; the test skips where it is absent. What a program answers to them is
checked by schema (JSON Schema 2020-12, which OpenAPI 3.1 uses), not by value.
"""
import json
import os
import pathlib
import sys
import unittest
import urllib.parse
import warnings

from harness import EndToEndTest, Exposition, ROOT, http_request, skip, wait_until

warnings.filterwarnings("ignore", category=DeprecationWarning)
try:
    import jsonschema
    import yaml
except ImportError as error:
    skip(f"{error.name} is not installed (./dev setup --test installs it)")

SHARED = pathlib.Path(os.environ.get("STRATA_SHARED_DATA", ROOT.parent / "shared/data"))
DOCUMENT = SHARED / "prometheus/api/openapi_3.1_golden.yaml"

# Paths that are not answered: 501 until they are built, 404 without their flag, 400 without the body
# that the description gives no example of.
NOT_HERE = {"/read": 400, "/otlp/v1/metrics": 501, "/write": 404}
# Fields that Strata adds to an answer, by path; the description allows no others.
MORE_FIELDS = {"/status/buildinfo": ["application"], "/status/tsdb": ["headMemory"]}
# What Prometheus itself answers here is 204 without a body, whatever the description says.
NO_CONTENT = {"/admin/tsdb/delete_series", "/admin/tsdb/clean_tombstones"}
# Examples that stand for something this server does not have: a pool, a target, a token.
OWN_VALUES = {("/rules", "group_next_token"): "",
              ("/label/{name}/values", "name"): "job",
              ("/targets/relabel_steps", "scrapePool"): "app",
              ("/targets/relabel_steps", "labels"): '{"__address__":"127.0.0.1:1","job":"app"}',
              ("/scrape_pools/config", "scrapePool"): "app"}
TEXT = """# TYPE prometheus_http_requests_total counter
prometheus_http_requests_total{handler="/api/v1/query"} 5
"""


def examples_of(parameter):
    if "examples" in parameter:
        return [example["value"] for example in parameter["examples"].values()]
    return [parameter["example"]] if "example" in parameter else []


def pairs(name, value):
    """A parameter as a form has it: one pair a value."""
    values = value if isinstance(value, list) else [value]
    return [(name, str(each)) for each in values]


def queries_of(path, parameters):
    """The path's parameters as query strings: the first example of each required one, then every
    example of every parameter beside those."""
    fixed, chosen = path, []
    for parameter in parameters:
        if parameter["in"] == "path":
            fixed = fixed.replace("{" + parameter["name"] + "}", OWN_VALUES[path, parameter["name"]])
        elif parameter.get("required"):
            value = OWN_VALUES.get((path, parameter["name"])) or examples_of(parameter)[0]
            chosen.append((parameter["name"], value))
    yield fixed, chosen
    for parameter in parameters:
        if parameter["in"] != "query" or (path, parameter["name"]) in OWN_VALUES:
            continue
        for value in examples_of(parameter):
            others = [pair for pair in chosen if pair[0] != parameter["name"]]
            if parameter["name"] == "end" and others == chosen:
                others.append(("start", 1767357420))  # else an hour ago, after the example's end
            yield fixed, [*others, (parameter["name"], value)]


class OpenApi(EndToEndTest):
    def setUp(self):
        super().setUp()
        if not DOCUMENT.exists():
            self.skipTest(f"{DOCUMENT} is absent")
        self.document = yaml.load(DOCUMENT.read_text(), Loader=yaml.CSafeLoader)
        self.resolver = jsonschema.RefResolver("", self.document)
        target = Exposition(lambda _: TEXT)
        self.addCleanup(target.close)
        self.server = self.strata(
            config="global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: app\n"
                   f"  static_configs: [{{targets: ['{target.address}']}}]\n",
            arguments=["--web.enable-admin-api"])
        wait_until(lambda: self.server.value("up") == 1.0, "a scrape")

    def check(self, path, operation, answer, request):
        wanted = operation["responses"]
        where = f"{request}: {answer.status} {answer.body[:300]!r}"
        if path in NOT_HERE:
            self.assertEqual(answer.status, NOT_HERE[path], where)
            self.assertEqual(answer.json()["status"], "error", where)
            return
        if path in NO_CONTENT:
            self.assertEqual((answer.status, answer.body), (204, b""), where)
            return
        self.assertIn(str(answer.status), [code for code in wanted if code != "default"], where)
        content = wanted[str(answer.status)].get("content", {})
        if not content:
            self.assertEqual(answer.body, b"", where)
            return
        kind = answer.headers["Content-Type"].split(";")[0]
        self.assertIn(kind, content, where)
        # NDJSON: each line is a value; the description has no schema for the lines.
        if kind != "application/json":
            for line in answer.body.decode().splitlines():
                json.loads(line)
            return
        body = answer.json()
        for field in MORE_FIELDS.get(path, ()):
            body["data"].pop(field, None)
        validator = jsonschema.Draft202012Validator(content[kind]["schema"],
                                                    resolver=self.resolver)
        errors = sorted(validator.iter_errors(body), key=str)
        if errors:
            best = jsonschema.exceptions.best_match(errors)
            self.fail(f"{where}\n{best.json_path}: {best.message[:500]}")

    def test_every_example_is_answered_as_described(self):
        asked = 0
        for path, item in self.document["paths"].items():
            for method in ("get", "post", "put", "delete"):
                if method not in item:
                    continue
                operation = item[method]
                for request in self.requests(path, method, operation):
                    with self.subTest(request=request):
                        answer = http_request(self.server.url + request[1], method=request[0],
                                              data=request[2], headers=request[3])
                        self.check(path, operation, answer, request[:3])
                    asked += 1
        print(f"{asked} requests over {len(self.document['paths'])} paths", file=sys.stderr)
        self.assertGreater(asked, 150)

    def requests(self, path, method, operation):
        forms = operation.get("requestBody", {}).get("content", {})
        for fixed, chosen in () if forms else queries_of(path, operation.get("parameters", [])):
            query = urllib.parse.urlencode([p for n, v in chosen for p in pairs(n, v)])
            yield method.upper(), f"/api/v1{fixed}" + (f"?{query}" if query else ""), None, {}
        form = forms.get("application/x-www-form-urlencoded", {})
        for example in form.get("examples", {}).values():
            data = urllib.parse.urlencode([p for n, v in example["value"].items()
                                           for p in pairs(n, v)]).encode()
            yield (method.upper(), f"/api/v1{path}", data,
                   {"Content-Type": "application/x-www-form-urlencoded"})


if __name__ == "__main__":
    unittest.main(verbosity=2)

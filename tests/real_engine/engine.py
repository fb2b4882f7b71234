"""What the tests with real engines share: an engine to start, and Strata that scrapes it.

Engines are not part of the project. `./dev setup --real-engines` installs them under
build/real-engines; a test whose engine is absent is skipped.
"""
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))

import harness  # noqa: E402

INSTALLED = pathlib.Path(os.environ.get("STRATA_REAL_ENGINES", ROOT / "build/real-engines"))
EXPOSITIONS = ROOT / "tests/data/expositions"


def families(exposition):
    """Names of the # TYPE lines."""
    return {line.split()[2] for line in exposition.splitlines() if line.startswith("# TYPE ")}


def record(name, head, exposition):
    """Keeps what was captured as the sample of the catalog's tests, where STRATA_CAPTURE is set."""
    if os.environ.get("STRATA_CAPTURE"):
        (EXPOSITIONS / name).write_text(f"# Captured from {head}\n{exposition}")


class RealEngineTest(harness.EndToEndTest):
    def engine(self, arguments, url, name, environment=None, timeout=120):
        """Starts an engine and waits until `url` answers with 200."""
        saved = dict(os.environ)
        os.environ.update(environment or {})
        try:
            process = self.start(harness.Process(arguments, self.directory, name))
        finally:
            os.environ.clear()
            os.environ.update(saved)

        def answers():
            if not process.running():
                raise AssertionError(f"{name} ended:\n{process.log()[-3000:]}")
            return harness.http_request(url, timeout=5).status == 200
        harness.wait_until(answers, f"{name} to answer", timeout, every=0.2)
        return process

    def scraped_by_strata(self, address):
        """Strata, scraping the engine every second, after its first scrape."""
        config = ("global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
                  "scrape_configs:\n"
                  "  - job_name: engine\n"
                  f"    static_configs: [{{targets: ['{address}']}}]\n")
        strata = self.strata(config=config)
        harness.wait_until(lambda: strata.value('up{job="engine"}') == 1, "a scrape", 60)
        return strata

    def assert_becomes(self, strata, expr, value, timeout=30):
        harness.wait_until(lambda: strata.value(expr) == value, f"{expr} to be {value}", timeout)

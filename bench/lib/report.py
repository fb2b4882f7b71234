"""Tables, and the sections of docs/benchmarks.md that the benchmarks rewrite."""
import datetime
import os
import pathlib
import platform
import re
import statistics

from servers import ROOT, versions

DOCUMENT = ROOT / "docs/benchmarks.md"
INTRODUCTION = """# Benchmarks
Strata beside Debian's `prometheus` and `victoria-metrics`, on the same generated fleet of
model-serving nodes (bench/fleet), in the same run. `./dev bench` rewrites this page; each section
says when, where and on what it was measured. Ratios travel better than the figures they are made
of: both come from one run on one machine.
"""


def human(value):
    """Three significant digits, with k, M, G."""
    if value is None:
        return "-"
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= 0.9995 * size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"


def median_and_spread(values, show=human):
    """`median (lowest to highest)`"""
    if len(values) < 2:
        return show(values[0])
    return f"{show(statistics.median(values))} ({show(min(values))} to {show(max(values))})"


def ratio(better, worse):
    return "-" if not better or not worse else f"{worse / better:.3g}x"


def met(*fulfilled):
    """Whether a row's musts are met, for its last column."""
    return "yes" if all(fulfilled) else "**no**"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                if line.startswith("model name")), platform.machine())
    memory = int(re.search(r"MemTotal:\s+(\d+)", open("/proc/meminfo").read()).group(1)) >> 20
    known = versions()
    return (f"{datetime.date.today()}; {os.cpu_count()} CPUs ({cpu}), {memory} GiB, Linux "
            f"{platform.release()}; Prometheus {known['Prometheus']}, VictoriaMetrics "
            f"{known['VictoriaMetrics']}, {known['Strata']}. One-minute load before the run: "
            f"{os.getloadavg()[0]:.1f}.")


def write_section(name, text):
    """Replaces the section of that name, or adds it; prints it."""
    print(text, flush=True)
    document = DOCUMENT.read_text() if DOCUMENT.exists() else INTRODUCTION
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    section = f"{begin}\n{text.strip()}\n{end}"
    if begin in document:
        document = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: section, document,
                          flags=re.S)
    else:
        document = document.rstrip() + "\n\n" + section + "\n"
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document)

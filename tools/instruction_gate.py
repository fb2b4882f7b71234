#!/usr/bin/env python3
"""Instructions that the micro-benchmarks take, of this checkout against an earlier commit.

  tools/instruction_gate.py [--base COMMIT] [--limit PERCENT]

Times vary with what else the machine does; counts of instructions hardly do, so a few percent more
of them is a change of the code. Each benchmark's function is run once under callgrind, its setup
with it. The base (default: the parent of HEAD) is built in a worktree below build/gate. Ends with 1
when a benchmark takes more than --limit percent more; benchmarks that the base lacks are left out.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Program, benchmark. Single-threaded ones, whose setup does not outweigh them.
BENCHMARKS = [
    ("wire_bench", "parse/series/0"),
    ("wire_bench", "parse/expected/0"),
    ("wire_bench", "parse/labels/0"),
    ("wire_bench", "write/decimals"),
    ("wire_bench", "read/rates"),
    ("discover_bench", "relabel_series"),
    ("tsdb_bench", "code_rows"),
    ("tsdb_bench", "decode_rows"),
    ("tsdb_bench", "append_scrape/5000"),
    ("tsdb_bench", "select_and_read/blocks:0"),
    ("tsdb_bench", "block_write"),
]


def run(arguments, **options):
    return subprocess.run(arguments, check=True, **options)


def build(checkout, programs):
    """Builds the release preset of a checkout; returns where its programs are."""
    environment = {**os.environ, "CCACHE_BASEDIR": str(checkout), "CCACHE_NOHASHDIR": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "cwd": checkout, "env": environment}
    run(["cmake", "--preset", "release"], **quiet)
    run(["cmake", "--build", "--preset", "release", "--target", *programs], **quiet)
    return checkout / "build/release"


def check_out(commit):
    """A worktree of the commit that stays for the next time."""
    path = ROOT / "build/gate/base"
    if path.exists():
        run(["git", "-C", path, "checkout", "--quiet", "--detach", commit])
    else:
        run(["git", "-C", ROOT, "worktree", "add", "--quiet", "--detach", path, commit])
    return path


def instructions(program, benchmark):
    """Of one call; None when the program has no such benchmark."""
    if not program.exists():
        return None
    with tempfile.TemporaryDirectory() as directory:
        counts = pathlib.Path(directory) / "counts"
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}", program,
             f"--benchmark_filter=^{re.escape(benchmark)}$", "--benchmark_min_time=0"],
            capture_output=True, text=True, check=False, timeout=1800)
        if done.returncode != 0 or benchmark not in done.stdout:
            return None
        totals = re.search(r"^(?:totals|summary): (\d+)", counts.read_text(), re.MULTILINE)
        return int(totals.group(1)) if totals else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="HEAD^", help="commit to compare with")
    parser.add_argument("--limit", type=float, default=3, help="percent more that are let pass")
    options = parser.parse_args()
    base = run(["git", "-C", ROOT, "rev-parse", options.base], capture_output=True,
               text=True).stdout.strip()
    programs = sorted({program for program, _ in BENCHMARKS})
    old = build(check_out(base), programs)
    new = build(ROOT, programs)
    worse = []
    print(f"millions of instructions, of {base[:12]} and now")
    for program, benchmark in BENCHMARKS:
        before, after = instructions(old / program, benchmark), instructions(new / program,
                                                                             benchmark)
        if not after:
            worse.append(f"{program} {benchmark}: does not run")
            continue
        if not before:
            print(f"{benchmark:32} {'-':>10} {after / 1e6:10.2f}   new")
            continue
        percent = 100 * (after / before - 1)
        print(f"{benchmark:32} {before / 1e6:10.2f} {after / 1e6:10.2f} {percent:+7.2f} %",
              flush=True)
        if percent > options.limit:
            worse.append(f"{program} {benchmark}: {percent:+.2f} %")
    for line in worse:
        print(f"worse: {line}", file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())

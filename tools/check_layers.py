#!/usr/bin/env python3
"""The layer rule: a module includes only what its module(...) line in CMakeLists.txt allows, and a
third-party header appears only in the module that owns the library. Run by CTest; takes no
arguments; prints file:line of each offence."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALWAYS = {"base", "model", "metrics"}

# Which modules may include which library, by the header's first words. fmt is free for all.
OWNERS = {
    "re2/": {"base"},
    "xxhash.h": {"base", "tsdb"},
    "spdlog/": {"base"},
    "boost/asio": {"net", "gateway"},
    "boost/beast": {"net", "gateway"},
    "boost/json": {"wire"},
    "boost/unordered": {"base", "model", "wire", "tsdb", "scrape", "promql", "api", "rules"},
    "openssl/": {"net"},
    "crypt.h": {"api"},
    "yaml.h": {"config"},
    "sqlite3.h": {"state"},
    "zlib.h": {"wire", "net"},
    "zstd.h": {"tsdb"},
    "snappy": {"wire", "remote", "tsdb"},
    "protozero/": {"wire"},
    "sqlite3.h": {"state"},
    "CLI/": {"app"},
    "benchmark/": None,
    "gtest/": None,
    "gmock/": None,
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def declared_modules():
    text = (ROOT / "CMakeLists.txt").read_text()
    modules = {}
    for match in re.finditer(r"^module\((\w+)([^)]*)\)", text, re.M):
        words = match.group(2).split()
        deps, reading = set(), False
        for word in words:
            if word in ("DEPS", "LIBS"):
                reading = word == "DEPS"
            elif reading:
                deps.add(word)
        modules[match.group(1)] = deps | {match.group(1)} | ALWAYS
    return modules


def offences(path, module, allowed, modules):
    test_only = path.stem.endswith(("_test", "_bench", "_fuzz")) or path.stem.startswith("test_")
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, header = match.groups()
        first = header.split("/")[0]
        if quote == '"' and first in modules and first not in allowed:
            yield number, f"{module} may not include {header}: {first} is not among its DEPS"
        for prefix, owners in OWNERS.items():
            if not header.startswith(prefix):
                continue
            if owners is None:
                if not test_only:
                    yield number, f"{header} belongs in tests and benchmarks"
            elif module not in owners:
                yield number, f"{header} belongs to {', '.join(sorted(owners))}, not to {module}"
            elif path.suffix == ".h" and prefix.startswith("boost/unordered") is False and \
                    prefix != "boost/asio":
                yield number, f"{header}: third-party headers stay out of our headers"


def main():
    modules = declared_modules()
    found = 0
    for directory in sorted((ROOT / "src").iterdir()):
        if not directory.is_dir():
            continue
        if directory.name not in modules:
            print(f"src/{directory.name}: not declared with module() in CMakeLists.txt")
            found += 1
            continue
        for path in sorted(directory.rglob("*")):
            if path.suffix not in (".h", ".cc"):
                continue
            allowed = modules[directory.name]
            for number, message in offences(path, directory.name, allowed, modules):
                print(f"{path.relative_to(ROOT)}:{number}: {message}")
                found += 1
    if found:
        print(f"{found} offences against the layer rule (ARCHITECTURE.md, module table)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

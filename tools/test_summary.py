#!/usr/bin/env python3
"""Adds up CTest's JUnit files and prints 'N passed, N failed, N skipped'; names what failed.
usage: test_summary.py RESULTS.xml..."""
import sys
import xml.etree.ElementTree as ElementTree


def skip_reason(case):
    """What the test printed: GoogleTest's line after "Skipped", a script's after "skipped:"."""
    lines = (case.findtext("system-out") or "").splitlines()
    for number, line in enumerate(lines):
        if line.startswith("skipped:"):
            return line.removeprefix("skipped:").strip()
        if line.endswith(": Skipped") and number + 1 < len(lines):
            return f"({lines[number + 1].strip()})"
    return ""


def main():
    passed = failed = skipped = 0
    for path in sys.argv[1:]:
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            status = case.get("status")
            if status == "fail" or case.find("failure") is not None:
                failed += 1
                print(f"failed: {case.get('name')} ({path})")
            elif case.find("skipped") is not None or status in ("notrun", "disabled"):
                skipped += 1
                print(f"skipped: {case.get('name')} {skip_reason(case)}")
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Adds up CTest's JUnit files and prints 'N passed, N failed, N skipped'; names what failed.
usage: test_summary.py RESULTS.xml..."""
import sys
import xml.etree.ElementTree as ElementTree


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
                message = case.find("skipped")
                reason = message.get("message", "") if message is not None else ""
                print(f"skipped: {case.get('name')} {reason}")
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

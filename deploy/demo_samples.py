"""Counts what the demo's samples showed, for people.

Usage: demo_samples.py diagnostics|verdicts FILE.jsonl
"""
import collections
import json
import sys

RULES_SHOWN = 6
STAGES = ("syntax", "difference", "near_duplicate", "tests", "quality")


def counted(names):
    return ", ".join(f"{name} {count:,}" for name, count in collections.Counter(names).most_common())


def diagnostics(rows):
    by_tool = collections.defaultdict(list)
    for row in rows:
        by_tool[row["tool"]].append(row["rule"])
    for tool, rules in by_tool.items():
        common = ", ".join(f"{rule} {count}" for rule, count in collections.Counter(rules).most_common(RULES_SHOWN))
        print(f"  {tool:8} {len(rules):6,} diagnostics of {len(set(rules)):3} rules: {common}")


def verdicts(rows):
    print(f"  {len(rows):,} pairs")
    for name in STAGES:
        found = [next(stage for stage in row["stages"] if stage["name"] == name) for row in rows]
        reasons = counted(stage["reason"] for stage in found if stage["reason"] and stage["reason"] != "earlier_stage_failed")
        passed, failed = (sum(stage["result"] == result for stage in found) for result in ("pass", "fail"))
        print(f"  {name:14} {passed:5,} passed {failed:4,} turned away" + (f"  ({reasons})" if reasons else ""))
    print(f"  {sum(row['accepted'] for row in rows):,} accepted")


def main():
    with open(sys.argv[2], encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    {"diagnostics": diagnostics, "verdicts": verdicts}[sys.argv[1]](rows)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Writes bench/RESULTS.md from bench/results/*.json, which bench/run writes. `results.py --check` says whether the page is what this would write."""
import ast
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ORDER = ["hashing", "intake", "clone", "inspection", "small_deposit", "many_deposits", "status", "memory", "start", "alerts_mails", "alerts_delay", "alerts_rules",
         "outlets_wall", "outlets_cpu", "outlets_inside", "outlets_latency", "outlets_many", "outlets_memory"]


def reasons(name):
    """WHY of a bench: row -> why its bar is not met."""
    path = HERE / f"{name}.py"
    for node in ast.parse(path.read_text()).body if path.exists() else []:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "WHY":
            return ast.literal_eval(node.value)
    return {}


def results():
    found = [json.loads(p.read_text()) for p in (HERE / "results").glob("*.json")]
    return sorted(found, key=lambda r: (ORDER.index(r["name"]) if r["name"] in ORDER else len(ORDER), r["name"]))


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def bar(row):
    if row["met"] is None:
        return ""
    plus = f" + {number(row['plus_seconds'] * 1000)} ms" if row.get("plus_seconds") else ""
    every = ", every time" if row.get("every") else ""
    return (f"at most {number(row['at_most'])} {row['unit']}" if row["at_most"] is not None else f"at least {number(row['at_least'])} {row['unit']}") + plus + every


def verdict(row):
    if row["met"] is None:
        return ""
    if row["met"]:
        return "yes"
    value = row["high"] if row.get("every") else row["median"]
    limit = row["at_most"] if row["at_most"] is not None else row["at_least"]
    return f"**no**, by {number(round(abs(value - limit), 3))} {row['unit']}"


def figures(row):
    spread = f" ({number(row['low'])} to {number(row['high'])}, {row['rounds']} times)" if row["rounds"] > 1 else ""
    text = f"{number(row['median'])} {row['unit']}{spread}"
    if "seconds" in row:
        text += f"<br>{number(row['seconds'] * 1000)} ms beside {number(row['reference_seconds'] * 1000)} ms"
    return text


def why(result, row):
    return "; ".join(t for t in (row["means"], reasons(result["name"]).get(row["what"], "") if row["met"] is False else "") if t)


def page():
    lines = ["# What bkmon promises about time and memory, measured", "",
             "Written by `bench/run` from `bench/results/`. A ratio (x) compares with a plain tool that does the same work, in the same run, one after the",
             "other in rounds; the figure is the median, beside it the smallest and the largest. What it compares with, and the seconds of both, stand below it.", ""]
    rows = [(r, row) for r in results() for row in r["rows"]]
    bars = [row for _, row in rows if row["met"] is not None]
    lines += [f"{sum(1 for row in bars if row['met'])} of {len(bars)} bars are met.", ""]
    for r in results():
        lines += [f"## {r['title']}", "", r["promise"], "", "> " + r["meaning"], "", "| | measured | bar | met | why |", "|---|---|---|---|---|"]
        lines += [f"| {row['what']} | {figures(row)} | {bar(row)} | {verdict(row)} | {why(r, row)} |" for row in r["rows"]]
        lines += ["", f"{r['date']}, {r['machine']}; {r['seconds']} s.", ""]
    return "\n".join(lines)


def main():
    path = HERE / "RESULTS.md"
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if path.exists() and path.read_text() == page() else "bench/RESULTS.md is not what bench/results.py writes: run it")
    path.write_text(page())


if __name__ == "__main__":
    main()

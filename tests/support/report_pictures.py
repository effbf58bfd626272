#!/usr/bin/python3
"""Pictures of the page of `report --html` as people see it: report_pictures.py FOLDER

Renders made-up reports in Chromium, light, dark, on a narrow screen and as printed, and leaves NAME-light.png, NAME-dark.png, NAME-narrow.png
and NAME.pdf in FOLDER. Beside the pictures, which somebody must look at, it fails as mail_pictures.py does, and when the script does not sort
and filter, or a big page takes long.
Wants the package chromium, and bkmonctl built (BKMON_BIN_DIR, else build/dev/bin).
"""
import base64
import json
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from fake_bkmond import FakeBkmond  # noqa: E402
from mail_pictures import BIN, LOOKS, Browser, look  # noqa: E402
from report_samples import REPORT, outlets, pages, row  # noqa: E402

LONGEST_LOAD = 8  # seconds for 1000 outlets and 30 days

SORTS = """(() => {
  const table = [...document.querySelectorAll('table.sort')].pop(), heads = table.tHead.rows[0].cells;
  const column = name => { const i = [...heads].findIndex(h => h.textContent === name); return [...table.tBodies[0].rows].map(r => r.cells[i]); };
  const press = name => [...heads].find(h => h.textContent === name).querySelector('button').click();
  const sizes = () => column('Size').map(c => Number(c.getAttribute('data-v')));
  const rises = v => v.every((x, i) => i === 0 || v[i - 1] <= x);
  press('Size'); const up = rises(sizes());
  press('Size'); const down = rises(sizes().reverse());
  press('Target'); const names = rises(column('Target').map(c => c.textContent.toLowerCase()));
  return String(up && down && names && table.tBodies[0].rows.length > 1);
})()"""
FILTER = """(() => { const box = document.querySelectorAll('input[type=search]'); const last = box[box.length - 1];
  last.value = 'OUTLET007/'; last.dispatchEvent(new Event('input')); return String(box.length); })()"""
LEFT = """(() => { const table = [...document.querySelectorAll('table.sort')].pop();
  return [...table.tBodies[0].rows].map(r => r.textContent.includes('OUTLET007/')).join(); })()"""


PRINTED = """(() => { const table = [...document.querySelectorAll('table.sort')][2], shown = () => table.tBodies[0].rows.length;
  const before = shown(); window.dispatchEvent(new Event('beforeprint')); return JSON.stringify([before, shown()]); })()"""


def samples():
    deposits = [row(target=f"deposit/acme_city_north/DB{n}", kind="deposit", date=f"2026-11-{d:02}", status="failed" if (n, d) == (3, 22) else "ok",
                    reason_code="x", reason="Stage COMPRESS failed: no space left on device", at="2026-11-22T01:00:00Z", backup_at="2026-11-22T00:50:00Z",
                    file=f"db{n}.sql.gz", size_bytes=188178944 + n) for d in range(1, 23) for n in range(6)]
    long = [row(target="outlet/" + "X" * 120 + "/ibstorage", kind="outlet", date="2026-11-22", status="missing", reason_code="x",
                reason="no_spaces_" * 40, file="f" * 200 + ".bak", size_bytes=1, drive="F:", name="A name of many words " * 6, address="fd00::1234:5678:9abc:def0")]
    return {"outlets": (outlets(120, 30), ["--kind", "outlet"]), "deposits": (deposits, []), "long": (long, ["--status", "missing"]), "nothing": ([], []),
            "month": (outlets(1000, 30), ["--kind", "outlet"])}


def make(folder, name, rows, arguments):
    page = folder / f"{name}.html"
    with tempfile.TemporaryDirectory(prefix="bkmon-page-") as where, FakeBkmond(pathlib.Path(where) / "s", {REPORT: pages(rows)}) as daemon:
        subprocess.run([BIN / "bkmonctl", "--socket", daemon.path, "report", "--html", page, *arguments], check=True, stderr=subprocess.DEVNULL)
    return page


def works(browser, page, targets):
    """The script, as a reader uses it."""
    browser.show(page)
    browser.value("document.querySelectorAll('details').forEach(d => d.open = true); ''")
    wrong = [] if browser.value(SORTS) == "true" else ["does not sort"]
    browser.value(FILTER)
    time.sleep(0.5)
    left = set(browser.value(LEFT).split(","))
    wrong += [] if left == {"true"} else [f"does not filter: {left}"]
    before, printed = json.loads(browser.value(PRINTED))
    if before != min(targets, 300) or printed != targets:
        wrong.append(f"shows {before} of {targets} targets, and {printed} on paper")
    return wrong


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    wrong = []
    with tempfile.TemporaryDirectory(prefix="bkmon-pictures-", ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            for name, (rows, arguments) in samples().items():
                page = make(folder, name, rows, arguments)
                before = time.monotonic()
                for screen in LOOKS if name != "month" else ["light"]:
                    wrong += look(browser, page, screen, folder)
                if name == "month":
                    print(f"{page.stat().st_size / 1e6:.1f} MB, shown and pictured in {time.monotonic() - before:.1f} s")
                    if time.monotonic() - before > LONGEST_LOAD:
                        wrong.append("month: takes long to show")
                if name in ("outlets", "month"):
                    before = time.monotonic()
                    wrong += [f"{name}: {w}" for w in works(browser, page, len({r["target"] for r in rows}))]
                    print(f"{name}: sorted three times and filtered in {time.monotonic() - before:.1f} s")
                if name == "outlets":
                    paper = browser.ask("Page.printToPDF", printBackground=False, paperWidth=8.27, paperHeight=11.69)["data"]
                    (folder / f"{name}.pdf").write_bytes(base64.b64decode(paper))
        finally:
            browser.close()
    for w in wrong:
        print(w)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

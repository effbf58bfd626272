#!/usr/bin/python3
"""Pictures of the mails as people see them: mail_pictures.py FOLDER [NAME-PART…]

Renders each sample of tests/unit/daemon/alerts/text/samples.cc in Chromium, light, dark and on a narrow screen, and leaves NAME-light.png,
NAME-dark.png, NAME-narrow.png and NAME.txt (the text part) in FOLDER. Beside the pictures, which somebody must look at, it fails when
a page is wider than its screen, asks for anything from outside, or has a text that can hardly be read on its background.
Wants the package chromium, and unit_daemon_alerts_text built (BKMON_BIN_DIR, else build/dev/bin).
"""
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("BKMON_BIN_DIR", SOURCE / "build/dev/bin"))
LOOKS = {"light": (760, "light"), "dark": (760, "dark"), "narrow": (320, "light")}
LONGEST = 2600  # pixels of a picture: what comes below is more of the same
LEAST_CONTRAST = 4.5  # WCAG 2.1, 1.4.3

# Each text against the nearest background behind it; those drawn without one are on the canvas.
CONTRASTS = """(() => {
  const rgb = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length > 3 && m[3] === 0 ? null : m.slice(0, 3); };
  const light = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
                       return .2126 * r + .7152 * g + .0722 * b; };
  const out = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim();
    if (!/[\\p{L}\\p{N}]/u.test(text)) continue;
    let back = null;
    for (let e = walk.currentNode.parentElement; e && !back; e = e.parentElement) back = rgb(getComputedStyle(e).backgroundColor);
    const a = light(rgb(getComputedStyle(walk.currentNode.parentElement).color)), b = light(back || [255, 255, 255]);
    out.push([(Math.max(a, b) + .05) / (Math.min(a, b) + .05), text.slice(0, 60)]);
  }
  return JSON.stringify(out.sort((x, y) => x[0] - y[0]).slice(0, 1));
})()"""


class Browser:
    """Chromium over its debugging pipe: what it reads on 3, what it says on 4, NUL between messages."""

    def __init__(self, profile):
        program = shutil.which("chromium") or sys.exit("there is no chromium: apt-get install chromium")
        (their_in, self.out), (self.incoming, their_out) = os.pipe(), os.pipe()

        def descriptors():
            # Out of the way first: one of ours may be 3 or 4.
            high_in, high_out = os.dup2(their_in, 100), os.dup2(their_out, 101)
            os.dup2(high_in, 3), os.dup2(high_out, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", f"--user-data-dir={profile}",
             "--remote-debugging-pipe", "--hide-scrollbars", "about:blank"],
            preexec_fn=descriptors, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=profile)
        os.close(their_in), os.close(their_out)
        self.buffer, self.last, self.events, self.session = b"", 0, [], None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.ask(domain + ".enable")

    def message(self):
        while b"\0" not in self.buffer:
            more = os.read(self.incoming, 1 << 20)
            if not more:
                sys.exit("chromium ended")
            self.buffer += more
        one, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(one)

    def ask(self, method, **params):
        self.last += 1
        request = {"id": self.last, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        rest = json.dumps(request).encode() + b"\0"
        while rest:
            rest = rest[os.write(self.out, rest):]
        while True:
            answer = self.message()
            if answer.get("id") == self.last:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def show(self, page):
        self.events.clear()
        self.ask("Page.navigate", url=page.as_uri())
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self.message())

    def requests(self):
        return [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]

    def value(self, expression):
        return self.ask("Runtime.evaluate", expression=expression)["result"]["value"]

    def close(self):
        os.close(self.out)
        self.process.terminate()
        self.process.wait()


def look(browser, page, name, folder):
    width, scheme = LOOKS[name]
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=600, deviceScaleFactor=1, mobile=name == "narrow")
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.show(page)
    wrong = [f"asks for {url}" for url in browser.requests() if url != page.as_uri()]
    wide = browser.value("document.documentElement.scrollWidth")
    if wide > width:
        wrong.append(f"is {wide} pixels wide where there are {width}")
    for contrast, text in json.loads(browser.value(CONTRASTS)):
        if contrast < LEAST_CONTRAST:
            wrong.append(f"has a contrast of {contrast:.1f} at '{text}'")
    height = min(LONGEST, browser.value("document.documentElement.scrollHeight"))
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    picture = browser.ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
    (folder / f"{page.stem}-{name}.png").write_bytes(base64.b64decode(picture))
    return [f"{page.stem}, {name}: {w}" for w in wrong]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([BIN / "unit_daemon_alerts_text", "--gtest_filter=MailSamples.*", "--gtest_brief=1"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "BKMON_MAIL_SAMPLES": str(folder)})
    pages = [p for p in sorted(folder.glob("*.html")) if not sys.argv[2:] or any(part in p.stem for part in sys.argv[2:])]
    wrong = []
    with tempfile.TemporaryDirectory(prefix="bkmon-pictures-", ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            for page in pages:
                for name in LOOKS:
                    wrong += look(browser, page, name, folder)
        finally:
            browser.close()
    print(f"{len(pages) * len(LOOKS)} pictures of {len(pages)} mails in {folder}")
    for w in wrong:
        print(w)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Where the configuration comes from: the credential that systemd passes, and the templates of mails, beside the files."""
import gzip
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import BIN, Case, Daemon, dump, fact, jobs, main, sha256, utc  # noqa: E402
from watched import Watched  # noqa: E402

EXTRA = "credential bkmon.extra"


class Credential(Watched, Case):
    def daemon(self, extra):
        home = self.folder()
        self.credentials = home / "credentials"
        self.credentials.mkdir()
        self.put(extra)
        return Daemon(self, jobs(), env={"CREDENTIALS_DIRECTORY": str(self.credentials)}, home=home)

    def put(self, text):
        (self.credentials / "bkmon.extra").write_text(text)

    def job(self, database):
        return f"deposits:\n  jobs:\n    - {{agent: SHOP_CITY_SOUTH, database: {database}}}\n"

    def targets(self, d):
        return [t["id"] for t in d.json("status", "--kind", "deposit")["targets"]]

    def origins(self, d, *args):
        return {s["path"]: s["origin"] for s in d.json("config", "show", *args)["settings"]}

    def test_it_is_one_more_file_of_the_configuration(self):
        d = self.daemon("site: hidden\n" + self.job("PAYROLL")).start()
        self.assertEqual(self.targets(d), ["deposit/SHOP_CITY_NORTH/MAIN", "deposit/SHOP_CITY_SOUTH/PAYROLL"])
        version = d.json("version")
        self.assertEqual((version["site"], version["config"]), ("hidden", [str(d.config), EXTRA]))
        self.assertEqual(self.origins(d, "--effective")["site"], f"{EXTRA}:1:7")
        self.assertEqual(self.origins(d)["deposits.jobs.SHOP_CITY_SOUTH/PAYROLL.database"], f"{EXTRA}:4:42")

    def test_a_reload_reads_it_again(self):
        d = self.daemon(self.job("PAYROLL")).start()
        self.put(self.job("LEDGER"))
        d.ctl("reload")
        self.assertEqual(self.targets(d), ["deposit/SHOP_CITY_NORTH/MAIN", "deposit/SHOP_CITY_SOUTH/LEDGER"])
        # A bad one changes nothing; one that is gone is no problem.
        self.put("site: x\ncontrol: {socket: /tmp/s}\njobz: 1\n")
        done = d.ctl("reload", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{EXTRA}:2:1: control may only stand in the main file", done.stderr)
        self.assertIn(f"{EXTRA}:3:1: unknown key 'jobz'", done.stderr)
        self.assertEqual(len(self.targets(d)), 2)
        (self.credentials / "bkmon.extra").unlink()
        d.ctl("reload")
        self.assertEqual(self.targets(d), ["deposit/SHOP_CITY_NORTH/MAIN"])

    def test_a_bad_one_does_not_start_and_the_check_says_why(self):
        d = self.daemon("site: x\nsite: y\n")
        check = [str(BIN / "bkmonctl"), "config", "check", "--file", str(d.config)]
        done = subprocess.run(check, env=d.env, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{EXTRA}:2:1: ", done.stderr)
        problems = json.loads(subprocess.run([*check, "--json"], env=d.env, capture_output=True, text=True, timeout=60).stdout)["problems"]
        self.assertEqual([p["where"] for p in problems], [f"{EXTRA}:2:1"])
        started = subprocess.run([str(BIN / "bkmond"), "--config", str(d.config)], env=d.env, capture_output=True, text=True, timeout=60)
        self.assertEqual(started.returncode, 1)
        self.assertIn(f"{EXTRA}:2:1: ", started.stdout + started.stderr)
        # By hand, where systemd passes nothing, the files alone are checked.
        plain = subprocess.run(check, env={k: v for k, v in os.environ.items() if k != "CREDENTIALS_DIRECTORY"}, capture_output=True, text=True, timeout=60)
        self.assertEqual((plain.returncode, plain.stderr), (0, ""))
        (self.credentials / "bkmon.extra").unlink()
        (self.credentials / "bkmon.extra").symlink_to("/etc/shadow")
        done = subprocess.run(check, env=d.env, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (1, f"{EXTRA} is a symbolic link\n"))

    def test_what_it_holds_is_seen_nowhere_else(self):
        """R16: neither in the arguments or the environment of any process, nor in what bkmond says, answers or writes; not even what it refuses."""
        canary = f"canary{os.urandom(9).hex()}"
        d = self.daemon(f"# {canary}\n" + self.job("PAYROLL"))
        data = gzip.compress(dump(rows=3000))
        said = []

        def work():
            d.start()
            d.deposit("SHOP_CITY_NORTH", {"MAIN": ("main.sql.gz", data)}, utc(-30))
            d.wait_status("deposit/shop_city_north/main", "ok", sha256=sha256(data))
            self.put(f"mail: {{password: {canary}}}\npassword {canary}\n")
            said.append(d.ctl("reload", check=False))
            self.put(f"password: {canary}\n")
            said.append(d.ctl("reload", check=False))
            said.extend(d.ctl(*words) for words in (("config", "show", "--effective"), ("--json", "config", "show"), ("deposits", "verify"), ("status",)))
        seen, _ = self.watched(canary, work)
        self.assertEqual(seen, set())
        self.assertEqual([done.returncode for done in said], [1, 1, 0, 0, 0, 0])
        for done in said:
            self.assertNotIn(canary, done.stdout + done.stderr)
        self.assertNotIn(canary, d.text())
        for top in (d.state, d.vault, d.root):
            for path in top.rglob("*"):
                if path.is_file():
                    self.assertNotIn(canary.encode(), path.read_bytes(), path)
        fact("own_secrets", {"looks": self.looks, "leaks": 0})

    def test_the_watcher_sees_what_is_shown(self):
        """Without this the test above could not fail."""
        canary = f"canary{os.urandom(9).hex()}"
        seen, _ = self.watched(canary, lambda: subprocess.run(["sh", "-c", f"sleep 0.5; : {canary}"], env={**os.environ, "TOLD": canary}, check=True))
        self.assertLessEqual({("sh", "cmdline"), ("sh", "environ")}, seen)


class Templates(Case):
    """mail.templates: read and checked with the configuration, at each of its three doors."""

    def daemon(self, more=""):
        home = self.folder()
        self.mails = home / "mails"
        self.mails.mkdir()
        (self.mails / "default.txt").write_text("{{headline}}\n{{#targets}}\n  {{id}}\n{{/targets}}\n")
        mail = f"mail: {{server: 'smtp://127.0.0.1:9', tls: none, from: bkmon@example.org, to: [ops@example.org], digest: none, templates: {self.mails}}}\n"
        d = Daemon(self, jobs(), home=home)
        d.config.write_text(d.config.read_text() + mail + more)
        return d

    def check(self, d):
        done = subprocess.run([str(BIN / "bkmonctl"), "config", "check", "--file", str(d.config)], env=d.env, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr

    def test_the_check_names_file_line_and_column(self):
        d = self.daemon("alerts: {rules: [{kind: deposit, text: loud}]}\n")
        code, said = self.check(d)
        self.assertEqual(code, 1)
        self.assertRegex(said, rf"{d.config}:\d+:\d+: text: there is no template 'loud' in {self.mails}")
        (self.mails / "loud.subject").write_text("{{severity}}: {{headline}}")
        (self.mails / "digest.txt").write_text("{{date}}: {{#sections}}{{title}} {{count}}\n{{/sections}}")
        self.assertEqual(self.check(d), (0, ""))
        (self.mails / "loud.txt").write_text("{{headline}}\n  {{hedline}}\n")
        (self.mails / "loud.html").write_text("<p>\n  {{#targets}}</p>\n")
        (self.mails / "digest.html").write_text("{{acknowledged}}")
        code, said = self.check(d)
        self.assertEqual(code, 1)
        self.assertIn(f"{self.mails}/loud.txt:2:3: there is no variable 'hedline' (did you mean 'headline'?)\n", said)
        self.assertIn(f'{self.mails}/loud.html:2:3: Unclosed section "targets"\n', said)
        self.assertIn(f"{self.mails}/digest.html:1:1: ", said)
        started = subprocess.run([str(BIN / "bkmond"), "--config", str(d.config)], env=d.env, capture_output=True, text=True, timeout=60)
        self.assertEqual(started.returncode, 1)
        self.assertIn(f"{self.mails}/loud.txt:2:3: ", started.stdout + started.stderr)

    def test_a_reload_reads_them_again_or_changes_nothing(self):
        d = self.daemon().start()
        shown = {s["path"]: s["value"] for s in d.json("config", "show", "--effective")["settings"]}
        self.assertEqual((shown["mail.tls"], shown["mail.to"], shown["alerts.group"]), ("none", "[ops@example.org]", "30s"))
        self.assertRegex(shown["mail.templates.default.txt"], r"^\d+ bytes, [0-9a-f]{16}$")
        self.assertIn("nothing has changed", d.ctl("reload").stdout)
        (self.mails / "default.txt").write_text("{{headline}}!\n")
        self.assertNotIn("nothing has changed", d.ctl("reload").stdout)
        (self.mails / "default.txt").write_text("{{nobody}}\n")
        done = d.ctl("reload", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{self.mails}/default.txt:1:1: there is no variable 'nobody'", done.stderr)
        again = {s["path"]: s["value"] for s in d.json("config", "show", "--effective")["settings"]}
        self.assertTrue(again["mail.templates.default.txt"].startswith("14 bytes, "))

    def test_mail_and_alerts_need_no_restart(self):
        d = self.daemon("alerts: {remind: 1h}\n").start()
        d.config.write_text(d.config.read_text().replace("remind: 1h", "remind: 2h, silences: [{target: '*', windows: sun, reason: closed}]")
                            .replace("ops@example.org", "night@example.org").replace("127.0.0.1:9", "localhost:9"))
        d.ctl("reload")
        shown = {s["path"]: s["value"] for s in d.json("config", "show", "--effective")["settings"]}
        self.assertEqual((shown["mail.to"], shown["alerts.remind"], shown["alerts.silences.0.reason"]), ("[night@example.org]", "2h", "closed"))
        self.assertEqual(shown["mail.server"], "smtp://localhost:9")


if __name__ == "__main__":
    main()

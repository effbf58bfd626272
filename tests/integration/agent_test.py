"""The reference agent, run by sh on databases that really are there: what it deposits, what it reports, and what bkmond makes of it."""
import gzip
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import SLOWER, SOURCE, Case, Daemon, fact, jobs, main, sha256  # noqa: E402
from watched import Watched  # noqa: E402

AGENT = "SHOP_CITY_NORTH"
POSTGRESQL = pathlib.Path("/usr/lib/postgresql/15/bin")
UNPACK = {".zst": lambda data: subprocess.run(["zstd", "-dc"], input=data, capture_output=True, check=True).stdout, ".gz": gzip.decompress,
          ".sql": lambda data: data}


def sqlite_file(path, rows=2000):
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, what TEXT)")
        base.executemany("INSERT INTO sales (what) VALUES (?)", ((f"it's sale {i} of \"{'x' * 40}\"",) for i in range(rows)))
    base.close()
    return path


def broken_sqlite_file(path):
    data = bytearray(sqlite_file(path).read_bytes())
    for page in range(4, 9):
        data[page * 4096:page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(data)
    return path


class Agent(Watched, Case):
    def setUp(self):
        self.home = self.folder()
        self.stage = self.home / "stage"
        self.stage.mkdir()
        self.to = self.home / "deposits" / AGENT
        self.make_folders()

    def make_folders(self):
        for name in ("log", "database"):
            (self.to / name).mkdir(parents=True, exist_ok=True)

    def run_agent(self, *args, code=0, env=None, plain=False):
        """Runs it with the usual options (unless plain), expects the exit status, and that nothing is left behind."""
        usual = [] if plain else ["--agent", AGENT, "--to", str(self.to), "--stage", str(self.stage)]
        done = subprocess.run(["sh", str(SOURCE / "etc/agent/bkmon-agent"), *usual, *args], capture_output=True, text=True, timeout=90 * SLOWER,
                              stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(list(self.stage.iterdir()), [])
        return done

    def deposited(self):
        return sorted(p.name for p in self.to.rglob("*") if p.is_file())

    def the_report(self):
        """The one report that was sent; what it says of each healthy file is checked against the file."""
        reports = list((self.to / "log").iterdir())
        self.assertEqual(len(reports), 1, reports)
        self.assertRegex(reports[0].name, rf"^\d{{8}}_\d{{6}}_{AGENT}\.json$")
        found = json.loads(reports[0].read_text())
        self.assertEqual(found["agent_id"], AGENT)
        self.assertLessEqual(found["operation_start_time"], found["operation_end_time"])
        for name, entry in found["databases"].items():
            file = self.to / "database" / entry["staged_file_name"]
            if not entry["TRANSFER"]["status"]:
                continue
            data = file.read_bytes()
            raw = UNPACK[file.suffix](data)
            for stage, content in (("BACKUP", raw), ("COMPRESS", data)):
                self.assertEqual((entry[stage]["status"], entry[stage]["sha256_checksum"], entry[stage]["size"], entry[stage]["error_message"]),
                                 (True, sha256(content), len(content), None), f"{name} {stage}")
        return found

    def assert_failed(self, entry, words):
        self.assertEqual([entry[s]["status"] for s in ("BACKUP", "COMPRESS", "TRANSFER")], [False, False, False])
        self.assertIn(words, entry["BACKUP"]["error_message"])
        self.assertFalse((self.to / "database" / entry["staged_file_name"]).exists())

    def assert_bkmond_says_ok(self, name, *args, env=None, content="auto"):
        """The same databases again, deposited where a bkmond looks."""
        d = Daemon(self, jobs(f"{{agent: {AGENT}, database: {name}, content: {content}}}")).start()
        self.to = d.agent(AGENT)
        self.run_agent(*args, env=env)
        t = d.wait_status(f"deposit/{AGENT}/{name}", "ok", reason_code="promoted")
        self.assertEqual(list(d.vault_files().values()), [t["sha256"]])

    def test_sqlite_in_each_compression(self):
        base = sqlite_file(self.home / "with blank.db")
        for compress, suffix in (("zstd", ".sql.zst"), ("gzip", ".sql.gz"), ("none", ".sql")):
            with self.subTest(compress):
                shutil.rmtree(self.to)
                self.make_folders()
                self.run_agent("--compress", compress, f"MAIN=sqlite:{base}")
                found = self.the_report()
                self.assertEqual((found["overall_status"], list(found["databases"])), ("completed", ["MAIN"]))
                file = self.to / "database" / f"MAIN{suffix}"
                self.assertEqual(file.stat().st_mode & 0o777, 0o640)
                with sqlite3.connect(":memory:") as again:
                    again.executescript(UNPACK[file.suffix](file.read_bytes()).decode())
                    self.assertEqual(again.execute("SELECT count(*) FROM sales").fetchone(), (2000,))
        for compress in ("zstd", "gzip", "none"):
            with self.subTest(compress + " for bkmond"):
                self.assert_bkmond_says_ok("MAIN", "--compress", compress, f"MAIN=sqlite:{base}")

    def test_a_commands_output_is_the_dump(self):
        command = "printf 'one: %s\\n' \"two = three\""
        self.run_agent("--compress=none", f"OTHER=command:{command}")
        self.the_report()
        self.assertEqual((self.to / "database/OTHER.sql").read_text(), "one: two = three\n")
        self.assert_bkmond_says_ok("OTHER", "--compress=gzip", f"OTHER=command:{command}", content="opaque")

    def test_one_failure_is_its_own_and_the_whole_is_completed(self):
        base, broken = sqlite_file(self.home / "good.db"), broken_sqlite_file(self.home / "broken.db")
        self.run_agent(f"GOOD=sqlite:{base}", f"BROKEN=sqlite:{broken}", f"GONE=sqlite:{self.home}/gone.db",
                       "HALF=command:echo half a dump; echo \"till 3 says \\\"no\\\"\" >&2; exit 7", code=1)
        found = self.the_report()
        self.assertEqual(found["overall_status"], "completed")
        of = found["databases"]
        self.assertEqual(list(of), ["GOOD", "BROKEN", "GONE", "HALF"])
        self.assertTrue(of["GOOD"]["TRANSFER"]["status"])
        self.assert_failed(of["BROKEN"], "dump")
        self.assert_failed(of["GONE"], "no such file")
        self.assert_failed(of["HALF"], "status 7: till 3 says \"no\"")
        self.assertEqual(list((self.to / "database").iterdir()), [self.to / "database" / of["GOOD"]["staged_file_name"]])

    def test_a_healthy_sibling_of_a_failure_is_ok_to_bkmond(self):
        d = Daemon(self, jobs(f"{{agent: {AGENT}, database: GOOD}}", f"{{agent: {AGENT}, database: BROKEN}}")).start()
        self.to = d.agent(AGENT)
        self.run_agent(f"GOOD=sqlite:{sqlite_file(self.home / 'a.db')}", f"BROKEN=sqlite:{broken_sqlite_file(self.home / 'b.db')}", code=1)
        d.wait_status(f"deposit/{AGENT}/GOOD", "ok", reason_code="promoted")
        d.wait_status(f"deposit/{AGENT}/BROKEN", "failed", reason_code="stage_failed")

    def test_only_when_nothing_worked_it_failed_globally(self):
        self.run_agent("ONE=command:exit 3", "TWO=command:exit 4", code=1)
        found = self.the_report()
        self.assertEqual(found["overall_status"], "failed_globally")
        self.assert_failed(found["databases"]["ONE"], "status 3")
        self.assert_failed(found["databases"]["TWO"], "status 4")

    def test_a_mistake_anywhere_is_found_before_the_first_dump(self):
        ran = self.home / "ran"
        first = f"FIRST=command:touch {ran}"
        config = self.home / "agent.conf"
        config.write_text(f"agent = {AGENT}\nto = {self.to}\ndatabase = {first}\ndatabase = BAD NAME=command:true\n")
        cases = [((first, "BAD/NAME=command:true"), "BAD/NAME"), ((first, "=command:true"), "database name ''"), ((first, ".HIDDEN=command:true"), ".HIDDEN"),
                 ((first, "-x=command:true"), "unknown option"), ((first, "LAST=oracle:x"), "unknown kind 'oracle'"), ((first, "LAST=sqlite:"), "LAST"),
                 ((first, "LAST=mysql"), "NAME=KIND:WHAT"), ((first, "LAST=mysql:--all-databases"), "option"), ((first, "LAST=a\nb=command:true"), "line break"),
                 ((first, "--database", "LAST"), "NAME=KIND:WHAT"), ((first, "first=command:true"), "twice"), ((first, "--timeout", "soon"), "soon"),
                 ((first, "--mysql-defaults", f"{self.home}/gone"), "gone"), ((first, "--compress", "rar"), "rar"), ((first, "--frobnicate", "x"), "--frobnicate"),
                 ((first, "--agent", "a/b"), "a/b"), (("-c", str(config)), "BAD NAME")]
        for args, words in cases:
            with self.subTest(words):
                self.assertIn(words, self.run_agent(*args, code=2).stderr)
                self.assertFalse(ran.exists())
                self.assertEqual(self.deposited(), [])
        self.run_agent(first)
        self.assertTrue(ran.exists())

    def test_settings_from_a_file(self):
        config = self.home / "agent.conf"
        base = sqlite_file(self.home / "with blank.db")
        config.write_text(f"# of this shop\nagent = {AGENT}\n  to={self.to}\nstage = {self.stage}\ncompress = gzip\ndatabase = MAIN=sqlite:{base}\n")
        self.run_agent("-c", str(config), plain=True)
        self.assertEqual(list(self.the_report()["databases"]), ["MAIN"])
        config.write_text(f"agent = {AGENT}\nagents = x\n")
        self.assertIn(f"{config}:2: unknown key 'agents'", self.run_agent("-c", str(config), plain=True, code=2).stderr)

    def test_a_server_that_cannot_be_reached_is_no_success(self):
        shutil.rmtree(self.home / "deposits")
        (self.home / "deposits").write_text("no folder")
        done = self.run_agent("MAIN=command:echo x", code=3)
        self.assertIn("could not be sent", done.stderr)

    def mariadb(self, password):
        """A server with the database SALES and the user backup; the path of its socket."""
        if not shutil.which("mariadbd") or not shutil.which("mariadb-install-db"):
            self.skipTest("MariaDB's server is not installed: the agent's mysql dumps were NOT tested")
        if not shutil.which("mariadb-dump") and not shutil.which("mysqldump"):
            self.skipTest("mariadb-dump is not installed (mariadb-client): the agent's mysql dumps were NOT tested")
        data, sock = self.home / "data", self.home / "s"
        user = ["--user=root"] if os.geteuid() == 0 else []
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db", *user],
                       check=True, capture_output=True, timeout=60 * SLOWER)
        log = open(self.home / "mariadbd.log", "wb")
        self.addCleanup(log.close)
        server = subprocess.Popen(["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={sock}", f"--pid-file={self.home}/pid", "--skip-networking",
                                   "--innodb-buffer-pool-size=16M", "--performance-schema=0", *user], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)

        def sql(text):
            return subprocess.run(["mariadb", "--no-defaults", "-uroot", f"--socket={sock}", "-e", text], capture_output=True, text=True).returncode == 0
        self.until("mariadbd answers", lambda: sql("SELECT 1"))
        self.assertTrue(sql("CREATE DATABASE SALES; CREATE TABLE SALES.t (a int primary key, b text); INSERT INTO SALES.t VALUES (1,'it''s'),(2,'two');"
                            f"CREATE USER backup@localhost IDENTIFIED BY '{password}'; GRANT ALL ON *.* TO backup@localhost"))
        return sock

    def mysql_options(self, sock, password):
        options = self.home / "backup.cnf"
        options.write_text(f'[client]\nuser=backup\npassword="{password}"\nsocket={sock}\n')
        return options

    def test_mariadb(self):
        options = self.mysql_options(self.mariadb("not on the command line"), "not on the command line")
        self.run_agent("--mysql-defaults", str(options), "SALES=mysql:SALES", "GONE=mysql:GONE", code=1)
        found = self.the_report()
        self.assertEqual(found["overall_status"], "completed")
        self.assertIn(b"it\\'s", UNPACK[".zst" if shutil.which("zstd") else ".gz"](
            (self.to / "database" / found["databases"]["SALES"]["staged_file_name"]).read_bytes()))
        self.assert_failed(found["databases"]["GONE"], "Unknown database")
        self.assert_bkmond_says_ok("SALES", "--mysql-defaults", str(options), "SALES=mysql:SALES", content="mysql")

    def postgresql(self, password=None):
        """A server with the database stock, which asks the user backup for the password if there is one; the environment to reach it."""
        if not (POSTGRESQL / "initdb").exists() or not shutil.which("pg_dump"):
            self.skipTest("PostgreSQL 15 is not installed: the agent's postgresql dumps were NOT tested")
        home = self.folder()
        plain = []
        if os.geteuid() == 0:  # the server refuses root
            os.chown(home, 65534, 65534)
            plain = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        env = {**os.environ, "HOME": str(home), "LC_ALL": "C.UTF-8"}

        def tool(name, *args):
            subprocess.run([*plain, str(POSTGRESQL / name), *args], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, cwd=home, env=env, timeout=60 * SLOWER)
        tool("initdb", "-D", str(home / "data"), "-A", "trust", "-U", "backup", "--no-sync")
        tool("pg_ctl", "-D", str(home / "data"), "-w", "-l", str(home / "log"), "-o", f"-k {home} -c listen_addresses='' -F", "start")
        self.addCleanup(tool, "pg_ctl", "-D", str(home / "data"), "-w", "-m", "immediate", "stop")
        tool("psql", "-h", str(home), "-U", "backup", "-d", "postgres", "-c", "CREATE DATABASE stock")
        tool("psql", "-h", str(home), "-U", "backup", "-d", "stock", "-c", "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'it''s')")
        if password:
            tool("psql", "-h", str(home), "-U", "backup", "-d", "postgres", "-c", f"ALTER USER backup PASSWORD '{password}'")
            (home / "data/pg_hba.conf").write_text("local all all scram-sha-256\n")
            tool("pg_ctl", "-D", str(home / "data"), "reload")
        return {"PGHOST": str(home), "PGUSER": "backup"}

    def test_postgresql(self):
        reach = self.postgresql()
        self.run_agent("--compress=none", "STOCK=postgresql:stock", "GONE=postgresql:gone", code=1, env=reach)
        found = self.the_report()
        self.assertEqual(found["overall_status"], "completed")
        self.assertIn("it's", (self.to / "database/STOCK.sql").read_text())
        self.assert_failed(found["databases"]["GONE"], 'database "gone" does not exist')
        self.assert_bkmond_says_ok("STOCK", "STOCK=postgresql:stock", env=reach, content="postgresql")

    # --- secrets: what other users of the machine may see while it runs, and what is left of it

    def nothing_kept(self, canary, done):
        """Neither in what it printed nor in anything that it wrote and left or sent."""
        self.assertNotIn(canary, done.stdout + done.stderr)
        for path in self.to.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                self.assertNotIn(canary.encode(), UNPACK.get(path.suffix, bytes)(data), path)

    def secret(self):
        return "canary" + os.urandom(9).hex()

    def test_no_password_is_seen_mariadb(self):
        canary = self.secret()
        sock = self.mariadb(canary)
        options = self.mysql_options(sock, canary)
        seen, done = self.watched(canary, lambda: self.run_agent("--mysql-defaults", str(options), "SALES=mysql:SALES", "GONE=mysql:GONE", code=1))
        self.assertEqual(seen, set())
        self.nothing_kept(canary, done)
        looks = self.looks
        # From the environment: only the agent itself, who was given it, and the program that needs it.
        options.write_text(f"[client]\nuser=backup\nsocket={sock}\n")
        shutil.rmtree(self.to)
        self.make_folders()
        seen, done = self.watched(canary, lambda: self.run_agent("--mysql-defaults", str(options), "SALES=mysql:SALES", env={"MYSQL_PWD": canary}))
        self.assertLessEqual(seen, {("sh", "environ"), ("bkmon-agent", "environ"), ("mariadb-dump", "environ"), ("mysqldump", "environ")})
        self.assertIn(("sh", "environ"), seen, "the watcher sees what is there")
        self.nothing_kept(canary, done)
        fact("agent_secrets_mariadb", {"looks": looks + self.looks, "leaks": 0})

    def test_no_password_is_seen_postgresql(self):
        canary = self.secret()
        reach = self.postgresql(canary)
        passfile = self.home / "pgpass"
        passfile.write_text(f"*:*:*:backup:{canary}\n")
        passfile.chmod(0o600)
        seen, done = self.watched(canary, lambda: self.run_agent("STOCK=postgresql:stock", "GONE=postgresql:gone", code=1, env={**reach, "PGPASSFILE": str(passfile)}))
        self.assertEqual(seen, set())
        self.nothing_kept(canary, done)
        looks = self.looks
        shutil.rmtree(self.to)
        self.make_folders()
        seen, done = self.watched(canary, lambda: self.run_agent("STOCK=postgresql:stock", env={**reach, "PGPASSWORD": canary}))
        self.assertLessEqual(seen, {("sh", "environ"), ("bkmon-agent", "environ"), ("pg_dump", "environ")})
        self.assertIn(("sh", "environ"), seen)
        self.nothing_kept(canary, done)
        fact("agent_secrets_postgresql", {"looks": looks + self.looks, "leaks": 0})

    def test_a_command_of_the_settings_is_on_no_command_line(self):
        canary = self.secret()
        settings = self.home / "agent.conf"
        settings.write_text(f"agent = {AGENT}\nto = {self.to}\nstage = {self.stage}\n"
                            f"database = MAIN=command:password={canary}; test -n \"$password\" && sleep 0.4 && echo '-- whole'\n")
        seen, done = self.watched(canary, lambda: self.run_agent("--config", str(settings), plain=True))
        self.assertEqual(seen, set())
        self.nothing_kept(canary, done)

    def test_a_connection_string_is_refused(self):
        for what in ("MAIN=postgresql:postgresql://u:secret@h/db", "MAIN=postgresql:host=h password=secret", "MAIN=mysql:Password=x"):
            done = self.run_agent(what, code=2)
            self.assertIn("could read a password", done.stderr)
            self.assertNotIn("secret", done.stderr)


if __name__ == "__main__":
    main()

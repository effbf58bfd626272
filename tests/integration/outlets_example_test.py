"""The shipped example of a command that prints the inventory of outlets: by itself, and run by bkmond."""
import pathlib
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import SLOWER, SOURCE, Case, Daemon, main  # noqa: E402
from outlets import configuration  # noqa: E402

SECRET = "hunter2-of-the-tables"
EXAMPLE = SOURCE / "etc/outlets-from-sql-server"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class OutletsExample(Case):
    def daemon(self, inventory):
        """`inventory`: what stands behind outlets.inventory, in braces. Nobody answers at the servers' port."""
        d = Daemon(self)
        d.configure(configuration(d, inventory(d), [{"port": free_port()}]))
        return d.start()

    def listed(self, d):
        return {o["code"]: (o["address"], o["active"]) for o in d.json("outlets", "list")["outlets"]}

    def scan(self, d):
        return d.json("outlets", "scan", "--mode", "d-drive")

    def stub(self, folder, name, body):
        path = folder / name
        path.write_text("#!/bin/sh\n" + body)
        path.chmod(0o755)

    def example(self, tool, body, folder=None):
        """The shipped example beside a stub of the tool it calls, which leaves its arguments, environment and input behind; and its settings."""
        folder = folder or self.folder()
        shutil.copy(EXAMPLE, folder / "outlets")
        (folder / "password").write_text(SECRET + "\n")
        self.stub(folder, tool, f'printf "%s\\n" "$@" >{folder}/arguments; env >{folder}/environment; cat >{folder}/input\n{body}')
        return folder, {"PATH": f"{folder}:/usr/bin:/bin", "OUTLETS_PASSWORD_FILE": str(folder / "password"), "OUTLETS_SERVER": "sql.example.org"}

    ROWS = "cat <<'EOF'\n\"S1\",\"127.9.0.1\",\"the \"\"best\"\" shop\",Y\n\"S2\",\"127.9.0.2\",\"\",N\nEOF\n"
    CSV = 'code,address,name,active\n"S1","127.9.0.1","the ""best"" shop",Y\n"S2","127.9.0.2","",N\n'

    def test_the_example_with_sqlcmd(self):
        folder, env = self.example("sqlcmd", self.ROWS)
        done = subprocess.run([folder / "outlets"], env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30 * SLOWER)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, self.CSV, ""))
        arguments = (folder / "arguments").read_text()
        self.assertNotIn(SECRET, arguments)
        self.assertIn(f"SQLCMDPASSWORD={SECRET}", (folder / "environment").read_text())
        for word in ("-b\n", "-N\n", "sql.example.org", "FROM Depot d JOIN DepotIP ip"):
            self.assertIn(word, arguments)

    def test_the_example_with_bsqldb(self):
        folder, env = self.example("bsqldb", self.ROWS)
        done = subprocess.run([folder / "outlets"], env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30 * SLOWER)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, self.CSV, ""))
        self.assertTrue((folder / "input").read_text().endswith("ORDER BY d.OutletCode;\ngo\n"))

    def test_the_example_prints_all_or_nothing(self):
        for tool in ("sqlcmd", "bsqldb"):
            folder, env = self.example(tool, self.ROWS + "echo broken off >&2; exit 16\n")
            done = subprocess.run([folder / "outlets"], env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30 * SLOWER)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (16, "", "broken off\n"), tool)
        folder, env = self.example("other", "")
        done = subprocess.run([folder / "outlets"], env=env, capture_output=True, text=True, timeout=30 * SLOWER)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("neither sqlcmd nor bsqldb", done.stderr)

    def test_bkmond_runs_the_command(self):
        folder = self.folder()

        def inventory(d):
            self.example("sqlcmd", self.ROWS, folder)
            # As an operator would: settings in the copy. bkmond gives it a PATH of the system alone.
            self.stub(folder, "list", f"PATH={folder}:$PATH OUTLETS_PASSWORD_FILE={folder}/password exec {folder}/outlets\n")
            return f"command: [{folder}/list, --unused, {SECRET}], timeout: 20s"
        d = self.daemon(inventory)
        self.assertEqual(self.listed(d), {"S1": ("127.9.0.1", True), "S2": ("127.9.0.2", False)})
        self.stub(folder, "sqlcmd", "echo '\"S1\",\"127.9.0.1\",\"\",Y'; echo the network is down >&2; exit 1\n")
        self.assertEqual(self.scan(d)["total"], 1)
        said = d.ctl("outlets", "list").stdout
        self.assertIn(f"the command {folder}/list: it ended with status 1: the network is down", said)
        self.assertEqual(self.listed(d), {"S1": ("127.9.0.1", True), "S2": ("127.9.0.2", False)}, "what a program printed before it failed is not all")
        self.assertNotIn(SECRET, said + d.text() + d.ctl("config", "show", "--effective").stdout)


if __name__ == "__main__":
    main()

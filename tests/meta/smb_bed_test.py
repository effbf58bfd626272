"""The servers that the tests of outlets use, asked by a client that is not ours: a bed that showed everybody the same would make every test green."""
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import sys
import time

SUPPORT = pathlib.Path(__file__).parent.parent / "support"
sys.path.insert(0, str(SUPPORT))
import smb_bed  # noqa: E402
from harness import Case, main  # noqa: E402
from smb_bed import PASSWORD, USER, BlackHoles, SmbBed  # noqa: E402


class Beds(Case):
    def ask(self, bed, number, share="d$", command="dir BackupFull\\*", user=USER, password=PASSWORD, port=None):
        """What smbclient says."""
        done = subprocess.run(["smbclient", "-s", "/dev/null", "-m", "SMB3", "-U", f"CORP\\{user}%{password}", "-p", str(port or bed.port),
                               f"//{bed.outlet(number).address}/{share}", "-c", command], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL,
                              env={**os.environ, "HOME": str(bed.home)})
        return done.stdout + done.stderr

    def test_each_server_shows_its_own(self):
        bed = SmbBed(self, 300, ports=2, connections=True).start()
        for number in (0, 1, 249, 250, 299):
            bed.put(number, "d$", "BackupFull", f"of_{number}.bak", size=5_000_000_000, age=3600 * number)
        bed.put(1, "e$", "BackupFull", "on_e.bak", data=b"abc")
        for number in (0, 1, 249, 250, 299):
            said = self.ask(bed, number, port=bed.ports[number % 2])
            self.assertIn(f"of_{number}.bak", said)
            self.assertIn("5000000000", said)
            self.assertEqual(said.count(".bak"), 1, said)
            at = time.localtime(time.time() - 3600 * number)
            self.assertIn(time.strftime("%a %b ", at), said)
        self.assertIn("on_e.bak", self.ask(bed, 1, "e$"))
        self.assertIn("NT_STATUS_BAD_NETWORK_NAME", self.ask(bed, 0, "e$"))
        self.assertRegex(self.ask(bed, 0, command="dir Other\\*"), "NT_STATUS_(NO_SUCH_FILE|OBJECT_(NAME|PATH)_NOT_FOUND)")
        self.assertEqual(bed.connects()[bed.outlet(1).address], 2)
        self.assertEqual(bed.connects("e$"), {bed.outlet(1).address: 1})
        bed.forget_connects()
        self.assertEqual(bed.connects(), {})

    def test_logins_are_real(self):
        bed = SmbBed(self, 3, connections=True).start()
        for server in bed.servers:
            server.put("d$", "BackupFull", "x.bak")
        self.assertIn("x.bak", self.ask(bed, 0))
        self.assertEqual(bed.refused_logins(), 0)
        self.assertIn("NT_STATUS_LOGON_FAILURE", self.ask(bed, 0, password="wrong"))
        self.assertIn("NT_STATUS_LOGON_FAILURE", self.ask(bed, 0, user="nobody_knows_me"))
        self.assertEqual(bed.refused_logins(), 2)
        bed.outlet(1).login(False)
        self.assertIn("NT_STATUS_LOGON_FAILURE", self.ask(bed, 1))
        bed.outlet(1).login(True)
        self.assertIn("x.bak", self.ask(bed, 1))
        bed.account("daemon", "other", "[D]")
        self.assertIn("NT_STATUS_ACCOUNT_DISABLED", self.ask(bed, 0, user="daemon", password="other"))

    def test_stops_pauses_and_comes_back(self):
        bed = SmbBed(self, 2).start()
        bed.put(0, "d$", "BackupFull", "x.bak")
        first = bed.process.pid
        bed.pause()
        asking = subprocess.Popen(["smbclient", "-s", "/dev/null", "-U", f"{USER}%{PASSWORD}", "-p", str(bed.port), f"//{bed.outlet(0).address}/d$", "-c", "dir BackupFull\\*"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
        self.addCleanup(asking.kill)
        time.sleep(0.5)
        self.assertIsNone(asking.poll())
        bed.resume()
        self.assertIn("x.bak", asking.communicate(timeout=30)[0])
        bed.kill()
        self.assertIn("NT_STATUS_CONNECTION_REFUSED", self.ask(bed, 0))
        bed.start()
        self.assertIn("x.bak", self.ask(bed, 0))
        bed.outlet(0).remove_share("d$")
        self.assertIn("NT_STATUS_BAD_NETWORK_NAME", self.ask(bed, 0))
        bed.stop()
        self.assertFalse(pathlib.Path(f"/proc/{first}").exists())
        self.assertIn("NT_STATUS_CONNECTION_REFUSED", self.ask(bed, 0))

    def test_a_black_hole_answers_nothing(self):
        bed = SmbBed(self, 1).start()
        BlackHoles(self, ["127.9.0.1", "127.9.0.2"], bed.port)
        for address in ("127.9.0.1", "127.9.0.2"):
            with socket.socket() as s, self.assertRaises(TimeoutError):
                s.settimeout(1.5)
                s.connect((address, bed.port))
        with socket.socket() as s, self.assertRaises(ConnectionRefusedError):
            s.connect(("127.9.0.3", bed.port))

    def test_a_test_that_is_killed_leaves_no_servers(self):
        script = (f"import sys, time; sys.path.insert(0, {str(SUPPORT)!r}); import harness, smb_bed\n"
                  "class T(harness.Case):\n    def runTest(self):\n        bed = smb_bed.SmbBed(self, 1).start()\n"
                  "        print(bed.process.pid, bed.home, flush=True)\n        time.sleep(60)\nT().run()")
        test = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        self.addCleanup(test.stdout.close)
        pid, home = test.stdout.readline().split()
        self.addCleanup(shutil.rmtree, home)
        test.kill()
        test.wait()
        self.until("smbd ends", lambda: not pathlib.Path(f"/proc/{pid}").exists())

    def test_two_beds_at_once(self):
        one, other = SmbBed(self, 2).start(), SmbBed(self, 2).start()
        one.put(0, "d$", "BackupFull", "one.bak")
        other.put(0, "d$", "BackupFull", "other.bak")
        self.assertIn("one.bak", self.ask(one, 0))
        self.assertIn("other.bak", self.ask(other, 0))
        self.assertNotEqual(one.port, other.port)
        beside = SmbBed(self, 2, net="127.2", port=one.port).start()  # the same port, other addresses
        beside.put(1, "d$", "BackupFull", "beside.bak")
        self.assertIn("beside.bak", self.ask(beside, 1))

    def test_works_for_an_ordinary_user(self):
        if os.geteuid() != 0:
            return self.test_each_server_shows_its_own()
        nobody = pwd.getpwnam("nobody")
        tree = self.folder()  # where that user may read
        tree.chmod(0o755)
        for path in (pathlib.Path(__file__), *(SUPPORT / name for name in ("smb_bed.py", "harness.py"))):
            place = tree / path.parent.name / path.name
            place.parent.mkdir(exist_ok=True)
            shutil.copy(path, place)
        done = subprocess.run(["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
                               "/usr/bin/python3", f"{tree}/meta/smb_bed_test.py", "-k", "shows_its_own", "-k", "logins_are_real"],
                              capture_output=True, text=True, timeout=100, cwd="/", env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Ran 2 tests", done.stderr)


if __name__ == "__main__":
    main()

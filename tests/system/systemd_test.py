"""The package under a really booted systemd: each test boots a fresh overlay of one Debian root and runs a script in it as root."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import SOURCE, Case, dump, main  # noqa: E402

ROOT = SOURCE / "build/system/root"

# What every script may use. `expect` stops it with what was seen instead.
PRELUDE = r"""
set -u
fail() { echo "FAILED: $*"; journalctl -u bkmond --no-pager | tail -n 40; systemctl status bkmond bkmond.socket --no-pager -l; exit 1; }
expect() { "$@" || fail "$* -> $?"; }
refuse() { if "$@"; then fail "$* succeeded"; fi; }
until_true() { for _ in $(seq 100); do if "$@" >/dev/null 2>&1; then return; fi; sleep 0.1; done; fail "never: $*"; }
says() { local text; journalctl --sync; text=$("${@:2}" 2>&1); case $text in *"$1"*) ;; *) fail "'${*:2}' does not say '$1' but: $text" ;; esac; }
# systemd forbids starting a unit too often; the tests do it all the time.
mkdir -p /etc/systemd/system/bkmond.service.d /etc/systemd/system/bkmond.socket.d
printf '[Unit]\nStartLimitIntervalSec=0\n' | tee /etc/systemd/system/bkmond.service.d/often.conf /etc/systemd/system/bkmond.socket.d/often.conf >/dev/null
install_package() { expect dpkg -i /share/bkmon.deb >/share/dpkg.log; until_true systemctl is-active bkmond; }
configure() { # one agent SHOP_CITY_NORTH that is due
    install -d -o bkmon -g bkmon -m 2775 /mnt/agent_deposits
    install -d -o bkmon -g bkmon -m 0750 /mnt/validated_backups
    useradd -m shop 2>/dev/null
    install -d -o shop -g bkmon -m 2770 /mnt/agent_deposits/SHOP_CITY_NORTH /mnt/agent_deposits/SHOP_CITY_NORTH/log /mnt/agent_deposits/SHOP_CITY_NORTH/database
    cat >/etc/bkmon/bkmon.yaml <<EOF
control:
  roles: {admin: [root, "@bkmon-admin"], operator: ["@bkmon-operator"], viewer: ["@bkmon-viewer"]}
deposits:
  settle: 1s
  defaults: {schedule: "$(date -u -d '1 minute ago' '+%-M %-H') * * *"}
  jobs:
    - {agent: SHOP_CITY_NORTH, database: MAIN}
EOF
    expect bkmonctl config check
    # New roots need a restart: the service's view of the file system is made when it starts.
    expect systemctl restart bkmond
}
deposit() { # as the agent's own user, with the agent that is shipped
    su shop -s /bin/sh -c "/usr/share/bkmon/agent/bkmon-agent --agent SHOP_CITY_NORTH --compress gzip --to /mnt/agent_deposits/SHOP_CITY_NORTH \
        MAIN=sqlite:/tmp/main.db" || fail "the agent ended with $?"
}
make_database() { sqlite3 /tmp/main.db "CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t VALUES(hex(randomblob(2000)))"; chmod 644 /tmp/main.db; }
status_is() { bkmonctl --json status deposit/SHOP_CITY_NORTH/MAIN | grep -q "\"status\":\"$1\""; }
"""


class Systemd(Case):
    def boot(self, script, seconds=100):
        if os.geteuid() != 0:
            self.skipTest("booting needs root")
        if not ROOT.exists():
            self.skipTest("no root to boot: tests/system/prepare makes it")
        share = self.folder()
        deb = sorted((SOURCE / "build/release").glob("bkmon_*.deb"))[-1]
        shutil.copy(deb, share / "bkmon.deb")
        (share / "dump.sql").write_bytes(dump())
        (share / "script").write_text("#!/bin/bash\n" + PRELUDE + script + "\necho ALL GOOD\n")
        (share / "script").chmod(0o755)
        share.chmod(0o755)
        done = subprocess.run([str(SOURCE / "tests/system/sdboot.sh"), "-t", str(seconds), str(ROOT), str(share), "/bin/bash", "/share/script"],
                              capture_output=True, text=True, timeout=seconds + 30)
        log = (share / "e2e.log").read_text(errors="replace") if (share / "e2e.log").exists() else (share / "console.log").read_text(errors="replace")
        if done.returncode != 0 or "ALL GOOD" not in log:
            self.fail(f"exit status {done.returncode}\n{log[-6000:]}\n{done.stderr[-2000:]}")
        return log

    def test_package_starts_with_an_empty_configuration_and_says_what_to_do(self):
        self.boot(r"""
install_package
expect systemctl is-enabled bkmond.service bkmond.socket
expect systemctl is-active bkmond.socket
says "bkmon.yaml" journalctl -u bkmond --no-pager
says "watches 0 targets" journalctl -u bkmond --no-pager
says "targets" sh -c 'bkmonctl status; systemctl show -p StatusText bkmond'
expect bkmonctl version
[ "$(stat -c '%a %U' /run/bkmon/control.sock)" = "666 root" ] || fail "$(stat -c '%a %U' /run/bkmon/control.sock)"
[ "$(stat -c '%a %U:%G' /etc/bkmon/conf.d)" = "755 bkmon:bkmon" ] || fail "$(stat -c '%a %U:%G' /etc/bkmon/conf.d)"
[ "$(stat -c '%a %U:%G' /var/lib/bkmon)" = "750 bkmon:bkmon" ] || fail "$(stat -c '%a %U:%G' /var/lib/bkmon)"
[ "$(ps -o user= -C bkmond | tr -d ' ')" = bkmon ] || id bkmon || fail "the user"
""")

    def test_deposit_of_an_agents_own_user_is_promoted_and_consumed(self):
        self.boot(r"""
install_package; configure; make_database; deposit
until_true status_is ok
expect test -f /mnt/validated_backups/SHOP_CITY_NORTH/MAIN/MAIN.sql.gz
[ "$(stat -c '%a %U' /mnt/validated_backups/SHOP_CITY_NORTH/MAIN/MAIN.sql.gz)" = "440 bkmon" ] || fail mode
until_true sh -c '! ls /mnt/agent_deposits/SHOP_CITY_NORTH/*/* 2>/dev/null | grep .'
says "proven" bkmonctl explain deposit/SHOP_CITY_NORTH/MAIN
says "deposit/SHOP_CITY_NORTH/MAIN" journalctl -u bkmond BKMON_TARGET=deposit/SHOP_CITY_NORTH/MAIN -o json
# The inspector worked inside the unit's own sandbox.
says '"format"' bkmonctl --json explain deposit/SHOP_CITY_NORTH/MAIN
""")

    def test_where_it_may_not_take_away_it_reads_only_and_says_so_once(self):
        self.boot(r"""
install_package; configure; make_database
chmod 0700 /mnt/agent_deposits/SHOP_CITY_NORTH/log /mnt/agent_deposits/SHOP_CITY_NORTH/database
chown shop:shop /mnt/agent_deposits/SHOP_CITY_NORTH/log /mnt/agent_deposits/SHOP_CITY_NORTH/database
deposit
until_true status_is ok
sleep 1
expect test -f /mnt/agent_deposits/SHOP_CITY_NORTH/database/MAIN.sql.gz
bkmonctl deposits rescan; sleep 1; bkmonctl deposits rescan; sleep 1
[ "$(journalctl -u bkmond -o cat | grep -c 'judged deposits stay')" = 1 ] || fail "said $(journalctl -u bkmond -o cat | grep -c 'judged deposits stay') times"
[ "$(bkmonctl --json history deposit/SHOP_CITY_NORTH/MAIN | grep -o '"status":"ok"' | wc -l)" = 1 ] || fail "judged twice"
""")

    def test_socket_activation_starts_it(self):
        self.boot(r"""
install_package
expect systemctl stop bkmond
refuse systemctl is-active bkmond
expect bkmonctl version
expect systemctl is-active bkmond
# A service that is stopped leaves the socket where it is.
[ -S /run/bkmon/control.sock ] || fail "the socket is gone"
""")

    def test_reload_takes_a_good_configuration_and_refuses_a_bad_one(self):
        self.boot(r"""
install_package; configure
sed -i 's/MAIN}/MAIN, labels: {tier: gold}}/' /etc/bkmon/bkmon.yaml
expect systemctl reload bkmond
says gold bkmonctl --json status
echo 'depositz: {}' >>/etc/bkmon/bkmon.yaml
refuse systemctl reload bkmond
expect systemctl is-active bkmond
says "did you mean 'deposits'" journalctl -u bkmond --no-pager
says gold bkmonctl --json status
expect systemctl kill -s HUP bkmond; sleep 0.5
expect systemctl is-active bkmond
refuse bkmonctl config check
expect systemctl stop bkmond
refuse systemctl start bkmond
says "not started" journalctl -u bkmond --no-pager
""")

    def test_credential_is_one_more_file_of_the_configuration(self):
        self.boot(r"""
install_package; configure
dropin() { printf '[Service]\n%s\n' "$1" >/etc/systemd/system/bkmond.service.d/extra.conf; expect systemctl daemon-reload; }
printf 'deposits:\n  jobs:\n    - {agent: SHOP_CITY_SOUTH, database: PAYROLL}\n' >/root/extra.yaml
chmod 600 /root/extra.yaml
dropin 'LoadCredential=bkmon.extra:/root/extra.yaml'
expect systemctl restart bkmond
says "deposit/SHOP_CITY_SOUTH/PAYROLL" bkmonctl --json status
says '"origin":"credential bkmon.extra:3:7"' sh -c "bkmonctl --json config show | sed 's/:3:[0-9]*/:3:7/g'"
expect systemctl reload bkmond
# Encrypted at rest: bkmond sees the plain bytes alone.
expect systemd-creds encrypt --with-key=host --name=bkmon.extra /root/extra.yaml /etc/bkmon-extra.cred
rm /root/extra.yaml
dropin 'LoadCredentialEncrypted=bkmon.extra:/etc/bkmon-extra.cred'
expect systemctl restart bkmond
says "deposit/SHOP_CITY_SOUTH/PAYROLL" bkmonctl --json status
dropin 'SetCredential=bkmon.extra:site: douala'
expect systemctl restart bkmond
says '"site":"douala"' bkmonctl --json version
says SHOP_CITY_NORTH bkmonctl --json status
dropin 'SetCredential=bkmon.extra:control: {}'
refuse systemctl restart bkmond
says "credential bkmon.extra:1:1: control may only stand in the main file" journalctl -u bkmond --no-pager
""")

    def test_servers_are_visited_by_workers_that_are_locked_in(self):
        self.boot(r"""
install_package; configure
echo secret >/etc/bkmon/smb.password; chown bkmon: /etc/bkmon/smb.password; chmod 0600 /etc/bkmon/smb.password
cat >>/etc/bkmon/bkmon.yaml <<EOF
outlets:
  workers: 3
  request_timeout: 3s
  deadline: 4s
  inventory:
    list:
      - {code: SILENT1, address: 127.0.0.11}
      - {code: SILENT2, address: 127.0.0.12}
      - {code: NOBODY, address: 127.0.0.13}
  modes:
    - {name: d-drive, shares: ["d$"], folder: BackupFull, schedule: none, credentials: {user: svc, domain: CORP, password_file: /etc/bkmon/smb.password}}
EOF
expect bkmonctl config check
expect systemctl reload bkmond
# Two servers that take the connection and say nothing.
for n in 1 2; do systemd-socket-activate --accept --inetd -l 127.0.0.1$n:445 /bin/sleep 100 2>/dev/null & done
until_true sh -c '[ $(grep -c ":01BD " /proc/net/tcp) -ge 2 ]'
bkmonctl --json outlets scan --mode d-drive >/tmp/scan 2>&1 &
main=$(systemctl show -P MainPID bkmond)
children() { for pid in $(cat /proc/$main/task/*/children); do tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -E "bkmon-smb-worker *$1 *\$" && echo "$pid"; done; }
visiting() { [ "$(children '' | wc -l)" = 2 ]; }
until_true visiting
for pid in $(children ''); do
    for line in 'Seccomp:.2' 'NoNewPrivs:.1'; do expect grep -q "$line" "/proc/$pid/status"; done
    refuse grep -q -z -F secret "/proc/$pid/environ" "/proc/$pid/cmdline"
done
[ "$(children --nursery | wc -l)" = 1 ] || fail "no nursery"
wait %3
for who in silent1 silent2 nobody; do says unreachable bkmonctl --json status outlet/$who/d-drive; done
says timeout bkmonctl --json status outlet/silent1/d-drive
says refused bkmonctl --json status outlet/nobody/d-drive
refuse sh -c 'journalctl -u bkmond --no-pager -o cat | grep -i -E "nursery|worker"'
gone() { [ -z "$(children "(--nursery)?")" ]; }
until_true gone
""")

    def test_hung_daemon_is_killed_by_the_watchdog_and_comes_back(self):
        self.boot(r"""
mkdir -p /etc/systemd/system/bkmond.service.d
printf '[Service]\nWatchdogSec=3\nRestartSec=100ms\n' >/etc/systemd/system/bkmond.service.d/watchdog.conf
install_package
pid=$(systemctl show -p MainPID --value bkmond)
sleep 5
[ "$(systemctl show -p MainPID --value bkmond)" = "$pid" ] || fail "killed although it was well"
kill -STOP "$pid"
for _ in $(seq 100); do new=$(systemctl show -p MainPID --value bkmond); [ "$new" != "$pid" ] && [ "$new" != 0 ] && break; sleep 0.2; done
[ "$new" != "$pid" ] || fail "not restarted"
until_true bkmonctl version
says "Watchdog timeout" journalctl -u bkmond --no-pager
""")

    def test_a_daemon_that_keeps_dying_is_told_by_mail(self):
        log = self.boot(r"""
install_package; configure
cat >/root/sink <<'EOF'
#!/bin/bash
printf '220 sink\r\n'
while IFS= read -r line; do
    case ${line%$'\r'} in
        DATA) printf '354 go\r\n'; while IFS= read -r l && [ "${l%$'\r'}" != . ]; do echo "${l%$'\r'}" >>/root/mail; done; printf '250 taken\r\n' ;;
        QUIT) printf '221 bye\r\n'; exit ;;
        *) printf '250 well\r\n' ;;
    esac
done
EOF
chmod +x /root/sink
systemd-socket-activate -l 127.0.0.1:2525 --accept --inetd /root/sink >/dev/null 2>&1 &
cat >>/etc/bkmon/bkmon.yaml <<'EOF'
mail: {server: "smtp://127.0.0.1:2525", tls: none, from: bkmon@example.org, to: [ops@example.org]}
EOF
expect bkmonctl config check
# As shipped, only faster.
rm /etc/systemd/system/bkmond.service.d/often.conf
printf '[Service]\nRestartSec=200ms\n' >/etc/systemd/system/bkmond.service.d/fast.conf
mkdir -p /etc/systemd/system/bkmond-again.timer.d
printf '[Timer]\nOnActiveSec=\nOnActiveSec=5s\nAccuracySec=1s\n' >/etc/systemd/system/bkmond-again.timer.d/fast.conf
expect systemctl daemon-reload
expect systemctl reset-failed bkmond
expect systemctl restart bkmond
state() { systemctl show -p ActiveState --value "$1"; }
for _ in $(seq 300); do
    [ "$(state bkmond)" != failed ] || break
    pid=$(systemctl show -p MainPID --value bkmond); [ "$pid" = 0 ] || kill -ABRT "$pid"; sleep 0.1
done
[ "$(state bkmond)" = failed ] || fail "systemd goes on starting it"
until_true grep -q '^Subject: ' /root/mail
until_true sh -c 'journalctl -u bkmond-failure@bkmond.service.service --no-pager | grep -q "mailed to ops@example.org that bkmond.service has failed"'
cat /root/mail
# And it is tried again by itself.
until_true sh -c '[ "$(systemctl show -p ActiveState --value bkmond)" = active ]'
""")
        mail = log[log.index("\nMessage-ID: "):].replace("=\n", "")
        for words in ("bkmond.service on", "signal 6", "Start request repeated too quickly"):
            self.assertIn(words, mail, "what systemd and the journal know")

    def test_roles_come_from_the_kernels_word(self):
        self.boot(r"""
install_package; configure
for u in vera:bkmon-viewer otto:bkmon-operator anna:bkmon-admin; do expect useradd -G "${u#*:}" "${u%%:*}"; done
expect useradd nobodyelse
# Groups are looked up when the configuration is read.
as() { su "$1" -s /bin/sh -c "bkmonctl $2"; }
for u in vera otto anna; do expect as $u status; done
as nobodyelse status; [ $? = 5 ] || fail "a user without a role got in"
as vera "deposits rescan"; [ $? = 5 ] || fail "a viewer may rescan"
expect as otto "deposits rescan"
as otto reload; [ $? = 5 ] || fail "an operator may reload"
expect as anna reload
says denied journalctl -u bkmond --no-pager
""")

    def test_journal_has_fields_and_the_catalog_says_what_to_do(self):
        self.boot(r"""
install_package; configure
printf '{"agent_id": ' >/mnt/agent_deposits/SHOP_CITY_NORTH/log/STATUS.json
until_true status_is failed
for field in MESSAGE_ID BKMON_STATUS BKMON_SEVERITY BKMON_REASON; do says $field journalctl -u bkmond BKMON_TARGET=deposit/SHOP_CITY_NORTH/MAIN -o json; done
says "bkmonctl explain" journalctl -x -u bkmond BKMON_TARGET=deposit/SHOP_CITY_NORTH/MAIN --no-pager
""")

    def test_second_bkmond_on_the_same_state_refuses(self):
        self.boot(r"""
install_package
printf 'control: {socket: /tmp/second.sock}\n' >/tmp/second.yaml
su bkmon -s /bin/sh -c 'bkmond --config /tmp/second.yaml' 2>&1 | tee /tmp/second.log
grep -q 'another bkmond' /tmp/second.log || fail "$(cat /tmp/second.log)"
expect bkmonctl version
""")

    def test_purge_removes_state_and_never_backups(self):
        self.boot(r"""
install_package; configure; make_database; deposit
until_true status_is ok
expect dpkg -i /share/bkmon.deb >/dev/null
until_true status_is ok
expect dpkg --remove bkmon >/dev/null
expect test -f /etc/bkmon/bkmon.yaml
expect test -d /var/lib/bkmon
expect dpkg --purge bkmon >/dev/null
[ ! -e /var/lib/bkmon ] || fail "state is left"
[ ! -e /etc/bkmon/bkmon.yaml ] || fail "configuration is left"
[ ! -e /lib/systemd/system/bkmond.service ] || fail "unit is left"
expect test -f /mnt/validated_backups/SHOP_CITY_NORTH/MAIN/MAIN.sql.gz
""")


if __name__ == "__main__":
    main()

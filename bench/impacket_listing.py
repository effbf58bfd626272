#!/usr/bin/python3
"""impacket_listing.py THREADS PORT SHARE FOLDER: a client such as people write with impacket. Addresses, one a line, on standard input; BED_USER and
BED_PASSWORD in the environment. For each address a line: the address and the newest *.bak in FOLDER, or "!" and the error."""
import os
import queue
import sys
import threading

from impacket.smbconnection import SMBConnection

THREADS, PORT, SHARE, FOLDER = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
jobs = queue.SimpleQueue()


def newest(address):
    connection = SMBConnection(address, address, sess_port=PORT, timeout=20)
    try:
        connection.login(os.environ["BED_USER"], os.environ["BED_PASSWORD"], "BEDGRP")
        found = [f for f in connection.listPath(SHARE, FOLDER + "\\*") if f.get_longname().lower().endswith(".bak") and f.get_filesize() >= 1024]
        return max(found, key=lambda f: f.get_mtime_epoch()).get_longname() if found else "! nothing"
    finally:
        connection.close()


def work():
    while True:
        try:
            address = jobs.get_nowait()
        except queue.Empty:
            return
        try:
            said = newest(address)
        except Exception as e:  # noqa: BLE001: whatever the library throws is this server's answer
            said = f"! {e}"
        sys.stdout.write(f"{address} {said}\n")


for line in sys.stdin:
    jobs.put(line.strip())
threads = [threading.Thread(target=work) for _ in range(THREADS)]
for t in threads:
    t.start()
for t in threads:
    t.join()

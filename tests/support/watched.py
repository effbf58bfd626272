"""What other users of the machine may see of running processes."""
import os
import threading
import time


class Watched:
    """For a Case."""
    def watched(self, canary, work):
        """Runs work() while all processes are looked at a hundred times a second: who showed the canary, as {(program, where)}."""
        seen, looks, over = set(), [0], threading.Event()
        wanted, before = canary.encode(), set(os.listdir("/proc"))  # what ran before cannot have got it

        def read(path):
            try:
                with open(path, "rb") as f:
                    return f.read()
            except OSError:
                return b""

        def look():
            while not over.is_set():
                for pid in os.listdir("/proc"):
                    if not pid.isdigit() or pid in before:
                        continue
                    for where in ("cmdline", "environ"):
                        if wanted in read(f"/proc/{pid}/{where}"):
                            seen.add((read(f"/proc/{pid}/comm").decode().strip(), where))
                looks[0] += 1
                over.wait(0.005)
        watcher = threading.Thread(target=look)
        watcher.start()
        begun = time.monotonic()
        try:
            done = work()
        finally:
            over.set()
            watcher.join()
        self.looks = looks[0]
        rate = looks[0] / (time.monotonic() - begun)
        self.assertGreater(rate, 20, "the machine is too slow to have seen anything")
        return seen, done

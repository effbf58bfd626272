"""The list of mutants: tests/mutants/*.yaml, each a protection that is taken out and the tests that must notice.

    - name: copy-not-hashed          unique
      breaks: R1                     the promise, and what is no longer so
      file: daemon/…/take.cc
      find: |                        stands in the file exactly once
      replace: |
      tests: [unit_…: Suite.Name, integration/control_test.py: test_name]
"""
import dataclasses
import pathlib
import re

import yaml

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass
class Mutant:
    name: str
    breaks: str
    file: str
    find: str
    replace: str
    tests: list      # [(program or script below tests/, name of the test)]

    @property
    def targets(self):
        """What must be built for its tests."""
        wanted = set()
        for program, _ in self.tests:
            if program.endswith(("smb_worker_test.py", "smb_nursery_test.py")):  # this one alone
                wanted |= {"bkmon-smb-worker", "drawn_early"}
                continue
            wanted |= {"bkmond", "bkmonctl", "bkmon-inspect", "bkmon-smb-worker"} if program.endswith(".py") else {program}
            if program.startswith("unit_daemon_platform_inspect"):  # they start the real one
                wanted.add("bkmon-inspect")
            if program == "unit_daemon_platform_smb":
                wanted |= {"smb_worker", "bkmon-smb-worker"}
            if program == "unit_daemon_platform_loop":
                wanted.add("sibling")
        return sorted(wanted)

    def problems(self, read):
        """What is wrong with it in a tree whose files read() gives."""
        text = read(self.file)
        if not text:
            return [f"there is no {self.file}"]
        count = text.count(self.find)
        return ([f"its text stands {count} times in {self.file}"] if count != 1 else []) + (["changes nothing"] if self.find == self.replace else [])


def load(source):
    mutants = []
    for path in sorted((source / "tests/mutants").glob("*.yaml")):
        for m in yaml.safe_load(path.read_text()):
            tests = [next(iter(t.items())) for t in m.pop("tests")]
            # A block in YAML ends with a line end; a part of a line is written without the block.
            mutants.append(Mutant(tests=tests, **m))
    return mutants


def names_of(source, program):
    """The tests that a unit program or a script has, by its source."""
    if program.endswith(".py"):
        return set(re.findall(r"^    def (test_\w+)\(self", (source / "tests" / program).read_text(), re.M))
    room = program.removeprefix("unit_")
    for folder in (source / "tests/unit").rglob("*"):
        if folder.is_dir() and "_".join(folder.relative_to(source / "tests/unit").parts) == room:
            text = "".join(p.read_text() for p in folder.glob("*.cc"))
            return {f"{a}.{b}" for a, b in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", text, re.M)}
    return set()

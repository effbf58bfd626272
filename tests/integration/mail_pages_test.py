"""Mails of hostile values, read by a parser that is not ours: tests/unit/daemon/alerts/text/hostile.cc has the values."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from harness import BIN, Case, main  # noqa: E402
from markup import Markup  # noqa: E402


class MailPages(Case):
    def test_values_are_text_for_another_parser(self):
        folder = self.folder()
        subprocess.run([BIN / "unit_daemon_alerts_text", "--gtest_filter=HostileValues.BecomeNoSyntaxOfAnAlert"], check=True,
                       stdout=subprocess.DEVNULL, env={**os.environ, "BKMON_MAIL_HOSTILE": str(folder)})
        values = sorted(folder.glob("*.value"))
        self.assertGreater(len(values), 256)
        for path in values:
            value = path.read_text()
            page, plain = (Markup(path.with_suffix(end).read_text()) for end in (".html", ".plain"))
            self.assertEqual(page.tags, plain.tags, value[:80])
            # The name of a file and a label of the evidence are there as they were shown.
            words = "\n".join(page.words)
            self.assertIn(value.strip(" "), words, value[:80])


if __name__ == "__main__":
    main()

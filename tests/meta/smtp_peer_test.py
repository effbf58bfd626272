"""The mail servers that the tests use, asked by a client that is not ours: a server that took everything would make every test green."""
import pathlib
import smtplib
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import smtp_peer  # noqa: E402
from harness import Case, main  # noqa: E402
from smtp_peer import CUT, SILENCE, EximPeer, SmtpPeer  # noqa: E402

TEXT = b"Subject: one\r\n\r\n.dot\r\nend\r\n"


class Peers(Case):
    def setUp(self):
        if smtp_peer.missing():
            self.skipTest(smtp_peer.missing())

    def client(self, peer, login=("bkmon", "secret"), timeout=10):
        kind = smtplib.SMTP_SSL if peer.url.startswith("smtps") else smtplib.SMTP
        trust = ssl.create_default_context(cafile=peer.ca_file or None)
        more = {"context": trust} if kind is smtplib.SMTP_SSL else {}
        client = kind("127.0.0.1", peer.port, timeout=timeout, **more)
        self.addCleanup(client.close)
        if kind is smtplib.SMTP and peer.ca_file:
            client.starttls(context=trust)
        if login:
            client.login(*login)
        return client

    def test_takes_a_message_and_says_how_it_came(self):
        for tls in ("starttls", "smtps", "none"):
            with self.subTest(tls):
                peer = SmtpPeer(self, tls=tls, login={"bkmon": "secret"}).start()
                self.client(peer).sendmail("a@example.org", ["b@example.org"], TEXT)
                (got,) = peer.messages()
                self.assertEqual((got.sender, got.recipients, got.data, got.login, got.tls), ("a@example.org", ["b@example.org"], TEXT, "bkmon",
                                                                                               None if tls == "none" else "TLSv1.3"))
                self.assertEqual(got.mail["Subject"], "one")
                self.assertEqual([ok for *_, ok in peer.logins], [True])

    def test_refuses_who_may_not(self):
        peer = SmtpPeer(self, login={"bkmon": "secret"}).start()
        with self.assertRaises(smtplib.SMTPAuthenticationError):
            self.client(peer, ("bkmon", "wrong"))
        with self.assertRaises(smtplib.SMTPSenderRefused):
            self.client(peer, None).sendmail("a@example.org", ["b@example.org"], TEXT)
        self.assertEqual(peer.messages(accepted=False), [])
        for certificate in ("expired", "wrong_name", "stranger"):
            with self.assertRaises(ssl.SSLCertVerificationError, msg=certificate):
                self.client(SmtpPeer(self, certificate=certificate).start(), None)

    def test_does_as_it_is_told(self):
        peer = SmtpPeer(self).start().answer("RCPT", "451 4.7.1 later").refuse("c@example.org", "550 5.1.1 who").answer("DOT", CUT, None, "452 full")
        send = lambda to="b@example.org", **more: self.client(peer, None, **more).sendmail("a@example.org", [to], TEXT)  # noqa: E731
        with self.assertRaises(smtplib.SMTPRecipientsRefused):
            send()
        with self.assertRaises(smtplib.SMTPServerDisconnected):
            send()
        send()
        with self.assertRaises(smtplib.SMTPDataError):
            send()
        with self.assertRaises(smtplib.SMTPRecipientsRefused):
            send("c@example.org")
        self.assertEqual((len(peer.messages()), len(peer.messages(accepted=False)), peer.connections), (1, 3, 5))
        for verb in ("CONNECT", "EHLO", "DATA"):
            peer.answer(verb, SILENCE)
            with self.assertRaises((TimeoutError, smtplib.SMTPServerDisconnected), msg=verb):
                send(timeout=0.3)
        peer.answer("BODY", CUT)
        with self.assertRaises((ConnectionError, smtplib.SMTPServerDisconnected)):
            send()
        peer.down()
        with self.assertRaises(ConnectionRefusedError):
            send()
        peer.up()
        send()
        self.assertEqual(len(peer.messages()), 2)

    def test_exim_takes_what_it_may(self):
        if EximPeer.missing():
            self.skipTest(EximPeer.missing())
        peer = EximPeer(self).start()
        client = self.client(peer, ("bkmon", "right horse"))
        for to, code in (("nobody@example.org", 550), ("later@example.org", 451), ("b@elsewhere.example", 550)):
            with self.assertRaises(smtplib.SMTPRecipientsRefused) as refused:
                client.sendmail("a@example.org", [to], TEXT)
            self.assertEqual(refused.exception.recipients[to][0], code)
        client.sendmail("a@example.org", ["b@example.org"], TEXT)
        (got,) = self.until("it is delivered\n" + peer.log(), peer.messages)
        self.assertEqual((got.sender, got.recipients, got.login), ("a@example.org", ["b@example.org"], "bkmon"))
        self.assertIn("TLS1.3", got.tls)
        self.assertEqual(got.mail.get_content(), ".dot\r\nend\r\n")
        with self.assertRaises(smtplib.SMTPAuthenticationError):
            self.client(peer, ("bkmon", "wrong"))


if __name__ == "__main__":
    main()

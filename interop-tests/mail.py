#!/usr/bin/env python3
"""People are invited by mail, through a real mail server (aiosmtpd) with TLS from the first byte and by STARTTLS, and with a password:
what arrives is read by Python's own mail parser and by icalendar. Then everything goes wrong that can: a wrong password, somebody unknown,
a server that is busy, that is down, that offers no TLS, that slips something in before it, that is somebody else, or that lies outside of
the declared processors. At last the console does it, in Chromium.

Usage: mail.py PATH_OF_EINWAHL [FOLDER_FOR_SCREENSHOTS]. Everything runs on loopback and ends by itself.
"""
import contextlib
import datetime
import email
import email.policy
import hashlib
import json
import logging
import pathlib
import re
import secrets
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import warnings

import icalendar
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from console import Story, area, visible
from gateway import audited, configuration, serving
from neighbours import hosts, name_server, vouched
from pages import CHROMIUM, FLAGS
from playwright.sync_api import sync_playwright

SIP_PORT, WEB_PORT = 25097, 28475
TLS, STARTTLS, PLAIN, SLIPS, NOBODY = 28476, 28477, 28478, 28479, 28480
DNS = "127.0.0.53:5355"
PAGE = f"https://127.0.0.1:{WEB_PORT}"
PASSWORD = "brief taube rathaus"
TOKENS = {name: f"ew_{secrets.token_hex(32)}" for name in ("buero", "ohne-pin")}

MAIL = """[[processors]]
name = "Rechenzentrum"
purposes = ["smtp"]
country = "DE"
networks = ["198.51.100.0/24"]
[mail]
server = "{server}"
port = {port}
security = "{security}"
user = "einwahl"
password_file = "{folder}/{password}"
from = "Stadt Beispielhausen <einwahl@stadt.example>"
page = "{page}"
numbers = ["030 9018 4000", "+49 30 9018 4000"]
ca = "{folder}/ca.pem"
"""


class Letters(Story):
    """Says more only of what is wrong."""
    def check(self, what, fine, detail=""):
        super().check(what, fine, "" if fine else detail)


class Box:
    """Takes mail for some, and says what it was told before TLS."""
    def __init__(self):
        self.mails, self.later, self.before = [], set(), []

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        if not session.ssl:
            self.before.append("EHLO")
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("unbekannt"):
            return f"550 5.1.1 <{address}>: no such user here"
        if address.startswith("spaeter") and address not in self.later:
            self.later.add(address)
            return "450 4.2.1 grey, come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        version = server.transport.get_extra_info("cipher")
        self.mails.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content, session.auth_data, version))
        return "250 taken"

    def to(self, address):
        found = [email.message_from_bytes(content, policy=email.policy.default) for _, to, content, _, _ in self.mails if to == [address]]
        return found[-1] if found else None


def knows(server, session, envelope, mechanism, data):
    right = (data.login, data.password) == (b"einwahl", PASSWORD.encode())
    return AuthResult(success=right, handled=False, auth_data=data.login.decode() if right else None)


class Slipping(threading.Thread):
    """Says something in the clear right after its go-ahead for TLS, as somebody between might."""
    def __init__(self):
        super().__init__(daemon=True)
        self.listening = socket.create_server(("127.0.0.1", SLIPS))
        self.said = []

    def run(self):
        while True:
            try:
                taken, _ = self.listening.accept()
            except OSError:
                return
            with taken, contextlib.suppress(OSError):
                taken.sendall(b"220 mail.stadt.example\r\n")
                self.said.append(taken.recv(1000))
                taken.sendall(b"250-mail.stadt.example\r\n250 STARTTLS\r\n")
                self.said.append(taken.recv(1000))
                taken.sendall(b"220 go\r\n250-mail.stadt.example\r\n250 AUTH PLAIN\r\n")
                self.said.append(taken.recv(1000))


def certificates(folder):
    vouched(folder, "mail", "mail.stadt.example")
    for name, text in (("password", PASSWORD), ("wrong", "ganz falsch")):
        (folder / name).write_text(text + "\n")
        (folder / name).chmod(0o600)


@contextlib.contextmanager
def town(folder):
    """The mail servers, and the names that lead there."""
    certificates(folder)
    box, plain = Box(), Box()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "mail.pem", folder / "mail.key")
    login = {"authenticator": knows, "auth_required": True, "hostname": "127.0.0.1"}
    controllers = [
        Controller(box, port=TLS, ssl_context=context, auth_require_tls=False, **login),
        Controller(box, port=STARTTLS, tls_context=context, require_starttls=True, **login),
        Controller(plain, port=PLAIN, hostname="127.0.0.1"),
    ]
    slipping = Slipping()
    slipping.start()
    with name_server(folder, DNS, hosts(mail="127.0.0.1", andere="127.0.0.1", fremd="192.0.2.77")):
        for controller in controllers:
            controller.start()
        try:
            yield box, plain, slipping
        finally:
            for controller in controllers:
                controller.stop()
            slipping.listening.close()


def settings(folder, server="mail.stadt.example", port=TLS, security="tls", password="password"):
    text = configuration(SIP_PORT, web=WEB_PORT, id="123456", pin="4711", title="Ratssitzung")
    text = text.replace("[web]", f'dns = ["{DNS}"]\n[web]', 1)
    for name, rights in (("buero", '"read", "pins", "write"'), ("ohne-pin", '"read", "write"')):
        digest = hashlib.sha256(TOKENS[name].encode()).hexdigest()
        text += f'[[api.tokens]]\nname = "{name}"\nhash = "sha256:{digest}"\nrights = [{rights}]\n'
    return text + MAIL.format(folder=folder, server=server, port=port, security=security, password=password, page=PAGE)


def ask(method, path, body=None, token="buero"):
    trusting = ssl._create_unverified_context()  # the certificate is made anew at each start
    request = urllib.request.Request(f"{PAGE}/api/v1/meetings{path}", method=method, data=json.dumps(body).encode(),
                                     headers={"Authorization": f"Bearer {TOKENS[token]}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, context=trusting, timeout=70) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def invited(room, *to, **more):
    status, told = ask("POST", f"/{room}/invitations", {"to": list(to), **more})
    assert status == 200, told
    return told["people"]


def reads(story, mail, made, numbers):
    """What stands in a letter."""
    text = mail.get_body(("plain",)).get_content()
    story.check("the letter says page, ID, PIN and numbers", all(word in text for word in (f"{PAGE}/r/{made['room']}", made["id"], made["pin"], *numbers)), text)
    story.check("the letter does not say the moderators' PIN", made["moderatorPin"] not in mail.as_string() and made["moderatorPin"] not in text)
    files = list(mail.iter_attachments())
    story.check("one calendar file is with it, published", len(files) == 1 and files[0].get_content_type() == "text/calendar"
                and files[0].get_param("method") == "PUBLISH" and files[0].get_filename() == "einwahl.ics", str([file.items() for file in files]))
    calendar = icalendar.Calendar.from_ical(files[0].get_content())
    event = next(iter(calendar.walk("VEVENT")))
    begins, ends = event["DTSTART"].dt, event["DTEND"].dt
    story.check("the calendar file has time, title, place and who invites", calendar["METHOD"] == "PUBLISH" and event["SUMMARY"] == made["title"]
                and begins == datetime.datetime(2030, 11, 25, 17, 0, tzinfo=datetime.timezone.utc) and ends - begins == datetime.timedelta(hours=2)
                and event["LOCATION"] == f"{PAGE}/r/{made['room']}" and event["ORGANIZER"] == "mailto:einwahl@stadt.example"
                and event["DESCRIPTION"].strip() == text.replace("\r\n", "\n").strip(), files[0].get_content())
    return event


def arrives(story, folder, box, log):
    with serving(folder, settings(folder), WEB_PORT, stderr=log):
        _, made = ask("POST", "", {"title": "Bauausschuss; Straßen, Wege & Plätze", "opensAt": "2030-11-25T18:00", "endsAt": "2030-11-25T20:00"})
        room = made["room"]
        late = invited(room, "spaeter@nachbar.example")
        again = time.monotonic() + 62
        story.check("who is to come back later waits", late[0]["state"] == "waiting" and late[0]["why"] == "declined" and "450" in late[0]["told"], str(late))
        people = invited(room, "erika.muster@buerger.example", "max@buerger.example", language="de")
        story.check("two letters are taken", [one["state"] for one in people] == ["taken", "taken"], str(people))
        mail = box.to("erika.muster@buerger.example")
        story.check("each gets a letter of their own", mail and mail["To"] == "erika.muster@buerger.example" and "max@" not in mail.as_string())
        story.check("the letter says who sends it and what it is", mail["From"] == "Stadt Beispielhausen <einwahl@stadt.example>"
                    and mail["Subject"] == "Einladung zur Konferenz: Bauausschuss; Straßen, Wege & Plätze" and mail["Auto-Submitted"] == "auto-generated", str(mail.items()))
        event = reads(story, mail, made, ("030 9018 4000", "+49 30 9018 4000", "Montag, 25. November 2030 um 18:00"))
        sender, _, _, login, cipher = box.mails[-1]
        story.check("the server knows us by our password, under TLS", login == "einwahl" and sender == "einwahl@stadt.example" and cipher, str((login, cipher)))
        ask("PATCH", f"/{room}", {"title": "Bauausschuss"})
        invited(room, "erika.muster@buerger.example")
        anew = next(iter(icalendar.Calendar.from_ical(next(box.to("erika.muster@buerger.example").iter_attachments()).get_content()).walk("VEVENT")))
        story.check("a later calendar file takes the place of an earlier one", anew["UID"] == event["UID"] and anew["SEQUENCE"] > event["SEQUENCE"], str((anew["SEQUENCE"], event["SEQUENCE"])))
        people = invited(room, "unbekannt@buerger.example", "cem@buerger.example", language="en", numbers=["115"])
        story.check("who is unknown is told to whoever invites, and the other gets the letter", people[0]["state"] == "refused" and "550" in people[0]["told"]
                    and "no such user" in people[0]["told"] and people[1]["state"] == "taken", str(people))
        text = box.to("cem@buerger.example").get_body(("plain",)).get_content()
        story.check("the letter is in English where that is asked for, with the numbers of this invitation", "Monday, 25 November 2030 at 18:00" in text and "115" in text and "9018" not in text, text)
        status, told = ask("POST", f"/{room}/invitations", {"to": ["a@b.example"]}, token="ohne-pin")
        story.check("who may not see the PIN sends it to nobody", status == 403, str(told))
        status, told = ask("POST", f"/{room}/invitations", {"to": ["cem@buerger.example\r\nRCPT TO:<x@y.example>", "x"]})
        story.check("what is no address is told by its place, and nothing is sent", status == 422 and [one["message"][:9] for one in told["errors"]] == ["address 1", "address 2"]
                    and "cem" not in json.dumps(told), str(told))
        status, told = ask("POST", "/keine/invitations", {"to": ["a@b.example"]})
        story.check("nobody is invited to what there is not", status == 404, str(told))
        people = invited("rat", "dora@buerger.example")
        story.check("a meeting without a time has no calendar file", people[0]["state"] == "taken" and not list(box.to("dora@buerger.example").iter_attachments()))
        while time.monotonic() < again + 20 and not box.to("spaeter@nachbar.example"):
            time.sleep(0.5)
        story.check("who waited has the letter a minute later", box.to("spaeter@nachbar.example") is not None and time.monotonic() >= again - 3)
        time.sleep(1)
        over = audited(folder, "invitationOver")
        story.check("the audit says so", [(one["room"], one["taken"], one["refused"], one["tries"]) for one in over] == [(room, 1, 0, 2)], str(over))
        noted = [(one["by"], one["people"], one["taken"], one["waiting"], one["refused"], one.get("why")) for one in audited(folder, "invited")]
        story.check("the audit says who has invited how many", noted[:4] == [("buero", 1, 0, 1, 0, "declined"), ("buero", 2, 2, 0, 0, None), ("buero", 1, 1, 0, 0, None),
                                                                            ("buero", 2, 1, 0, 1, "declined")], str(noted))


WRONG = {
    "notLetIn": ("a wrong password is not taken", {"password": "wrong"}, "refused"),
    "unprotected": ("a server without TLS is told nothing", {"port": PLAIN, "security": "starttls"}, "refused"),
    "unprotected ": ("a server that slips something in before TLS is told nothing", {"port": SLIPS, "security": "starttls"}, "refused"),
    "unprotected  ": ("a server that speaks plainly where TLS should begin is told nothing", {"port": PLAIN}, "refused"),
    "untrusted": ("a server with another's certificate is told nothing", {"server": "andere.stadt.example"}, "refused"),
    "notPermitted": ("a server outside of the declared networks is not asked", {"server": "fremd.stadt.example"}, "refused"),
    "unreachable": ("a server that is down is asked again later", {"port": NOBODY}, "waiting"),
}


def goes_wrong(story, folder, box, plain, slipping, log):
    before = len(box.mails)
    for why, (what, how, state) in WRONG.items():
        with serving(folder, settings(folder, **how), WEB_PORT, stderr=log):
            people = invited("rat", "erika.muster@buerger.example")
            story.check(what, [(one["state"], one["why"]) for one in people] == [(state, why.strip())], str(people))
            entry = audited(folder, "invited")[-1]
            story.check(f"the audit says {why.strip()!r}", entry["why"] == why.strip() and entry["told"], str(entry))
    story.check("nothing was sent to any of these", len(box.mails) == before and not plain.mails)
    story.check("before TLS we say who we are by our address, and ask for TLS", plain.before == ["EHLO"]
                and slipping.said[0] == b"EHLO [127.0.0.1]\r\n" and slipping.said[1:] in ([b"STARTTLS\r\n", b""], [b"STARTTLS\r\n"]), str((plain.before, slipping.said)))
    lost = audited(folder, "invitationLost")
    story.check("what still waited when we stopped is noted, once", [(one["room"], one["people"]) for one in lost] == [("rat", 1)], str(lost))
    with serving(folder, settings(folder, port=STARTTLS, security="starttls"), WEB_PORT, stderr=log):
        people = invited("rat", "erika.muster@buerger.example")
        story.check("with STARTTLS a letter arrives, too", people[0]["state"] == "taken" and box.mails[-1][3] == "einwahl", str(people))


def by_console(story, playwright, folder, box, log):
    """As people do it, in Chromium."""
    made = subprocess.run([sys.argv[1], "account", "add", "erika", "--role", "administrator", "--folder", str(folder / "kept")], capture_output=True, text=True, check=True)
    password = re.search(r"^[a-z0-9]{4}(?:-[a-z0-9]{4})+$", made.stdout, re.M).group()
    with serving(folder, settings(folder), WEB_PORT, stderr=log):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_context(ignore_https_errors=True, locale="de-DE", viewport={"width": 1440, "height": 1000}).new_page()
        page.on("pageerror", lambda error: story.errors.append(str(error)))
        screenshots, story.screenshots = story.screenshots, None
        story.signs_in_first(page, password)
        story.screenshots = screenshots

        def opens():
            page.get_by_role("button", name=re.compile("^(Einladung|Invitation): Ratssitzung")).first.click()
            page.get_by_role("button", name=re.compile("^(Per E-Mail senden|Send by mail)$")).click()
            page.fill("#mail-to", "frieda@buerger.example; unbekannt@buerger.example\nspaeter2@buerger.example")
            page.get_by_role("dialog").get_by_role("button", name=re.compile("^(Senden|Send)$")).click()
            page.wait_for_selector("dialog .rows tbody tr:nth-child(3)")

        area(page, "Konferenzen")
        visible(page, "Ratssitzung")
        opens()
        rows = [re.sub(r"\s+", " ", row) for row in page.locator("dialog .rows tbody tr").all_inner_texts()]
        fits = all(word in row for word, row in zip(("gesendet", "nicht gesendet", "wird noch versucht"), rows))
        story.check("the console says what became of each letter", fits and "550" in rows[1], str(rows))
        story.check("who was refused is there to be corrected", page.input_value("#mail-to") == "unbekannt@buerger.example", page.input_value("#mail-to"))
        story.check("the letter of the console arrives", box.to("frieda@buerger.example") is not None)
        for width, height in ((1440, 1000), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            wider = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            story.check(f"the dialog fits {width} pixels", not wider)
            story.has_no_barrier(page, f"mail dialog ({width})")
            if story.screenshots:
                page.screenshot(path=story.screenshots / f"mail-{width}.png")
        story.check("no page complains", not story.errors, str(story.errors))
        browser.close()


def main():
    # What aiosmtpd has to say of how it is set up here.
    warnings.simplefilter("ignore")
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    story = Letters(PAGE)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = pathlib.Path(place)
        with town(folder) as (box, plain, slipping), open(folder / "log", "w") as log:
            arrives(story, folder, box, log)
            goes_wrong(story, folder, box, plain, slipping, log)
            by_console(story, playwright, folder, box, log)
            kept = (folder / "log").read_text() + json.dumps(audited(folder, "invited"))
            story.check("no address of anybody stands in log or audit", not re.search(r"erika\.muster|buerger\.example|nachbar\.example", kept),
                        str(re.findall(r".*(?:erika\.muster|buerger\.example|nachbar\.example).*", kept)[:3]))
            story.check("nothing fails in us", "ERROR" not in kept and "panicked" not in kept, kept[-2000:])
    print(f"{story.passed} passed, {len(story.faults)} failed")
    return 1 if story.faults else 0


if __name__ == "__main__":
    sys.exit(main())

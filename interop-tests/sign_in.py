#!/usr/bin/env python3
"""An administrator signs in with a real one-time password (pyotp) over HTTPS, and follows a real telephone (baresip) as server-sent
events: it comes, is muted, and is hung up. Without a code, with one that was used, and from another site nobody gets in. Accounts are
made by command before the gateway runs, and while it does.

Usage: sign_in.py PATH_OF_EINWAHL. Everything runs on loopback and ends by itself.
"""
import hashlib
import http.client
import json
import pathlib
import queue
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.parse

import pyotp
from gateway import configuration, serving
from phones import CODECS, Phone

SIP_PORT, WEB_PORT = 25090, 28449
ORIGIN = f"https://127.0.0.1:{WEB_PORT}"
NUMBER = "+493012345642"
PASSWORD = "nebel leiter kartoffel"
TRUSTING = ssl._create_unverified_context()  # the certificate is made anew at each start

faults = passed = 0


def check(what, fine, told=""):
    global faults, passed
    passed, faults = passed + bool(fine), faults + (not fine)
    print(f"{what}  {'ok' if fine else 'WRONG'} {told if not fine else ''}", flush=True)


class Browser:
    """Keeps the cookie, and the token that its session tells."""

    def __init__(self):
        self.cookie = self.csrf = None

    def asks(self, method, path, body=None, origin=ORIGIN):
        headers = {"Origin": origin, "Cookie": self.cookie, "X-CSRF-Token": self.csrf, "Content-Type": "application/json"}
        connection = http.client.HTTPSConnection("127.0.0.1", WEB_PORT, context=TRUSTING, timeout=60)
        connection.request(method, path, None if body is None else json.dumps(body),
                           {name: value for name, value in headers.items() if value})
        answer = connection.getresponse()
        text = answer.read()
        told = json.loads(text) if text else {}
        if cookie := answer.headers["Set-Cookie"]:
            self.cookie = cookie.split(";")[0]
        self.csrf = told.get("csrf", self.csrf)
        connection.close()
        return answer.status, told

    def follows(self, path):
        """A queue of what is told, as (name, data)."""
        connection = http.client.HTTPSConnection("127.0.0.1", WEB_PORT, context=TRUSTING, timeout=60)
        connection.request("GET", path, headers={"Cookie": self.cookie, "Accept": "text/event-stream"})
        answer, told = connection.getresponse(), queue.Queue(1000)

        def read():
            name = None
            for line in answer:
                word, _, rest = line.decode().rstrip("\n").partition(": ")
                if word == "event":
                    name = rest
                elif word == "data":
                    told.put((name, json.loads(rest)))
            told.put((None, None))

        threading.Thread(target=read, daemon=True).start()
        return told


def until(told, is_so):
    """The next change of calls and rooms that is so; None, if there is none within half a minute."""
    try:
        while True:
            name, data = told.get(timeout=30)
            if name is None or name in ("live", "change") and is_so(data):
                return data
    except queue.Empty:
        return None


def signs_in(once):
    """The first sign-in, with an app that knows nothing but the address that is scanned."""
    browser = Browser()
    status, told = browser.asks("POST", "/api/v1/session", {"name": "erika", "password": once})
    check("the one-time password leads to the app", (status, told.get("next")) == (200, "enrol"), told)
    check("the password alone opens nothing", browser.asks("GET", "/api/v1/live")[0] == 401)
    told = browser.asks("POST", "/api/v1/session/enrolment")[1]
    app = pyotp.parse_uri(told["uri"])
    query = urllib.parse.parse_qs(urllib.parse.urlparse(told["uri"]).query)
    check("the app understands what it scans", app.secret == told["secret"] and query["issuer"] == ["Einwahl"], told["uri"])
    check("the picture to be scanned is one", told["qr"].lstrip().startswith("<?xml") and "<svg" in told["qr"])
    code = app.now()
    status, told = browser.asks("POST", "/api/v1/session/totp", {"code": code})
    check("its code is right", (status, told.get("next"), len(told.get("recoveryCodes", []))) == (200, "newPassword", 10), told)
    status, told = browser.asks("POST", "/api/v1/session/password", {"new": PASSWORD})
    check("with a password of one's own one is in", (status, told.get("next"), told.get("role")) == (200, "nothing", "administrator"), told)
    other = Browser()
    other.asks("POST", "/api/v1/session", {"name": "erika", "password": PASSWORD})
    check("a code counts once", other.asks("POST", "/api/v1/session/totp", {"code": code})[0] == 401)
    check("another site's page does nothing", browser.asks("POST", "/api/v1/meetings", {}, "https://boese.example")[0] == 403)
    return browser


def watches(browser, folder):
    told = browser.follows("/api/v1/events")
    check("at first nobody calls", told.get(timeout=30) == ("live", browser.asks("GET", "/api/v1/live")[1]))
    phone = Phone(folder, 0, 440, CODECS["Opus"], user=NUMBER)
    try:
        phone.does("dial", f"sip:einwahl@127.0.0.1:{SIP_PORT}")
        came = until(told, lambda change: change["calls"])
        call = came["calls"][0] if came else {}
        check("a call is seen to come, masked", call.get("caller") == "+49 30 ···42" and call.get("codec") == "opus", call)
        for key in "123456#":
            phone.does("sndcode", key)
        inside = until(told, lambda change: change["rooms"] and change["rooms"][0]["participants"])
        who = inside["rooms"][0]["participants"][0] if inside else {}
        check("it is seen to join", who.get("kind") == "phone" and not who.get("muted"), inside)
        check("it is muted", browser.asks("POST", f"/api/v1/live/calls/{call['id']}/mute", {"on": True})[0] == 204)
        check("that is seen", until(told, lambda change: change["rooms"] and change["rooms"][0]["participants"][0]["muted"]))
        sound = until(told, lambda change: change["calls"] and change["calls"][0]["quality"])
        check("how it sounds is seen", sound and sound["calls"][0]["quality"]["lossIn"] == 0, sound)
        check("it is hung up", browser.asks("POST", f"/api/v1/live/calls/{call['id']}/hangup")[0] == 204)
        check("that is seen", until(told, lambda change: call["id"] in change["callsGone"]))
        log = lambda: (phone.folder / "log").read_text(encoding="utf-8", errors="replace")
        phone.drained()
        check("the telephone notices", "terminated" in log(), log()[-300:])
    finally:
        phone.ends()
    check("one signs out", browser.asks("DELETE", "/api/v1/session")[0] == 204)
    check("and is told nothing more", until(told, lambda change: False) is None)
    check("nor let in", browser.asks("GET", "/api/v1/live")[0] == 401)


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=einwahl", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
                    "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")], check=True, capture_output=True)


def commands(folder):
    """Accounts by command, while the gateway runs."""
    def does(*words, **how):
        asks = ["--token-file", str(folder / "token"), "--gateway", ORIGIN, "--certificate", str(folder / "cert.pem")]
        done = subprocess.run([sys.argv[1], "account", *words, *asks], capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    code, told = does("add", "otto", "--role", "viewer")
    once = told.splitlines()[2] if code == 0 else ""
    check("an account is made while the gateway runs", code == 0 and len(once) == 24, told)
    check("its one-time password is right", Browser().asks("POST", "/api/v1/session", {"name": "otto", "password": once})[0] == 200)
    code, told = does("add", "otto", "--role", "viewer")
    check("it is not made twice", code == 1 and "already" in told, told)
    check("its role changes", does("role", "otto", "editor") == (0, "otto is editor from now on\n"))
    check("it is closed", does("disable", "otto")[0] == 0)
    check("nobody gets in with it", Browser().asks("POST", "/api/v1/session", {"name": "otto", "password": once})[0] == 401)
    listed = json.loads(does("list", "--json")[1])
    check("the list says so", [(one["name"], one["role"], one["disabled"]) for one in listed][1:] == [("otto", "editor", True)], listed)
    code, told = does("disable", "erika")
    check("the last administrator stays", code == 1 and "last account" in told, told)


def main():
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        text = configuration(SIP_PORT, media=(26000, 26099), web=WEB_PORT, id="123456")
        made = subprocess.run([sys.argv[1], "account", "add", "erika", "--role", "administrator", "--folder", str(folder / "kept")],
                              check=True, capture_output=True, text=True)
        certificate(folder)
        text = text.replace("[browsers]", f'certificate = "{folder}/cert.pem"\nkey = "{folder}/key.pem"\n[browsers]')
        digest = hashlib.sha256(b"ew_accounts").hexdigest()
        text += f'[[api.tokens]]\nname = "skript"\nhash = "sha256:{digest}"\nrights = ["accounts"]\n'
        (folder / "token").write_text("ew_accounts\n")
        with serving(folder, text, WEB_PORT):
            commands(folder)
            watches(signs_in(made.stdout.splitlines()[2]), folder)
    print(f"{passed} passed, {faults} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

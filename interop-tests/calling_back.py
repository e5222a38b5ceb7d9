#!/usr/bin/env python3
"""People who are called back: somebody asks by telephone, an office calls back, and both hear each other within 3 dB and not themselves.

Asked for by the number that is shown, by one that is keyed, and from a queue; over a restart; given up; dropped by an operator. And an
operator has a call go on elsewhere. Real telephones (baresip) behind a telephone system that asks for a password.
Usage: calling_back.py PATH_OF_EINWAHL [STORY …]. Everything runs on loopback and ends by itself.
"""
import hashlib
import json
import pathlib
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import ringing
from gateway import serving
from ringing import NUMBER, Story
from sign_in import certificate

SIP_PORT, WEB_PORT = ringing.SIP_PORT, 25443
OFFICE = "+493090182000"

PLAN = f"""
[callbacks.amt]
agents = ["2001"]
trunk = "pbx"
identity = "{OFFICE}"
tries = 2
minutes = 1
seconds = 12
language = "de"

[callbacks.nebenan]
agents = ["2003"]
trunk = "pbx"
seconds = 12
language = "en"

[queues.amt]
agents = ["2002"]
trunk = "pbx"
seconds = 120
language = "de"
callback = "1"

[[rule]]
name = "Notruf"
called = ["110", "112"]
emergency = true

[[rule]]
name = "Rückruf"
called = "1100"
callback = "amt"

[[rule]]
name = "Warten"
called = "1101"
queue = "amt"

[[rule]]
name = "Rückruf von nebenan"
called = "1102"
callback = "nebenan"

[[rule]]
name = "Intern"
called = "2001"
ring = {{ to = ["2001"], trunk = "pbx", seconds = 20 }}

[[rule]]
name = "Gegenüber"
called = "2002"
ring = {{ to = ["2002@carrier"], seconds = 20 }}

[[rule]]
name = "Rest"
called = "*"
reject = "forbidden"
"""


def configuration(folder):
    (folder / "token").write_text("ew_otto\n")
    certificate(folder)
    hashed = hashlib.sha256(b"ew_otto").hexdigest()
    web = f'listen = ["127.0.0.1:{WEB_PORT}"]\ncertificate = "{folder}/cert.pem"\nkey = "{folder}/key.pem"'
    return ringing.configuration(folder, PLAN, 'country = "DE"\narea = "30"', web) + f"""
[[api.tokens]]
name = "otto"
hash = "sha256:{hashed}"
rights = ["calls", "operate"]
"""


class Town(Story):
    """The telephones of `ringing`: the first is the citizen's, and the telephone system leads to it, too."""

    def __init__(self, folder, check):
        super().__init__(folder, check)
        self.whole = folder
        self.text = configuration(folder)
        self.reached()

    def reached(self, **more):
        self.pbx.extensions = {"2001": ("2001", 25110), "2002": ("2002", 25120), NUMBER: (NUMBER, 25100), **more}
        self.carrier.extensions = dict(self.pbx.extensions)

    def serves(self):
        log = open(self.gateway_log, "a", encoding="utf-8")
        return serving(self.whole, self.text, SIP_PORT, stdout=log, stderr=log)

    def asks(self, number, digits, caller=NUMBER):
        """Somebody calls, keys, and listens until we hang up."""
        words = [f"sip:{number}@127.0.0.1:{SIP_PORT}", "--from", caller, "--digits", digits, "--seconds", "60", "--codec", "pcma"]
        return subprocess.Popen([sys.argv[1], "phone", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def said(self):
        return self.gateway_log.read_text(errors="replace")

    def logged(self, what, words, seconds=25, times=1):
        return self.until(what, lambda: self.said().count(words) >= times, seconds)

    def command(self, *words):
        words = [*words, "--gateway", f"https://127.0.0.1:{WEB_PORT}", "--token-file", str(self.whole / "token"),
                 "--certificate", str(self.whole / "cert.pem")]
        done = subprocess.run([sys.argv[1], "callbacks", *words], capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr

    def requests(self):
        return json.loads(self.command("list", "--json"))

    def audit(self):
        done = subprocess.run([sys.argv[1], "audit", "list", "--folder", str(self.whole / "kept")], capture_output=True, text=True, check=True)
        return done.stdout

    def api(self, method, path, body=None):
        request = urllib.request.Request(f"https://127.0.0.1:{WEB_PORT}/api/v1/{path}", method=method, data=None if body is None else json.dumps(body).encode(),
                                         headers={"Authorization": "Bearer ew_otto", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=self.whole / "cert.pem"), timeout=30) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.loads(refusal.read())

    def calls_back(self, what, agent="2001"):
        """The agent is rung first, then the citizen; both talk."""
        self.until(f"{what}: the agent is rung", lambda: self.rings(1, agent), 30)
        self.check(f"{what}: nobody else before", NUMBER not in self.pbx.called(), str(self.pbx.called()))
        self.phones[1].does("accept")
        self.until(f"{what}: then the citizen", lambda: self.rings(0, NUMBER), 30)
        self.phones[0].does("accept")
        self.talks(what, 1)


def asked_for(town):
    with town.serves():
        caller = town.asks(1100, ",,1")
        town.calls_back("asked for")
        caller.wait(30)
        to_agent, to_citizen = (town.pbx.requests("INVITE", user)[-1] for user in ("2001", NUMBER))
        town.check("asked for: the agent sees whose it is", f"From: <sip:{NUMBER}@" in to_agent)
        town.check("asked for: the citizen sees the office", f"From: <sip:{OFFICE}@" in to_citizen)
        town.check("asked for: then nothing more is kept", town.requests() == [])
        audit = town.audit()
        town.check("asked for: it is noted, masked", "callbackAsked" in audit and "calledBack" in audit and NUMBER[3:] not in audit)
    town.check("asked for: no number is in the log", NUMBER[3:] not in town.said())


def another_number(town):
    """Whoever shows no number keys one; a premium and an emergency number are not called back."""
    with town.serves():
        caller = town.asks(1100, ",,09001234567#,,,,,112#,,,,,030123456#,,,,,1", caller="anonymous")
        town.calls_back("keyed")
        caller.wait(30)
    said = town.said()
    refused = "it is no ordinary telephone of this country" in said and "it is an emergency number" in said
    town.check("keyed: neither 0900 nor 112 are called back", refused and not town.pbx.requests("INVITE", "112"))


def from_a_queue(town):
    with town.serves():
        caller = town.asks(1101, ",,,1,,,,1")
        town.until("from a queue: an agent is rung for who waits", lambda: town.rings(2, "2002"))
        town.until("from a queue: no longer once a callback is wanted", lambda: len(town.pbx.requests("CANCEL", "2002")) == 1)
        town.calls_back("from a queue")
        caller.wait(30)


def over_a_restart(town):
    """The agent's telephone is not there yet; the gateway starts anew; then it is."""
    with town.serves():
        first = town.asks(1102, ",,1")
        town.logged("restart: no agent has time", "the agent does not answer")
        first.wait(30)
        again = town.asks(1102, ",,1")
        again.wait(30)
        kept = town.requests()
        town.check("restart: the same number twice is one request", len(kept) == 1 and kept[0]["tries"] == 0, str(kept))
        town.check("restart: it is shown masked", kept and NUMBER[3:] not in json.dumps(kept), str(kept))
    files = b"".join(file.read_bytes() for file in (town.whole / "kept").iterdir() if file.is_file())
    town.check("restart: and sealed on the disk", NUMBER[3:].encode() not in files)
    town.reached(**{"2003": ("2001", 25110)})
    town.pbx.passed.clear()
    with town.serves():
        town.calls_back("restart", "2003")
    town.reached()


def given_up(town):
    with town.serves():
        caller = town.asks(1100, ",,1")
        for turn in (1, 2):
            town.until(f"given up: the agent is rung, {turn}", lambda turn=turn: len(town.pbx.requests("INVITE", "2001")) == turn, 90)
            time.sleep(0.5)
            town.phones[1].does("accept")
            town.until(f"given up: the citizen is rung, {turn}", lambda turn=turn: len(town.pbx.requests("INVITE", NUMBER)) == turn, 30)
            town.until(f"given up: and no longer, {turn}", lambda turn=turn: len(town.pbx.requests("CANCEL", NUMBER)) == turn, 30)
            town.logged(f"given up: the agent hears it, {turn}", "why=Announced", 15, turn)
        caller.wait(30)
        town.logged("given up: after two tries", "given up after 2 tries")
        town.check("given up: nothing more is kept", town.requests() == [])
        town.check("given up: it is noted", "callbackGivenUp" in town.audit())


def dropped(town):
    with town.serves():
        caller = town.asks(1102, ",,1")
        town.logged("dropped: it is kept", "the agent does not answer")
        caller.wait(30)
        one = town.requests()[0]
        town.check("dropped: an operator drops it", "is dropped" in town.command("drop", one["id"]) and town.requests() == [])
        town.check("dropped: there is no other", "Not found" in town.command("drop", one["id"]))
        town.check("dropped: it is noted by whom", "callbackDropped" in town.audit() and "by=otto" in town.audit())


def transferred(town):
    """Somebody waits in a queue; an operator has them go on: by REFER, and connected here."""
    with town.serves():
        for way, to, phone in (("by REFER", "2001", 1), ("here", "2002", 2)):
            town.dials(1101)
            town.until(f"transferred {way}: somebody waits", lambda: "established" in town.log(0))
            town.until(f"transferred {way}: an agent is rung", lambda: "2002" in town.pbx.called())
            call = town.api("GET", "live")[1]["calls"][0]["id"]
            status, told = town.api("POST", f"live/calls/{call}/transfer", {"to": "+43 1 5877560"})
            town.check(f"transferred {way}: nobody gets where they might not call", status == 422 and told["type"].endswith("not-there"), str(told))
            town.check(f"transferred {way}: nor to an emergency", town.api("POST", f"live/calls/{call}/transfer", {"to": "112"})[0] == 422)
            town.check(f"transferred {way}: it is done", town.api("POST", f"live/calls/{call}/transfer", {"to": to})[0] == 204)
            where = town.pbx if phone == 1 else town.carrier
            town.until(f"transferred {way}: the other telephone rings", lambda where=where, to=to: to in where.called())
            town.until(f"transferred {way}: nobody is rung for the queue", lambda: len(town.pbx.requests("CANCEL", "2002")) == 1)
            time.sleep(0.5)
            town.phones[phone].does("accept")
            town.talks(f"transferred {way}", phone)
            town.phones_leave()
            town.folder = town.folder / "again"
            town.folder.mkdir()
            town.phones_are_there()
            town.carrier.passed.clear()
        town.check("transferred: it is noted by whom", "transfer" in town.audit() and "by=otto" in town.audit())


STORIES = (asked_for, another_number, from_a_queue, over_a_restart, given_up, dropped, transferred)


def main():
    passed, faults = [], []

    def check(what, fine, detail=""):
        print(f"{'ok   ' if fine else 'WRONG'} {what} {detail}", flush=True)
        (passed if fine else faults).append(what)
        return fine

    wanted = sys.argv[2:]
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        town = Town(folder, check)
        for tell in STORIES:
            if wanted and tell.__name__ not in wanted:
                continue
            town.folder = folder / tell.__name__
            town.folder.mkdir()
            town.gateway_log = town.folder / "gateway.log"
            town.phones_are_there()
            before = len(faults)
            try:
                tell(town)
            finally:
                town.phones_leave()
                if len(faults) > before:
                    print(town.said()[-6000:])
    print(f"{len(passed)} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

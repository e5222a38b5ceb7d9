#!/usr/bin/env python3
"""The dialplan rings: a telephone (baresip) calls the gateway, which calls extensions (baresip) over a trunk that asks for a password.

In order, all at once, in rotation, and what follows when nobody answers; handed on by the trunk (REFER) and connected here; an
emergency with its identity; a queue; a caller who is not to be known. Each time both must hear the other within 3 dB and not themselves.
Usage: ringing.py PATH_OF_EINWAHL [STORY …]. Everything runs on loopback and ends by itself.
"""
import datetime
import pathlib
import re
import sys
import tempfile
import time

from gateway import serving
from pbx import PASSWORD, USER, Pbx
from phones import Phone, long_tone, recorded, strength
from scenarios import Run

SIP_PORT, PBX_PORT = 25075, 25090
TONES = (440, 660, 880)
NUMBER = "+4930123456"

PLAN = """
[contexts.niemand]
[contexts.weiter]

{hours}
[queues.buergeramt]
agents = ["2002"]
trunk = "pbx"
seconds = 20
longest = 2
otherwise = "niemand"
language = "de"

[queues.stelle]
agents = ["2001"]
trunk = "pbx"
opens = "stelle"
early = 5
seconds = 180
language = "de"

[[rule]]
name = "Warten"
called = "1007"
queue = "buergeramt"

[[rule]]
name = "Warten, bis geöffnet wird"
called = "1008"
queue = "stelle"

[[rule]]
name = "Notruf"
called = ["110", "112"]
emergency = { trunk = "pbx", identity = "+49 30 90180" }

[[rule]]
name = "Reihe"
called = "1000"
ring = { to = ["2001", "2002"], trunk = "pbx", seconds = 3, otherwise = "niemand" }

[[rule]]
name = "Alle"
called = "1001"
ring = { to = ["2001", "2002"], trunk = "pbx", way = "all", seconds = 20 }

[[rule]]
name = "Reihum"
called = "1002"
ring = { to = ["2001", "2002"], trunk = "pbx", way = "rotation", seconds = 20 }

[[rule]]
name = "Niemand"
called = "1003"
ring = { to = ["2009"], trunk = "pbx", seconds = 3 }

[[rule]]
name = "Weitergeben"
called = "1004"
transfer = "2001@pbx"

[[rule]]
name = "Verbinden"
called = "1005"
transfer = "2001@carrier"

[[rule]]
name = "Verschlüsselt"
called = "1009"
ring = { to = ["2001", "2002"], trunk = "geheim", way = "all", seconds = 20 }

[[rule]]
name = "Ansage"
called = "1006"
announce = { say = "goodbye", language = "de", then = "weiter" }

[[rule]]
name = "Dann klingelt es"
context = "weiter"
called = "*"
ring = { to = ["2001"], trunk = "pbx", seconds = 20 }

[[rule]]
name = "Niemand da"
context = "niemand"
called = "*"
room = "rat"

[[rule]]
name = "Rest"
called = "*"
reject = "not-found"
"""


def hours(closes=None):
    """Always open; or closed for the minute that begins then."""
    spans = '["00:00-24:00"]'
    if closes:
        opens = closes + datetime.timedelta(minutes=1)
        spans = f'["00:00-{closes:%H:%M}", "{opens:%H:%M}-24:00"]'
    return f"[hours.stelle]\nmon-sun = {spans}\n"


def configuration(folder, plan=None, dialplan='zone = "UTC"', web="listen = []"):
    """Of a town with a telephone system and a carrier; its plan is that of this file, if none is given."""
    (folder / "password").write_text(PASSWORD + "\n")
    (folder / "password").chmod(0o600)
    (folder / "plan").mkdir()
    (folder / "plan" / "10-amt.toml").write_text(plan or PLAN.replace("{hours}", hours()))
    account = f'user = "{USER}"\npassword_file = "{folder}/password"\nidentity = "+49 30 9018 0"\n'
    return f"""
[dialplan]
folder = "{folder}/plan"
{dialplan}
[sip]
listen = ["127.0.0.1:{SIP_PORT}"]
[web]
{web}
[browsers]
listen = []
[media]
first_port = 25600
last_port = 25699
[[trunks]]
name = "pbx"
networks = ["127.0.0.1/32"]
dial = "sip:127.0.0.1:{PBX_PORT}"
{account}
[[trunks]]
name = "carrier"
networks = ["127.0.0.2/32"]
dial = "sip:127.0.0.2:{PBX_PORT}"
{account}
[[trunks]]
name = "geheim"
networks = ["127.0.0.4/32"]
dial = "sip:127.0.0.4:{PBX_PORT}"
srtp = "required"
{account}
[[meetings]]
room = "rat"
id = "123456"
"""


class Story:
    def __init__(self, folder, check):
        self.folder, self.check, self.gateway_log = folder, check, folder / "gateway.log"
        extensions = {"2001": ("2001", 25110), "2002": ("2002", 25120), "112": ("2002", 25120)}
        self.pbx, self.carrier, self.secret = Pbx(PBX_PORT, extensions), Pbx(PBX_PORT, extensions, "127.0.0.2"), Pbx(PBX_PORT, extensions, "127.0.0.4")
        self.phones = []

    def phones_are_there(self, protections=("", "", "")):
        """Fresh telephones: what each records is of this call alone."""
        self.phones = [Phone(self.folder, number, long_tone(self.folder / f"{tone}.wav", tone), "PCMA/8000/1", user=user, protection=protection)
                       for number, (tone, user, protection) in enumerate(zip(TONES, (NUMBER, "2001", "2002"), protections))]
        self.pbx.passed.clear()

    def phones_leave(self):
        for phone in self.phones:
            phone.ends()

    def dials(self, number):
        self.phones[0].does("dial", f"sip:{number}@127.0.0.1:{SIP_PORT}")

    def until(self, what, happens, seconds=15):
        deadline = time.monotonic() + seconds
        while not happens():
            if time.monotonic() > deadline:
                return self.check(what, False, f"not within {seconds} s")
            time.sleep(0.1)
        return self.check(what, True, f"({seconds - (deadline - time.monotonic()):.1f} s)")

    def rings(self, number, user):
        return "ncoming call" in self.log(number) and user in self.pbx.called()

    def log(self, number):
        return (self.phones[number].folder / "log").read_text(errors="replace")

    def talks(self, what, other, seconds=3):
        """The caller and one other telephone hear each other; then the caller hangs up, and the other side is free again."""
        time.sleep(seconds)
        self.phones[0].does("hangup")
        time.sleep(1)
        for one, two in ((0, other), (other, 0)):
            heard = self.phones[one].heard()
            levels = {tone: strength(heard, tone, 1.2, 1) if heard else -120.0 for tone in (TONES[two], TONES[one])}
            fine = abs(levels[TONES[two]]) <= 3 and levels[TONES[one]] < -30
            self.check(f"{what}: phone {one} hears phone {two} and not itself", fine, str({tone: round(level, 1) for tone, level in levels.items()}))
        free = "no active calls" in self.phones[other].asked("listcalls").lower() or "(0)" in self.phones[other].asked("listcalls")
        self.check(f"{what}: when one hangs up the other is free", free)


def in_order(story):
    story.dials(1000)
    story.until("in order: the first rings", lambda: story.rings(1, "2001"))
    story.check("in order: the caller is not answered before", "established" not in story.log(0))
    story.until("in order: then the second", lambda: story.rings(2, "2002"))
    story.check("in order: the first was given up", len(story.pbx.requests("CANCEL", "2001")) == 1)
    story.phones[2].does("accept")
    story.talks("in order", 2)


def all_at_once(story):
    story.dials(1001)
    story.until("all: both ring", lambda: story.rings(1, "2001") and story.rings(2, "2002"))
    story.phones[1].does("accept")
    story.until("all: the other is given up", lambda: len(story.pbx.requests("CANCEL", "2002")) == 1)
    story.talks("all", 1)


def in_rotation(story):
    for turn, user in enumerate(("2001", "2002", "2001")):
        story.dials(1002)
        story.until(f"rotation: call {turn + 1} rings {user}", lambda user=user, turn=turn: story.pbx.called()[turn:] == [user])
        story.phones[0].does("hangup")
        time.sleep(0.5)


def nobody(story):
    story.dials(1003)
    story.until("nobody: the caller is refused", lambda: "480 Temporarily Unavailable" in story.log(0))
    story.dials(1000)
    story.until("otherwise: another context answers", lambda: "established" in story.log(0), 20)
    story.check("otherwise: both were rung", story.pbx.called() == ["2001", "2002"], str(story.pbx.called()))
    story.phones[0].does("hangup")


def handed_on(story):
    story.dials(1004)
    story.until("REFER: the caller's own telephone calls", lambda: story.rings(1, "2001"))
    story.check("REFER: it was the caller who called", f"From: <sip:{NUMBER}@" in story.pbx.requests("INVITE", "2001")[-1])
    story.phones[1].does("accept")
    story.talks("REFER", 1)


def connected_here(story):
    story.dials(1005)
    story.until("bridged: the other telephone rings", lambda: "2001" in story.carrier.called() and "ncoming call" in story.log(1))
    story.check("bridged: the caller was answered before", "established" in story.log(0))
    story.phones[1].does("accept")
    story.talks("bridged", 1)


def announced(story):
    story.dials(1006)
    story.until("announced: then it rings", lambda: story.rings(1, "2001"), 20)
    story.phones[1].does("accept")
    story.talks("announced", 1)


def emergency(story):
    story.dials(112)
    story.until("emergency: it rings there", lambda: story.rings(2, "112"))
    invite = (story.pbx.requests("INVITE", "112") or [""])[-1]
    story.check("emergency: by its identity", "From: <sip:+493090180@" in invite and "P-Asserted-Identity: <sip:+493090180@" in invite)
    story.phones[2].does("accept")
    story.talks("emergency", 2)


def queue(story):
    """Two callers and one agent: the second hears their place, moves up, and is served when the agent is free again."""
    story.dials(1007)
    story.until("queue: the agent is rung", lambda: story.rings(2, "2002"))
    story.check("queue: the caller is answered and hears their place", "established" in story.log(0) and "place=1" in story.gateway_log.read_text())
    story.phones[1].does("dial", f"sip:1007@127.0.0.1:{SIP_PORT}")
    story.until("queue: another is second", lambda: "place=2" in story.gateway_log.read_text())
    time.sleep(4)  # it is said: "... auf Platz zwei. Bitte bleiben Sie am Apparat."
    first = story.gateway_log.read_text().count("place=1")
    story.phones[2].does("accept")
    story.until("queue: then the first", lambda: story.gateway_log.read_text().count("place=1") > first)
    story.talks("queue", 2)
    story.until("queue: the agent is rung again once free", lambda: len(story.pbx.requests("INVITE", "2002")) > 1)
    story.phones[2].does("accept")
    time.sleep(3)
    story.phones[2].does("hangup")
    time.sleep(1)
    story.check("queue: when the agent hangs up the caller is free too", "no active calls" in story.phones[1].asked("listcalls").lower()
                or "(0)" in story.phones[1].asked("listcalls"))
    loudness = strength_anywhere(story.phones[1].heard())[:6]
    story.check("queue: who waits hears their place and music", min(loudness) > 100, str([round(second) for second in loudness]))
    levels = [strength(story.phones[1].heard(), hertz, 1.2, 1) for hertz in (TONES[2], TONES[1])]
    story.check("queue: the second talks with the agent", abs(levels[0]) <= 3 and levels[1] < -30, str([round(level, 1) for level in levels]))


def office_closes(story):
    """Who waits when the office closes is told so; who calls then waits for the opening, and is served first."""
    now = datetime.datetime.now(datetime.timezone.utc)
    closes = (now + datetime.timedelta(seconds=80)).replace(second=0, microsecond=0)
    plan = story.folder.parent / "plan" / "10-amt.toml"
    published = story.gateway_log.read_text().count("dialplan is published")
    plan.write_text(PLAN.replace("{hours}", hours(closes)))
    story.until("closing: the plan is published", lambda: story.gateway_log.read_text().count("dialplan is published") > published)
    story.dials(1008)
    story.until("closing: the agent is rung", lambda: story.rings(1, "2001"))
    left = (closes - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
    story.until("closing: no longer when the office closes", lambda: len(story.pbx.requests("CANCEL", "2001")) == 1, left + 10)
    story.until("closing: the caller is told and hung up", lambda: "session closed" in story.log(0).lower() or "terminate" in story.log(0).lower(), 20)
    story.until("closing: because it closes", lambda: "why=Closed" in story.gateway_log.read_text())
    story.phones_leave()
    story.folder = story.folder / "later"
    story.folder.mkdir()
    story.phones_are_there()
    story.dials(1008)
    story.until("opening: the caller waits for it", lambda: "waits for the opening" in story.gateway_log.read_text())
    story.check("opening: nobody is rung before", not story.pbx.called())
    story.until("opening: then the agent is rung", lambda: story.rings(1, "2001"), 70)
    story.phones[1].does("accept")
    story.talks("opening", 1)


def keys_cross(story):
    """What one presses the other's telephone is told, both ways."""
    story.dials(1001)
    story.until("keys: it rings", lambda: story.rings(1, "2001"))
    story.phones[1].does("accept")
    time.sleep(1)
    for one, two, key in ((0, 1, "7"), (1, 0, "4")):
        story.phones[one].does("sndcode", key)
        story.until(f"keys: phone {two} is told of the key", lambda two=two, key=key: f"received event: '{key}'" in story.log(two), 5)
    story.talks("keys", 1)


def held(story):
    """One side puts the other on hold and comes back."""
    story.dials(1001)
    story.until("hold: it rings", lambda: story.rings(1, "2001"))
    story.phones[1].does("accept")
    is_held(story)


def encrypted(story):
    """By a trunk that requires SRTP: a telephone that has it is spoken with, also after a hold; one that has none is no answer."""
    story.phones_leave()
    story.folder = story.folder / "encrypted"
    story.folder.mkdir()
    story.phones_are_there(("", "srtp-mand", ""))
    story.dials(1009)
    story.until("encrypted: it rings at who can", lambda: "ncoming call" in story.log(1))
    invite = story.secret.requests("INVITE", "2001")[-1]
    story.check("encrypted: nothing else is offered", " RTP/SAVP " in invite and " RTP/AVP " not in invite and "a=crypto:1 AEAD_AES_128_GCM inline:" in invite)
    story.phones[1].does("accept")
    story.until("encrypted: both have keys", lambda: "SRTP is Enabled" in story.log(1), 5)
    is_held(story)


def is_held(story):
    """Two who talk, the caller and the first."""
    time.sleep(2)
    story.phones[1].does("hold")
    time.sleep(5)
    story.phones[1].does("resume")
    time.sleep(2)
    # After a hold baresip writes no more of what it hears: only how much that is can be asked.
    began, heard_before = time.monotonic(), seconds_heard(story.phones[1])
    time.sleep(3)
    passed, heard = time.monotonic() - began, seconds_heard(story.phones[1]) - heard_before
    story.check("hold: who has come back hears without a gap", abs(passed - heard) < 0.5, f"({heard:.1f} of {passed:.1f} s)")
    story.phones[0].does("hangup")
    time.sleep(1)
    for phone, other, before_end in ((0, 1, 1.2), (1, 0, 0.7)):
        levels = [strength(story.phones[phone].heard(), TONES[tone], before_end, 1) for tone in (other, phone)]
        story.check(f"hold: phone {phone} hears phone {other} and not itself", abs(levels[0]) <= 3 and levels[1] < -30,
                    str([round(level, 1) for level in levels]))
    loudness = strength_anywhere(story.phones[0].heard())
    story.check("hold: who is held hears something all the time", min(loudness[2:-3]) > 100, str([round(second) for second in loudness]))


def seconds_heard(phone):
    """How much sound it has decoded."""
    return float(re.search(r"rx:.*?time = ([0-9.]+) sec", phone.asked("audio_debug"), re.DOTALL)[1])


def strength_anywhere(path):
    """How loud each second is."""
    samples, rate = recorded(path)
    return [sum(abs(sample) for sample in samples[at:at + rate]) / rate for at in range(0, len(samples), rate)]


def not_to_be_known(story):
    run = Run(story.folder, "private", SIP_PORT, service="1001")
    story.until("private: it rings", lambda: story.rings(1, "2001"))
    story.phones[1].does("accept")
    story.check("private: the call comes about", not run.faults(), run.faults()[:300])
    invite = story.pbx.requests("INVITE", "2001")[-1]
    fine = "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>" in invite and "Privacy: id" in invite
    story.check("private: nobody is shown", fine and NUMBER not in invite, "" if fine else invite)
    story.check("private: nor logged", NUMBER not in story.gateway_log.read_text(errors="replace"))


STORIES = (in_order, all_at_once, in_rotation, nobody, handed_on, connected_here, announced, emergency, queue, not_to_be_known, keys_cross, held, encrypted,
           office_closes)


def main():
    passed, faults = [], []

    def check(what, fine, detail=""):
        print(f"{'ok   ' if fine else 'WRONG'} {what} {detail}", flush=True)
        (passed if fine else faults).append(what)
        return fine

    wanted = sys.argv[2:]
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        log = open(folder / "gateway.log", "w", encoding="utf-8")
        with serving(folder, configuration(folder), SIP_PORT, stdout=log, stderr=log):
            story = Story(folder, check)
            for tell in STORIES:
                if wanted and tell.__name__ not in wanted:
                    continue
                story.folder = folder / tell.__name__
                story.folder.mkdir()
                story.phones_are_there()
                try:
                    tell(story)
                finally:
                    story.phones_leave()
        if faults:
            print((folder / "gateway.log").read_text(errors="replace")[-6000:])
    print(f"{len(passed)} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

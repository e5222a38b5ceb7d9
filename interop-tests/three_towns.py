#!/usr/bin/env python3
"""Three real gateways of three institutions, each with its own address, and a real telephone (baresip) at each: one meeting.

Each telephone dials its own town, keys the ID and a PIN of the first town's meeting, and says a tone. Stories, all if none is named:
  together  each hears the two others within 3 dB and not itself; the home moderator's keys mute the telephones of the other towns
  alone     the home gateway is killed: the two others hear each other within 2 s, and all do again once it is back
  cut       the link to one town is cut for 1, 5 and 30 s: after each, all hear each other within 2 s, and nobody twice
  forgotten a citizen of one town is forgotten: its record is gone, and those who were told of them say so, also one that was away
  asked     a registry that is asked for over HTTPS: a new one, a rolled-back one, a server that is down, sends elsewhere, or sends too much
  refused   a wrong pin, a rolled-back and an expired registry, and a PIN that is wrong are refused, and a sentence says which
Usage: three_towns.py PATH_OF_EINWAHL [STORY…]. In a network namespace of its own, where it may cut links; it ends by itself.
"""
import contextlib
import datetime
import hashlib
import http.server
import json
import os
import pathlib
import secrets
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import wave

from phones import CODECS, Phone, level_of_tone, recorded, write_tone

TOWNS = ("a", "b", "c")
TONES = (440, 880, 1320)
DNS = "127.0.0.53:5353"
FEDERATION = "kommunal.example"
TOKEN = f"ew_{secrets.token_hex(32)}"

CONFIGURATION = """
[store]
folder = "{folder}/kept"
[sip]
listen = ["{address}:5060"]
dns = ["{dns}"]
[web]
listen = ["{address}:8080"]
[browsers]
listen = ["{address}:3478"]
[media]
address = "{address}"
[federation]
domain = "stadt-{name}.example"
federation = "{federation}"
operators = ["{operator}"]
{registry}
listen = ["{address}:8448"]
"""

MEETING = """
[[meetings]]
room = "rat"
id = "123456"
title = "Ratssitzung"
pin = "4711"
moderator_pin = "081500"
shares = [{ with = "stadt-b.example" }, { with = "stadt-c.example", most = 5 }]
goes_on_alone = true
"""


class Town:
    """One institution's gateway."""

    def __init__(self, folder, name):
        self.name, self.folder = name, folder / name
        self.folder.mkdir()
        self.address = f"127.{TOWNS.index(name) + 1}.0.1"
        self.process = None

    def configure(self, operator, registry):
        """`registry`: the lines that say where it comes from."""
        text = CONFIGURATION.format(folder=self.folder, address=self.address, name=self.name, dns=DNS, federation=FEDERATION,
                                    operator=operator, registry=registry)
        hashed = hashlib.sha256(TOKEN.encode()).hexdigest()
        text += f'[[api.tokens]]\nname = "datenschutz"\nhash = "sha256:{hashed}"\nrights = ["calls", "erase"]\n'
        (self.folder / "einwahl.toml").write_text(text + (MEETING if self.name == "a" else ""))

    def runs(self, *words):
        done = subprocess.run([sys.argv[1], *words], stdout=subprocess.PIPE, text=True)
        return done.stdout.strip() if done.returncode == 0 else sys.exit(f"einwahl {' '.join(words)} fails")

    def pin(self):
        return self.runs("federation", "pin", "--config", str(self.folder / "einwahl.toml"))

    def starts(self):
        log = open(self.folder / "log", "a", encoding="utf-8")
        self.process = subprocess.Popen([sys.argv[1], "serve", "--config", str(self.folder / "einwahl.toml")], stdout=log, stderr=log)

    def is_killed(self):
        self.process.kill()
        self.process.wait()

    def ends(self):
        for _ in range(2):
            if self.process and self.process.poll() is None:
                self.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(3)

    def asks(self, method, path, body=None):
        """Its API."""
        request = urllib.request.Request(f"https://{self.address}:8080/api/v1/{path}", method=method, data=json.dumps(body).encode() if body else None,
                                         headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
        # The certificate is made anew at each start.
        with urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=30) as answer:
            return json.load(answer)

    def audit(self, act):
        """What stands there of others."""
        entries = json.loads(self.runs("audit", "list", "--json", "--config", str(self.folder / "einwahl.toml")))
        return [entry for entry in entries if entry.get("act") == act]

    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def waits_for(self, words, seconds=15, since=0):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if words in self.log()[since:]:
                return True
            time.sleep(0.05)
        return False


def document(serial, operator, members, days=30):
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    stamp = lambda time: time.isoformat().replace("+00:00", "Z")
    return {"format": "einwahl-registry-1", "federation": FEDERATION, "serial": serial, "issued": stamp(now - datetime.timedelta(minutes=1) if days > 0 else now - datetime.timedelta(days=3)),
            "expires": stamp(now + datetime.timedelta(days=days)), "operators": {"threshold": 1, "keys": [operator]}, "members": members}


def member(town, pin, key):
    return {"domain": f"stadt-{town.name}.example", "name": f"Stadt {town.name.upper()}", "country": "DE",
            "links": [f"gw.stadt-{town.name}.example:8448"], "sip": False, "pins": [{"spki": pin}], "key": key,
            "media": [f"{town.address}/32"], "processors": [], "contact": f"technik@stadt-{town.name}.example"}


class Federation:
    def __init__(self, folder, source=None):
        self.folder, self.serial = folder, 0
        self.registry = folder / "registry.json"
        self.towns = {name: Town(folder, name) for name in TOWNS}
        keygen = lambda file: subprocess.run([sys.argv[1], "federation", "keygen", str(folder / file)], check=True, capture_output=True, text=True).stdout.strip()
        self.operator, self.signer = keygen("operator.key"), keygen("member.key")
        for town in self.towns.values():
            town.configure(self.operator, source or f'registry = "{self.registry}"')
        self.members = [member(town, town.pin(), self.signer) for town in self.towns.values()]

    def publish(self, serial=None, members=None, **how):
        """Signs a registry and puts it in place at once."""
        self.serial = serial or self.serial + 1
        new = self.folder / "new.json"
        new.write_text(json.dumps(document(self.serial, self.operator, members or self.members, **how)))
        subprocess.run([sys.argv[1], "federation", "sign", str(new), "--despite-faults", "--key", str(self.folder / "operator.key")], check=True, capture_output=True)
        os.replace(new, self.registry)


@contextlib.contextmanager
def names_of(folder):
    names = "".join(f"address=/stadt-{name}.example/127.{at + 1}.0.1\n" for at, name in enumerate(TOWNS))
    names += "address=/register.kommunal.example/127.0.0.1\naddress=/fremd.kommunal.example/192.0.2.77\n"
    (folder / "names.conf").write_text(f"no-resolv\nno-hosts\nno-daemon\nbind-interfaces\nlocal=/example/\n{names}")
    address, port = DNS.split(":")
    dns = subprocess.Popen(["dnsmasq", f"--conf-file={folder}/names.conf", f"--listen-address={address}",
                            f"--port={port}", "--pid-file=", "--user=root"])
    try:
        yield
    finally:
        dns.terminate()
        dns.wait(5)


@contextlib.contextmanager
def three_towns(folder):
    with names_of(folder):
        yield from with_gateways(folder)


def with_gateways(folder):
    federation = Federation(folder)
    federation.publish()
    phones = []
    try:
        for town in federation.towns.values():
            town.starts()
        for town in federation.towns.values():
            for other in TOWNS:
                if other != town.name and not town.waits_for(f"the link to a member is up peer=stadt-{other}.example"):
                    sys.exit(f"no link from {town.name} to {other}:\n{town.log()[-3000:]}")
        yield federation, phones
    finally:
        for phone in phones:
            phone.ends()
        for town in federation.towns.values():
            town.ends()


def long_tone(path, hertz, seconds=240):
    """A telephone hangs up when its sound is over: one second of a whole number of waves, again and again."""
    write_tone(path, hertz, 1)
    with wave.open(str(path)) as sound:
        form, second = sound.getparams(), sound.readframes(sound.getnframes())
    with wave.open(str(path), "wb") as sound:
        sound.setparams(form)
        sound.writeframes(second * seconds)
    return path


def phones_come(folder, federation, phones):
    """One at each town; the first leads."""
    for number, (town, tone) in enumerate(zip(federation.towns.values(), TONES)):
        phone = Phone(folder, number, long_tone(folder / f"{tone}.wav", tone), CODECS["PCMA"])
        phones.append(phone)
        phone.does("dial", f"sip:einwahl@{town.address}:5060")
    time.sleep(1.5)
    for number, phone in enumerate(phones):
        for key in "123456#" + ("081500#" if number == 0 else "4711#"):
            phone.does("sndcode", key)
    time.sleep(8)


def keys(phone, text):
    for key in text:
        phone.does("sndcode", key)


def levels(phone, seconds=1.5, before_end=0.3):
    """How loud each tone is in what a telephone has recorded last."""
    samples, rate = recorded(live(phone))
    end = len(samples) - int(before_end * rate)
    return [level_of_tone(samples[end - int(seconds * rate):end], rate, tone) for tone in TONES]


def live(phone):
    """What is recorded so far: the header of a file that is still written does not say how long it is."""
    raw = phone.heard().read_bytes()
    whole = phone.folder / "so-far.wav"
    data = raw[44:len(raw) - (len(raw) - 44) % 4]
    header = bytearray(raw[:44])
    header[4:8], header[40:44] = (36 + len(data)).to_bytes(4, "little"), len(data).to_bytes(4, "little")
    whole.write_bytes(bytes(header) + data)
    return whole


class Checks:
    def __init__(self):
        self.right = self.wrong = 0

    def that(self, fine, told):
        self.right, self.wrong = self.right + bool(fine), self.wrong + (not fine)
        print(f"{'ok   ' if fine else 'WRONG'} {told}", flush=True)


def hear(checks, when, phones, expected, patience=2.0):
    """Each telephone hears these of the three tones and no others, within a time from now on."""
    deadline = time.monotonic() + patience + 1.2
    while True:
        heard = [levels(phone, seconds=0.8) for phone in phones]
        faults = [(at, tone) for at, (levels_, wanted) in enumerate(zip(heard, expected)) for tone, level in enumerate(levels_)
                  if (abs(level) > 3) == (tone in wanted) and not (tone not in wanted and level < -30)]
        if not faults or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    told = "; ".join(f"{TOWNS[at]} " + " ".join(f"{level:.0f}" for level in levels_) for at, levels_ in enumerate(heard))
    checks.that(not faults, f"{when}: {told} dB of {TONES} Hz")


ALL = [(1, 2), (0, 2), (0, 1)]


def together(checks, folder):
    with three_towns(folder) as (federation, phones):
        phones_come(folder, federation, phones)
        hear(checks, "all hear all others and not themselves", phones, ALL, patience=8)
        keys(phones[0], "*5")
        hear(checks, "the home moderator has muted the other towns' telephones", phones, [(), (0,), (0,)], patience=8)
        keys(phones[0], "*5")
        time.sleep(1)
        hear(checks, "and lets them speak again", phones, ALL, patience=8)
        audits = [federation.towns[name].log() for name in TOWNS]
        events = [{word.split("event=")[1].split('"')[1] for word in log.splitlines() if 'what="acted"' in word and "event=" in word} for log in audits]
        checks.that(events[0] and events[0] >= events[1] and events[1] and events[2], "what was done stands at both ends under the same name")
        for number, name in enumerate(TOWNS):
            foreign = [f"127.{other + 1}.0.1" for other in range(3) if other != number]
            sdp = (phones[number].folder / "log").read_text(encoding="utf-8", errors="replace")
            checks.that(not any(address in sdp for address in foreign), f"the telephone of {name} is told no other town's address")


def alone(checks, folder):
    with three_towns(folder) as (federation, phones):
        phones_come(folder, federation, phones)
        hear(checks, "all hear all others", phones, ALL, patience=8)
        federation.towns["a"].is_killed()
        time.sleep(0.5)
        hear(checks, "the home gateway is killed: the others hear each other", phones[1:], [(2,), (1,)], patience=2)
        since = len(federation.towns["b"].log())
        federation.towns["a"].starts()
        checks.that(federation.towns["b"].waits_for("the link to a member is up peer=stadt-a.example", 40, since), "the home gateway is back, and linked")
        phone = Phone(folder, 3, TONES[0], CODECS["PCMA"])
        phones[0].ends()
        phones[0] = phone
        phone.does("dial", f"sip:einwahl@{federation.towns['a'].address}:5060")
        time.sleep(1)
        keys(phone, "123456#081500#")
        hear(checks, "and all hear all others again", phones, ALL, patience=25)  # who has come is told first how many are there


CUT = """table inet cut {
    chain incoming {
        type filter hook input priority 0;
        ip saddr 127.1.0.1 ip daddr 127.3.0.1 drop
        ip saddr 127.3.0.1 ip daddr 127.1.0.1 drop
    }
}
"""


def cut(checks, folder):
    nft = lambda text: subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)
    with three_towns(folder) as (federation, phones):
        phones_come(folder, federation, phones)
        hear(checks, "all hear all others", phones, ALL, patience=8)
        for seconds in (1, 5, 30):
            nft(CUT)
            time.sleep(seconds)
            if seconds > 3:
                hear(checks, f"cut for {seconds} s: the others go on", phones[:2], [(1,), (0,)], patience=0)
            since = len(federation.towns["a"].log())
            nft("delete table inet cut")
            if seconds > 1:
                linked = federation.towns["a"].waits_for("the link to a member is up peer=stadt-c.example", 40, since)
                checks.that(linked, f"cut for {seconds} s: the link is back")
            hear(checks, f"cut for {seconds} s: all hear all others, once each", phones, ALL, patience=2.5)


def forgotten(checks, folder):
    between = CUT.replace("127.1.0.1", "127.2.0.1")
    with three_towns(folder) as (federation, phones):
        a, b, c = federation.towns.values()
        phones_come(folder, federation, phones)
        hear(checks, "all hear all others", phones, ALL, patience=8)
        phones.pop(1).ends()
        deadline = time.monotonic() + 10
        while not (calls := b.asks("GET", "calls")["calls"]) and time.monotonic() < deadline:
            time.sleep(0.2)
        checks.that(len(calls) == 1, "the citizen's call is recorded in their town")
        since = len(b.log())
        subprocess.run(["nft", "-f", "-"], input=between, text=True, check=True)
        checks.that(b.waits_for("the link to a member is down peer=stadt-c.example", 10, since), "one of the others is away")
        done = b.asks("POST", "erasures", {"record": calls[0]["id"]})
        checks.that(done == {"records": 1, "callbacks": 0, "underWay": 0, "asked": 2, "notAsked": 0}, f"the record is gone, and both others are asked: {done}")
        checks.that(not b.asks("GET", "calls")["calls"], "no record is left")
        deadline = time.monotonic() + 5
        while len(waiting := b.asks("GET", "erasures")["waiting"]) != 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        checks.that([one["member"] for one in waiting] == ["stadt-c.example"], f"who is away is waited for: {waiting}")
        b.ends()
        since = len(b.log())
        b.starts()
        checks.that(b.waits_for("the link to a member is up peer=stadt-a.example", 40, since), "their town starts again")
        checks.that([one["member"] for one in b.asks("GET", "erasures")["waiting"]] == ["stadt-c.example"], "and still waits")
        since = len(b.log())
        subprocess.run(["nft", "delete", "table", "inet", "cut"], check=True)
        checks.that(b.waits_for("the link to a member is up peer=stadt-c.example", 40, since), "the other is back")
        deadline = time.monotonic() + 5
        while b.asks("GET", "erasures")["waiting"] and time.monotonic() < deadline:
            time.sleep(0.1)
        checks.that(not b.asks("GET", "erasures")["waiting"], "and has answered")
        time.sleep(0.5)
        receipts = {(entry["member"], entry["event"]) for entry in b.audit("erasureReceipt")}
        erased = {(name, entry["event"]) for name, town in (("stadt-a.example", a), ("stadt-c.example", c)) for entry in town.audit("erased")}
        checks.that(len(receipts) == 2 and receipts == erased and len({event for _, event in receipts}) == 1, f"both ends note it by one event: {receipts} {erased}")
        hear(checks, "the others go on", phones, [(2,), (0,)], patience=8)


class Register:
    """The server of the registry, which can be told to misbehave."""
    PORT = 8449

    def __init__(self, folder, file):
        def openssl(*words):
            subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)

        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=Register", "-keyout", "ca.key", "-out", "ca.pem",
                "-addext", "keyUsage=critical,keyCertSign", "-addext", "basicConstraints=critical,CA:TRUE")
        openssl("req", "-new", *key, "-subj", "/CN=register", "-keyout", "register.key", "-out", "register.csr")
        (folder / "register.ext").write_text("subjectAltName=DNS:register.kommunal.example\nbasicConstraints=critical,CA:FALSE\n")
        openssl("x509", "-req", "-in", "register.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", "register.ext", "-out", "register.pem")
        register = self
        self.mode, self.asked, self.unchanged, self.elsewhere = "well", 0, 0, 0

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                register.asked += 1
                if self.path != "/registry.json":
                    register.elsewhere += 1
                content = file.read_bytes()
                tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
                status, headers = 200, {"ETag": tag}
                if register.mode == "down":
                    status, content = 503, b""
                elif register.mode == "elsewhere":
                    status, content, headers = 302, b"", {"Location": "/other.json"}
                elif register.mode == "huge":
                    content = b" " * (5 << 20)
                elif self.headers["If-None-Match"] == tag:
                    register.unchanged += 1
                    status, content = 304, b""
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.PORT), Answers)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "register.pem", folder / "register.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def asked(checks, folder):
    def source(host):
        return f'registry = "https://{host}.kommunal.example:{Register.PORT}/registry.json"\nregistry_ca = "{folder}/ca.pem"\nregistry_every = 1'

    with names_of(folder):
        register = Register(folder, folder / "registry.json")
        federation = Federation(folder, source("register"))
        a, b, c = federation.towns.values()
        c.configure(federation.operator, source("fremd"))
        for town in federation.towns.values():
            with open(town.folder / "einwahl.toml", "a", encoding="utf-8") as text:
                # A name that leads to this machine needs no network, but somebody who is declared.
                text.write('[[processors]]\nname = "Register"\npurposes = ["registry"]\ncountry = "DE"\nnetworks = ["198.51.100.0/24"]\n')
        try:
            federation.publish()
            told = subprocess.run([sys.argv[1], "check", "--config", str(a.folder / "einwahl.toml")], stdout=subprocess.PIPE, text=True).stdout
            checks.that("kommunal.example, serial 1: 3 members" in told, "`einwahl check` asks for it")
            a.starts()
            checks.that(a.waits_for("another registry counts serial=1", 30), "the first registry is taken")
            federation.publish()
            checks.that(a.waits_for("another registry counts serial=2", 10), "and so is the next one")
            time.sleep(3)
            checks.that(register.unchanged >= 1, "what has not changed is not sent again")
            federation.publish(serial=1)
            checks.that(a.waits_for("rolls the registry back", 10), "one that is rolled back is refused")
            for mode, wanted in (("elsewhere", "it sends us elsewhere (302)"), ("huge", "limit"), ("down", "it answers 503")):
                since, register.mode = len(a.log()), mode
                checks.that(a.waits_for("a registry is refused", 10, since) and wanted in a.log()[since:], f"a server that is {mode} changes nothing, and it is told: {a.log()[since:][-300:]}")
            checks.that(register.elsewhere == 0, "nobody goes where it sends us")
            a.ends()
            a.starts()
            since = len(b.log()) if (b.folder / "log").exists() else 0
            register.mode = "well"
            federation.publish(serial=2)
            b.starts()
            checks.that(b.waits_for("another registry counts serial=2", 10, since), "another town takes it")
            register.mode = "down"
            checks.that(b.waits_for("the link to a member is up peer=stadt-a.example", 20, since), "after a restart what was kept goes on")
            register.mode = "well"
            federation.publish(serial=3)
            checks.that(a.waits_for("another registry counts serial=3", 10), "and when the server is back, the next one counts")
            c.starts()
            checks.that(c.waits_for("fremd.kommunal.example is not asked", 10), "a server outside of the declared networks is not asked")
        finally:
            for town in federation.towns.values():
                town.ends()
            register.server.shutdown()


def refused(checks, folder):
    with three_towns(folder) as (federation, _):
        a, good = federation.towns["a"], list(federation.members)
        federation.publish(serial=1)
        since = len(a.log())
        federation.publish(serial=5)
        checks.that(a.waits_for("another registry counts serial=5", 10, since), "the next registry is taken")
        for told, wanted, how in (("rolled back", "rolls the registry back", {"serial": 2}),
                                  ("expired", "expired", {"serial": 6, "days": -1})):
            since = len(a.log())
            federation.publish(**how)
            checks.that(a.waits_for(wanted, 10, since), f"a registry that is {told} is refused, and it is said why")
        other = [dict(one, pins=[{"spki": "sha256:" + "A" * 43}]) if one["domain"].startswith("stadt-c") else one for one in good]
        since = len(a.log())
        federation.publish(serial=7, members=other)
        checks.that(a.waits_for("the link to a member is down peer=stadt-c.example", 10, since), "whose key does not count any more loses the link")
        checks.that(a.waits_for("a gateway is refused", 15, since), "and is refused, with a sentence")
        since = len(a.log())
        federation.publish(serial=8, members=[dict(one, country="US") if one["domain"].startswith("stadt-b") else one for one in good])
        checks.that(a.waits_for("a member is left out", 10, since), "a member outside of the EEA is none")
        checks.that(a.waits_for("the link to a member is up peer=stadt-c.example", 40, since), "and the others meet as before")


STORIES = {"together": together, "alone": alone, "cut": cut, "forgotten": forgotten, "asked": asked, "refused": refused}

if __name__ == "__main__":
    if os.environ.get("OWN_NETWORK") != "yes":
        enter = "ip link set lo up; exec \"$@\""
        os.execvpe("unshare", ["unshare", "-Urn", "sh", "-c", enter, "sh", *sys.argv], {**os.environ, "OWN_NETWORK": "yes"})
    checks = Checks()
    for story in sys.argv[2:] or STORIES:
        with tempfile.TemporaryDirectory() as folder:
            STORIES[story](checks, pathlib.Path(folder))
    print(f"{checks.right} passed, {checks.wrong} failed")
    sys.exit(1 if checks.wrong else 0)

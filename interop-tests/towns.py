"""Three real gateways of three institutions, each with its own address, and a real telephone (baresip) at each, in one meeting."""
import contextlib
import datetime
import hashlib
import json
import os
import secrets
import signal
import ssl
import subprocess
import sys
import time
import urllib.request

from phones import CODECS, Phone, level_of_tone, long_tone, recorded

TOWNS = ("a", "b", "c")
TONES = (440, 880, 1320)
ALL = [(1, 2), (0, 2), (0, 1)]  # what each hears of the three
DNS = "127.0.0.53:5353"
ADDRESSES = {name: f"127.{number}.0.1" for number, name in enumerate(TOWNS, 1)}
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
shares = [{{ with = "stadt-b.example" }}, {{ with = "stadt-c.example", most = 5 }}{with_guests}]
goes_on_alone = true
"""


class Town:
    """One institution's gateway."""

    def __init__(self, folder, name):
        self.name, self.folder = name, folder / name
        self.folder.mkdir()
        self.address = ADDRESSES[name]
        self.process, self.under = None, []

    def configure(self, operator, registry, guests=(), more=""):
        """`registry`: the lines that say where it comes from; `more`: what is added."""
        text = CONFIGURATION.format(folder=self.folder, address=self.address, name=self.name, dns=DNS, federation=FEDERATION,
                                    operator=operator, registry=registry)
        hashed = hashlib.sha256(TOKEN.encode()).hexdigest()
        text += f'[[api.tokens]]\nname = "datenschutz"\nhash = "sha256:{hashed}"\nrights = ["calls", "audit", "erase"]\n'
        with_guests = "".join(f", {{ with = \"stadt-{guest.name}.example\", role = \"{'moderator' if getattr(guest, 'leads', False) else 'participant'}\" }}" for guest in guests)
        (self.folder / "einwahl.toml").write_text(text + more + (MEETING.format(with_guests=with_guests) if self.name == "a" else ""))

    def runs(self, *words):
        done = subprocess.run([sys.argv[1], *words], stdout=subprocess.PIPE, text=True)
        return done.stdout.strip() if done.returncode == 0 else sys.exit(f"einwahl {' '.join(words)} fails")

    def pin(self):
        return self.runs("federation", "pin", "--config", str(self.folder / "einwahl.toml"))

    def starts(self):
        log = open(self.folder / "log", "a", encoding="utf-8")
        self.process = subprocess.Popen([*self.under, sys.argv[1], "serve", "--config", str(self.folder / "einwahl.toml")], stdout=log, stderr=log)

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

    def roster(self):
        """Who is in the meeting, as this gateway sees it: name, what they use, what they are, whether they are muted."""
        people = [one for room in self.asks("GET", "live")["rooms"] for one in room["participants"]]
        return sorted((one["name"], one["kind"], one["role"], one["muted"]) for one in people if not one["away"])

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
    """Who is in the registry, and what their names lead to. `guests` are members that a test plays itself: each has a name, an address and
    a pin, as a town has. The first town's meeting is shared with them, too; if one `leads`, its moderators are some there.
    `source`: lines that say where the registry comes from, if not from its file."""

    def __init__(self, folder, guests=(), more=None, names=TOWNS, source=None):
        self.folder, self.serial = folder, 0
        self.registry = folder / "registry.json"
        self.towns = {name: Town(folder, name) for name in names}
        keygen = lambda file: subprocess.run([sys.argv[1], "federation", "keygen", str(folder / file)], check=True, capture_output=True, text=True).stdout.strip()
        self.operator, self.signer = keygen("operator.key"), keygen("member.key")
        for town in self.towns.values():
            town.configure(self.operator, source or f'registry = "{self.registry}"', guests, (more or {}).get(town.name, ""))
        self.members = [member(town, town.pin(), self.signer) for town in self.towns.values()]
        self.members += [member(guest, guest.pin(), self.signer) for guest in guests]
        self.names = {f"gw.stadt-{one.name}.example": one.address for one in [*self.towns.values(), *guests]}
        self.dns = None

    def resolves(self):
        """Starts the server for names, or has it read them again."""
        (self.folder / "names").write_text("".join(f"{address} {name}\n" for name, address in self.names.items()))
        if self.dns:
            return self.dns.send_signal(signal.SIGHUP)
        address, port = DNS.split(":")
        (self.folder / "names.conf").write_text(f"no-resolv\nno-hosts\nno-daemon\nbind-interfaces\nlocal=/example/\naddn-hosts={self.folder}/names\n")
        self.dns = subprocess.Popen(["dnsmasq", f"--conf-file={self.folder}/names.conf", f"--listen-address={address}",
                                     f"--port={port}", "--pid-file=", "--user=root"])

    @contextlib.contextmanager
    def resolving(self):
        self.resolves()
        try:
            yield
        finally:
            self.dns.terminate()
            self.dns.wait(5)

    def publish(self, serial=None, members=None, **how):
        """Signs a registry and puts it in place at once."""
        self.serial = serial or self.serial + 1
        new = self.folder / "new.json"
        new.write_text(json.dumps(document(self.serial, self.operator, members or self.members, **how)))
        subprocess.run([sys.argv[1], "federation", "sign", str(new), "--despite-faults", "--key", str(self.folder / "operator.key")], check=True, capture_output=True)
        os.replace(new, self.registry)


@contextlib.contextmanager
def three_towns(folder, guests=(), more=None, names=TOWNS, under=lambda town: []):
    """Serves until the block ends; `more` is what is added to the configuration of a town, by its name. Only those of these `names`.
    `under` gives the words of a program under which a gateway runs."""
    federation = Federation(folder, guests, more, names)
    for town in federation.towns.values():
        town.under = under(town)
    with federation.resolving():
        yield from with_gateways(federation)


def with_gateways(federation):
    federation.publish()
    phones, towns = [], federation.towns
    try:
        for town in towns.values():
            town.starts()
        for name, town in towns.items():
            for other in towns:
                if other != name and not town.waits_for(f"the link to a member is up peer=stadt-{other}.example", 60):
                    sys.exit(f"no link from {name} to {other}:\n{town.log()[-3000:]}")
        yield federation, phones
    finally:
        for phone in phones:
            phone.ends()
        for town in towns.values():
            town.ends()


def phones_come(folder, federation, phones, at=TOWNS):
    """One at each of these towns; who is at the first leads."""
    here = [(number, town) for number, town in enumerate(federation.towns.values()) if town.name in at]
    for number, town in here:
        phone = Phone(folder, number, long_tone(folder / f"{TONES[number]}.wav", TONES[number]), CODECS["PCMA"], traced=True)
        phones.append(phone)
        phone.does("dial", f"sip:einwahl@{town.address}:5060")
    time.sleep(1.5)
    for (number, _), phone in zip(here, phones):
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


def agree(checks, when, towns, people, muted=()):
    """Within a second all rosters have so many people, the same ones, and so many of them muted."""
    deadline = time.monotonic() + 1
    while True:
        rosters = [town.roster() for town in towns]
        fine = all(roster == rosters[0] and len(roster) == people and (muted == () or sum(line[-1] for line in roster) == muted) for roster in rosters)
        if fine or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    checks.that(fine, f"{when}: rosters agree within a second" + ("" if fine else f": {rosters}"))


class Checks:
    def __init__(self):
        self.right = self.wrong = 0

    def that(self, fine, told):
        self.right, self.wrong = self.right + bool(fine), self.wrong + (not fine)
        print(f"{'ok   ' if fine else 'WRONG'} {told}", flush=True)


def hear(checks, when, phones, expected, patience=2.0, levels=levels):
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


def in_a_network_of_its_own():
    """Runs the script once more where it has loopback for itself, and may cut links."""
    if os.environ.get("OWN_NETWORK") != "yes":
        enter = "ip link set lo up; exec \"$@\""
        os.execvpe("unshare", ["unshare", "-Urn", "sh", "-c", enter, "sh", sys.executable, *sys.argv], {**os.environ, "OWN_NETWORK": "yes"})

#!/usr/bin/env python3
"""An institution with another system in our meeting: its SIP proxy (Kamailio) finds us by DNS (dnsmasq), calls by mutual TLS with the
certificate of its domain, and looks at ours; a telephone (baresip) behind it is in our roster as its own, hears one of ours and is heard.
Then what is refused, one by one, each with its entry in the audit, while that meeting goes on; and that its calls end with its place in
the registry.
Usage: open_federation.py PATH_OF_EINWAHL. It ends by itself.
"""
import json
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time

from phones import CODECS, Phone, level_of_tone, recorded
from proxy_town import OTHER, TELEPHONE, certificates, names, pin, proxy
from sip_over_tls import Refused, System
from towns import Checks, Federation, in_a_network_of_its_own, keys, live, long_tone

HERE, THERE = 880, 1320

OF_A = """
[[federation.terms]]
with = "stadt-e.example"
kbits = 128
[[meetings]]
room = "geheim"
id = "222222"
pin = "4711"
[[meetings]]
room = "klein"
id = "333333"
pin = "4711"
shares = [{ with = "stadt-c.example", most = 2, lobby = true }]
[[meetings]]
room = "gross"
id = "444444"
pin = "4711"
shares = [{ with = "stadt-c.example" }, { with = "stadt-e.example" }]
[[meetings]]
room = "nachts"
id = "555555"
pin = "4711"
shares = [{ with = "stadt-c.example", hours = "00:00-00:01" }]
"""


def entry(name, domain, pins, network, **words):
    return {"domain": domain, "name": name, "country": "AT", "links": [], "sip": True, "pins": pins, "key": None, "media": [network],
            "processors": [], "contact": f"technik@{domain}", **words}


class Tests:
    def __init__(self, checks, folder, federation):
        self.checks, self.folder, self.federation, self.town = checks, folder, federation, federation.towns["a"]

    def entries(self, what):
        told = json.loads(self.town.runs("audit", "list", "--json", "--config", str(self.town.folder / "einwahl.toml")))
        return [one for one in told if one.get("what") == what]

    def refused(self, told, attempt, reason, *words, fine=lambda outcome: outcome is Refused, what="visitRefused"):
        """The attempt ends as it should, and the audit has one more entry for that."""
        count = lambda: sum(one.get("reason") == reason or what != "visitRefused" for one in self.entries(what))
        before = count()
        try:
            outcome = attempt()
        except Refused:
            outcome = Refused
        deadline = time.monotonic() + 4
        while count() == before and time.monotonic() < deadline:
            time.sleep(0.2)
        new = self.entries(what)[-1] if count() > before else {}
        said = new.get("why", "")
        right = fine(outcome) and count() == before + 1 and all(word in json.dumps(new) for word in words)
        self.checks.that(right, f"{told}: {getattr(outcome, '__name__', outcome)}; audit: {said or 'nothing'}" + ("" if right else f" {new} {before} {count()}"))

    def system(self, certificate="c", key=None, source=OTHER, **how):
        return System(self.folder, certificate, key or certificate, source, **how)

    def roster(self):
        people = [one for room in self.town.asks("GET", "live")["rooms"] for one in room["participants"]]
        return sorted((one["name"], one["kind"], one["institution"] or "") for one in people)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def tone(phone, hertz, seconds=1.0, before_end=0.3):
    samples, rate = recorded(live(phone))
    end = len(samples) - int(before_end * rate)
    return level_of_tone(samples[end - int(seconds * rate):end], rate, hertz)


def hears(checks, told, phone, wanted, other):
    deadline = time.monotonic() + 6
    while True:
        levels = tone(phone, wanted), tone(phone, other)
        if (abs(levels[0]) <= 3 and levels[1] < -30) or time.monotonic() > deadline:
            break
        time.sleep(0.3)
    checks.that(abs(levels[0]) <= 3 and levels[1] < -30, f"{told}: {levels[0]:.1f} dB of {wanted} Hz, and of its own {levels[1]:.1f} dB")


def meets(tests, phones):
    """The telephone of C calls our meeting through its proxy; one of ours is there."""
    checks, folder, town = tests.checks, tests.folder, tests.town
    ours = Phone(folder, 1, long_tone(folder / "here.wav", HERE), CODECS["PCMA"], traced=True)
    theirs = Phone(folder, 2, long_tone(folder / "there.wav", THERE), CODECS["PCMA"], traced=True, address=TELEPHONE, protection="srtp-mand",
                   account='"Cem Yıldız" <sip:+4930900042@stadt-c.example>;outbound="sip:127.3.0.1:5060"')
    phones += [ours, theirs]
    ours.does("dial", f"sip:einwahl@{town.address}:5060")
    theirs.does("dial", "sip:rat@stadt-a.example")
    time.sleep(2)
    keys(ours, "123456#081500#")
    keys(theirs, "4711#")
    time.sleep(6)
    roster = tests.roster()
    checks.that(sorted(one[2] for one in roster) == ["", "Stadt C"],
                f"it is in the roster as of its institution: {roster}")
    visits = tests.entries("visited")
    checks.that([(one["member"], one["room"]) for one in visits] == [("stadt-c.example", "rat")], "and the audit says that it came")
    hears(checks, "ours hears it", ours, THERE, HERE)
    hears(checks, "it hears ours", theirs, HERE, THERE)
    shown = next(one for one in tests.town.asks("GET", "federation")["federation"]["members"] if one["domain"] == "stadt-c.example")
    checks.that((shown["sip"], shown["sipCalls"], shown["state"]) == (True, 1, "none"), f"the federation shows it: {shown['state']}, {shown['sipCalls']} call")
    encrypted = sorted(one["encrypted"] for one in tests.town.asks("GET", "live")["calls"])
    checks.that(encrypted == [False, True], f"what is under way shows whose sound is encrypted: {encrypted}")
    return ours, theirs


def knocks(tests):
    """Who does not get so far as to call."""
    system, refused = tests.system, tests.refused
    refused("no certificate", lambda: system(None), "no-certificate")
    refused("a certificate of the right name around a key without a pin", lambda: system("nobody"), "unknown-key")
    refused("a key whose pin has ended", lambda: system("old", source="127.3.0.8"), "unknown-key")
    refused("a pinned key, and a certificate for somebody else", lambda: system("other", "c"), "other-identity", "stadt-x.example", "stadt-c.example")
    refused("a pinned key, and a wildcard or a name below", lambda: system("wildcard", "c", source="127.3.0.10"), "other-identity", "sip.stadt-c.example")
    refused("a member that joins by links alone", lambda: system("d", source="127.3.0.11"), "not-by-sip", "stadt-d.example")
    refused("an address in nobody's networks", lambda: system(source="127.9.0.1"), "unlisted-address")
    refused("an address in another member's networks", lambda: system(source="127.5.0.1"), "other-network", "stadt-c.example")
    refused("TLS 1.1", lambda: system(source="127.3.0.12", version=ssl.TLSVersion.TLSv1_1), "no-tls")
    for told, how in (("a certificate with a DNS name alone", {"certificate": "plain", "key": "c"}), ("TLS 1.2", {"version": ssl.TLSVersion.TLSv1_2})):
        one = system(**how)
        tests.checks.that(True, f"{told}: taken")
        one.ends()


def calls(tests):
    """Who calls, and asks for what they may not have."""
    refused, checks = tests.refused, tests.checks
    c = tests.system()
    is_ = lambda *statuses: lambda status: status in statuses
    refused("a room that is not shared with it", lambda: c.calls("geheim"), "not-shared", fine=is_(404))
    refused("a room that there is not", lambda: c.calls("nirgends"), "not-shared", fine=is_(404))
    refused("a room at another hour", lambda: c.calls("nachts"), "not-shared", fine=is_(404))
    refused("a telephone number", lambda: c.calls("+493090000000"), "not-shared", fine=is_(404))
    refused("the number of the menu", lambda: c.calls("einwahl"), "not-shared", fine=is_(404))
    refused("an emergency number", lambda: c.calls("112"), "not-shared", fine=is_(404))
    refused("somebody of another domain in From", lambda: c.calls(sender="stadt-b.example"), "not-theirs", fine=is_(403))
    refused("sound from outside of its networks", lambda: c.calls(media="203.0.113.9"), "media-elsewhere", fine=is_(488))
    refused("sound that anybody could hear on the way", lambda: c.calls(plain=True), "unprotected", fine=is_(488))
    refused("REFER", lambda: c.asks("REFER", "sip:rat@stadt-a.example", more="Refer-To: <sip:+493090000000@stadt-a.example>\r\n"), "method", "REFER", fine=is_(405))
    checks.that(c.asks("REGISTER", "sip:stadt-a.example") == 405, "REGISTER: 405")
    checks.that(c.calls("rat") == 200, "the same connection, a room that is shared: 200")
    checks.that(c.inside("REFER", more="Refer-To: <sip:+493090000000@stadt-a.example>\r\n") == 405, "REFER inside of that call: 405")
    refused("its sound is to go outside from now on", lambda: changes(c, media="203.0.113.9"), "media-elsewhere", fine=is_(488))
    checks.that(changes(c, number=5, media=OTHER, plain=True) == 488, "its sound is to be plain from now on: 488")
    checks.that(c.inside("BYE", number=7) == 200, "the call was still up, and ends")
    statuses = [c.calls("klein") for _ in range(2)]
    checks.that(statuses == [200, 200], f"a member may bring two to a room: {statuses}")
    refused("and no third", lambda: c.calls("klein"), "busy", fine=is_(486))
    c.ends()
    e = tests.system("e", source="127.5.0.1")
    statuses = [e.calls("gross", sender="stadt-e.example") for _ in range(3)]
    checks.that(statuses == [200, 200, 486], f"128 kbit/s have places for two: {statuses}")
    e.ends()


def changes(system, number=3, **how):
    """A new offer in a call that is up: its status."""
    status = system.inside("INVITE", number=number, **how)
    system.inside("ACK", number=number, branch=system.branch)
    return status


def floods(tests, ours, theirs):
    """Two hundred calls in a burst: some are taken, the others told to come later, and the meeting goes on."""
    c = tests.system(source="127.3.0.20")
    before = len(tests.entries("visitRefused"))
    for _ in range(200):
        c.says(c.request("INVITE", "sip:gross@stadt-a.example", media="127.3.0.20"))
    statuses = {}
    c.stream.settimeout(5)
    try:
        while sum(statuses.values()) < 200:
            status, _ = c.hears("INVITE")
            statuses[status] = statuses.get(status, 0) + 1
    except (TimeoutError, EOFError):
        pass
    noted = len(tests.entries("visitRefused")) - before
    taken = statuses.get(200, 0)
    tests.checks.that(0 < taken <= 40 and statuses.get(503, 0) >= 100 and 0 < noted <= 12, f"200 calls in a burst: {statuses}, {noted} entries in the audit")
    c.ends()
    hears(tests.checks, "and ours hears it as before", ours, THERE, HERE)
    hears(tests.checks, "and it hears ours as before", theirs, HERE, THERE)


def leaves(tests, ours, theirs):
    """C is no member any more: its call ends at once."""
    members = tests.federation.members
    # One whose connection has ended is told by none that we would open: wherever it said that it is.
    gone = tests.system(source="127.3.0.40")
    lure = socket.create_server(("127.3.0.40", 5061))
    lure.settimeout(4)
    status, until = gone.calls("rat"), time.monotonic() + 10
    while status == 503 and time.monotonic() < until:  # the burst before has used up what a member may begin
        time.sleep(0.5)
        status = gone.calls("rat")
    tests.checks.that(status == 200, f"a system calls, and loses its connection: {status}")
    gone.ends()
    time.sleep(0.5)
    tests.federation.publish(members=[one for one in members if one["domain"] != "stadt-c.example"])
    began = time.monotonic()
    while len(tests.roster()) > 1 and time.monotonic() - began < 10:
        time.sleep(0.1)
    took = time.monotonic() - began
    tests.checks.that(len(tests.roster()) == 1 and took < 3, f"C is no member any more: its call ends within {took:.1f} s")
    ended = tests.entries("visitEnded")
    try:
        lure.accept()
        called = True
    except TimeoutError:
        called = False
    lure.close()
    tests.checks.that(not called, "and who has no connection any more is not called back")
    tests.checks.that(len(ended) >= 2 and "names this key nowhere" in ended[-1]["why"], f"and the audit says why: {ended[-1]['why'] if ended else ''}")
    tests.checks.that("BYE" in (theirs.folder / "log").read_text(errors="replace"), "its telephone is told")
    tests.refused("and it cannot come again", lambda: tests.system(source="127.3.0.30"), "unlisted-address")


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as place:
        folder, phones = pathlib.Path(place), []
        # The telephone sends its sound from its own address.
        ip("address", "add", f"{TELEPHONE}/32", "dev", "lo")
        ip("route", "add", "table", "local", "local", "127.1.0.1", "dev", "lo", "scope", "host", "src", TELEPHONE)
        certificates(folder)
        source = (f'registry = "{folder}/registry.json"\nsip = ["127.1.0.1:5061"]\ncertificate = "{folder}/a.pem"\nkey = "{folder}/a.key"')
        federation = Federation(folder, more={"a": OF_A}, names=("a",), source=source)
        pins = lambda name: [{"spki": pin(folder, name)}]
        past = [{"spki": pin(folder, "old"), "until": "2026-01-01T00:00:00Z"}]
        federation.members += [{**one, "key": federation.signer} for one in (
            entry("Stadt C", "stadt-c.example", pins("c") + past, "127.3.0.0/24"),
            entry("Stadt D", "stadt-d.example", pins("d"), "127.4.0.0/24", sip=False, links=["gw.stadt-d.example:8448"]),
            entry("Stadt E", "stadt-e.example", pins("e"), "127.5.0.0/24"))]
        federation.publish()
        town = federation.towns["a"]
        tests = Tests(checks, folder, federation)
        try:
            with names(folder):
                town.starts()
                if not town.waits_for("another registry counts", 20):
                    sys.exit(town.log()[-3000:])
                time.sleep(0.5)
                with proxy(folder) as log:
                    ours, theirs = meets(tests, phones)
                    looked = re.search(r"made out to (\S+): 200", log())
                    checks.that(looked and looked[1] == "sip:stadt-a.example", f"Kamailio finds us by SRV and looks at our certificate: {looked and looked[0]}")
                    knocks(tests)
                    calls(tests)
                    floods(tests, ours, theirs)
                    leaves(tests, ours, theirs)
        finally:
            for phone in phones:
                phone.ends()
            town.ends()
            if checks.wrong:
                for log in (*folder.glob("run-*/log"), folder / "2" / "log"):
                    print(f"--- {log}", log.read_text(errors="replace")[-3000:] if log.exists() else "")
                print("\n".join(line for line in town.log().splitlines() if "DEBUG" not in line)[-6000:])
        print(f"open_federation: {checks.right} right, {checks.wrong} wrong")
    return 1 if checks.wrong else 0


if __name__ == "__main__":
    in_a_network_of_its_own()
    sys.exit(main())

#!/usr/bin/env python3
"""Three real gateways of three institutions, each with its own address, and a real telephone (baresip) at each: one meeting.

Each telephone dials its own town, keys the ID and a PIN of the first town's meeting, and says a tone. Stories, all if none is named:
  together  with a page (Chromium) at the second town: each hears the two others within 3 dB and not itself, rosters agree within a second,
            the home moderator's keys mute who is at the other towns, and nobody is told another town's address; then a number of the second
            town's plan (`room = "rat@stadt-a.example"`) leads one more there without a menu
  alone     the home gateway is killed: the two others hear each other within 2 s, and all do again once it is back
  cut       the link to one town is cut for 1, 5 and 30 s: after each, all hear each other within 2 s, and nobody twice
  forgotten a citizen of one town is forgotten: its record is gone, and those who were told of them say so, also one that was away
  asked     a registry that is asked for over HTTPS: a new one, a rolled-back one, a server that is down, sends elsewhere, or sends too much
  impaired  a link that loses 3 % and takes 100 ms ± 30 ms: speech of G.722 telephones scores (PESQ, wide band) at most 0.3 less across it than at
            home; as impaired_alaw that of A-law telephones (narrow band) at most 0.15 less than across a link without faults
  refused   a wrong pin, a rolled-back and an expired registry, and a PIN that is wrong are refused, and a sentence says which
Usage: three_towns.py PATH_OF_EINWAHL [STORY…]. In a network namespace of its own, where it may cut links; it ends by itself.
"""
import contextlib
import hashlib
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
from bad_wire import BadWire
from neighbours import Answers, https_server, vouched
from pages import HANDLES, Page
from phones import CODECS, Phone, level_of_tone, recorded
from playwright.sync_api import sync_playwright
from speech import PAUSE, scores, speech, write
from towns import ALL, TONES, Checks, Federation, agree, hear, in_a_network_of_its_own, keys, levels, live, long_tone, phones_come, three_towns

# What a page knows of the other side of its connections.
DESCRIBED = """
async () => {
    const peers = window.cut.peers;
    const stats = await Promise.all(peers.map(async (peer) => [...(await peer.getStats()).values()]));
    return {
        sdp: peers.flatMap((peer) => [peer.localDescription?.sdp, peer.remoteDescription?.sdp]),
        candidates: stats.flat().filter((one) => one.type.endsWith("-candidate")),
    };
}
"""


# What the second town's plan has besides.
RULE = '[[rule]]\nname = "Rat von A"\ncalled = "77"\nroom = "rat@stadt-a.example"\n'
BY_RULE = 1760


def together(checks, folder):
    plan = folder / "plan"
    plan.mkdir()
    (plan / "10-rat.toml").write_text(RULE)
    of_b = f'[dialplan]\nfolder = "{plan}"\n'
    with three_towns(folder, more={"b": of_b}) as (federation, phones), sync_playwright() as playwright:
        towns = list(federation.towns.values())
        phones_come(folder, federation, phones, at="ac")
        page = Page(playwright, f"https://{towns[1].address}:8080/r/rat@stadt-a.example", long_tone(folder / "page.wav", TONES[1], 10), "Erika", before=HANDLES)
        told = []
        page.page.on("websocket", lambda socket: socket.on("framereceived", lambda text: told.append(text)))
        page.page.reload()
        try:
            page.joins("4711")
            page.is_inside()
            three = [phones[0], page, phones[1]]
            agree(checks, "all are there", towns, 3)
            everybody = lambda one, seconds: page_hears(one, seconds) if one is page else levels(one, seconds)
            hear(checks, "all hear all others and not themselves", three, ALL, patience=12, levels=everybody)
            keys(phones[0], "*5")
            agree(checks, "the home moderator has muted the other towns", towns, 3, muted=2)
            hear(checks, "muted, they are not heard", three, [(), (0,), (0,)], patience=12, levels=everybody)
            keys(phones[0], "*5")
            time.sleep(1)
            hear(checks, "and lets them speak again", three, ALL, patience=12, levels=everybody)
            agree(checks, "all may speak", towns, 3, muted=0)
            nobody_learns_of_others(checks, towns, phones, page, told)
            led_by_a_rule(checks, folder, towns, phones)
        finally:
            page.ends()
        audits = [town.log() for town in towns]
        events = [{word.split("event=")[1].split('"')[1] for word in log.splitlines() if 'what="acted"' in word and "event=" in word} for log in audits]
        checks.that(events[0] and events[0] >= events[1] and events[1] and events[2], "what was done stands at both ends under the same name")


def led_by_a_rule(checks, folder, towns, phones):
    """A number of B leads to A's meeting: nobody keys an ID."""
    caller = Phone(folder, 3, long_tone(folder / "rule.wav", BY_RULE), CODECS["PCMA"])
    phones.append(caller)
    caller.does("dial", f"sip:77@{towns[1].address}:5060")
    time.sleep(3)
    keys(caller, "4711#")
    time.sleep(5)
    agree(checks, "a rule of B's plan has led somebody there, by the PIN alone", towns, 4)
    hear(checks, "and they hear all three", [caller], [(0, 1, 2)], patience=12)
    samples, rate = recorded(live(phones[0]))
    level = level_of_tone(samples[-int(1.3 * rate):-int(0.3 * rate)], rate, BY_RULE)
    checks.that(abs(level) <= 3, f"and are heard at A: {level:.0f} dB of {BY_RULE} Hz")


def page_hears(page, seconds):
    heard = [sample * 32768 for sample in page.records(seconds + 0.5)]
    return [level_of_tone(heard[-int(seconds * 48_000):], 48_000, tone) for tone in TONES]


def nobody_learns_of_others(checks, towns, phones, page, told):
    """What each was told names no address but that of their own town."""
    foreign = lambda own: [town.address for town in towns if town is not own]
    described = page.page.evaluate(DESCRIBED)
    for what, text in (("SDP and candidates", json.dumps(described)), ("WebSocket", json.dumps(told)), ("text", page.page.content()), ("requests", json.dumps(sorted(page.hosts)))):
        checks.that(len(text) > 2 and not any(address in text for address in foreign(towns[1])), f"the page's {what} name no other town's address")
    remote = {candidate["address"] for candidate in described["candidates"] if candidate["type"] == "remote-candidate"}
    checks.that(remote == {towns[1].address}, f"the page sends to its own town only: {remote}")
    for town, phone in zip((towns[0], towns[2]), phones):
        text = (phone.folder / "log").read_text(encoding="utf-8", errors="replace")
        checks.that("m=audio" in text and not any(address in text for address in foreign(town)), f"SIP at {town.name} names no other town's address")
    for town in towns:
        text = json.dumps(town.asks("GET", "live"))
        checks.that("Ratssitzung" in text and not any(address in text for address in foreign(town)), f"the roster of {town.name} names no other town's address")


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
        vouched(folder, "register", "register.kommunal.example")
        register = self
        self.mode, self.asked, self.unchanged, self.elsewhere = "well", 0, 0, 0

        class Words(Answers):
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
                self.says(status, content, headers)

        self.server = https_server(("127.0.0.1", self.PORT), Words, folder, "register")


def asked(checks, folder):
    def source(host):
        return f'registry = "https://{host}.kommunal.example:{Register.PORT}/registry.json"\nregistry_ca = "{folder}/ca.pem"\nregistry_every = 1'

    register = Register(folder, folder / "registry.json")
    federation = Federation(folder, source=source("register"))
    federation.names |= {"register.kommunal.example": "127.0.0.1", "fremd.kommunal.example": "192.0.2.77"}
    with federation.resolving():
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


LOSS, DELAY, JITTER = 0.03, 0.1, 0.03
SENTENCES = 8


def impaired(checks, folder):
    """In wide band, measured against who hears the same speech at home."""
    with on_a_bad_wire(folder, "G.722") as (wire, towns, phones):
        agree(checks, "all are there", towns, 3)
        near, far, told = how_they_hear(wire, phones, 16_000, "wb")
        breaks = towns[0].log().count("the link to a member is down")
        checks.that(near - far <= 0.3, f"speech over a bad link ({told}, made anew {breaks} times): PESQ {far:.2f}, at home {near:.2f}")
        agree(checks, "after it", towns, 3)


def impaired_alaw(checks, folder):
    """In narrow band, measured against a link without faults: what A-law leaves of a voice loses more in another codec and in A-law once
    more than any line takes, and at home it is passed on as it came."""
    with on_a_bad_wire(folder, "PCMA") as (wire, towns, phones):
        agree(checks, "all are there", towns, 3)
        wire.loss, wire.delay, wire.jitter = 0, 0, 0
        time.sleep(3)
        near, whole, _ = how_they_hear(wire, phones, 8_000, "nb")
        wire.loss, wire.delay, wire.jitter = LOSS, DELAY, JITTER
        time.sleep(5)
        _, far, told = how_they_hear(wire, phones, 8_000, "nb")
        checks.that(whole - far <= 0.15, f"A-law over a bad link ({told}): PESQ {far:.2f}, over a link without faults {whole:.2f}, at home {near:.2f}")
        agree(checks, "after it", towns, 3)


@contextlib.contextmanager
def on_a_bad_wire(folder, codec):
    """One speaks at the first town, in sentences; one there and one at the second listen."""
    said, rate = speech(), int(CODECS[codec].split("/")[1])
    write(folder / "speech.wav", said, 6 * SENTENCES, rate)
    write(folder / "silence.wav", 0 * said, 6 * SENTENCES, rate)
    wire = BadWire("127.1.0.1", "127.2.0.1", LOSS, DELAY, JITTER, 7)
    with contextlib.ExitStack() as after:
        after.callback(wire.ends)
        federation, phones = after.enter_context(three_towns(folder, names=("a", "b")))
        towns = list(federation.towns.values())
        for number, (town, sound) in enumerate(zip((towns[0], *towns), ("speech", "silence", "silence"))):
            phones.append(Phone(folder, number, folder / f"{sound}.wav", CODECS[codec]))
            phones[-1].does("dial", f"sip:einwahl@{town.address}:5060")
        time.sleep(1.5)
        for phone in phones:
            keys(phone, "123456#" + ("081500#" if phone is phones[0] else "4711#"))
        time.sleep(12)
        yield wire, towns, phones


def how_they_hear(wire, phones, rate, mode):
    """PESQ of who listens at home and of who listens elsewhere, the median of the next sentences; and what the wire did."""
    said = speech()
    seconds = SENTENCES * (len(said) / 48_000 + PAUSE)
    before = wire.carried, wire.lost
    time.sleep(seconds + 1)
    carried, lost = wire.carried - before[0], wire.lost - before[1]
    found = []
    for phone in phones[1:]:
        samples, recorded_at = recorded(live(phone))
        heard = numpy.array(samples[-int(seconds * recorded_at):]) / 32768
        found.append(statistics.median(scores(said, (recorded_at, heard), rate, mode, SENTENCES) or [1.0]))
    told = f"{100 * lost / max(1, carried):.1f} % of {carried} packets lost, {1000 * wire.delay:.0f} ms ± {1000 * wire.jitter:.0f} ms"
    return *found, told


STORIES = {"together": together, "alone": alone, "cut": cut, "forgotten": forgotten, "asked": asked, "refused": refused, "impaired": impaired, "impaired_alaw": impaired_alaw}

if __name__ == "__main__":
    in_a_network_of_its_own()
    checks = Checks()
    for story in sys.argv[2:] or STORIES:
        with tempfile.TemporaryDirectory() as folder:
            STORIES[story](checks, pathlib.Path(folder))
    print(f"{checks.right} passed, {checks.wrong} failed")
    sys.exit(1 if checks.wrong else 0)

#!/usr/bin/env python3
"""More than fifty attacks on a meeting of three towns, while a real telephone (baresip) at each town talks.

Three real gateways in a network of their own, and members that a test plays (federation_member.py) and that behave badly: what the
registry's source offers, who knocks at the door for links, what is said on a link, where sound, names and a provider of sign-ins
(false_provider.py) lead. Each is refused, the gateway's audit says so in a sentence, within bounds, nothing reaches an address outside,
and the meeting beside goes on: all rosters stay, and no tone has a gap.
Usage: federation_attacked.py PATH_OF_EINWAHL. It ends by itself.
"""
import asyncio
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile

import websockets
from aioice import stun
from attacked import PATH, PROTOCOL, ROOM, Abroad, Field, Rude, addresses_of_others, bye, identity, is_refused, knocks
from false_provider import HOST, OUTSIDE, FalseProvider, leads_elsewhere, section
from towns import ALL, Checks, document, hear, in_a_network_of_its_own, phones_come, three_towns

MEMBER = "stadt-x.example"

# Beside the meeting that goes on: one that is shared with nobody, one to which two may come; and what leads outside by a name.
OF_A = """
[[processors]]
name = "Telefonanlage"
purposes = ["trunk"]
country = "DE"
networks = ["198.51.100.0/24"]
[[trunks]]
name = "pbx"
networks = ["198.51.100.0/24"]
dial = "sip:pbx.stadt-a.example:5060;transport=tcp"
[[meetings]]
room = "geheim"
id = "222222"
pin = "4711"
[[meetings]]
room = "klein"
id = "333333"
pin = "4711"
shares = [{ with = "stadt-x.example", most = 2 }]
"""


# --- the source of the registry ---

def signed(federation, serial, *keys, change=lambda text: text, more=lambda document: document, days=30, members=None):
    """Offers a registry that these keys signed."""
    new = federation.folder / "attack.json"
    new.write_text(json.dumps(more(document(serial, federation.operator, members or federation.members, days=days))))
    for key in keys:
        subprocess.run([sys.argv[1], "federation", "sign", str(new), "--despite-faults", "--key", str(federation.folder / key)], check=True, capture_output=True)
    new.write_text(change(new.read_text()))
    os.replace(new, federation.registry)
    return True


def offers(*how, **more):
    async def attack(field):
        return await asyncio.to_thread(signed, field.federation, *how, **more)
    return attack


async def registries(field):
    federation = field.federation
    keygen = lambda name: subprocess.run([sys.argv[1], "federation", "keygen", str(federation.folder / name)], check=True, capture_output=True, text=True).stdout.strip()
    keygen("stranger.key")
    both = {"threshold": 2, "keys": [federation.operator, keygen("second.key")]}
    two = lambda text: {**text, "operators": both}
    refused = lambda *words: ("a", "registryRefused", *words)
    await field.attacked("a forged signature", offers(5, "stranger.key"), refused("0 of 1 signatures"))
    await field.attacked("two operators from now on: the registry is taken", offers(5, "operator.key", "second.key", more=two), ("a", "registryTaken"))
    await field.attacked("too few signatures", offers(6, "operator.key", more=two), refused("1 of 2 signatures"))
    keys = ("operator.key", "second.key")
    await field.attacked("words that are changed after the signatures", offers(6, *keys, more=two, change=lambda text: text.replace("Stadt A", "Stadt Q")),
                         refused("0 of 2 signatures"))
    await field.attacked("a rolled-back serial", offers(4, *keys, more=two), refused("rolls the registry back"))
    await field.attacked("the same serial with other content", offers(5, *keys, more=lambda text: {**two(text), "expires": text["issued"][:4] + "-12-31T00:00:00Z"}),
                         refused("one serial, one document"))
    await field.attacked("an expired registry", offers(7, *keys, more=two, days=-1), refused("expired"))
    await field.attacked("another federation's registry", offers(7, *keys, more=lambda text: {**two(text), "federation": "fremd.example"}), refused("fremd.example"))
    await field.attacked("no registry at all", offers(7, *keys, change=lambda text: text[:-200]), refused("registry.json"))
    other = lambda **words: [dict(one, **words) if one["domain"] == "stadt-y.example" else one for one in federation.members]
    await field.attacked("a member outside of the EEA", offers(8, *keys, more=two, members=other(country="US")), ("a", "memberLeftOut", "stadt-y.example", "US"))
    abroad = [{"name": "Wolke", "purpose": "hosting", "country": "US"}]
    await field.attacked("a processor of a member outside of the EEA", offers(9, *keys, more=two, members=other(processors=abroad)),
                         ("a", "memberLeftOut", "stadt-y.example", "Wolke"))
    await field.attacked("and both are there again", offers(10, *keys, more=two), ("a", "registryTaken"))
    federation.good = lambda serial, members=None: signed(federation, serial, *keys, more=two, members=members)


# --- the door for links ---

async def strangers(field, y, imposter):
    a = field.towns["a"]
    refused = lambda *words: ("a", "linkRefused", *words)
    outside = "127.66.0.1"
    await field.attacked("an address that is in no member's networks", lambda _: asyncio.to_thread(is_refused, a, outside), refused("in no member's networks"))
    plain = b"GET /federation/v1 HTTP/1.1\r\nHost: gw.stadt-a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    await field.attacked("plain HTTP", lambda _: asyncio.to_thread(is_refused, a, "127.8.0.2", plain), refused("no TLS as it has to be"))

    async def old_tls(_):
        tls = y.tls()
        tls.minimum_version, tls.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
        return await fails(knocks(y, a, "127.8.0.3", tls=tls), ssl.SSLError)
    await field.attacked("TLS 1.2", old_tls, refused("no TLS as it has to be", "ersion"))

    async def without_certificate(_):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        return await fails(knocks(y, a, "127.8.0.4", tls=tls), (ssl.SSLError, OSError, websockets.WebSocketException))
    await field.attacked("no certificate", without_certificate, refused("no TLS as it has to be"))
    await field.attacked("early data: there is no ticket with which it could come", lambda _: asyncio.to_thread(no_ticket, a, y, "127.8.0.5"))
    unknown = lambda _: fails(knocks(imposter, a, "127.8.0.6"), (ssl.SSLError, OSError, websockets.WebSocketException))
    await field.attacked("a key that is nobody's, from a member's address", unknown, refused("names this key nowhere"))
    elsewhere = lambda _: fails(knocks(y, a, "127.9.0.200"), (OSError, websockets.WebSocketException))
    await field.attacked("a member's key, from another member's address", elsewhere, refused("not in the networks of the member whose key"))
    other = lambda _: fails(knocks(y, a, "127.8.0.7", path="/"), websockets.WebSocketException)
    await field.attacked("another path", other, refused("not how a link begins"))
    other = lambda _: fails(knocks(y, a, "127.8.0.8", protocol="chat"), websockets.WebSocketException)
    await field.attacked("another protocol", other, refused("not how a link begins"))


async def fails(attempt, errors):
    try:
        connection = await attempt
        await asyncio.wait_for(connection.recv(), 3)
    except errors:
        return True
    except TimeoutError:
        return "it is still there"
    return "it was let in"


def no_ticket(town, who, source):
    tls = who.tls()
    with tls.wrap_socket(__import__("socket").create_connection((town.address, 8448), source_address=(source, 0))) as stream:
        stream.sendall(f"GET {PATH} HTTP/1.1\r\nHost: gw\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                       f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n".encode())
        return b" 101 " in stream.recv(4096) and (stream.session is None or not stream.session.has_ticket)


HELLO, GO = {"kind": "hello", "versions": [1]}, {"kind": "go", "session": 77, "from": 1}


def said(number, **what):
    return {"kind": "said", "number": number, "what": what}


async def frames(field, y):
    a = field.towns["a"]

    def says(source, *messages, why="broken"):
        async def attack(_):
            connection = await knocks(y, a, source)
            try:
                for message in messages:
                    await connection.send(message if isinstance(message, (str, bytes)) else json.dumps(message))
            except websockets.WebSocketException:
                pass  # it is closed before the last
            told = await bye(connection)
            await connection.close()
            return told in (why, None) or f"bye says {told}"  # who goes on talking may not hear it
        return attack
    broken = ("a", "linkRefused", "stadt-y.example", "breaks the protocol")
    await field.attacked("an oversized frame", says("127.8.1.1", HELLO, "x" * 70_000), broken)
    await field.attacked("malformed JSON", says("127.8.1.2", '{"kind": "hello", '), broken)
    await field.attacked("a binary frame", says("127.8.1.3", json.dumps(HELLO).encode()), broken)
    session = [HELLO, GO, said(1, do="enter", room=ROOM), said(2, do="leave", room=ROOM)]
    await field.attacked("a number that is left out", says("127.8.1.4", HELLO, GO, said(2, do="enter", room=ROOM)), broken)
    await field.attacked("a replayed message", says("127.8.1.5", *[{**GO, "session": 78} if one is GO else one for one in session], session[-1]), broken)
    await field.attacked("a whole recorded session once more", says("127.8.1.6", *[{**GO, "session": 78} if one is GO else one for one in session]), broken)
    flood = [json.dumps({"kind": "later", "x": "y" * 60_000})] * 200
    await field.attacked("a flood of bytes", says("127.8.1.7", HELLO, *flood, why="tooMuch"), ("a", "linkRefused", "says more than it may"))
    pong = b'{"kind":"pong","mark":1}'

    async def flood(_):
        """As fast as they can be written: text frames (RFC 6455 section 5.2), with a mask of zeroes."""
        connection = await knocks(y, a, "127.8.1.8")
        await connection.send(json.dumps(HELLO))
        connection.transport.write((b"\x81" + bytes([0x80 | len(pong)]) + bytes(4) + pong) * 30_000)
        told = await bye(connection)
        return told in ("tooMuch", None) or f"bye says {told}"
    await field.attacked("a flood of frames", flood, ("a", "linkRefused", "says more than it may"))

    async def crowd(_):
        opened = await asyncio.gather(*(asyncio.open_connection(a.address, 8448, local_addr=("127.8.1.9", 0)) for _ in range(300)), return_exceptions=True)
        await asyncio.sleep(5.5)
        for one in opened:
            if not isinstance(one, BaseException):
                one[1].close()
        return True
    await field.attacked("a flood of handshakes, none of which is ended", crowd, ("a", "linkRefused", "just being opened"), ("a", "linkRefused", "not finished in time"))


# --- what is said on a link ---

async def sayings(field, x, at_b, zero):
    a, mine = x.link, x.mine[1]
    b = at_b.link
    someone = {"of": "stadt-b.example", "id": 1}
    federated = lambda town, act: (town, "federated", MEMBER, act)

    def says(link, *messages):
        async def attack(_):
            for do, words in messages:
                link.say(do, **words)
            return True
        return attack

    def refused(link, do, why, *messages):
        async def attack(_):
            x.refused.clear()
            await says(link, *messages)(_)
            for _ in range(50):
                if any((one, told) == (do, why) for one, _, told in x.refused):
                    return True
                await asyncio.sleep(0.1)
            return f"told was {x.refused}"
        return attack
    put = lambda line, room=ROOM: ("put", {"room": room, "line": line})
    renamed = {**x.line(1), "who": someone, "name": "Bürgermeister"}
    await field.attacked("somebody of others is said to be otherwise", says(a, put(renamed)), federated("a", "notTheirs"))
    await field.attacked("and so to who is not their home", says(b, put({**renamed, "who": {"of": "stadt-c.example", "id": 1}})), federated("b", "notTheirs"))
    await field.attacked("somebody of others is said to be gone", says(a, ("gone", {"room": ROOM, "who": someone})), federated("a", "notTheirs"))
    await field.attacked("letters in the name of others", says(a, ("text", {"room": ROOM, "who": someone, "text": "x"})), federated("a", "notTheirs"))
    mute = {"do": "muteAll", "on": True}
    act = lambda by, whom=None, action=mute: ("act", {"room": ROOM, "by": by, "action": action, "event": "x-1", **({"whom": whom} if whom else {})})
    await field.attacked("a wish in the name of others", says(a, act({"of": "stadt-a.example", "id": 1})), federated("a", "notTheirs"))
    await field.attacked("a wish of who does not lead", says(a, act(mine["who"], someone, {"do": "mute", "participant": 0, "on": True})), federated("a", "notTheirs"))
    await field.attacked("who says that they lead", says(a, put({**mine, "role": "moderator"}), act(mine["who"]), put(mine)), federated("a", "notTheirs"))
    await field.attacked("a wish to who is not the home", says(b, act(mine["who"])), federated("b", "notTheirs"))
    for do, words in (("speaking", {"who": []}), ("close", {"why": "over"}), ("refuse", {"who": someone, "why": "full"}), ("shard", {"open": False})):
        await field.attacked(f"{do}, by who is not the home", says(b, (do, {"room": ROOM, **words})), federated("b", "notTheirs"))
    await field.attacked("a second person with the same grant", refused(a, "refuse", "notShared", put(x.line(2, grant=mine["grant"]))), federated("a", "refusedNotShared"))
    theirs = (await zero.asks(ROOM, pin="4711"))["grant"]
    await field.attacked("another member's grant", refused(a, "refuse", "notShared", put(x.line(3, grant=theirs))), federated("a", "refusedNotShared"))
    await field.attacked("no grant", refused(a, "refuse", "notShared", put(x.line(4))), federated("a", "refusedNotShared"))
    secret = "geheim@stadt-a.example"

    async def asks_secretly(_):
        return (await x.asks(secret, pin="4711"))["is"] == "refused"
    await field.attacked("a room that is not shared", asks_secretly, federated("a", "refusedNotShared"))
    await field.attacked("and entered all the same", refused(a, "close", "notShared", ("enter", {"room": secret})), federated("a", "refusedNotShared"))
    small = "klein@stadt-a.example"

    async def too_many(_):
        grants = [(await x.asks(small, pin="4711"))["grant"] for _ in range(3)]
        lines = [put(x.line(10 + at, grant=grant), small) for at, grant in enumerate(grants)]
        fine = await refused(a, "refuse", "full", ("enter", {"room": small}), *lines)(_)
        for line in lines:
            a.say("gone", room=small, who=line[1]["line"]["who"])
        a.say("leave", room=small)
        return fine
    await field.attacked("more people than are allowed", too_many, federated("a", "refusedFull"))
    await field.attacked("what cannot be read", says(a, ("put", {"room": 5})), ("a", "sayingRefused", MEMBER, "cannot be read"))
    same = {"rooms": [{"room": f"falle@{MEMBER}", "id": "123456", "title": "Ratssitzung"}]}
    await field.attacked("a room under the ID of another institution's", says(b, ("rooms", same), ("rooms", {"rooms": []})), ("b", "sayingRefused", MEMBER, "ID"))
    await field.attacked("a flood of lies", says(a, *[put(renamed)] * 3_000), federated("a", "notTheirs"))

    async def guesses(_):
        verdicts = [(await x.asks_at_once(small, pin=f"{1000 + at}"))["is"] for at in range(30)]
        return verdicts.count("refused") <= 21 and verdicts[-1] == "notNow" or f"told was {verdicts}"
    await field.attacked("a PIN that is guessed", guesses, ("a", "guessing", '"member"', MEMBER))
    office = "amt@stadt-b.example"
    flood = [one for at in range(1_000) for one in (("ask", {"ticket": 10_000 + at, "room": office}), ("enter", {"room": office}))]
    await field.attacked("a flood of questions and entries", says(b, *flood), ("b", "sayingRefused", "more than one institution"))


# --- where sound and names lead ---

async def since_long(_):
    return True


async def elsewhere(field, x, zero, y, imposter, provider):
    names = field.federation.names
    refused = lambda town, *words: (town, "connectionRefused", *words)

    # It was offered sound when its link came up, and has answered so; the same again is not noted again.
    await field.attacked("sound is to go to an address outside", since_long, refused("a", "203.0.113.10"), ever=True)

    async def checks(_):
        answered = asyncio.get_running_loop().create_future()
        heard = zero.link.heard
        zero.link.heard = lambda what: answered.done() or answered.set_result(what) if what.get("do") == "answered" else heard(what)
        zero.link.say("offer", attempt=1, addresses=["203.0.113.11:5000"], fingerprint="sha-256 " + ":".join(["AB"] * 32), ufrag="zero", password="z" * 32)
        theirs = await asyncio.wait_for(answered, 5)
        zero.link.heard = heard
        came = []

        class Socket(asyncio.DatagramProtocol):
            def datagram_received(self, datagram, source):
                came.append(source)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Socket, local_addr=("203.0.113.11", 5000))
        host, _, port = theirs["addresses"][0].rpartition(":")
        for _ in range(10):
            request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            request.attributes |= {"USERNAME": f"{theirs['ufrag']}:zero", "PRIORITY": 1, "ICE-CONTROLLING": 1, "USE-CANDIDATE": None}
            request.add_message_integrity(theirs["password"].encode())
            transport.sendto(bytes(request), (host, int(port)))
            await asyncio.sleep(0.1)
        transport.close()
        return not came
    await field.attacked("checks come from an address outside, with all that they need", checks, refused("a", "203.0.113.11"))

    async def wrong_pin(_):
        """Whoever answers at the member's place has another key than the registry tells."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*imposter.files)
        came = []
        server = await asyncio.start_server(lambda reader, writer: came.append(1), y.address, 8448, ssl=tls)
        await asyncio.to_thread(field.federation.good, 20)
        await asyncio.sleep(3)
        server.close()
        return True
    await field.attacked("a wrong pin: somebody else answers for a member", wrong_pin, ("a", "linkRefused", "stadt-y.example", "names this key nowhere"))

    async def rebinds(_):
        names["gw.stadt-y.example"] = "203.0.113.9"
        await asyncio.to_thread(field.federation.resolves)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(field.federation.good, 21)
        return True
    await field.attacked("a member's name leads to an address outside", rebinds, ("a", "linkRefused", "203.0.113.9 (gw.stadt-y.example)"),
                         refused("a", "gw.stadt-y.example", "203.0.113.9"))

    await leads_elsewhere(field, provider)
    # It is looked at each half minute, and its name has led there since before.
    await field.attacked("a trunk's name leads to an address outside", since_long, refused("a", "pbx.stadt-a.example", "203.0.113.12"), ever=True)


async def retired(field, x):
    """A key that the registry names no longer, and then again."""
    federation = field.federation
    other = [dict(one, pins=[{"spki": "sha256:" + "A" * 43}]) if one["domain"] == MEMBER else one for one in federation.members]

    async def goes(_):
        await asyncio.to_thread(federation.good, 22, other)
        return True
    field.roster = [[line for line in roster if not line[0].startswith("U")] for roster in field.roster]
    await field.attacked("a member's key is not named any more", goes, ("a", "linkStands", MEMBER, "does not name its key"),
                         ("a", "linkRefused", "names this key nowhere"))


async def attack(checks, federation, phones, guests, provider):
    x_, y, zero_, imposter = guests
    field = Field(checks, federation, phones)
    a, b = federation.towns["a"], federation.towns["b"]
    x, at_b, zero = Rude(x_, a), Rude(x_, b), Rude(zero_, a)
    for one in (x, at_b, zero):
        one.begins()
    while not (x.link.went and at_b.link.went and zero.link.went):
        await asyncio.sleep(0.1)
    verdict = await x.asks(ROOM, pin="4711")
    x.enters(ROOM, x.line(1, grant=verdict["grant"]))
    await asyncio.sleep(1.5)
    await field.looks()
    checks.that(len(field.roster[0]) == 4 and field.roster[0] == field.roster[1] == field.roster[2], f"four are in the meeting: {field.roster}")
    abroad = Abroad()
    os.nice(10)  # attackers have machines of their own
    await registries(field)
    await strangers(field, y, imposter)
    federation.names["pbx.stadt-a.example"] = "203.0.113.12"
    await asyncio.to_thread(federation.resolves)
    await frames(field, y)
    await sayings(field, x, at_b, zero)
    await elsewhere(field, x, zero, y, imposter, provider)
    await retired(field, x)
    checks.that(not abroad.seen, f"nothing was sent to an address outside: {abroad.seen[:5]}")
    await asyncio.to_thread(field.undisturbed)
    for one in (x, at_b, zero):
        one.keeping.cancel()


def main():
    in_a_network_of_its_own()
    addresses_of_others()
    checks = Checks()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        provider = FalseProvider(folder)
        x, y, zero, imposter = (identity(folder, name, network) for name, network in (("x", 9), ("y", 8), ("0", 7), ("z", 6)))
        guests = (x, y, zero)
        more = {"a": OF_A, **{town: section(folder, town) for town in "bc"}}
        with three_towns(folder, guests, more) as (federation, phones):
            for one in federation.members[3:]:
                one["media"] = [one["media"][0].replace(".0.1/32", ".0.0/16")]
            federation.names |= {"pbx.stadt-a.example": "198.51.100.7", HOST: "203.0.113.13", **OUTSIDE}
            federation.resolves()
            federation.publish()
            phones_come(folder, federation, phones)
            hear(checks, "all hear all others", phones, ALL, patience=8)
            asyncio.run(attack(checks, federation, phones, (x, y, zero, imposter), provider))
            hear(checks, "in the end all hear all others", phones, ALL, patience=8)
            for town in federation.towns.values():
                checks.that(" ERROR " not in town.log() and "panicked" not in town.log(), f"nothing broke at {town.name}")
    print(f"{checks.right} passed, {checks.wrong} failed")
    sys.exit(1 if checks.wrong else 0)


if __name__ == "__main__":
    main()

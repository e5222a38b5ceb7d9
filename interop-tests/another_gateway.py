#!/usr/bin/env python3
"""A real gateway meets two members that share no code with it (federation_member.py, written from docs/federation.md).

A telephone (baresip) at the gateway, and one participant of each member, say a tone each in one meeting of the gateway. One member
stands before the gateway's name and dials the media connection, the other is dialled. Each has to hear the two others within 3 dB and
not itself; rosters have to agree; a moderator's wish has to reach everybody; and connections are cut while much is being said.
Usage: another_gateway.py PATH_OF_EINWAHL. In a network namespace of its own; it ends by itself.
"""
import asyncio
import math
import pathlib
import random
import re
import sys
import tempfile
import time

import numpy
from aiortc.codecs.opus import OpusDecoder, OpusEncoder
from aiortc.jitterbuffer import JitterFrame
from aiortc_joins import Tone
from federation_link import Identity, Link
from federation_member import Member
from phones import AMPLITUDE
from towns import TONES, Checks, in_a_network_of_its_own, keys, levels, phones_come, three_towns

ROOM, LEVEL = "rat@stadt-a.example", 15  # a tone of AMPLITUDE is 15 dB below the loudest


async def speaks(member, hertz):
    """Says a tone as long as it may and can."""
    tone, encoder, number = Tone(hertz), OpusEncoder(), random.randrange(32768)
    while True:
        frame = await tone.recv()
        for packet in encoder.encode(frame)[0]:
            line = member.mine.get(1)
            if line and not line["muted"] and member.media and member.media.ready():
                await member.media.sends(line["ssrc"], number, frame.pts, LEVEL, packet)
                number += 1


def heard_by(member, seconds=1.5):
    """How loud each tone is in what it was sent last, all added up."""
    total = numpy.zeros(int(seconds * 48000))
    for packets in list(member.packets.values()):
        decoder, last = OpusDecoder(), packets[-int(seconds * 50) - 10:]
        decoded = [decoder.decode(JitterFrame(packet.payload, packet.timestamp)) for packet in last]
        sound = numpy.concatenate([frame.to_ndarray().reshape(-1, 2)[:, 0] for frames in decoded for frame in frames] or [numpy.zeros(0)])
        if len(sound) >= len(total):
            total += sound[-len(total):]
    return [20 * math.log10(max(1e-6, abs(numpy.dot(total, numpy.exp(2j * math.pi * hertz * numpy.arange(len(total)) / 48000)))
                                / len(total) * 2 / AMPLITUDE)) for hertz in TONES]


async def until(what, seconds=5):
    deadline = time.monotonic() + seconds
    while not (so := await asyncio.to_thread(what)) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return so


async def all_hear(checks, when, phone, members, wanted, seconds=8):
    """Whether the telephone and the members hear these of the three tones, and no others, before so much time has passed."""
    deadline = time.monotonic() + seconds
    while True:
        for member in members:
            member.packets.clear()
        await asyncio.sleep(2)
        heard = [await asyncio.to_thread(levels, phone)] + [(await asyncio.to_thread(heard_by, member)) for member in members]
        fine = all((abs(level) <= 3) if tone in who else level < -30 for who, one in zip(wanted, heard) for tone, level in enumerate(one))
        if fine or time.monotonic() > deadline:
            break
    told = "; ".join(" ".join(f"{level:.0f}" for level in one) for one in heard)
    checks.that(fine, f"{when}: {told} dB of {TONES} Hz")
    numbers = [[packet.sequence_number for packet in packets] for member in members for packets in member.packets.values()]
    checks.that(all(len(one) == len(set(one)) for one in numbers), f"{when}: no packet comes twice")


async def meets(checks, town, phone, members):
    first, other = members
    stranger = Link(first.identity, town.address, town.pin(), lambda _: None, lambda _: None)
    await stranger.connects(versions=[99])
    checks.that(stranger.byes == ["noCommonVersion"], "a version that is not spoken is answered with noCommonVersion")
    for member, hertz in zip(members, TONES[1:]):
        member.tasks += [asyncio.ensure_future(member.runs()), asyncio.ensure_future(speaks(member, hertz))]
    checks.that(await until(lambda: all(member.rooms for member in members)), "both are told which rooms they may join")
    checks.that(all(list(member.rooms) == [ROOM] and member.rooms[ROOM]["id"] == "123456" for member in members), "the meeting, and its ID")
    checks.that((await other.asks(ROOM))["is"] == "pinNeeded", "there is a PIN")
    checks.that((await other.asks(ROOM, pin="9999"))["is"] == "refused", "a wrong one is refused")
    for member, pin, role, name in ((first, "081500", "moderator", "Erika"), (other, "4711", "participant", "Telefon ···42")):
        verdict = await member.asks(ROOM, pin=pin)
        checks.that(verdict["is"] == "admitted" and verdict["role"] == role, f"the right one admits as {role}")
        member.enters(ROOM, {"who": {"of": member.identity.domain, "id": 1}, "name": name, "kind": "phone", "role": role, "muted": False,
                             "ssrc": random.getrandbits(31), "grant": verdict["grant"]})
    checks.that(await until(lambda: all(member.media and member.media.ready() for member in members), 10), "both have a media connection")
    await all_hear(checks, "all hear all others and not themselves", phone, members, [(1, 2), (0, 2), (0, 1)])
    await rosters_agree(checks, "all are there", town, members)
    await a_moderator_leads(checks, town, phone, members)
    await what_is_typed_is_passed_on(checks, members)
    await what_is_unknown_is_ignored(checks, members)
    await nothing_is_lost(checks, town, members)
    await all_hear(checks, "after the cuts all hear all others", phone, members, [(1, 2), (0, 2), (0, 1)])
    await rosters_agree(checks, "after the cuts", town, members)
    other.leaves()
    checks.that(await until(lambda: len(first.lines) == 1), "one leaves: the other is told")
    checks.that(await until(lambda: len(town.roster()) == 2), "and the gateway's roster has two")


async def rosters_agree(checks, when, town, members):
    """Names are masked where the gateway's keepers look: what is compared is the rest of each line."""
    def seen():
        home = sorted(line[1:] for line in town.roster())
        theirs = [sorted((line["kind"], line["role"], line["muted"]) for line in [*member.lines.values(), *member.mine.values()]) for member in members]
        return home, theirs
    fine = await until(lambda: all(seen()[0] == theirs for theirs in seen()[1]), 1)
    checks.that(fine and len(seen()[0]) == 3, f"{when}: all rosters agree within a second" + ("" if fine else f": {seen()}"))


async def a_moderator_leads(checks, town, phone, members):
    first, other = members
    await asyncio.to_thread(keys, phone, "*5")
    checks.that(await until(lambda: any(act["action"] == {"do": "muteAll", "on": True} for act in other.acts)), "the telephone's *5 reaches the members")
    await all_hear(checks, "muted", phone, members, [(1,), (0,), (0, 1)])
    await rosters_agree(checks, "muted", town, members)
    await asyncio.to_thread(keys, phone, "*5")
    checks.that(await until(lambda: any(act["action"] == {"do": "muteAll", "on": False} for act in other.acts)), "and once more, that they may speak")
    first.acts_on(1, {"do": "mute", "participant": 0, "on": True}, "from-afar", whom={"of": other.identity.domain, "id": 1})
    checks.that(await until(lambda: other.acts and other.acts[-1]["event"] == "from-afar"), "a moderator of one member is heeded by the other")
    await rosters_agree(checks, "one is muted", town, members)
    first.acts_on(1, {"do": "giveFloor", "participant": 0}, "speak-again", whom={"of": other.identity.domain, "id": 1})
    checks.that(await until(lambda: not other.mine[1]["muted"]), "and given the floor again")


async def what_is_typed_is_passed_on(checks, members):
    """Letter by letter, in order, with whose it is; but not what somebody types in another's name, or what moves a reader's cursor."""
    first, other = members
    for letter in "Grüße 🙂\b":
        first.types(1, letter)
    other.types(1, "Ja\u2028\u202e\x1b")
    read = lambda member: "".join(text for *_, text in member.texts)
    checks.that(await until(lambda: read(other) == "Grüße 🙂\b" and read(first) == "Ja\u2028"), f"what one types the other reads ({read(other)!r}, {read(first)!r})")
    checks.that({(of, number) for of, number, _ in other.texts} == {(first.identity.domain, 1)}, "and whose it is")
    first.link.say("text", room=ROOM, who=other.mine[1]["who"], text="forged")
    other.types(1, "x" * 400)
    checks.that(await until(lambda: read(first).endswith("x\ufffd")), "who types faster than anybody can is cut, and that is marked")
    checks.that(read(first).count("x") <= 300 and "forged" not in read(other), "nobody types in another's name")


async def what_is_unknown_is_ignored(checks, members):
    first, _ = members
    connections = first.link.connections
    first.link.send("whistle", loud=True)
    first.link.say("whistle", room=ROOM, loud=True)
    first.puts(1, shoes="brown", muted=True)
    first.link.say("put", room=ROOM, line=first.mine[1], loud=True)
    checks.that(await until(lambda: members[1].lines.get((first.identity.domain, 1), {}).get("muted")), "words that are not known are ignored, and what stands beside them counts")
    first.puts(1, muted=False)
    await asyncio.sleep(1.5)
    checks.that(first.link.connections == connections and not first.link.byes, "and kinds of messages, too")


async def nothing_is_lost(checks, town, members):
    """The meeting is locked and unlocked many times while the connection is cut: each is done once, in order, and told once."""
    first, other = members
    states, heard = {member: [] for member in members}, {member: member.link.heard for member in members}
    for member in members:
        def notes(what, member=member):
            states[member] += [what["locked"]] if what.get("do") == "shard" else []
            heard[member](what)
        member.link.heard = notes
    sessions = [(member.link.session, member.link.theirs) for member in members]
    since, events = len(town.log()), []
    for number in range(120):
        if number in (30, 60, 90):
            first.link.is_cut()
        if number == 75:
            other.link.is_cut()
        events.append(f"lock-{number}")
        first.acts_on(1, {"do": "lock", "on": number % 2 == 0}, events[-1])
        await asyncio.sleep(0.02)
    wanted = [number % 2 == 0 for number in range(120)]
    await until(lambda: all(states[member] == wanted for member in members), 8)
    checks.that(first.link.connections >= 4 and other.link.connections >= 2, f"connections were cut and made again ({first.link.connections}, {other.link.connections})")
    checks.that([(member.link.session, member.link.theirs) for member in members] == sessions, "the links go on in the sessions that they had")
    done = re.findall(r'what="acted".*?event="(lock-\d+)"', re.sub(r"\x1b\[[0-9;]*m", "", town.log()[since:]))
    checks.that(done == events, f"all that was said came once and in order ({len(done)} of {len(events)})")
    for member in members:
        checks.that(states[member] == wanted, f"and so did what was told ({len(states[member])} of {len(wanted)})")
        member.link.heard = heard[member]


def main():
    in_a_network_of_its_own()
    checks = Checks()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        guests = [Identity(folder, "0", "127.8.0.1", leads=True), Identity(folder, "p", "127.9.0.1")]
        with three_towns(folder, guests, names=("a",)) as (federation, phones):
            phones_come(folder, federation, phones)
            town = federation.towns["a"]
            members = [Member(guest, "stadt-a.example", town.address, town.pin()) for guest in guests]
            try:
                asyncio.run(meets(checks, town, phones[0], members))
            except BaseException:
                print(town.log()[-6000:])
                raise
    print(f"{checks.right} passed, {checks.wrong} failed")
    return 1 if checks.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""What stands around an attack on three towns that meet: members that behave badly, what reaches foreign addresses, what the audits say, and
whether the meeting beside it goes on as before."""
import asyncio
import contextlib
import json
import random
import socket
import subprocess
import threading
import time

import numpy
import websockets
from federation_link import Identity
from federation_member import Member
from phones import AMPLITUDE, recorded
from towns import ALL, TONES, TOWNS, live

ROOM, PATH, PROTOCOL = "rat@stadt-a.example", "/federation/v1", "einwahl-link-1"
STEP = 0.02
LONGEST_GAP = 0.06


class Rude(Member):
    """A member that takes part as it should, until an attack lets it say something else."""

    def __init__(self, identity, town):
        super().__init__(identity, f"stadt-{town.name}.example", town.address, town.pin())
        self.refused, self.keeping = [], None

    def begins(self):
        self.keeping = asyncio.ensure_future(self.link.keeps())

    def heard(self, what):
        super().heard(what)
        if what.get("do") in ("refuse", "close"):
            self.refused.append((what["do"], what["room"], what["why"]))

    async def asks_at_once(self, room, **pin):
        """The answer, although it is to be held back."""
        ticket = random.getrandbits(31)
        self.answers[ticket] = asyncio.get_running_loop().create_future()
        self.link.say("ask", ticket=ticket, room=room, **pin)
        return (await asyncio.wait_for(self.answers[ticket], 5))["verdict"]

    async def is_offered(self, offer):
        """Answers with a place that is not its own."""
        self.link.say("answered", attempt=offer["attempt"], addresses=["203.0.113.10:5000"], fingerprint="sha-256 " + ":".join(["AB"] * 32),
                      ufrag="rude", password="x" * 32)

    def line(self, number, **words):
        return {"who": {"of": self.identity.domain, "id": number}, "name": f"Unhold {number}", "kind": "phone", "role": "participant",
                "ssrc": random.getrandbits(31), **words}


def identity(folder, name, network):
    """A member with a whole network: each attack comes from another address of it."""
    return Identity(folder, name, f"127.{network}.0.1")


async def knocks(who, town, source=None, path=PATH, protocol=PROTOCOL, tls=None):
    """One connection, on which anything can be said."""
    return await websockets.connect(f"wss://{town.address}:8448{path}", ssl=tls or who.tls(), subprotocols=[protocol], compression=None, proxy=None,
                                    local_addr=(source or who.address, 0), ping_interval=None, open_timeout=5, close_timeout=1, max_size=None)


async def bye(connection):
    """Why the other side ends it."""
    with contextlib.suppress(websockets.WebSocketException, TimeoutError):
        async with asyncio.timeout(8):
            async for text in connection:
                message = json.loads(text)
                if message["kind"] == "bye":
                    return message["why"]
    return None


def is_refused(town, source, talk=b""):
    """Plain TCP from there: whether it is closed without an answer that would help anybody."""
    with socket.create_connection((town.address, 8448), timeout=6, source_address=(source, 0)) as stream:
        with contextlib.suppress(OSError):
            stream.sendall(talk)
            return b"101" not in stream.recv(4096)
        return True


class Abroad:
    """What the gateways send to addresses outside: nothing."""

    def __init__(self, network="203.0.113."):
        self.network, self.seen = network, []
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.raw.bind(("lo", 0))
        threading.Thread(target=self.watches, daemon=True).start()

    def watches(self):
        while True:
            packet = self.raw.recv(2048)
            source, to = (socket.inet_ntoa(packet[at:at + 4]) for at in (12, 16))
            if to.startswith(self.network) and not source.startswith(self.network):
                self.seen.append((source, to, packet[9]))


def addresses_of_others():
    for last in range(9, 15):
        subprocess.run(["ip", "address", "add", f"203.0.113.{last}/32", "dev", "lo"], check=True)
    subprocess.run(["ip", "address", "add", "198.51.100.7/32", "dev", "lo"], check=True)


class Field:
    """The towns, and what is looked at before and after each attack."""

    def __init__(self, checks, federation, phones):
        self.checks, self.federation, self.towns, self.phones = checks, federation, federation.towns, phones
        self.roster, self.marks, self.names = None, [], []
        self.since = {}

    async def looks(self):
        self.roster = await self.rosters()

    async def rosters(self):
        return await asyncio.gather(*(asyncio.to_thread(town.roster) for town in self.towns.values()))

    async def entries(self, town, after):
        return (await asyncio.to_thread(self.towns[town].asks, "GET", f"audit?after={after}&limit=1000"))["entries"]

    async def remembers(self):
        for town in self.towns:
            newest = (await asyncio.to_thread(self.towns[town].asks, "GET", "audit?limit=1"))["entries"]
            self.since[town] = newest[0]["number"] if newest else 0

    async def noted(self, town, what, *words, seconds=8):
        """An entry of the audit since the attack began that has these words."""
        deadline = time.monotonic() + seconds
        while True:
            found = [entry for entry in await self.entries(town, self.since[town])
                     if entry["what"] == what and all(word in json.dumps(entry, ensure_ascii=False) for word in words)]
            if found or time.monotonic() > deadline:
                return found
            await asyncio.sleep(0.2)

    def mark(self):
        return [(phone.heard().stat().st_size - 44, time.monotonic()) for phone in self.phones]

    async def attacked(self, name, attack, *expected, ever=False):
        """The attack comes; what it returns is what it saw, and has to be true. Then each expected entry stands in an audit, since then or
        from before, few others do, and all rosters are as they were."""
        await self.remembers()
        begun = await asyncio.to_thread(self.mark)
        try:
            fine = await attack(self)
        except (OSError, TimeoutError, websockets.WebSocketException) as error:
            fine = f"{type(error).__name__}: {error}"
        many = max([len(await self.entries(town, self.since[town])) for town in self.towns])
        if ever:
            self.since = dict.fromkeys(self.towns, 0)
        missing = [one for one in expected if not await self.noted(*one)]
        deadline = time.monotonic() + 3
        while (now := await self.rosters()) != self.roster and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        faults = [] if fine is True else [f"it went otherwise: {fine}"]
        faults += [f"no entry {one}" for one in missing] + ([f"{many} entries"] if many > 60 else [])
        faults += [f"the roster was {self.roster}, and is {now}"] if now != self.roster else []
        self.checks.that(not faults, name + ("" if not faults else ": " + "; ".join(faults)))
        self.marks.append((name, begun, await asyncio.to_thread(self.mark)))

    def undisturbed(self):
        """Nobody's tone had a gap at anybody's telephone, from the first attack to the last."""
        worst, wall, sound = [], [0] * len(self.phones), [0] * len(self.phones)
        for number, (phone, wanted) in enumerate(zip(self.phones, ALL)):
            samples, rate = recorded(live(phone))
            width = (live(phone).stat().st_size - 44) // len(samples)
            samples = numpy.array(samples, dtype=float)
            for name, begun, ended in self.marks:
                first, last = begun[number][0], ended[number][0]
                piece = samples[first // width:last // width]
                worst += [(gap(piece, rate, TONES[tone]), TOWNS[number], name) for tone in wanted]
            (first, at), (last, until) = self.marks[0][1][number], self.marks[-1][2][number]
            wall[number], sound[number] = until - at, (last - first) / width / rate
        longest = max(worst)
        self.checks.that(longest[0] <= LONGEST_GAP, f"no tone has a gap of more than 60 ms; the longest, {longest[0] * 1000:.0f} ms at {longest[1]}: {longest[2]}")
        told = ", ".join(f"{heard:.1f} of {passed:.1f} s" for heard, passed in zip(sound, wall))
        self.checks.that(all(heard > 0.95 * passed for heard, passed in zip(sound, wall)), f"and no sound is missing: {told}")


def gap(samples, rate, hertz):
    """For how long a tone is not there at most, in seconds."""
    step = int(rate * STEP)
    pieces = samples[:len(samples) // step * step].reshape(-1, step)
    wave = numpy.exp(2j * numpy.pi * hertz * numpy.arange(step) / rate)
    there = 20 * numpy.log10(numpy.maximum(1e-6, 2 * abs(pieces @ wave) / step / AMPLITUDE)) > -20
    longest = run = 0
    for one in there:
        run = 0 if one else run + 1
        longest = max(longest, run)
    return longest * STEP

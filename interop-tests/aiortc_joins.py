#!/usr/bin/env python3
"""An aiortc client (another WebRTC stack) and a telephone (baresip) in one room of the real gateway, with a tone each.

Over IPv4 and over IPv6: each must hear the other within 3 dB and not itself, and each must be told by RTCP how it is heard: loss
and round trip. The gateway's log must tell the same of both.
Usage: aiortc_joins.py PATH_OF_EINWAHL. Everything runs on loopback and ends by itself.
"""
import asyncio
import fractions
import json
import math
import pathlib
import re
import ssl
import sys
import tempfile
import time

import aioice.ice
import numpy
import websockets
from aiortc import MediaStreamTrack, RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import AudioFrame
from gateway import configuration, serving
from phones import AMPLITUDE, Phone, judge_tones, strength

SIP_PORT, WEB_PORT, MEDIA_PORT = 25074, 28447, 23482
PHONE, VISITOR = TONES = (440, 880)
RATE, FRAME = 48000, 960


class Tone(MediaStreamTrack):
    """A steady tone, a frame each 20 ms."""
    kind = "audio"

    def __init__(self, hertz):
        super().__init__()
        self.hertz, self.at, self.start = hertz, 0, None

    async def recv(self):
        self.start = self.start or time.monotonic()
        await asyncio.sleep(max(0, self.start + self.at / RATE - time.monotonic()))
        angles = 2 * math.pi * self.hertz * (self.at + numpy.arange(FRAME)) / RATE
        # In stereo: aiortc makes a mono frame 3 dB softer.
        sound = numpy.repeat((AMPLITUDE * numpy.sin(angles)).astype(numpy.int16), 2).reshape(1, -1)
        frame = AudioFrame.from_ndarray(sound, layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.at, fractions.Fraction(1, RATE)
        self.at += FRAME
        return frame


class Visitor:
    """Somebody who joins as a page does, by another stack."""

    def __init__(self, web_port, hertz, address="127.0.0.1"):
        # It knows no loopback addresses by itself.
        aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [address]
        self.web_port, self.heard, self.tasks = web_port, {}, []
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.peer.addTransceiver(Tone(hertz), direction="sendrecv")
        for _ in range(5):
            self.peer.addTransceiver("audio", direction="recvonly")
        self.peer.on("track", lambda track: self.tasks.append(asyncio.ensure_future(self.listen(track))))

    async def joins(self, name, pin):
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        self.link = await websockets.connect(f"wss://127.0.0.1:{self.web_port}/api/v1/rooms/rat/ws", ssl=trusting)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        hello = {"type": "join", "name": name, "language": "de", "offer": self.peer.localDescription.sdp, "pin": pin}
        await self.link.send(json.dumps(hello))
        welcome = json.loads(await self.link.recv())
        assert welcome["type"] == "welcome", welcome
        self.tasks.append(asyncio.ensure_future(self.reads()))
        await self.peer.setRemoteDescription(RTCSessionDescription(welcome["answer"], "answer"))

    async def reads(self):
        async for _ in self.link:
            pass

    async def listen(self, track):
        pieces = self.heard.setdefault(track.id, [])
        while True:
            frame = await track.recv()
            pieces.append(frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0])

    def levels(self, seconds):
        """How strong each tone is in what came last, in dB of what was sent."""
        spectra = []
        for pieces in self.heard.values():
            sound = numpy.concatenate(pieces)[-RATE * seconds:] if pieces else numpy.zeros(0)
            if len(sound) == RATE * seconds:
                spectra.append(2 * numpy.abs(numpy.fft.rfft(sound * numpy.hanning(len(sound)))) / (len(sound) / 2))
        # A bin is half a hertz wide or less; a tone may be spread over a few.
        def strength_of(hertz):
            return max((spectrum[hertz * seconds - 2:hertz * seconds + 3].max() for spectrum in spectra), default=0)
        return [20 * math.log10(max(1e-6, strength_of(hertz) / AMPLITUDE)) for hertz in TONES]

    async def figures(self):
        """What RTCP told: of what we send, and of what we hear."""
        stats = list((await self.peer.getStats()).values())
        return [[one for one in stats if one.type == kind] for kind in ("remote-inbound-rtp", "remote-outbound-rtp")]

    async def leaves(self):
        await self.link.send(json.dumps({"type": "leave"}))
        for task in self.tasks:
            task.cancel()
        await self.link.close()
        await self.peer.close()


async def meet(family, address, folder, check):
    folder.mkdir()
    media = f"[{address}]:{MEDIA_PORT}" if ":" in address else f"{address}:{MEDIA_PORT}"
    text = configuration(SIP_PORT, media=(25600, 25699), web=WEB_PORT, browsers=media, id="123456", pin="4711")
    with open(folder / "log", "w", encoding="utf-8") as log, serving(folder, text, WEB_PORT, stderr=log):
        phone = Phone(folder, 0, PHONE, "PCMA/8000/1")
        visitor = Visitor(WEB_PORT, VISITOR, address)
        try:
            await visitor.joins("Erika", "4711")
            phone.does("dial", f"sip:einwahl@127.0.0.1:{SIP_PORT}")
            await asyncio.sleep(1)
            for key in "123456#4711#":
                await asyncio.to_thread(phone.does, "sndcode", key)
            await asyncio.sleep(16)  # until the phone has been told who is here, and both have reported
            levels = visitor.levels(2)
            told, tells = await visitor.figures()
            of_phone = await asyncio.to_thread(phone.asked, "audio_debug")
            await asyncio.sleep(2)
            phone.does("hangup")
            await visitor.leaves()
            await asyncio.sleep(1)
        finally:
            phone.ends()
    heard = [strength(phone.heard(), hertz, 3, 2) if phone.heard() else -120.0 for hertz in TONES]
    for who, number, strengths in (("phone", 0, heard), ("aiortc", 1, levels)):
        fine, what = judge_tones(TONES, number, strengths)
        check(f"{family}: the {who} hears the other and not itself", fine, what)
    trips = [one.roundTripTime for one in told if one.roundTripTime is not None]
    check(f"{family}: aiortc is told how it is heard", trips and 0 <= trips[0] < 0.3 and told[0].packetsLost < 20,
          f"(round trip {[f'{1e3 * trip:.1f} ms' for trip in trips]}, lost {[one.packetsLost for one in told]})")
    sent = [one.packetsSent for one in tells]
    check(f"{family}: aiortc is told what it is sent", sent and max(sent) > 200, f"(packets {sent})")
    # baresip writes of each member: lost=…, Jitter=…, RTT=…
    trip = re.search(r"lost=(-?\d+)\s+Jitter=([\d.]+)ms\s+RTT=([\d.]+)ms", of_phone)
    check(f"{family}: the phone's RTCP shows loss and round trip", trip and float(trip[3]) < 300, f"({trip and trip[0]})")
    lines = [line for line in (folder / "log").read_text(encoding="utf-8").splitlines() if "how the sound was" in line]
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    check(f"{family}: the gateway's log tells of both calls", len(plain) == 2 and not any("not told" in line for line in plain),
          "".join("\n      " + line.split("how the sound was")[-1].strip() for line in plain))


def main():
    passed, faults = [], []

    def check(what, fine, detail=""):
        print(f"{'ok   ' if fine else 'WRONG'} {what} {detail}", flush=True)
        (passed if fine else faults).append(what)

    with tempfile.TemporaryDirectory() as place:
        for family, address in (("IPv4", "127.0.0.1"), ("IPv6", "::1")):
            asyncio.run(meet(family, address, pathlib.Path(place) / family, check))
    print(f"{len(passed)} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

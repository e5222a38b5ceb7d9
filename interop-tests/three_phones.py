#!/usr/bin/env python3
"""Three real telephones (baresip) dial into the real gateway, key ID and PIN, and say a tone each.

For each codec, for a room of mixed codecs, for one in which each comes by another way (UDP, TCP, TLS), and for one in which two have their
sound protected (SRTP with keys by SDES, one that demands it and one that can): each must hear the other two within 3 dB, and not itself. Who
listens on the line hears the third alone. By other ways the gateway hangs up, and each telephone must notice.
Usage: three_phones.py PATH_OF_EINWAHL. Everything runs on loopback and ends by itself.
"""
import collections
import pathlib
import socket
import struct
import sys
import tempfile
import threading
import time
import warnings

from gateway import configuration, serving
from phones import CODECS, Phone, judge_tones, level_of_tone, strength

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it left the standard library with Python 3.13, for audioop-lts
    import audioop

SIP_PORT, TLS_PORT = 25060, 25061
TONES = (440, 880, 1320)
WAYS = ("udp", "tcp", "tls")
ROOMS = {name: [codec] * 3 for name, codec in CODECS.items()} | {"mixed": [CODECS[name] for name in ("PCMA", "G.722", "Opus")]}

GATEWAY = configuration(SIP_PORT, media=(26000, 26999), id="123456", pin="4711").replace(
    "[web]", f'tls_listen = ["127.0.0.1:{TLS_PORT}"]\n[web]')


class Eavesdropper:
    """Who has a tap on the line of telephones that speak A-law."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.said = collections.defaultdict(bytearray)
        threading.Thread(target=self.listens, daemon=True).start()

    def listens(self):
        while packet := self.socket.recv(2048):
            header = 4 * (packet[0] & 15)
            if packet[9] == socket.IPPROTO_UDP:
                source, payload = struct.unpack_from("!H", packet, header)[0], packet[header + 8:]
                # A frame of 20 ms with its header; protected it has a tag behind it.
                if payload[:1] == b"\x80" and 172 <= len(payload) <= 188:
                    self.said[source] += payload[12:172]

    def hears(self, port, hertz):
        """How loud a tone is in what this port has sent last."""
        sound = audioop.alaw2lin(bytes(self.said[port][-16_000:]), 2)
        return level_of_tone(struct.unpack(f"<{len(sound) // 2}h", sound), 8_000, hertz)


def taps():
    try:
        return Eavesdropper()
    except PermissionError:
        return print("nobody may listen on the line here: left out")


def overheard(eavesdropper, protections):
    """What is said may be heard by everybody where it is not protected, and by nobody where it is."""
    faults = 0
    for number, (hertz, protection) in enumerate(zip(TONES, protections)):
        port = next((port for port in eavesdropper.said if port // 100 == 245 + number), 0)
        level = eavesdropper.hears(port, hertz)
        fine = level < -20 if protection else abs(level) <= 3
        faults += not fine
        print(f"srtp   on the line of phone {number} ({protection or 'plain'}) its tone has {level:6.1f} dB  {'ok' if fine else 'WRONG'}")
    return faults


def meet(name, codecs, folder, ways=("udp",) * 3, gateway=None, protections=("",) * 3, eavesdropper=None):
    """One room of three; the number of faults found. With a gateway, that hangs up, by ending."""
    folder.mkdir()
    phones = [Phone(folder, number, hertz, codec, protection=protection)
              for number, (hertz, codec, protection) in enumerate(zip(TONES, codecs, protections))]
    faults = 0
    try:
        for phone, way in zip(phones, ways):
            phone.does("dial", f"sip:einwahl@127.0.0.1:{TLS_PORT if way == 'tls' else SIP_PORT};transport={way}")
        time.sleep(1)
        for phone in phones:
            for key in "123456#4711#":
                phone.does("sndcode", key)
        time.sleep(18)  # until the last has been told how many are here
        if gateway:
            faults += hangs_up(gateway, phones, ways)
        if eavesdropper:
            faults += overheard(eavesdropper, protections)
        for phone in phones:
            phone.does("hangup")
    finally:
        for phone in phones:
            phone.ends()
    return faults + judge(name, codecs, phones)


def hangs_up(gateway, phones, ways):
    """The gateway ends at once, with its calls; how many telephones do not notice."""
    gateway.terminate()
    time.sleep(1)
    gateway.terminate()
    gateway.wait(10)
    time.sleep(1)
    faults = 0
    for phone, way in zip(phones, ways):
        ended = "terminated" in (phone.folder / "log").read_text(encoding="utf-8", errors="replace")
        faults += not ended
        print(f"{way:6} the gateway hangs up, and the telephone {'notices  ok' if ended else 'does not notice  WRONG'}")
    return faults


def judge(name, codecs, phones):
    faults = 0
    for number, phone in enumerate(phones):
        recording = phone.heard()
        levels = [strength(recording, hertz, 2, 2) if recording else -120.0 for hertz in TONES]
        fine, told = judge_tones(TONES, number, levels)
        faults += not fine
        print(f"{name:6} phone {number} ({codecs[number]}, says {TONES[number]} Hz) hears {told}  {'ok' if fine else 'WRONG'}")
    return faults


def main():
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        with serving(folder, GATEWAY, SIP_PORT):
            faults = sum(meet(name, codecs, folder / name) for name, codecs in ROOMS.items())
            eavesdropper = taps()
            faults += meet("srtp", [CODECS["PCMA"]] * 3, folder / "srtp", ("tls", "tls", "udp"), None, ("srtp-mand", "srtp", ""), eavesdropper)
        with serving(folder, GATEWAY, SIP_PORT) as gateway:
            faults += meet("ways", [CODECS["PCMA"]] * 3, folder / "ways", WAYS, gateway)
    checks = 3 * len(ROOMS) + 9 + 3 * bool(eavesdropper)
    print(f"{checks - faults} passed, {faults} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

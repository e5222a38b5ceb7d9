#!/usr/bin/env python3
"""Three real telephones (baresip) dial into the real gateway, key ID and PIN, and say a tone each.

For each codec, for a room of mixed codecs, and for one in which each comes by another way (UDP, TCP, TLS): each must hear the
other two within 3 dB, and not itself. In the last the gateway hangs up, and each telephone must notice.
Usage: three_phones.py PATH_OF_EINWAHL. Everything runs on loopback and ends by itself.
"""
import pathlib
import sys
import tempfile
import time

from gateway import configuration, serving
from phones import CODECS, Phone, judge_tones, strength

SIP_PORT, TLS_PORT = 25060, 25061
TONES = (440, 880, 1320)
WAYS = ("udp", "tcp", "tls")
ROOMS = {name: [codec] * 3 for name, codec in CODECS.items()} | {"mixed": [CODECS[name] for name in ("PCMA", "G.722", "Opus")]}

GATEWAY = configuration(SIP_PORT, media=(26000, 26999), id="123456", pin="4711").replace(
    "[web]", f'tls_listen = ["127.0.0.1:{TLS_PORT}"]\n[web]')


def meet(name, codecs, folder, ways=("udp",) * 3, gateway=None):
    """One room of three; the number of faults found. With a gateway, that hangs up, by ending."""
    folder.mkdir()
    phones = [Phone(folder, number, hertz, codec) for number, (hertz, codec) in enumerate(zip(TONES, codecs))]
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
        with serving(folder, GATEWAY, SIP_PORT) as gateway:
            faults += meet("ways", [CODECS["PCMA"]] * 3, folder / "ways", WAYS, gateway)
    checks = 3 * len(ROOMS) + 6
    print(f"{checks - faults} passed, {faults} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Three real telephones (baresip) dial into the real gateway, key ID and PIN, and say a tone each.

For each codec, and for a room of mixed codecs: each must hear the other two within 3 dB, and not itself.
Usage: three_phones.py PATH_OF_EINWAHL. Everything runs on loopback and ends by itself.
"""
import pathlib
import subprocess
import sys
import tempfile
import time

from phones import Phone, connect, strength

SIP_PORT = 25060
TONES = (440, 880, 1320)
ROOMS = {
    "PCMA": ["PCMA/8000/1"] * 3,
    "PCMU": ["PCMU/8000/1"] * 3,
    "G.722": ["G722/16000/1"] * 3,
    "Opus": ["opus/48000/2"] * 3,
    "mixed": ["PCMA/8000/1", "G722/16000/1", "opus/48000/2"],
}

GATEWAY = f"""
[sip]
listen = ["127.0.0.1:{SIP_PORT}"]
[web]
listen = []
[browsers]
listen = []
[media]
first_port = 26000
last_port = 26999
[[meetings]]
room = "rat"
id = "123456"
pin = "4711"
"""


def meet(name, codecs, folder):
    """One room of three; the number of faults found."""
    folder.mkdir()
    phones = [Phone(folder, number, hertz, codec) for number, (hertz, codec) in enumerate(zip(TONES, codecs))]
    try:
        for phone in phones:
            phone.does("dial", f"sip:einwahl@127.0.0.1:{SIP_PORT}")
        time.sleep(1)
        for phone in phones:
            for key in "123456#4711#":
                phone.does("sndcode", key)
        time.sleep(18)  # until the last has been told how many are here
        for phone in phones:
            phone.does("hangup")
    finally:
        for phone in phones:
            phone.ends()
    return judge(name, codecs, phones)


def judge(name, codecs, phones):
    faults = 0
    for number, phone in enumerate(phones):
        recording = phone.heard()
        levels = [strength(recording, hertz, 2, 2) if recording else -120.0 for hertz in TONES]
        fine = all(level < -30 if other == number else abs(level) <= 3 for other, level in enumerate(levels))
        faults += not fine
        told = "  ".join(f"{hertz} Hz {level:6.1f} dB" for hertz, level in zip(TONES, levels))
        print(f"{name:6} phone {number} ({codecs[number]}, says {TONES[number]} Hz) hears {told}  {'ok' if fine else 'WRONG'}")
    return faults


def main():
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        (folder / "einwahl.toml").write_text(GATEWAY)
        gateway = subprocess.Popen([sys.argv[1], "serve", "--config", str(folder / "einwahl.toml")])
        try:
            connect(SIP_PORT).close()
            faults = sum(meet(name, codecs, folder / name) for name, codecs in ROOMS.items())
        finally:
            gateway.terminate()
            gateway.wait(10)
    phones = 3 * len(ROOMS)
    print(f"{phones - faults} passed, {faults} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

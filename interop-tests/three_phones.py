#!/usr/bin/env python3
"""Three real telephones (baresip) dial into the real gateway, key ID and PIN, and say a tone each.

For each codec, and for a room of mixed codecs: each must hear the other two within 3 dB, and not itself.
Usage: three_phones.py PATH_OF_EINWAHL. Everything runs on loopback and ends by itself.
"""
import json
import math
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import time
import wave

SIP_PORT = 25060
TONES = (440, 880, 1320)
ROOMS = {
    "PCMA": ["PCMA/8000/1"] * 3,
    "PCMU": ["PCMU/8000/1"] * 3,
    "G.722": ["G722/16000/1"] * 3,
    "Opus": ["opus/48000/2"] * 3,
    "mixed": ["PCMA/8000/1", "G722/16000/1", "opus/48000/2"],
}
AMPLITUDE = 8231
RATE = 48000

GATEWAY = f"""
[sip]
listen = ["127.0.0.1:{SIP_PORT}"]
[media]
first_port = 26000
last_port = 26999
[[meetings]]
room = "rat"
id = "123456"
pin = "4711"
"""

PHONE = """
sip_listen 127.0.0.1:{sip}
net_interface 127.0.0.1
audio_player aubridge,sink{number}
audio_source aufile,{folder}/tone.wav
audio_alert aubridge,sink{number}
ausrc_srate 48000
ausrc_channels 1
auplay_channels 1
rtp_ports {rtp}-{rtp_end}
module_path {modules}
module g711.so
module g722.so
module opus.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp uuid.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {folder}
"""


def write_tone(path, hertz, seconds):
    samples = (int(AMPLITUDE * math.sin(2 * math.pi * hertz * at / RATE)) for at in range(RATE * seconds))
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))


def strength(path, hertz, before_end, seconds):
    """How strong a tone is, in dB of the tone that was sent, `seconds` long and ending `before_end` seconds before the end."""
    with wave.open(str(path)) as sound:
        rate, channels, frames = sound.getframerate(), sound.getnchannels(), sound.getnframes()
        samples = struct.unpack(f"<{frames * channels}h", sound.readframes(frames))[::channels]
    heard = samples[len(samples) - int((before_end + seconds) * rate):len(samples) - int(before_end * rate)]
    angle = 2 * math.pi * hertz / rate
    real = sum(sample * math.cos(angle * at) for at, sample in enumerate(heard))
    imaginary = sum(sample * math.sin(angle * at) for at, sample in enumerate(heard))
    return 20 * math.log10(max(1e-6, 2 * math.hypot(real, imaginary) / max(1, len(heard)) / AMPLITUDE))


class Phone:
    def __init__(self, folder, number, hertz, codec):
        self.folder = folder / str(number)
        self.folder.mkdir()
        write_tone(self.folder / "tone.wav", hertz, 60)
        control = 24440 + number
        modules = next(pathlib.Path("/usr/lib").glob("**/baresip/modules"))
        settings = dict(sip=25100 + 10 * number, number=number, folder=self.folder, control=control, modules=modules,
                        rtp=24500 + 100 * number, rtp_end=24590 + 100 * number)
        (self.folder / "config").write_text(PHONE.format(**settings))
        (self.folder / "accounts").write_text(f"<sip:phone{number}@127.0.0.1>;regint=0;audio_codecs={codec}\n")
        (self.folder / "contacts").write_text("")
        log = open(self.folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen(["baresip", "-f", str(self.folder)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.control = connect(control)

    def does(self, command, parameters=""):
        message = json.dumps({"command": command, "params": parameters}).encode()
        self.control.sendall(str(len(message)).encode() + b":" + message + b",")
        time.sleep(0.25)  # a person is not faster, and baresip drops what comes at once

    def heard(self):
        return next(self.folder.glob("*-dec.wav"), None)


def connect(port):
    deadline = time.monotonic() + 10
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


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
            phone.process.terminate()
            phone.process.wait(5)
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

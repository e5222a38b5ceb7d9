"""Real telephones (baresip) on loopback, and how to hear a tone in what they recorded."""
import json
import math
import pathlib
import socket
import statistics
import struct
import subprocess
import time
import wave

AMPLITUDE = 8231
RATE = 48000
CODECS = {"PCMA": "PCMA/8000/1", "PCMU": "PCMU/8000/1", "G.722": "G722/16000/1", "Opus": "opus/48000/2"}

PHONE = """
sip_listen {address}:{sip}
net_interface {address}
audio_player aubridge,sink{number}
audio_source aufile,{folder}/tone.wav
audio_alert aubridge,sink{number}
ausrc_srate {rate}
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
module srtp.so
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


def long_tone(path, hertz, seconds=240):
    """A telephone hangs up when its sound is over: one second of a whole number of waves, again and again."""
    write_tone(path, hertz, 1)
    with wave.open(str(path)) as sound:
        form, second = sound.getparams(), sound.readframes(sound.getnframes())
    with wave.open(str(path), "wb") as sound:
        sound.setparams(form)
        sound.writeframes(second * seconds)
    return path


def recorded(path):
    """The samples of the first channel, and how many a second."""
    with wave.open(str(path)) as sound:
        rate, channels, frames = sound.getframerate(), sound.getnchannels(), sound.getnframes()
        return struct.unpack(f"<{frames * channels}h", sound.readframes(frames))[::channels], rate


def strength(path, hertz, before_end, seconds):
    """How strong a tone is, in dB of the tone that was sent, `seconds` long and ending `before_end` seconds before the end."""
    samples, rate = recorded(path)
    return level_of_tone(samples[len(samples) - int((before_end + seconds) * rate):len(samples) - int(before_end * rate)], rate, hertz)


def level_of_tone(heard, rate, hertz):
    """The median of a fifth of a second each: a stretch of time in a jitter buffer turns the phase, not the level."""
    pieces = strengths(heard, rate, hertz, rate // 5)
    return statistics.median(pieces) if pieces else -120.0


def share_with_tone(heard, rate, hertz):
    """Of all tenths of a second, how many have the tone."""
    pieces = strengths(heard, rate, hertz, rate // 10)
    return sum(piece > -6 for piece in pieces) / max(1, len(pieces))


def strengths(heard, rate, hertz, step):
    return [strength_in(heard[at:at + step], rate, hertz) for at in range(0, len(heard) - step + 1, step)]


def strength_in(heard, rate, hertz):
    angle = 2 * math.pi * hertz / rate
    real = sum(sample * math.cos(angle * at) for at, sample in enumerate(heard))
    imaginary = sum(sample * math.sin(angle * at) for at, sample in enumerate(heard))
    return 20 * math.log10(max(1e-6, 2 * math.hypot(real, imaginary) / max(1, len(heard)) / AMPLITUDE))


def judge_tones(tones, own, levels):
    """Whether all tones but one's own are heard within 3 dB, and that one not; and the levels, to be told."""
    fine = all(level < -30 if other == own else abs(level) <= 3 for other, level in enumerate(levels))
    return fine, "  ".join(f"{hertz} Hz {level:6.1f} dB" for hertz, level in zip(tones, levels))


class Phone:
    def __init__(self, folder, number, source, codec, ports=90, user=None, traced=False, address="127.0.0.1", account=None, protection=""):
        """With `traced` its log tells each SIP message; `account` is what it calls itself, and what else is to be said of that; `protection` is
        how its sound is protected: by `srtp` if the other side can, or by `srtp-mand`."""
        self.folder = folder / str(number)
        self.folder.mkdir()
        if isinstance(source, int):
            write_tone(self.folder / "tone.wav", source, 60)
        else:
            (self.folder / "tone.wav").write_bytes(pathlib.Path(source).read_bytes())
        control = 24440 + number
        modules = next(pathlib.Path("/usr/lib").glob("**/baresip/modules"))
        with wave.open(str(self.folder / "tone.wav")) as sound:
            rate = sound.getframerate()
        settings = dict(rate=rate, address=address, sip=25100 + 10 * number, number=number, folder=self.folder, control=control, modules=modules,
                        rtp=24500 + 100 * number, rtp_end=24500 + 100 * number + ports)
        (self.folder / "config").write_text(PHONE.format(**settings))
        who = account or f"<sip:{user or f'phone{number}'}@127.0.0.1>"
        protected = f";mediaenc={protection}" if protection else ""
        (self.folder / "accounts").write_text(f"{who};regint=0;audio_codecs={codec}{protected}\n")
        (self.folder / "contacts").write_text("")
        log = open(self.folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen(["baresip", "-f", str(self.folder), *["-s"] * traced], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.control = connect(control)

    def does(self, command, parameters=""):
        message = json.dumps({"command": command, "params": parameters}).encode()
        self.control.sendall(str(len(message)).encode() + b":" + message + b",")
        time.sleep(0.25)  # a person is not faster, and baresip drops what comes at once

    def asked(self, command):
        """What baresip answers to a command."""
        self.drained()  # what it answered to earlier ones
        self.does(command)
        return self.drained()

    def drained(self):
        answers = b""
        self.control.settimeout(0.5)
        try:
            while piece := self.control.recv(65536):
                answers += piece
        except TimeoutError:
            self.control.settimeout(None)
        return answers.decode(errors="replace")

    def ends(self):
        self.control.close()
        self.process.terminate()
        self.process.wait(5)

    def heard(self):
        """What it recorded; a new recording begins when it takes somebody back from hold."""
        return max(self.folder.glob("*-dec.wav"), key=lambda one: one.stat().st_mtime, default=None)


def connect(port, host="127.0.0.1"):
    deadline = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection((host, port))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)

"""Makes the sounds of the prompts: speaks the texts, levels and trims them, synthesises music and chimes, and writes
Ogg Opus at 16 kHz mono. Run it through prompts/make."""

import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np

RATE = 16_000
HERE = Path(__file__).parent
VOICES = {"de": "de-DE", "en": "en-GB"}
# Level of the active speech, and the most that a peak may have, in dB below full scale.
SPEECH, MUSIC, CHIME, PEAK = -23.0, -26.0, -24.0, -3.0
# How the voice needs a word written that it would otherwise spell or stress wrongly.
SAID_AS = {"de": {"PIN": "Pin"}, "en": {"PIN": "pin"}}


def spoken(language: str, text: str) -> np.ndarray:
    """The text in that language's voice, a little slower than the voice would by itself."""
    from ttspico import TtsEngine

    for word, written in SAID_AS[language].items():
        text = text.replace(word, written)
    said = TtsEngine(VOICES[language]).speak(f'<speed level="92">{text}</speed>')
    return np.frombuffer(said, dtype="<i2").astype(float) / 32768


def high_passed(sound: np.ndarray) -> np.ndarray:
    """Without what lies below 70 Hz, in both directions so that nothing shifts: no DC, no rumble."""
    spectrum = np.fft.rfft(np.concatenate([sound, np.zeros(RATE)]))
    at = np.fft.rfftfreq(len(sound) + RATE, 1 / RATE)
    return np.fft.irfft(spectrum * np.clip((at - 40) / 60, 0, 1))[: len(sound)]


def active_level(sound: np.ndarray) -> float:
    """The level in dB below full scale of the parts in which somebody speaks: frames within 30 dB of the loudest."""
    frames = sound[: len(sound) // 320 * 320].reshape(-1, 320)
    power = (frames**2).mean(axis=1)
    active = power[power > power.max() / 1000]
    return 10 * np.log10(active.mean())


def levelled(sound: np.ndarray, level: float) -> np.ndarray:
    """At that level; peaks that would be too high are bent, not cut."""
    sound = sound * 10 ** ((level - active_level(sound)) / 20)
    most = 10 ** (PEAK / 20)
    knee = 0.7 * most
    over = np.abs(sound) > knee
    bent = knee + (most - knee) * np.tanh((np.abs(sound) - knee) / (most - knee))
    return np.where(over, np.sign(sound) * bent, sound)


def trimmed(sound: np.ndarray, pause: float) -> np.ndarray:
    """From just before the first sound to just after the last, faded, then a pause."""
    step = RATE // 100
    power = (sound[: len(sound) // step * step].reshape(-1, step) ** 2).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10**-3.8) * step
    begin, end = max(0, loud[0] - 2 * step), min(len(sound), loud[-1] + 5 * step)
    sound = sound[begin:end].copy()
    fade = np.linspace(0, 1, RATE // 100)
    sound[: len(fade)] *= fade
    sound[-len(fade) :] *= fade[::-1]
    return np.concatenate([sound, np.zeros(int(pause * RATE))])


def tone(hertz: float, seconds: float, partials: list[float]) -> np.ndarray:
    """A struck tone that fades: soft beginning, higher partials fade sooner."""
    t = np.arange(int(seconds * RATE)) / RATE
    sound = sum(
        weight * np.sin(2 * np.pi * hertz * n * t) * np.exp(-t * (1.6 + 1.2 * n) / seconds * 1.6)
        for n, weight in enumerate(partials, 1)
        if hertz * n < 3_400
    )
    return sound * np.clip(t / 0.012, 0, 1) * np.clip((seconds - t) / 0.05, 0, 1)


def hold_music() -> np.ndarray:
    """Eight bars of slow broken chords that lead back to their beginning; what rings over the end rings at the start."""
    a4 = 440.0
    chords = [(0, 4, 7, 11), (-3, 4, 7, 12), (-7, 0, 5, 9), (-5, 2, 7, 11)]
    chords += [(0, 4, 9, 12), (-8, 2, 5, 9), (-7, 0, 4, 9), (-5, 2, 5, 11)]
    order = (0, 1, 2, 3, 2, 1, 2, 1)
    bar = 4 * RATE
    music = np.zeros(bar * len(chords))
    for at, chord in enumerate(chords):
        for step, voice in enumerate(order):
            note = tone(a4 * 2 ** ((chord[voice] + 3) / 12), 2.6, [1.0, 0.32, 0.12, 0.05])
            where = (at * bar + step * bar // len(order) + np.arange(len(note))) % len(music)
            music[where] += note * (1.0 if step == 0 else 0.6)
    return music


def chime(first: float, second: float) -> np.ndarray:
    """Two short tones."""
    sound = np.zeros(int(0.5 * RATE))
    for at, hertz in ((0.0, first), (0.14, second)):
        note = tone(hertz, 0.34, [1.0, 0.25])
        begin = int(at * RATE)
        sound[begin : begin + len(note)] += note
    return sound


def written(sound: np.ndarray, to: Path, kind: str) -> None:
    """Ogg Opus, the same bytes each time."""
    to.parent.mkdir(exist_ok=True)
    pcm = np.clip(np.round(sound * 32767), -32768, 32767).astype("<i2").tobytes()
    command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "-"]
    command += ["-c:a", "libopus", "-application", kind, "-b:a", "24k" if kind == "voip" else "20k"]
    command += ["-frame_duration", "20", "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact", str(to)]
    subprocess.run(command, input=pcm, check=True)


# What the citizen of the demo says.
CITIZEN = (
    "Guten Tag. Hier spricht eine Bürgerin am Telefon. Ich habe eine Frage zum neuen Spielplatz in der Gartenstraße: "
    "Wann wird er eröffnet? Und gibt es dort auch Bänke im Schatten?"
)


def main(wanted: list[str]) -> None:
    for language in VOICES:
        texts = tomllib.loads((HERE / f"{language}.toml").read_text("utf-8"))
        for name, text in texts.items():
            if not wanted or name in wanted:
                # A sentence is followed by a pause; a part of one is not.
                pause = 0.25 if text.endswith((".", "?", "!")) else 0.0
                sound = trimmed(levelled(high_passed(spoken(language, text)), SPEECH), pause)
                written(sound, HERE / language / f"{name}.opus", "voip")
    sounds = {
        "citizen": trimmed(levelled(high_passed(spoken("de", CITIZEN)), SPEECH), 0.25),
        "hold-music": levelled(hold_music(), MUSIC),
        "chime-in": trimmed(levelled(chime(660, 880), CHIME), 0.1),
        "chime-out": trimmed(levelled(chime(880, 660), CHIME), 0.1),
    }
    for name, sound in sounds.items():
        if not wanted or name in wanted:
            written(sound, HERE / "sounds" / f"{name}.opus", "audio")


if __name__ == "__main__":
    main(sys.argv[1:])

"""A telephone with real-time text on liblinphone (text_phone.c), built once for a test, and what it reads."""
import subprocess
import threading
import time


def built(folder):
    """The program."""
    program = folder / "text_phone"
    source = __file__.removesuffix(".py") + ".c"
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-o", str(program), source, "-llinphone", "-lmediastreamer", "-lortp", "-lbctoolbox"], check=True)
    return program


class TextPhone:
    """Calls at once."""

    def __init__(self, program, folder, port, address):
        folder.mkdir(parents=True)
        self.text, self.states = "", []
        log = open(folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen([program, str(port), str(folder), address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        threading.Thread(target=self.hears, daemon=True).start()

    def hears(self):
        for line in self.process.stdout:
            what, _, value = line.strip().partition(" ")
            if what == "letter":
                self.text += chr(int(value, 16))
            elif what == "call":
                self.states.append(value)

    def does(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def types(self, text, a_second=0):
        """At once, or so many letters a second."""
        if not a_second:
            return self.does(f"type {text}")
        for letter in text:
            self.does(f"type {letter}")
            time.sleep(1 / a_second)

    def read(self):
        """What it shows: what was taken back is gone, and a line ends in a bar."""
        shown = ""
        for letter in self.text:
            shown = shown[:-1] if letter == "\b" else shown + {"\u2028": "|", "\ufeff": ""}.get(letter, letter)
        return shown

    def reads(self, text, seconds=10):
        """Whether it reads this in time, and the seconds that it took."""
        return within(seconds, lambda: text in self.read())

    def is_up(self, seconds=10):
        return within(seconds, lambda: "LinphoneCallStreamsRunning" in self.states)

    def ends(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(10)


def within(seconds, happens):
    began = time.monotonic()
    while not happens():
        if time.monotonic() - began > seconds:
            return None
        time.sleep(0.02)
    return time.monotonic() - began

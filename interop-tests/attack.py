#!/usr/bin/env python3
"""A port scanner meets the real gateway while a telephone (baresip) and a page (Chromium) talk.

100,000 mutated SIP messages, RTP and RTCP packets, and STUN and DTLS datagrams each: from strangers' addresses and, as root,
from the addresses of the talkers themselves. The talk must go on, memory must not grow, and nothing may panic. The caller's
number, the page's name, the PIN and the conference ID are canaries: they may be in no line of the log at its finest, in no figure, in
nothing that anybody may ask for, and the number in no page. The figures are read by Prometheus' own tool.
Usage: attack.py PATH_OF_EINWAHL [DATAGRAMS_EACH]. Everything runs on loopback and ends by itself.
"""
import os
import pathlib
import random
import socket
import struct
import sys
import tempfile
import threading
import time

from gateway import configuration, serving
from pages import HANDLES, Page
from phones import Phone, recorded, share_with_tone, write_tone
from playwright.sync_api import sync_playwright
from watchers import PATHS, documented_alerts, documented_figures, get, promtool

SIP_PORT, WEB_PORT, MEDIA_PORT = 25073, 28446, 23481
PHONE_MEDIA, GATEWAY_MEDIA = 24500, 25300
# A refused call is remembered for 32 s (RFC 3261 section 17.2.1, timer H); the rest settles at once.
SETTLED = {"SIP": 34}
NUMBER, NAME, PIN, ID = "+493012377721", "Kanaria Zwitscherling", "90817263", "77001122"
CANARIES = {"number": NUMBER.removeprefix("+"), "name": NAME, "PIN": PIN, "conference ID": ID}
# What is told only where there are trunks that are called, or members of a federation; here are none.
OF_OTHERS = {"einwahl_trunk_standing", "einwahl_link_up", "einwahl_link_refusals_total", "einwahl_member_sip_refusals_total"}
EACH = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000

GATEWAY = configuration(SIP_PORT, media=(GATEWAY_MEDIA, GATEWAY_MEDIA + 99), web=WEB_PORT, browsers=MEDIA_PORT, id=ID, pin=PIN)

INVITE = """INVITE sip:einwahl@127.0.0.1 SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK{number};rport\r
From: "X" <sip:x@127.0.0.1>;tag={number}\r
To: <sip:einwahl@127.0.0.1>\r
Call-ID: {number}@127.0.0.1\r
CSeq: 1 {method}\r
Contact: <sip:x@127.0.0.1:5999>\r
Max-Forwards: 70\r
Content-Type: application/sdp\r
Content-Length: 117\r
\r
v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=-\r
c=IN IP4 127.0.0.1\r
t=0 0\r
m=audio 4000 RTP/AVP 8 101\r
a=rtpmap:101 telephone-event/8000\r
"""


def mutated(chance, datagram):
    """A few bytes changed, a piece cut out, doubled, or cut off."""
    data = bytearray(datagram)
    for _ in range(chance.randint(1, 6)):
        way, at = chance.randint(0, 4), chance.randrange(max(1, len(data)))
        if way <= 1 and data:
            data[at] = chance.randrange(256)
        elif way == 2:
            del data[at:at + chance.randint(1, 20)]
        elif way == 3:
            data[at:at] = data[at:at + chance.randint(1, 40)]
        else:
            data = data[:at] if chance.random() < 0.2 else data
    return bytes(data[:1400])


def sip(chance):
    method = chance.choice(["INVITE", "OPTIONS", "BYE", "REGISTER", "CANCEL", "ACK", "INFO", "UPDATE", "MESSAGE", "PUBLISH"])
    return mutated(chance, INVITE.format(number=chance.randrange(10**9), method=method).replace("INVITE sip", f"{method} sip").encode())


def rtp(chance):
    if chance.random() < 0.3:
        return rtcp(chance)
    kind = chance.choice([8, 101, 200, 201, 203])
    header = struct.pack(">BBHII", 0x80, kind, chance.randrange(65536), chance.randrange(2**32), chance.randrange(2**32))
    return mutated(chance, header + chance.randbytes(160)) if chance.random() < 0.5 else header + chance.randbytes(160)


def rtcp(chance):
    """A report about some stream, a name and a farewell: whole, or with something changed."""
    who, block = chance.randbytes(4), chance.randbytes(24)
    report = struct.pack(">BBH", 0x81, 201, 7) + who + block
    name = struct.pack(">BBH", 0x81, 202, 3) + who + b"\x01\x04name\x00\x00"
    whole = report + name + struct.pack(">BBH", 0x81, 203, 1) + who
    return mutated(chance, whole) if chance.random() < 0.5 else whole


def stun_or_dtls(chance):
    if chance.random() < 0.5:
        name = b"aaaaaaaaaaaa:page"
        attributes = struct.pack(">HH", 6, len(name)) + name + bytes(-len(name) % 4) + struct.pack(">HH", 8, 20) + chance.randbytes(20)
        return mutated(chance, struct.pack(">HHI", 1, len(attributes), 0x2112A442) + chance.randbytes(12) + attributes)
    alert = bytes.fromhex("14fefd0001000000000000000500010700") if chance.random() < 0.3 else b""
    record = bytes([chance.choice([20, 21, 22, 23])]) + bytes.fromhex("fefd000000000000000000400100003400000000000000340000") + chance.randbytes(50)
    return alert or mutated(chance, record)


class Spoofer:
    """Sends UDP from an address that somebody else has: only root can."""

    def __init__(self):
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) if os.geteuid() == 0 else None

    def send(self, data, source, target):
        udp = struct.pack(">HHHH", source, target, 8 + len(data), 0) + data
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([127, 0, 0, 1]), bytes([127, 0, 0, 1]))
        self.raw.sendto(ip + udp, ("127.0.0.1", 0))


def attack(make, target, own_port, seed):
    """Half of them from strangers, half from the talker's own address; about 6,000 a second."""
    chance, spoofer = random.Random(seed), Spoofer()
    strangers = []
    for _ in range(16):
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stranger.bind(("127.0.0.1", 0))
        stranger.setblocking(False)
        strangers.append(stranger)
    for number in range(EACH):
        data = make(chance)
        try:
            # RTCP has the port above, here and there.
            above = int(make is rtp and number % 4 > 1)
            if own_port and spoofer.raw and number % 2:
                spoofer.send(data, own_port + above, target + above)
            else:
                strangers[number % 16].sendto(data, ("127.0.0.1", target + above))
        except OSError:
            pass  # an ICMP answer, or a full buffer
        if number % 60 == 59:
            time.sleep(0.01)
    for stranger in strangers:
        stranger.close()


def memory(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def page_hears(page, seconds):
    """For how much of the time the page hears the telephone."""
    return share_with_tone([sample * 32768 for sample in page.records(seconds)], 48_000, 440)


# From which UDP port the page's sound comes.
PAGE_PORT = """async () => {
    const stats = [...(await cut.peers.at(-1).getStats()).values()];
    const pair = stats.find((one) => one.type === "candidate-pair" && one.nominated);
    return stats.find((one) => one.id === pair.localCandidateId).port;
}"""


def watched(check, folder):
    """What can be seen from outside while a telephone and a page talk."""
    status, figures = get(WEB_PORT, "/metrics")
    check("this machine may read the figures", status == 200)
    for series, value in (("einwahl_calls", 1), ('einwahl_participants{kind="phone",place="inside"}', 1),
                          ('einwahl_participants{kind="browser",place="inside"}', 1)):
        check(f"{series} is {value}", f"{series} {value}" in figures.splitlines())
    complaint = promtool("check", "metrics", text=figures)
    check("promtool has nothing to say of the figures", not complaint, complaint)
    documented = documented_figures() - OF_OTHERS
    differ = {line.split()[2] for line in figures.splitlines() if line.startswith("# TYPE")} ^ documented
    check("docs/operator.md names every figure and no other", not differ, str(differ) if differ else "")
    (folder / "alerts.yml").write_text(documented_alerts())
    complaint = promtool("check", "rules", str(folder / "alerts.yml"))
    check("promtool has nothing to say of the alerts in docs/operator.md", not complaint, complaint)
    for path in PATHS:
        _, told = get(WEB_PORT, path)
        found = [what for what, canary in CANARIES.items() if canary in told]
        check(f"{path} tells nobody's number, name, PIN or ID", not found, str(found) if found else "")
    status, told = get(WEB_PORT, "/metrics", **{"X-Forwarded-For": "192.0.2.7"})
    check("what a proxy passes on may not read the figures", status == 403 and "einwahl_" not in told)


def main():
    faults = []

    def check(what, fine, detail=""):
        print(f"{'ok   ' if fine else 'WRONG'} {what} {detail}", flush=True)
        if not fine:
            faults.append(what)

    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = pathlib.Path(place)
        environment = {**os.environ, "EINWAHL_LOG": "trace"}
        with (open(folder / "log", "w", encoding="utf-8") as log,
              serving(folder, GATEWAY, WEB_PORT, stderr=log, env=environment) as gateway):
            write_tone(folder / "880.wav", 880, 10)
            write_tone(folder / "440.wav", 440, 400)
            phone = Phone(folder, 0, folder / "440.wav", "PCMA/8000/1", ports=1, user=NUMBER)
            page = Page(playwright, f"https://127.0.0.1:{WEB_PORT}/r/rat", folder / "880.wav", NAME, before=HANDLES)
            try:
                phone.does("dial", f"sip:einwahl@127.0.0.1:{SIP_PORT}")
                page.joins(PIN)
                page.is_inside()
                for key in f"{ID}#{PIN}#":
                    phone.does("sndcode", key)
                page.page.locator(".person").nth(1).wait_for(timeout=20_000)
                time.sleep(7)
                before = page_hears(page, 3)
                check("the page hears the telephone before", before > 0.95, f"({100 * before:.0f} % of the time)")
                own = page.page.evaluate(PAGE_PORT)
                attacks = (("SIP", sip, SIP_PORT, None), ("RTP and RTCP", rtp, GATEWAY_MEDIA, PHONE_MEDIA),
                           ("STUN and DTLS", stun_or_dtls, MEDIA_PORT, own))
                wanted = sys.argv[3:]
                attacks = [one for one in attacks if not wanted or one[0].split()[0] in wanted]
                for number, (name, make, target, own_port) in enumerate(attacks):
                    attack(make, target, own_port, 99)  # what is allocated once
                    time.sleep(SETTLED.get(name, 1))
                    start = memory(gateway)
                    attacker = threading.Thread(target=attack, args=(make, target, own_port, number))
                    attacker.start()
                    share = page_hears(page, 8)
                    attacker.join()
                    time.sleep(SETTLED.get(name, 1))
                    after = page_hears(page, 3)
                    grown = memory(gateway)
                    check(f"the gateway lives after {EACH} datagrams of {name}", gateway.poll() is None)
                    check("the page hears the telephone during and after", share > 0.9 and after > 0.95,
                          f"({100 * share:.0f} % and {100 * after:.0f} % of the time)")
                    check("memory has not grown", grown < 1.05 * start + 1_024, f"({start} to {grown} KiB)")
                watched(check, folder)
                plain = page.page.content()
                check("no page shows the number", NUMBER.removeprefix("+") not in plain)
                check("the page shows its masked form", "···21" in plain)
                phone.does("hangup")
            finally:
                phone.ends()
                page.ends()
        recording = phone.heard()
        check("the telephone heard the page to the end", recording and phone_share(recording) > 0.9)
        text = (folder / "log").read_text(encoding="utf-8", errors="replace")
        check("nothing panicked", "panicked" not in text)
        for what, canary in CANARIES.items():
            lines = [line for line in text.splitlines() if canary in line]
            check(f"the {what} is in no line of the log", not lines, str(lines[:2]) if lines else f"({len(text.splitlines())} lines)")
        check("the number's masked form is in the log", "+49 30 ···21" in text)
        if faults:
            print("".join(line + "\n" for line in text.splitlines()[-25:]))
    print(f"{'all passed' if not faults else 'failed'}, {len(faults)} failed")
    return 1 if faults else 0


def phone_share(recording):
    """Of the last ten seconds, how many tenths have the page's tone."""
    samples, rate = recorded(recording)
    return share_with_tone(samples[-int(11 * rate):-rate], rate, 880)


if __name__ == "__main__":
    sys.exit(main())

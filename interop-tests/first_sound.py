#!/usr/bin/env python3
"""How long a caller waits for the first sound: from the INVITE to the first packet of the menu that is not silent.

A telephone of plain sockets, so that only the gateway is measured; calls one after the other, judged by their median.
Usage: first_sound.py PATH_OF_EINWAHL. Everything runs on loopback and ends by itself.
"""
import pathlib
import socket
import statistics
import sys
import tempfile
import time

from gateway import configuration, serving

SIP_PORT, WEB_PORT, MEDIA_PORT, GATEWAY_MEDIA = 25075, 28449, 23483, 25500
CALLS, MOST = 9, 0.1
# A-law for nothing, and for the least beside it.
SILENT = {0xD5, 0x55, 0xD4, 0x54}
GATEWAY = configuration(SIP_PORT, media=(GATEWAY_MEDIA, GATEWAY_MEDIA + 19), web=WEB_PORT, browsers=MEDIA_PORT, id="123456", pin="4711")


def request(method, number, port, sdp="", to="<sip:einwahl@127.0.0.1>", sequence=1):
    head = [f"{method} sip:einwahl@127.0.0.1 SIP/2.0", f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{method}{number};rport",
            f"From: <sip:phone@127.0.0.1>;tag={number}", f"To: {to}", f"Call-ID: first-{number}@127.0.0.1", f"CSeq: {sequence} {method}",
            f"Contact: <sip:phone@127.0.0.1:{port}>", "Max-Forwards: 70", f"Content-Length: {len(sdp)}"]
    return ("\r\n".join(head + (["Content-Type: application/sdp"] if sdp else [])) + "\r\n\r\n" + sdp).encode()


def wait_for_first_sound(number):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sip, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sound:
        for end in (sip, sound):
            end.bind(("127.0.0.1", 0))
            end.settimeout(5)
        sip.connect(("127.0.0.1", SIP_PORT))
        port, media = sip.getsockname()[1], sound.getsockname()[1]
        sdp = f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {media} RTP/AVP 8\r\n"
        began = time.perf_counter()
        sip.send(request("INVITE", number, port, sdp))
        answer = ""
        while not answer.startswith("SIP/2.0 200"):
            answer = sip.recv(4096).decode()
        to = next(line for line in answer.split("\r\n") if line.lower().startswith("to:")).partition(":")[2].strip()
        sip.send(request("ACK", number, port, to=to))
        while True:
            packet = sound.recv(2048)
            if len(packet) > 12 and packet[1] & 0x7F == 8 and not set(packet[12:]) <= SILENT:
                took = time.perf_counter() - began
                sip.send(request("BYE", number, port, to=to, sequence=2))
                return took


def main():
    with tempfile.TemporaryDirectory() as place, serving(pathlib.Path(place), GATEWAY, WEB_PORT):
        took = [wait_for_first_sound(number) for number in range(CALLS)]
    fine = statistics.median(took) <= MOST
    print(f"{'ok   ' if fine else 'WRONG'} from the INVITE to the first sound of the menu: "
          f"median {1000 * statistics.median(took):.0f} ms, worst {1000 * max(took):.0f} ms")
    print(f"{int(fine)} passed, {int(not fine)} failed")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

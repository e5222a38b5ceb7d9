"""A telephone behind a trunk, with SIP over UDP and G.711: it does everything right, or one thing wrong, by the number called."""
import re
import select
import socket
import threading
import time

ADDRESS = "127.0.0.30"
PORT = 5080
A_LAW = 8

# What the telephone does wrong when it is called by this number; by any other it does nothing wrong.
FAULTS = {
    "1001": "names an inner address in SDP",
    "1002": "sends no sound",
    "1003": "takes no telephone-events",
    "1004": "refuses hold",
    "1005": "hangs up at hold",
    "1006": "wants ever longer sessions",
    "1007": "refuses refreshes",
    "1008": "has no common codec",
    "1009": "sends another codec than it answers",
    "1010": "names an inner address in Contact",
    "1011": "sends sound from another address",
    "1012": "does not answer a refresh",
    "1013": "hangs up by itself",
    "1014": "answers with a codec that was not offered",
}


def headers(message, name):
    return re.findall(rf"^{name}:\s*(.*?)\r$", message, re.M | re.I)


class Sound:
    """20 ms of sound, again and again, to where the caller wants it."""

    def __init__(self, fault):
        self.fault = fault
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((ADDRESS, 0))
        self.port = self.socket.getsockname()[1]
        self.other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.other.bind(("127.0.0.31", 0))
        self.target, self.sends, self.over = None, True, False
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        kind = 3 if self.fault == "1009" else A_LAW
        sequence = 0
        while not self.over:
            if self.target and self.sends and self.fault != "1002":
                packet = bytes([0x80, kind]) + sequence.to_bytes(2, "big") + (160 * sequence).to_bytes(4, "big") + b"test"
                sender = self.other if self.fault == "1011" else self.socket
                sender.sendto(packet + b"\xd5\x34" * 80, self.target)
                sequence = (sequence + 1) % 65536
            time.sleep(0.02)
        self.socket.close()
        self.other.close()


class Phone:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((ADDRESS, PORT))
        self.calls = {}
        self.over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def close(self):
        self.over = True
        self.thread.join()
        self.socket.close()

    def run(self):
        while not self.over:
            ready, _, _ = select.select([self.socket], [], [], 0.1)
            if ready:
                data, peer = self.socket.recvfrom(65535)
                message = data.decode(errors="replace")
                if not message.startswith("SIP/2.0"):
                    self.take(message, peer)

    def answer(self, message, peer, status, *lines, sdp=""):
        kept = [f"{name}: {value}" for name in ("Via", "Record-Route", "From") for value in headers(message, name)]
        to = headers(message, "To")[0]
        kept.append(f"To: {to}" if ";tag=" in to else f"To: {to};tag=phone")
        kept += [f"{name}: {headers(message, name)[0]}" for name in ("Call-ID", "CSeq")]
        if sdp:
            lines = (*lines, "Content-Type: application/sdp")
        text = "\r\n".join([f"SIP/2.0 {status}", *kept, *lines, f"Content-Length: {len(sdp)}", "", sdp])
        self.socket.sendto(text.encode(), peer)

    def take(self, message, peer):
        method = message.split(" ", 1)[0]
        call = headers(message, "Call-ID")[0]
        if method == "ACK":
            if (held := self.calls.get(call)) and held["fault"] == "1005" and held["held"]:
                self.hang_up(held)
            return
        if method in ("INVITE", "UPDATE"):
            self.invited(message, peer, call, method)
            return
        if method == "BYE" and (held := self.calls.pop(call, None)):
            held["sound"].over = True
        self.answer(message, peer, "200 OK")

    def invited(self, message, peer, call, method):
        number = re.match(r"\w+ sip:([^@;:]*)", message).group(1)
        fault = self.calls[call]["fault"] if call in self.calls else number
        is_new = call not in self.calls
        body = message.split("\r\n\r\n", 1)[1]
        if is_new and fault == "1006":
            asked = int(re.match(r"\d+", headers(message, "Session-Expires")[0]).group())
            return self.answer(message, peer, "422 Session Interval Too Small", f"Min-SE: {asked + 600}")
        if is_new and fault == "1008":
            return self.answer(message, peer, "488 Not Acceptable Here", 'Warning: 305 phone "Incompatible media format"')
        direction = (re.findall(r"a=(sendrecv|sendonly|recvonly|inactive)", body) or ["sendrecv"])[0]
        if not is_new:
            held = self.calls[call]
            if fault == "1004" and direction == "sendonly":
                return self.answer(message, peer, "403 Forbidden")
            is_refresh = method == "UPDATE" or held["was_held"] and direction == "sendrecv" and not held["held"]
            if is_refresh and fault == "1007":
                return self.answer(message, peer, "500 Server Internal Error")
            if is_refresh and fault == "1012":
                return None
        if is_new:
            self.answer(message, peer, "180 Ringing")
            self.calls[call] = {"fault": fault, "sound": Sound(fault), "held": False, "was_held": False, "invite": message,
                                "peer": peer}
            if fault == "1013":
                threading.Timer(1.5, self.hang_up, [self.calls[call]]).start()
        held = self.calls[call]
        lines = ["Contact: <sip:phone@{}:{}>".format("10.11.12.13" if fault == "1010" else ADDRESS, PORT),
                 "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO" + ("" if fault == "1007" else ", UPDATE"), "Supported: timer"]
        lines += [f"Session-Expires: {value}" for value in headers(message, "Session-Expires")]
        if not body:
            return self.answer(message, peer, "200 OK", *lines)
        if direction != "sendrecv":
            held["was_held"] = True
        held["held"] = direction != "sendrecv"
        sound = held["sound"]
        sound.sends = direction in ("sendrecv", "recvonly")
        at = re.search(r"c=IN IP4 (\S+)", body).group(1), int(re.search(r"m=audio (\d+)", body).group(1))
        sound.target = at
        mirrored = {"sendonly": "recvonly", "recvonly": "sendonly"}.get(direction, direction)
        place = "10.11.12.13" if fault == "1001" else ADDRESS
        events = "" if fault == "1003" else " 101"
        codec = 18 if fault == "1014" else A_LAW
        sdp = (f"v=0\r\no=- 1 1 IN IP4 {place}\r\ns=-\r\nc=IN IP4 {place}\r\nt=0 0\r\nm=audio {sound.port} RTP/AVP {codec}{events}\r\n"
               + ("a=rtpmap:101 telephone-event/8000\r\n" if events else "") + f"a={mirrored}\r\n")
        return self.answer(message, peer, "200 OK", *lines, sdp=sdp)

    def hang_up(self, held):
        """BYE, by the way that the INVITE has come."""
        invite = held["invite"]
        target = re.search(r"<([^>]*)>", headers(invite, "Contact")[0]).group(1)
        lines = [f"BYE {target} SIP/2.0", f"Via: SIP/2.0/UDP {ADDRESS}:{PORT};branch=z9hG4bK{time.monotonic_ns()}",
                 "Max-Forwards: 70", *(f"Route: {route}" for route in headers(invite, "Record-Route")),
                 f"From: {headers(invite, 'To')[0]};tag=phone", f"To: {headers(invite, 'From')[0]}",
                 f"Call-ID: {headers(invite, 'Call-ID')[0]}", "CSeq: 1 BYE", "Content-Length: 0", "", ""]
        self.socket.sendto("\r\n".join(lines).encode(), held["peer"])
        held["sound"].over = True

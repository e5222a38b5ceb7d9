"""A small telephone system for tests: it sends each request on to the extension that it names, asks who calls for a password
(RFC 2617), and remembers every request that passed."""
import hashlib
import re
import secrets
import socket
import threading

USER, PASSWORD, REALM = "einwahl", "geheim-1234", "pbx"


class Pbx(threading.Thread):
    """`extensions`: the name and the port of the telephone behind each. Stateless (RFC 3261 section 16.11)."""

    def __init__(self, port, extensions, host="127.0.0.1"):
        super().__init__(daemon=True)
        self.host, self.port, self.extensions = host, port, extensions
        self.passed, self.nonce = [], secrets.token_hex(8)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.start()

    def requests(self, method, user=None):
        """Those that were sent on, in their order."""
        wanted = f"{method} sip:" + (f"{user}@" if user else "")
        return [text for text in self.passed if text.startswith(wanted)]

    def called(self):
        """The users of all INVITEs that begin a call, without what was asked for a password."""
        return [re.match(r"INVITE sip:([^@]+)@", text).group(1) for text in self.requests("INVITE")]

    def run(self):
        while True:
            message, source = self.socket.recvfrom(65535)
            text = message.decode(errors="replace")
            if text.startswith("SIP/2.0"):
                self.answer(text)
            elif text.strip():
                self.ask(text, source)

    def answer(self, text):
        """Back to who asked: the Via below ours says who."""
        head, _, body = text.partition("\r\n\r\n")
        lines = head.split("\r\n")
        ours = next(at for at, line in enumerate(lines) if re.match(r"(via|v)\s*:", line, re.I))
        del lines[ours]
        via = next(line for line in lines if re.match(r"(via|v)\s*:", line, re.I))
        host, port = re.search(r"UDP\s+([^;:\s]+)(?::(\d+))?", via).groups()
        self.socket.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), (host, int(port or 5060)))

    def ask(self, text, source):
        method, uri, _ = text.split("\r\n")[0].split(" ", 2)
        user, host, port = re.match(r"sips?:(?:([^@]+)@)?([^;:>]+)(?::(\d+))?", uri).groups()
        if (host, int(port or 5060)) != (self.host, self.port):
            target = (host, int(port or 5060))  # inside a call: to its Contact
        elif user in self.extensions:
            name, port = self.extensions[user]
            target = ("127.0.0.1", port)
            uri = f"sip:{name}@127.0.0.1:{port}"
        else:
            return self.refuse(text, source, "404 Not Found")
        if method == "INVITE" and not self.knows(text):
            return self.refuse(text, source, "407 Proxy Authentication Required",
                               f'Proxy-Authenticate: Digest realm="{REALM}", nonce="{self.nonce}", algorithm=MD5, qop="auth"')
        self.passed.append(text)
        branch = re.search(r"branch=([^;\s,]+)", text).group(1)
        own = f"Via: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{hashlib.md5(branch.encode()).hexdigest()}"
        _, rest = text.split("\r\n", 1)
        self.socket.sendto(f"{method} {uri} SIP/2.0\r\n{own}\r\n{rest}".encode(), target)

    def refuse(self, text, source, status, *headers):
        if text.startswith("ACK"):
            return
        kept = [line for line in text.split("\r\n\r\n")[0].split("\r\n")[1:] if re.match(r"(via|v|from|f|to|t|call-id|i|cseq)\s*:", line, re.I)]
        kept = [line + ";tag=pbx" if re.match(r"(to|t)\s*:", line, re.I) and "tag=" not in line else line for line in kept]
        self.socket.sendto(("\r\n".join([f"SIP/2.0 {status}", *kept, *headers, "Content-Length: 0"]) + "\r\n\r\n").encode(), source)

    def knows(self, text):
        """Whether the caller is the account with the password; within the house everybody is known."""
        found = re.search(r"^Proxy-Authorization: Digest (.*)$", text, re.M)
        if not found:
            return "User-Agent: baresip" in text
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', found.group(1)))
        hashed = lambda *parts: hashlib.md5(":".join(parts).encode()).hexdigest()
        whole = hashed(hashed(USER, REALM, PASSWORD), said["nonce"], said["nc"], said["cnonce"], said["qop"], hashed("INVITE", said["uri"]))
        return said["username"] == USER and said["nonce"] == self.nonce and said["response"] == whole

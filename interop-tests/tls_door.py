#!/usr/bin/env python3
"""What the TLS door agrees on (BSI TR-02102-2), seen with OpenSSL: TLS 1.3, and 1.2 with forward secrecy; nothing older or weaker.

Usage: tls_door.py PATH_OF_EINWAHL. Everything runs on loopback and ends by itself.
"""
import pathlib
import socket
import ssl
import sys
import tempfile
import warnings

from gateway import configuration, serving

SIP_PORT, TLS_PORT = 25062, 25063
GATEWAY = configuration(SIP_PORT, id="123456").replace("[web]", f'tls_listen = ["127.0.0.1:{TLS_PORT}"]\n[web]')
OPTIONS = ("OPTIONS sip:einwahl@127.0.0.1;transport=tls SIP/2.0\r\nVia: SIP/2.0/TLS test.example;branch=z9hG4bK1;rport\r\n"
           "From: <sip:t@test.example>;tag=1\r\nTo: <sip:einwahl@127.0.0.1>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
           "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode()
V = ssl.TLSVersion
# What is offered: versions from and to, ciphers (of TLS 1.2 and older), the curve; and whether it is to be agreed on.
OFFERS = {
    "TLS 1.3": (V.TLSv1_3, V.TLSv1_3, None, None, True),
    "TLS 1.2, ECDHE, AES-GCM": (V.TLSv1_2, V.TLSv1_2, "ECDHE+AESGCM", None, True),
    "TLS 1.3, P-384": (V.TLSv1_3, V.TLSv1_3, None, "secp384r1", True),
    "TLS 1.2 without forward secrecy": (V.TLSv1_2, V.TLSv1_2, "kRSA", None, False),
    "TLS 1.2, CBC": (V.TLSv1_2, V.TLSv1_2, "ECDHE+AES:!AESGCM:!AESCCM", None, False),
    "TLS 1.1": (V.TLSv1_1, V.TLSv1_1, "ALL:@SECLEVEL=0", None, False),
    "TLS 1.0": (V.TLSv1, V.TLSv1, "ALL:@SECLEVEL=0", None, False),
}


def answer_by(least, most, ciphers, curve):
    """The first line of the answer to OPTIONS; None, if there is no agreement."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if ciphers:
        context.set_ciphers(ciphers)
    if curve:
        context.set_ecdh_curve(curve)
    context.minimum_version, context.maximum_version = least, most
    with socket.create_connection(("127.0.0.1", TLS_PORT), timeout=10) as plain:
        try:
            with context.wrap_socket(plain) as stream:
                stream.sendall(OPTIONS)
                return f"{stream.recv(4096).splitlines()[0].decode()} by {stream.version()} {stream.cipher()[0]}"
        except (ssl.SSLError, ConnectionError):
            return None


def main():
    faults = 0
    warnings.simplefilter("ignore", DeprecationWarning)  # of what must not be agreed on
    with tempfile.TemporaryDirectory() as place, serving(pathlib.Path(place), GATEWAY, SIP_PORT):
        for name, (*offer, wanted) in OFFERS.items():
            answer = answer_by(*offer)
            fine = (answer or "").startswith("SIP/2.0 200") if wanted else answer is None
            faults += not fine
            print(f"{name:32} {answer or 'no agreement':70} {'ok' if fine else 'WRONG'}")
    print(f"{len(OFFERS) - faults} passed, {faults} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

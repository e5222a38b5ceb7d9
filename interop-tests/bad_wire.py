"""A bad wire between addresses of loopback, for whatever passes between them: TCP as well as UDP. Packets are lost, and come late and out of order.

In a network namespace of its own, as its root: what these addresses send to each other is led through a TUN device, and held back here.
"""
import fcntl
import heapq
import os
import pathlib
import random
import select
import struct
import subprocess
import threading
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
NAME, TABLE = "wire", "77"


class BadWire:
    def __init__(self, one, other, loss, delay, jitter, seed):
        """Of `loss` of 1; each packet takes `delay` seconds, plus or minus up to `jitter`."""
        self.loss, self.delay, self.jitter, self.random = loss, delay, jitter, random.Random(seed)
        self.device = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self.device, TUNSETIFF, struct.pack("16sH", NAME.encode(), IFF_TUN | IFF_NO_PI))
        self.carried, self.lost, self.stopped = 0, 0, False
        for switch in ("rp_filter=0", "accept_local=1", "route_localnet=1"):
            name, _, value = switch.partition("=")
            for where in ("all", NAME):
                pathlib.Path(f"/proc/sys/net/ipv4/conf/{where}/{name}").write_text(value)
        self.led("link", "set", NAME, "up")
        self.led("route", "add", "127.0.0.0/8", "dev", NAME, "table", TABLE)
        # Before the table of what is local, which is asked first otherwise; only for what is sent here (iif lo), not for what the wire brings.
        self.led("rule", "add", "pref", "100", "lookup", "local")
        self.led("rule", "del", "pref", "0")
        for source, goal in ((one, other), (other, one)):
            self.led("rule", "add", "pref", "10", "iif", "lo", "from", source, "to", goal, "lookup", TABLE)
        self.thread = threading.Thread(target=self.carries, daemon=True)
        self.thread.start()

    @staticmethod
    def led(*words):
        subprocess.run(["ip", *words], check=True)

    def carries(self):
        waiting, number = [], 0
        while not self.stopped:
            pause = max(0, waiting[0][0] - time.monotonic()) if waiting else 0.05
            if select.select([self.device], [], [], min(pause, 0.05))[0]:
                packet = os.read(self.device, 65536)
                self.carried, number = self.carried + 1, number + 1
                if self.random.random() < self.loss:
                    self.lost += 1
                else:
                    due = time.monotonic() + self.delay + self.random.uniform(-self.jitter, self.jitter)
                    heapq.heappush(waiting, (due, number, packet))
            while waiting and waiting[0][0] <= time.monotonic():
                os.write(self.device, heapq.heappop(waiting)[2])

    def ends(self):
        self.stopped = True
        self.thread.join(2)
        self.led("rule", "add", "pref", "0", "lookup", "local")
        self.led("rule", "del", "pref", "100")
        for _ in range(2):
            self.led("rule", "del", "pref", "10")
        os.close(self.device)

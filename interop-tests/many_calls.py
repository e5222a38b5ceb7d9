#!/usr/bin/env python3
"""Many short calls by SIPp, and what memory is left of them.

After a warm-up the rest is called in ten parts. Before each figure the calls are over and 35 s pass: so long the SIP stack has
to remember them (RFC 3261 section 17.2, timers H and J: 32 s). At the end, memory may be 5 % above that after the warm-up.
Usage: many_calls.py PATH_OF_EINWAHL [CALLS [CALLS_A_SECOND]]. Everything runs on loopback and ends by itself.
"""
import pathlib
import subprocess
import sys
import tempfile
import time

from gateway import configuration, serving

SIP_PORT = 25061
CALLS = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
RATE = int(sys.argv[3]) if len(sys.argv) > 3 else 80
REMEMBERED = 35
MOST_GROWTH = 1.05
# The menu speaks for as long as a short call lasts.
TALK_MS = 200

GATEWAY = configuration(SIP_PORT, media=(27000, 28999), id="123456")


def call(count, transport, folder):
    """So many calls; fails unless every one is answered and hung up."""
    command = ["sipp", "-sn", "uac", f"127.0.0.1:{SIP_PORT}", "-i", "127.0.0.1", "-t", transport, "-m", str(count), "-r", str(RATE),
               "-d", str(TALK_MS), "-nostdin", "-timeout", f"{60 + 4 * count // RATE}"]
    with open(folder / "sipp.log", "w", encoding="utf-8") as log:
        code = subprocess.run(command, stdout=log, stderr=log, cwd=folder, check=False).returncode
    if code:
        print((folder / "sipp.log").read_text(errors="replace")[-4000:])
    return code == 0


def memory(process):
    """Resident memory in KiB."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def measure(folder, gateway):
    """The table; the number of faults."""
    warm_up, parts = max(1_000, CALLS // 4), 10
    steps = [("u1", warm_up)] + [("u1" if part % 2 else "t1", (CALLS - warm_up) // parts) for part in range(parts)]
    done, first = 0, None
    print(f"{'calls':>7}  {'over':4}  {'memory':>10}  growth")
    for transport, count in steps:
        if not call(count, transport, folder):
            return 1
        done += count
        last = done == sum(count for _, count in steps)
        if first is None or last:
            time.sleep(REMEMBERED)
        now = memory(gateway)
        rested = " (at rest)" if first is None or last else ""
        first = first or now
        print(f"{done:7}  {'UDP' if transport == 'u1' else 'TCP':4}  {now:6} KiB  {100 * (now / first - 1):+5.1f} %{rested}", flush=True)
    return int(now > MOST_GROWTH * first)


def main():
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        with (open(folder / "log", "w", encoding="utf-8") as log,
              serving(folder, GATEWAY, SIP_PORT, stderr=log) as gateway):
            faults = measure(folder, gateway)
        panicked = "panicked" in (folder / "log").read_text(errors="replace")
    print(f"{2 - faults - panicked} passed, {faults + panicked} failed")
    return 1 if faults or panicked else 0


if __name__ == "__main__":
    sys.exit(main())

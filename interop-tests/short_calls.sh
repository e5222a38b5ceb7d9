#!/usr/bin/env bash
# 1,000 short calls by SIPp, 100 a second, over UDP and over TCP: every one is answered and hung up.
# Usage: short_calls.sh PATH_OF_EINWAHL. Everything runs on loopback and ends by itself.
set -euo pipefail
einwahl=$1
folder=$(mktemp -d)
printf '[sip]\nlisten = ["127.0.0.1:25061"]\n[web]\nlisten = []\n[browsers]\nlisten = []\n[media]\nfirst_port = 27000\nlast_port = 28999\n[store]\nfolder = "%s"\n' "$folder/kept" >"$folder/einwahl.toml"
EINWAHL_LOG=error "$einwahl" serve --config "$folder/einwahl.toml" &
gateway=$!
trap 'kill "$gateway" 2>/dev/null || true; wait "$gateway" || true; rm -rf "$folder"' EXIT
for _ in $(seq 100); do
    if (exec 3<>/dev/tcp/127.0.0.1/25061) 2>/dev/null; then break; fi
    sleep 0.1
done
memory() { awk '/VmRSS/ { print $2 }' "/proc/$gateway/status"; }
for transport in u1 t1; do
    before=$(memory)
    timeout 60 sipp -sn uac 127.0.0.1:25061 -i 127.0.0.1 -t "$transport" -m 500 -r 100 -d 200 -nostdin -timeout 40 \
        >"$folder/log" 2>&1 || { tail -40 "$folder/log"; echo "0 passed, 1 failed"; exit 1; }
    echo "500 calls over $transport: all answered and hung up; memory $before KiB before, $(memory) KiB after"
done
echo "2 passed, 0 failed"

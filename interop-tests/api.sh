#!/usr/bin/env bash
# Schemathesis asks the real gateway everything that its API's description allows, and much that it does not: no 5xx, no
# answer that is not described, nothing without a token.
# Usage: api.sh PATH_OF_EINWAHL [EXAMPLES_PER_ADDRESS]. Everything runs on loopback and ends by itself.
set -euo pipefail
einwahl=$(realpath "$1")
cd "$(dirname "$0")"
examples=${2:-12}
port=28447
folder=$(mktemp -d)
"$einwahl" api token schemathesis --rights read,pins,write,plan,edit,publish,calls >"$folder/token"
token=$(grep '^ew_' "$folder/token")
{
    printf '[sip]\nlisten = []\n[web]\nlisten = ["127.0.0.1:%s"]\n[browsers]\nlisten = []\n' "$port"
    printf '[store]\nfolder = "%s/kept"\n' "$folder"
    printf '[[meetings]]\nroom = "rat"\nid = "123456"\npin = "4711"\n'
    sed -n '/^\[\[api.tokens/,$p' "$folder/token"
} >"$folder/einwahl.toml"
EINWAHL_LOG=error "$einwahl" serve --config "$folder/einwahl.toml" &
gateway=$!
trap 'kill "$gateway" 2>/dev/null || true; wait "$gateway" || true; rm -rf "$folder"' EXIT
for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    sleep 0.1
done
asks() {
    .venv/bin/schemathesis run "https://127.0.0.1:$port/api/openapi.json" --tls-verify false --no-color --seed 1 --warnings off \
        --header "Authorization: Bearer $token" "$@"
}
asks --exclude-checks ignored_auth --max-examples "$examples"
# Last, since wrong tokens make the gateway slow for who shows them.
asks --checks ignored_auth --phases examples --max-examples 1
echo "2 passed, 0 failed"

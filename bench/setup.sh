#!/usr/bin/env bash
# Installs what the macro bench measures with and compares with, on Debian, as root.
set -euo pipefail
cd "$(dirname "$0")"

# The packages' own daemons must not start: they would take port 80 and CPU time. invoke-rc.d(8) asks this file.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi

apt-get update
apt-get install -y --no-install-recommends caddy haproxy luajit nginx openssl util-linux wrk

npm ci --loglevel=error --no-audit --no-fund

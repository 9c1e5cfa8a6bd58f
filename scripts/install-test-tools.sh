#!/usr/bin/env bash
# Installs what some tests and the benchmark drive coterie with: redis-cli, redis-benchmark and redis-server.
# Does nothing where they are, and says what to do where it cannot install them.
set -euo pipefail

missing=()
command -v redis-cli >/dev/null && command -v redis-benchmark >/dev/null || missing+=(redis-tools)
command -v redis-server >/dev/null || missing+=(redis-server)
[ ${#missing[@]} -eq 0 ] && exit 0

without() {
  echo "${missing[*]} missing ($1): tests and benchmarks that need them cannot run; install them by hand." >&2
  exit 0
}
[ "$(id -u)" -eq 0 ] || without "not root"
command -v apt-get >/dev/null || without "no apt-get"

# The package starts a server on port 6379 by itself, unless this file forbids it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || without "apt-get update failed"
apt-get install -y -qq "${missing[@]}" >/dev/null || without "apt-get install failed"

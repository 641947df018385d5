#!/bin/sh
# Put promtool into the folder $1, unless it is installed: the one program of Debian's package `prometheus`, without the server,
# its user, and what its pages need.
set -eu
command -v promtool >/dev/null && exit 0
[ -x "$1/promtool" ] && exit 0
there=$(cd "$1" && pwd)
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
cd "$made"
download() { apt-get -o APT::Sandbox::User=root download -qq prometheus; }
echo "Fetching promtool …"
if ! command -v apt-get >/dev/null || ! { download 2>/dev/null || { apt-get update -qq && download; }; }; then
    echo "error: the tests need promtool, of Prometheus: Debian's package \`prometheus\` has it" >&2
    exit 1
fi
dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
mv usr/bin/promtool "$there/"

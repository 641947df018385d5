#!/bin/sh
# See to it that the Debian packages in $APT are there: install them as root, else say what to type.
set -eu
missing=
for package in $APT; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "error: ${WHO:-the tests} need${WHO:+s} these Debian packages:$missing" >&2
    echo "Type:  sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
echo "Installing Debian packages:$missing …"
# Servers are started by the tests that need them, not by their packages (invoke-rc.d(8)).
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
    echo "error: apt-get install$missing failed; run it by hand to see why" >&2
    exit 1
}

#!/bin/sh
# Make a virtual environment in $VENV with $PYTHON, or say what to type where that cannot be done.
set -eu
"$PYTHON" - <<'PY' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"error: Python 3.11 or newer is needed, this is {sys.version.split()[0]}: type `make PYTHON=python3.12 …`")
PY
[ -x "$VENV/bin/python" ] && "$VENV/bin/python" -m pip --version >/dev/null 2>&1 && exit 0
echo "Making a virtual environment in $VENV …"
if "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null && "$PYTHON" -m venv "$VENV" 2>/dev/null; then exit 0; fi
rm -rf "$VENV"
# Debian has ensurepip in a package of its own.
if "$PYTHON" -m virtualenv --version >/dev/null 2>&1; then exec "$PYTHON" -m virtualenv -q "$VENV"; fi
version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [ "${MAY_INSTALL:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "python$version-venv" >/dev/null && exec "$PYTHON" -m venv "$VENV"
fi
echo "error: this Python cannot make virtual environments (ensurepip is missing)." >&2
echo "Type:  apt-get install python$version-venv      (as root, or with sudo in front)" >&2
exit 1

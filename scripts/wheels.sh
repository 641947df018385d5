#!/bin/sh
# Build what is published for one Python, and install it into fresh environments: the wheel brings the compiled engine; the
# source, where there is no compiler, installs as well, with the pure one. `PYTHON=python3.13 DIST=dist sh scripts/wheels.sh`
set -e
PYTHON=${PYTHON:-python3}
DIST=${DIST:-dist}
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

installed() { # name, what is installed, engine that is expected
  "$PYTHON" -m venv "$made/$1"
  CC=false "$made/$1/bin/python" -m pip --disable-pip-version-check -q install "$2"
  (cd "$made" && "$made/$1/bin/perijove" --version) | tee "$made/said"
  grep -q "engine: $3" "$made/said"
}

"$PYTHON" -m venv "$made/build"
"$made/build/bin/python" -m pip --disable-pip-version-check -q install build
# The wheel is built from the source distribution: nothing is missing there.
PERIJOVE_REQUIRE_COMPILED=1 "$made/build/bin/python" -m build -o "$made/dist" . > "$made/log" 2>&1 || { tail -40 "$made/log"; exit 1; }
installed wheel "$made"/dist/*.whl compiled
installed source "$made"/dist/*.tar.gz pure
mkdir -p "$DIST"
cp "$made"/dist/* "$DIST"
ls "$DIST"

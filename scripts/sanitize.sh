#!/bin/sh
# Build the engine with AddressSanitizer, UndefinedBehaviorSanitizer and checked indices into build/sanitize, and run tests on it:
# sanitize.sh PYTHON [PYTEST ARGUMENT …]. Whatever a sanitizer says ends the run with a failure.
set -eu
python=$1
shift
there=build/sanitize
mkdir -p "$there"
for one in setup.py pyproject.toml README.md LICENSE; do cp "$one" "$there/"; done
mkdir -p "$there/src"
# `make` like: only what changed is newer than what was compiled of it.
(cd src && find . -name '*.so' -prune -o -type f -print) | while read -r file; do
    cmp -s "src/$file" "$there/src/$file" || { mkdir -p "$there/src/$(dirname "$file")" && cp "src/$file" "$there/src/$file"; }
done
echo "Compiling the engine with sanitizers (some minutes the first time) …"
(cd "$there" && PERIJOVE_SANITIZE=1 PERIJOVE_REQUIRE_COMPILED=1 "$python" setup.py -q build_ext --inplace --parallel 2 >build.log 2>&1) ||
    { cat "$there/build.log"; exit 1; }
said="$PWD/$there/said"
rm -f "$said".*
status=0
# CPython itself never frees all it has, so leaks are not looked for. Its small objects come from malloc, so that ASan sees them.
PYTHONPATH="$PWD/$there/src" LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
    ASAN_OPTIONS="detect_leaks=0:abort_on_error=1:allocator_may_return_null=1:log_path=$said" \
    UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=0:log_path=$said" \
    PYTHONMALLOC=malloc PERIJOVE_REQUIRE_COMPILED=1 "$python" -m pytest -q -p no:cacheprovider "$@" || status=$?
for one in "$said".*; do
    [ -e "$one" ] && grep -h -A 12 'ERROR: AddressSanitizer\|runtime error' "$one" | head -60 && status=1
done
exit "$status"

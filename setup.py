"""Compiles the engine: every module of it that has a `.pxd`.

`X.pyx` is compiled where a leaf exists twice, else `X.py` as it stands. Without a compiler the install goes on, pure, unless
PERIJOVE_REQUIRE_COMPILED=1 forbids that; PERIJOVE_PURE=1 builds nothing. PERIJOVE_SANITIZE=1 builds what looks at itself: GCC's
AddressSanitizer and UndefinedBehaviorSanitizer, and Cython's own checks of indices (`make sanitize`).
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup

ENGINE = Path("src/perijove/engine")
SANITIZE = os.environ.get("PERIJOVE_SANITIZE") == "1"
SANITIZERS = ["-fsanitize=address,undefined"]
REQUIRED = os.environ.get("PERIJOVE_REQUIRE_COMPILED") == "1"
DIRECTIVES = {
    "language_level": 3,
    "annotation_typing": False,  # the types are in the .pxd; `int` there means a Python integer to Cython
    "infer_types": True,
    "boundscheck": SANITIZE,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
}


def extensions() -> list[Extension]:
    """Return what to compile, as C."""
    if os.environ.get("PERIJOVE_PURE") == "1" or not sys.platform.startswith("linux"):
        return []  # the compiled leaves speak Linux' epoll
    from Cython.Build import cythonize

    found = []
    for declared in sorted(ENGINE.glob("*.pxd")):
        source = declared.with_suffix(".pyx")
        if not source.exists():
            source = declared.with_suffix(".py")
        name = f"perijove.engine.{declared.stem}"
        flags = ["-O0", "-g1", "-fno-omit-frame-pointer", *SANITIZERS] if SANITIZE else ["-O2"]
        links = SANITIZERS if SANITIZE else []
        found.append(Extension(name, [str(source)], extra_compile_args=flags, extra_link_args=links, optional=not REQUIRED))
    built = cythonize(found, build_dir="build/cython", compiler_directives=DIRECTIVES, nthreads=os.cpu_count() or 1)
    for one in built:
        one.optional = not REQUIRED  # cythonize forgets it
    return built


setup(ext_modules=extensions())

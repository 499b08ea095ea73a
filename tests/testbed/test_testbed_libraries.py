"""What is read from the logs of builds that miss a library."""

from __future__ import annotations

import pytest

from repoagent.testbed.libraries import find_missing_packages

LINES = {
    "src/c/_cffi_backend.c:15:10: fatal error: ffi.h: No such file or directory": ("libffi-dev",),
    "src/ssl.c:1:10: fatal error: openssl/ssl.h: No such file or directory": ("libssl-dev",),
    "Package libffi was not found in the pkg-config search path.": ("libffi-dev",),
    "Package 'libffi', required by 'virtual:world', not found": ("libffi-dev",),
    "No package 'cairo' found": ("libcairo2-dev",),
    'meson.build:3:0: ERROR: Dependency "glib-2.0" not found, tried pkgconfig': ("libglib2.0-dev",),
    "Error: pg_config executable not found.": ("libpq-dev",),
    "/bin/sh: 1: swig: not found": ("swig",),
    "error: command 'gcc' failed: No such file or directory": ("build-essential",),
    "FileNotFoundError: [Errno 2] No such file or directory: 'cmake'": ("cmake",),
    "Error: Please make sure the libxml2 and libxslt development packages are installed.": (
        "libxml2-dev",
        "libxslt1-dev",
    ),
    "a.c:1:10: fatal error: nobody_knows_me.h: No such file or directory": (),
    "nobody: not found": (),
    "test_gcc (tests.Compilers) ... ok": (),
    "": (),
    "x" * 100_000: (),
}


@pytest.mark.parametrize(("line", "packages"), LINES.items(), ids=lambda value: str(value)[:40])
def test_a_line_of_a_log_names_packages(line: str, packages: tuple[str, ...]) -> None:
    assert find_missing_packages(line) == packages

"""What generated code may change, and what a reviewer is told to look at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoagent.errors import UserError
from repoagent.policy import FileChange, Policy, judge_changes, parse_policy
from repoagent.policy.globs import find_match
from repoagent.redaction import find_secrets, redact

FINE = FileChange("src/sizes.py", "100644", "100644", ("    if count >= size:",), 1, False, 400)


def changed(path: str = "src/sizes.py", *added: str, **values: object) -> FileChange:
    """A change that would be fine but for what is given."""
    facts: dict[str, object] = {"mode_before": "100644", "mode_after": "100644", "removed": 0, "bytes_after": 10}
    return FileChange(path, added=added, **(facts | values))  # type: ignore[arg-type]


def test_a_small_fix_is_let_through_without_a_word() -> None:
    judgement = judge_changes([FINE], Policy())
    assert (judgement.refusals, judgement.flags) == ((), ())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (changed(".github/workflows/ci.yml", "x"), "never changed by a generated patch"),
        (changed(".GitHub/Workflows/ci.yml", "x"), "never changed by a generated patch"),
        (changed(".github/actions/a/action.yml", "x"), "never changed"),
        (changed("deep/action.yml", "x"), "never changed"),
        (changed(".github/repoagent.yml", "x"), "never changed"),
        (changed("CODEOWNERS", "x"), "never changed"),
        (changed("sub/.gitattributes", "x"), "never changed"),
        (changed(".gitmodules", "x"), "never changed"),
        (changed(".repoagent.toml", "x"), "never changed"),
        (changed("a.py", mode_before="000000", mode_after="120000"), "link or a submodule"),
        (changed("a", mode_before="000000", mode_after="160000"), "link or a submodule"),
        (changed("run.sh", mode_after="100755"), "executable"),
        (changed("logo.png", binary=True), "binary"),
        (changed("data.json", bytes_after=600_000), "600,000 bytes"),
        (changed("a.py", mode_after="000000", removed=9), "deleted"),
        (changed("tests/test_a.py", removed=2), "test that would lose 2 lines"),
        (changed("a\u202egpj.py", "x"), "characters that do not show"),
        (changed("a.py", "x = '\u202e'"), "reverse the order"),
        (changed("a.py", "ok", f"TOKEN = 'ghp_{'a1B2' * 9}'"), "GitHub token, added line 2"),
        (changed("a.py", "-----BEGIN RSA PRIVATE KEY-----"), "private key"),
        (changed("a.py", *(["x"] * 600)), "lines; 500 are allowed"),
    ],
)
def test_what_is_refused_whatever_the_policy(change: FileChange, reason: str) -> None:
    assert any(reason in refusal for refusal in judge_changes([FINE, change], Policy()).refusals)


def test_nothing_and_too_much_are_refused() -> None:
    assert judge_changes([], Policy()).refusals == ("The patch changes nothing.",)
    many = [changed(f"src/{n}.py", "x") for n in range(21)]
    assert judge_changes(many, Policy()).refusals == ("It changes 21 files; 20 are allowed.",)


RULES = """\
version: 1
paths:
  never: ["migrations", "*.lock"]
  only: ["src/**", "tests/**", "migrations/**"]
limits: {lines: 3}
licences: [MIT]
deleted_files: true
"""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (changed("migrations/1.py", "x"), "`paths.never` has `migrations`"),
        (changed("src/deep/poetry.lock", "x"), "`*.lock`"),
        (changed("setup.py", "x"), "not among the policy's `paths.only`"),
        (changed("src/a.py", "a", "b", "c", "d"), "4 lines; 3 are allowed"),
        (changed("src/a.py", "# SPDX-License-Identifier: GPL-3.0-only"), "licence GPL-3.0-only"),
        (changed("src/a.py", "# SPDX-License-Identifier: MIT"), ""),
        (changed("src/a.py", mode_after="000000", removed=1), ""),
    ],
)
def test_the_maintainers_rules_hold(change: FileChange, reason: str) -> None:
    refusals = judge_changes([change], parse_policy(RULES)).refusals
    assert any(reason in refusal for refusal in refusals) if reason else refusals == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 2", "version"),
        ("limits: {file: 3}", "limits.file"),
        ("paths: [", "cannot be read as YAML"),
        ("a: &a [1]\nb: *a", "aliases"),
        ("x" * 70_000, "larger than 64 kB"),
        ("- 1", "the whole"),
        ("[" * 5000, "cannot be read"),
    ],
)
def test_a_policy_that_cannot_be_read_is_refused_and_not_guessed(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_policy(text)


def test_without_a_file_or_with_an_empty_one_the_defaults_hold() -> None:
    assert parse_policy(None) == parse_policy("") == Policy()


@pytest.mark.parametrize(
    ("line", "flag"),
    [
        ("    urllib.request.urlopen('https://x.test')", "reaches the network"),
        ("eval(text)", "runs text as code"),
        ("subprocess.run(command, shell=True)", "starts programs"),
        ("data = base64.b64decode(BLOB)", "decodes hidden data"),
        ("key = os.environ['HOME']", "reads the environment"),
        ("requests.get(url, verify=False)", "weakens checks"),
        ('  "postinstall": "node x.js"', "hooked into installing"),
    ],
)
def test_a_suspicious_addition_is_pointed_out_with_its_line(line: str, flag: str) -> None:
    flags = judge_changes([changed("src/a.py", "fine = 1", line)], Policy()).flags
    assert any(flag in each and line.strip()[:20] in each for each in flags)


@pytest.mark.parametrize(
    "path", ["setup.py", "deep/pyproject.toml", "requirements-dev.txt", "tests/conftest.py", "x.pth"]
)
def test_what_decides_about_installing_is_pointed_out(path: str) -> None:
    assert any(
        "installed or run on building" in flag for flag in judge_changes([changed(path, "x = 1")], Policy()).flags
    )


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("a/b/c.py", "*.py", True),
        ("a/b/c.py", "a/*.py", False),
        ("a/b/c.py", "a/**/*.py", True),
        ("a/c.py", "a/**/*.py", True),
        ("a/b/c.py", "/a", True),
        ("x/a/c.py", "/a", False),
        ("x/a/c.py", "a/", True),
        ("ab/c.py", "a", False),
        ("a.py", "?.py", True),
    ],
)
def test_patterns(path: str, pattern: str, fits: bool) -> None:
    assert bool(find_match(path, [pattern])) == fits


# --- secrets ----------------------------------------------------------------------------------------------------------

SECRETS = [
    "ghp_" + "aB3d" * 9,
    "github_pat_" + "aB3d_" * 16,
    "AKIA" + "ABCD1234" * 2,
    "sk-ant-api03-" + "aB3d" * 8,
    "sk-proj-" + "aB3d" * 10,
    "hf_" + "aB3d" * 9,
    "xoxb-1234567890-abcdefghij",
    "rk_live_" + "aB3d" * 5,
    "AIza" + "aB3d5" * 7,
    "pypi-" + "aB3d5" * 12,
    "npm_" + "aB3d" * 9,
    "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_each_kind_of_secret_is_found_and_taken_out(secret: str) -> None:
    assert secret not in redact(f"before {secret} after")
    assert redact(f"before {secret} after").startswith("before [redacted ")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://user:hunter22@host/x", "https://user:[redacted password in a URL]@host/x"),
        ('password = "correct-horse-battery"', 'password = "[redacted assigned secret]"'),
        ("Authorization: Bearer abcdefghijklmnopqrstuvwx", "Authorization: Bearer [redacted bearer token]"),
    ],
)
def test_only_the_secret_goes(text: str, kept: str) -> None:
    assert redact(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        'password = "your-password-here"',
        "token = os.environ['TOKEN']",
        "sha256 = 'e3b0c44298fc1c149afbf4c8996fb924'",
        "x@y.z",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_known_values_go_wherever_they_are() -> None:
    assert redact("a hunter2hunter2 b", ["hunter2hunter2"]) == "a [redacted] b"


@given(st.text(max_size=300))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    assert find_secrets(redact(redact(text))) == find_secrets(redact(text))

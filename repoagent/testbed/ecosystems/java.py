"""Java: Maven, with the artefacts of Central, or with those that the distribution packages where Central is not had."""

from __future__ import annotations

import re

from repoagent.testbed.ecosystems.base import Codebase, Way, ways_of
from repoagent.testbed.project import Override
from repoagent.testbed.running.maven import Maven
from repoagent.testbed.tree import Tree
from repoagent.testbed.ways import resource

PACKAGES = ("default-jdk-headless", "junit4", "junit5", "libhamcrest-java", "maven", "maven-debian-helper")
"""Maven, the plugins that every build needs, and what most tests import."""

_RELEASE = re.compile(r"<(?:maven\.compiler\.(?:release|source|target)|release|java\.version)>\s*(?:1\.)?(\d+)")
_DEFAULT_JDK = 17
"""The distribution's, beside Python 3.11; its newest release has 21."""
_TEST = re.compile(r"(^|/)src/test/.*/(Test[A-Z]\w*|\w+Tests?|\w+TestCase)\.(java|kt|groovy)$")


def find(tree: Tree, override: Override) -> Codebase | None:
    """What `pom.xml` in the root says."""
    if not tree.has("pom.xml") and override.language != "java":
        return None
    tests = tuple(f for f in tree.files if _TEST.search(f))
    poms = tree.matching("pom.xml", "*/pom.xml")
    return Codebase(
        language="java",
        ways=ways_of(tree, "java", poms, override, lambda _origin: (_way(tree, tests),)),
        runner=Maven(),
        tool="Maven",
        command="mvn test",
        test_files=tests,
        declared=True,
        override=override,
        packager="pom.xml",
    )


def _way(tree: Tree, tests: tuple[str, ...]) -> Way:
    releases = [int(found) for found in _RELEASE.findall(tree.text("pom.xml"))]
    newest = max(releases, default=_DEFAULT_JDK)
    sample = tests[0].rpartition("/")[2].partition(".")[0] if tests else "None"
    offline = f"cat >\"$E/offline_pom.py\" <<'END_OF_PROGRAM'\n{resource('ecosystems/offline_pom.py')}END_OF_PROGRAM"
    return Way(
        name="Java by Maven",
        steps=("settle", f"needed 'Maven: its plugins and the dependencies' maven_prepare {sample}", "true"),
        packages=PACKAGES,
        why=(f"pom.xml asks for Java {newest}" if releases else "it has a pom.xml",),
        current=newest > _DEFAULT_JDK,
        tools=(resource("ecosystems/java.sh"), offline),
    )

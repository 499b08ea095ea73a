"""Java: Maven, with the artefacts of Central, or with those that the distribution packages where Central is not had."""

from __future__ import annotations

import re
import shlex

from repoagent.testbed.build_plan import BuildPlan, CommitInfo, read_resource
from repoagent.testbed.ecosystems.base import Codebase, PlanContext, make_planner
from repoagent.testbed.override import Override
from repoagent.testbed.running.maven import MavenRunner
from repoagent.testbed.tree import Tree

PACKAGES = ("default-jdk-headless", "junit4", "junit5", "libhamcrest-java", "maven", "maven-debian-helper")
"""Maven, the plugins that every build needs, and what most tests import."""

_RELEASE = re.compile(r"<(?:maven\.compiler\.(?:release|source|target)|release|java\.version)>\s*(?:1\.)?(\d+)")
_DEFAULT_JDK = 17
"""The distribution's, beside Python 3.11; its newest release has 21."""
_TEST = re.compile(r"(^|/)src/test/.*/(Test[A-Z]\w*|\w+Tests?|\w+TestCase)\.(java|kt|groovy)$")


_GRADLE = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
_NO_GRADLE = (
    "Gradle builds are not made here. Name the command that runs the tests, and a container image that has all they "
    "need: `--test 'gradle --offline test' --image NAME` (`solve`: `--test-cmd`)"
)


def find(tree: Tree, override: Override) -> Codebase | None:
    """Detect a Maven build by `pom.xml` in the root, or a Gradle build, which only the owner's commands can make."""
    gradle = tree.find_first(*_GRADLE) if not tree.has_file("pom.xml") else ""
    if not tree.has_file("pom.xml") and not gradle and override.language != "java":
        return None
    tests = tuple(f for f in tree.files if _TEST.search(f))
    poms = tree.find_matching("pom.xml", "*/pom.xml")

    def plan_builds(context: PlanContext, _origin: CommitInfo) -> tuple[BuildPlan]:
        return (_plan_gradle(context, gradle) if gradle else _plan_maven(context, tests),)

    return Codebase(
        language="java",
        plan_builds=make_planner(tree, "java", (*poms, *_GRADLE), override, plan_builds),
        runner=MavenRunner(),
        tool="Gradle" if gradle else "Maven",
        command="gradle test" if gradle else "mvn test",
        test_files=tests,
        declared=True,
        override=override,
        packager=gradle or "pom.xml",
    )


def _plan_gradle(context: PlanContext, manifest: str) -> BuildPlan:
    """Plan by the owner's commands or image; without either, a build that fails at once and says what a person can
    do."""
    why, brought = f"it has a {manifest}", bool(context.override.build or context.override.inherited_image)
    said = f"echo {shlex.quote(f'repoagent: {_NO_GRADLE}')}"
    steps, reasons = (("settle",), (why,)) if brought else ((said, "exit 1"), (why, _NO_GRADLE))
    return context.make_plan("Java by Gradle", steps, why=reasons)


def _plan_maven(context: PlanContext, tests: tuple[str, ...]) -> BuildPlan:
    releases = [int(found) for found in _RELEASE.findall(context.tree.read_text("pom.xml"))]
    newest = max(releases, default=_DEFAULT_JDK)
    sample = tests[0].rpartition("/")[2].partition(".")[0] if tests else "None"
    offline = (
        f"cat >\"$E/offline_pom.py\" <<'END_OF_PROGRAM'\n{read_resource('ecosystems/offline_pom.py')}END_OF_PROGRAM"
    )
    return context.make_plan(
        name="Java by Maven",
        steps=("settle", f"needed 'Maven: its plugins and the dependencies' maven_prepare {sample}", "true"),
        packages=PACKAGES,
        why=(f"pom.xml asks for Java {newest}" if releases else "it has a pom.xml",),
        newest=newest > _DEFAULT_JDK,
        tools=(read_resource("ecosystems/java.sh"), offline),
    )

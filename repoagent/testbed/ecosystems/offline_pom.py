"""Rewrite a pom.xml so that it asks for the versions which the distribution's Maven repository has.

Runs inside the sandbox while an environment is built; it is shipped there as text and imports the standard library
only. Only what the repository lacks is changed: a plugin that is not there at all is left out, if no test needs it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

REPOSITORY = Path("/usr/share/maven-repo")
NAMESPACE = "http://maven.apache.org/POM/4.0.0"
PLUGINS = "org.apache.maven.plugins"


def main(source: str, target: str) -> int:
    """Exit code 0 when `target` was written, 1 when something is missing, which is named then."""
    ET.register_namespace("", NAMESPACE)
    tree = ET.parse(source)  # noqa: S314 - in the sandbox, where the build runs all of the repository's code anyhow
    root = tree.getroot()
    missing = [name for parent in root.iter() for name in settle_dependencies(parent)]
    for parent in root.iter():
        drop_plugins(parent)
    missing += [f"its parent {key(parent)}" for parent in root.findall(tag("parent")) if not settle(parent)]
    for name in missing:
        print(f"repoagent: neither Central nor the distribution has {name}")
    tree.write(target, encoding="utf-8", xml_declaration=True)
    return 1 if missing else 0


def settle_dependencies(parent: ET.Element) -> list[str]:
    """Give each dependency below `parent` a version that is there; the names of those of which there is none."""
    if parent.tag != tag("dependencies"):
        return []
    return [key(entry) for entry in parent.findall(tag("dependency")) if not settle(entry)]


def drop_plugins(parent: ET.Element) -> None:
    if parent.tag == tag("plugins"):
        for entry in [entry for entry in parent.findall(tag("plugin")) if not settle(entry)]:
            print(f"repoagent: the plugin {key(entry)} is not there and is left out")
            parent.remove(entry)
    for extensions in [entry for entry in parent if entry.tag == tag("extensions")]:
        parent.remove(extensions)


def settle(entry: ET.Element) -> bool:
    """Whether there is a version; where it is not the one that is asked for, it is put in its place."""
    there = versions(entry)
    element = entry.find(tag("version"))
    if not there:
        return False
    if element is not None and element.text not in there:
        element.text = there[-1]
    return True


def versions(entry: ET.Element) -> list[str]:
    """What the repository has of an artefact, the newest last."""
    group = text_of(entry, "groupId") or PLUGINS
    folder = REPOSITORY / group.replace(".", "/") / text_of(entry, "artifactId")
    names = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return sorted(names, key=lambda name: (name != "debian", [int(part) for part in re.findall(r"\d+", name)]))


def key(entry: ET.Element) -> str:
    return f"{text_of(entry, 'groupId') or PLUGINS}:{text_of(entry, 'artifactId')}"


def text_of(entry: ET.Element, name: str) -> str:
    return (entry.findtext(tag(name)) or "").strip()


def tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))

# Runs in the sandbox, in a copy of the repository, with network; the setup puts its variables before this and its steps after.
# A step that may fail says so in the log and the build goes on: the probe at the end shows whether the tests can be collected.
set +e -u
venv=/opt/environment/venv
export PATH="$venv/bin:$PATH" VIRTUAL_ENV="$venv"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore PIP_PROGRESS_BAR=off
# On the disk, beside what is installed from it: /tmp is memory, and links are faster than copies.
export UV_CACHE_DIR=/opt/environment/.packages UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1

# As the index was on the day $as_of, where one is given.
install() {
    /opt/uv pip install --quiet --python "$venv/bin/python" ${as_of:+--exclude-newer "$as_of"} "$@"
}

# What uv refuses in old manifests, pip may still take.
install_file() {
    install "$@" || { [ -z "$as_of" ] && "$venv/bin/python" -m pip install --quiet "$@"; }
}

# All in one step, else those that can be had. What cannot be imported would keep tests from being collected.
install_each() {
    install "$@" || for each; do install "$each" || echo "repoagent: $each cannot be had"; done
    for each; do
        name=${each%%[<>=!~\[]*}
        importable "$name" || { echo "repoagent: $name cannot be imported"; /opt/uv pip uninstall --python "$venv/bin/python" "$name"; }
    done
}

# Also where no module has the name of the distribution.
importable() {
    module=$(printf %s "$1" | tr - _)
    "$venv/bin/python" -c "import importlib.util as u, sys; u.find_spec('$module') and __import__('$module')" >/dev/null 2>&1
}

site_packages() {
    "$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])'
}

# The repository's own files go first on the import path, so that an edit is seen by the next test run.
path_to() {
    echo "import sys; sys.path.insert(0, '$1')" >"$(site_packages)/repoagent_repository.pth"
}

# What a setup.py of old says it requires, one to a line; setuptools writes it down by sections, one for each extra.
legacy_requirements() {
    "$venv/bin/python" setup.py -q egg_info --egg-base /tmp >/tmp/egg.log 2>&1 || { tail -n 5 /tmp/egg.log; return 1; }
    sed -n '/^\[[^:]/,$d; /^\[:/d; /./p' /tmp/*.egg-info/requires.txt 2>/dev/null
    return 0
}

# As setuptools did it before PEP 660: in place, beside its requirements.
install_legacy() {
    legacy_requirements >/tmp/requirements.txt || return 1
    { [ ! -s /tmp/requirements.txt ] || install -r /tmp/requirements.txt; } &&
        "$venv/bin/python" setup.py -q develop --no-deps
}

# What the project names for a purpose, `test` or the like.
install_extra() {
    install -e ".[$1]" && return
    sed -n "/^\\[$1\\]\$/,/^\\[/{/^\\[/d; /./p}" /tmp/*.egg-info/requires.txt 2>/dev/null >/tmp/extra.txt
    [ -s /tmp/extra.txt ] && install -r /tmp/extra.txt
}

# Editable, else a plain installation for its dependencies, else the files alone. The name a fallback is given is logged.
install_project() {
    source=$1; shift
    optional "the project, editable (PEP 660)" install -e . && return
    optional "what its build requires" install "$@"
    optional "the project, editable, with the tools in the environment" install --no-build-isolation -e . && return
    [ -f setup.py ] && optional "the project, in place (setup.py develop)" install_legacy && return
    path_to "$source"
    optional "the project, as a copy, for its dependencies" install .
}

# An image that was named has its own, which is taken as it is.
basics() {
    [ -n "$inherit" ] && "$venv/bin/python" -c 'import pytest' 2>/dev/null || install pytest setuptools wheel
}

needed "a virtual environment with Python $python" /opt/uv venv --quiet --python "$python" ${inherit:+--system-site-packages} --seed ${as_of:+--exclude-newer "$as_of"} "$venv"
# The Python of an image may be a virtual environment itself, whose packages no other one inherits.
inherited() {
    "$python" -c 'import sys
for path in sys.path:
    if path.endswith(("site-packages", "dist-packages")): print(f"import site; site.addsitedir({path!r})")' \
        >"$(site_packages)/repoagent_image.pth"
}

[ -z "$inherit" ] || needed "the packages of the image" inherited
needed "pytest and setuptools" basics

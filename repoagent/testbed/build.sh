# Runs in the sandbox, in a copy of the repository, with network; the recipe puts the project's steps after these functions.
# A step that may fail says so in the log and the build goes on: the probe at the end shows whether the tests can be collected.
set +e -u
venv=/opt/environment/venv
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore PIP_PROGRESS_BAR=off
export PATH="$venv/bin:$PATH" VIRTUAL_ENV="$venv"

needed() {
    label=$1; shift
    echo "--- $label"
    "$@" || { echo "repoagent: $label failed, the build ends here"; exit 1; }
}

optional() {
    label=$1; shift
    echo "--- $label"
    "$@" || { echo "repoagent: $label failed, going on without"; return 1; }
}

pip_install() {
    "$venv/bin/python" -m pip install --quiet "$@"
}

# The repository's own files go first on the import path, so that an edit is seen by the next test run.
path_to() {
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
    echo "import sys; sys.path.insert(0, '$1')" >"$site/repoagent_repository.pth"
}

# Editable, else a plain installation for its dependencies, else the files alone. The name a fallback is given is logged.
install_project() {
    optional "the project, editable (PEP 660)" pip_install -e . && return
    optional "the project, editable, with the tools in the environment" pip_install --no-build-isolation -e . && return
    path_to "$1"
    optional "the project, as a copy, for its dependencies" pip_install .
}

needed "a virtual environment" python3 -m venv "$venv"
optional "a current pip" pip_install --upgrade pip
needed "pytest and setuptools" pip_install pytest setuptools wheel

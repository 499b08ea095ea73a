# Functions for all builds. A step that may fail says so in the log and the build goes on.
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

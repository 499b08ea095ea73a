# Steps for Maven.
M="-B -ntp -Drat.skip -Dcheckstyle.skip -Denforcer.skip -Djacoco.skip -Dlicense.skip -Dspotless.check.skip -Dpmd.skip"
M="$M -Dspotbugs.skip -Danimal.sniffer.skip -Dgpg.skip -DfailIfNoTests=false -Dsurefire.failIfNoSpecifiedTests=false"

maven_settings() {
    [ -z "${MAVEN_MIRROR:-}" ] || cat >"$E/settings.xml" <<END
<settings><mirrors><mirror><id>host</id><mirrorOf>central</mirrorOf><url>$MAVEN_MIRROR</url></mirror></mirrors></settings>
END
    [ -f "$E/settings.xml" ] || echo '<settings/>' >"$E/settings.xml"
}

# One test class is run, because the plugin that runs tests fetches what it needs only then.
maven_prepare() {
    maven_settings
    own="-s $E/settings.xml -Dmaven.repo.local=$E/m2"
    mvn $M $own -Dmaven.test.failure.ignore -Dtest="$1" test
    if mvn $M $own -o -q -Dmaven.test.failure.ignore -Dtest="$1" test; then
        enter "export MAVEN_OPTIONS='$M $own -o'"
        return 0
    fi
    echo "repoagent: not all artefacts can be had from Central or its mirror: trying with those of the distribution"
    python3 "$E/offline_pom.py" pom.xml .repoagent-pom.xml || return 1
    debian="-s /etc/maven/settings-debian.xml -Dmaven.repo.local=/usr/share/maven-repo -f .repoagent-pom.xml"
    mvn $M $debian -o -Dmaven.test.failure.ignore -Dtest="$1" test || return 1
    enter "export MAVEN_OPTIONS='$M $debian -o'"
}

# shellcheck shell=bash
# A Debian root file system from the mirror that this host's apt uses, for build.sh and the test's cloud image. Sourced, never run; needs lib.sh.

readonly SUITE=bookworm

say() { echo "image: $*" >&2; }

# sources.list lines of the host's Debian SUITE repositories. Nothing on hosts of another release: mmdebstrap then takes its own defaults.
host_sources() {
    # shellcheck disable=SC2016 # the fields are apt's
    apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        sed -nE "s/^Debian\|$SUITE(-updates|-security)?\|//p" | LC_ALL=C sort -u
}

# The host's proxy, retry and expiry settings for apt: a mirror that needs them here needs them in the build too.
host_apt_options() {
    apt-config dump | sed -nE 's/^((Acquire::(http|https)::(Proxy|Timeout|Verify-Peer|CAInfo)[^ ]*|Acquire::(Retries|ForceIPv4|Check-Valid-Until|Check-Date)) ".*";)$/--aptopt=\1/p'
}

# make_root TAR LOG PACKAGES [MMDEBSTRAP-OPTION…]: TAR holds Debian's essential packages and those listed in the file PACKAGES, one a line.
make_root() {
    local tar=$1 log=$2 packages=$3 sources
    shift 3
    local -a options mirror=()
    mapfile -t options < <(host_apt_options)
    sources=$(host_sources)
    if [[ -z $sources ]] && command -v apt-get >/dev/null; then
        say "reading the package lists"
        apt-get update -qq >"$log" 2>&1 || say "apt-get update failed, see its messages: $(tail -n 3 "$log")"
        sources=$(host_sources)
    fi
    [[ -z $sources ]] || mirror=(-)
    mmdebstrap --mode=root --variant=essential --include="$(grep -v '^#' "$packages" | paste -sd,)" \
        "${options[@]}" --aptopt='Apt::Install-Recommends "false"' --dpkgopt=force-confold \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        "$@" "$SUITE" "$tar" "${mirror[@]}" <<<"$sources" >"$log" 2>&1 || { tail -n 20 "$log" >&2 && die "mmdebstrap failed"; }
}

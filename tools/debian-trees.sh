# shellcheck shell=bash
# What the scripts that make real Debian 12 trees share: integration/demo/roots.sh and tools/debian-images.sh source it.
# The archive is the one that this machine's own apt uses. Needs root, for debootstrap and chroot.

epoch=1700000000
kernel=linux-image-cloud-$(dpkg --print-architecture)
export LC_ALL=C DEBIAN_FRONTEND=noninteractive SOURCE_DATE_EPOCH=$epoch

# Empties the folder $out, unless these scripts as they are have filled it: then there is nothing to do, and the script
# ends. Sets log, base, updates and security: the file that says what was done, and the archive's addresses.
begin_trees() {
    # Whoever asks at the same time waits for the first.
    mkdir -p "$(dirname "$out")"
    exec 9> "$out.lock"
    flock 9
    stamp=$(cat "$0" "${BASH_SOURCE[0]}" | sha256sum)
    [ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && exit 0
    rm -rf "$out"
    mkdir -p "$out"
    log=$out/log
    trap '[ $? = 0 ] || { tail -n 20 "$log"; echo "${0##*/}: making the trees failed; the whole log is $log" >&2; }' EXIT
    base=$(site bookworm)
    updates=$(site bookworm-updates)
    security=$(site bookworm-security)
}

# Says that all is there: it is kept from now on.
end_trees() {
    echo "$stamp" > "$out/stamp"
}

# Prints the URL from which this machine's apt takes the suite.
site() {
    local url
    url=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Codename: $1" | sort -u | head -n 1)
    [ -n "$url" ] || { echo "${0##*/}: this machine's apt sources have no $1; add it and run again" >&2; exit 1; }
    echo "$url"
}

# Runs a command inside a tree, with /proc in a mount namespace that ends with it.
inside() {
    local tree=$1
    shift
    unshare --mount --fork chroot "$tree" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
        DEBIAN_FRONTEND=noninteractive SOURCE_DATE_EPOCH=$epoch \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        sh -c 'mount -t proc proc /proc && exec "$@"' sh "$@" >> "$log" 2>&1
}

# Makes a tree of the base suite, in which packages can be installed without starting anything. Further words are
# debootstrap's.
bootstrap() {
    local tree=$1
    shift
    debootstrap --variant=minbase "$@" bookworm "$tree" "$base" > "$log" 2>&1
    printf '#!/bin/sh\nexit 101\n' > "$tree/usr/sbin/policy-rc.d"
    chmod 755 "$tree/usr/sbin/policy-rc.d"
    lend_resolver "$tree"
    echo "deb $base bookworm main" > "$tree/etc/apt/sources.list"
    inside "$tree" apt-get update
}

# Gives a tree this machine's name servers.
lend_resolver() {
    rm -f "$1/etc/resolv.conf"
    cp -L /etc/resolv.conf "$1/etc/resolv.conf"
}

# Makes the current updates and security updates known to a tree.
know_updates() {
    {
        echo "deb $base bookworm main"
        echo "deb $updates bookworm-updates main"
        echo "deb $security bookworm-security main"
    } > "$1/etc/apt/sources.list"
    inside "$1" apt-get update
}

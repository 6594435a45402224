#!/usr/bin/env bash
# Prove that a bare Debian 12 needs nothing but this repository: make one with debootstrap, put a
# clean clone of HEAD into it and run one command there. Needs root. The system is deleted at the
# end; what the command printed is passed on, and so is its exit status.
#
#     tools/chroot-test.sh [COMMAND…]     (make demo is the default)
set -euo pipefail
cd "$(dirname "$0")/.."

command=("$@")
[ $# -gt 0 ] || command=(make demo)
if [ "$(id -u)" -ne 0 ]; then
    echo "tools/chroot-test.sh: debootstrap, mount and chroot need root" >&2
    exit 2
fi
command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get -q -y install debootstrap

root=$(mktemp -d /var/tmp/assay-chroot.XXXXXX)
chmod 755 "$root" # it becomes /, where other users (PostgreSQL's) have to go, too
trap 'rm -rf "$root" "$root.log"' EXIT
trap 'exit 130' INT TERM

# The mirror that this machine's own apt uses first for Debian itself.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' |
    head -n 1)
echo "== debootstrap of bookworm, minimal"
debootstrap --variant=minbase bookworm "$root" "${mirror:?no bookworm source in apt}" >"$root.log" 2>&1 || {
    tail -n 20 "$root.log"
    exit 1
}

# How this machine reaches its mirror: proxies, certificates, names. The sources stay as
# debootstrap wrote them.
apt-config dump | grep -E '^Acquire::(https?|ftp|Check-|ForceIPv)' >"$root/etc/apt/apt.conf.d/00host" || true
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
if [ -d /usr/local/share/ca-certificates ]; then
    mkdir -p "$root/usr/local/share"
    cp -rL /usr/local/share/ca-certificates "$root/usr/local/share/"
fi

git -c safe.directory="$PWD" clone -q --no-hardlinks "$PWD" "$root/srv/assay"

# In namespaces of their own the mounts and whatever processes are left vanish with the command, and
# no mount of the host is ever below what is deleted. make is the one thing that has to be there
# first, and a minimal Debian does not have it.
echo "== ${command[*]}, in the clone"
began=$SECONDS status=0
env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    unshare --mount --pid --fork --kill-child --propagation private /bin/bash -c '
        mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" || exit 3
        exec chroot "$1" /bin/bash -c "
            cd /srv/assay || exit 3
            command -v make >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get -q -y install make >/dev/null 2>&1
            exec \"\$@\"" chroot-test "${@:2}"' chroot-test "$root" "${command[@]}" </dev/null || status=$?
echo "== ended with $status after $((SECONDS - began)) s"
exit $status

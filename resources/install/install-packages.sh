#!/bin/sh
# Installs the Debian packages named as arguments; runs as root. Their services are neither started nor enabled: a lab runs
# its own ones inside its hosts, and this machine stays as it was.
set -eu

policy=/usr/sbin/policy-rc.d
mark='# Written by Flatland while it installs packages.'
log=$(mktemp)
own_policy=

say() { printf 'flatland: %s\n' "$*" >&2; }
tidy() {
  rm -f "$log"
  [ -z "$own_policy" ] || rm -f "$policy"
}
trap tidy EXIT
trap 'exit 130' INT TERM HUP

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Maintainer scripts ask this program before they start a service; 101 forbids it. One that was left by a killed run is ours.
if [ ! -e "$policy" ] || grep -qF "$mark" "$policy"; then
  own_policy=yes
  printf '#!/bin/sh\n%s\nexit 101\n' "$mark" > "$policy"
  chmod 755 "$policy"
fi

services=
for package in docker.io containerd etcd-server openssh-server; do
  installed "$package" || services="$services $package"
done

apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" > "$log" 2>&1; }
install() { apt install --yes --no-install-recommends "$@"; }

updated=
if ! ls /var/lib/apt/lists/*_Packages* > /dev/null 2>&1; then
  say 'fetching the lists of packages (apt-get update)'
  apt update || :
  updated=yes
fi
if ! install "$@"; then
  [ -n "$updated" ] || { say 'fetching the lists of packages (apt-get update)'; apt update || :; }
  if [ -n "$updated" ] || ! install "$@"; then
    printf '✗ These packages could not be installed: %s\n  apt-get says: %s\n' "$*" \
      "$(grep -E '^(E|Err)' "$log" | head -n 1)" >&2
    printf '  Is the network up? By hand: apt-get update && apt-get install --no-install-recommends %s\n' "$*" >&2
    exit 3
  fi
fi

units=
for package in $services; do
  installed "$package" || continue
  case $package in
    docker.io) units="$units docker.service docker.socket" ;;
    containerd) units="$units containerd.service" ;;
    etcd-server) units="$units etcd.service" ;;
    openssh-server) units="$units ssh.service" ;;
  esac
done
if [ -n "$units" ] && [ -d /run/systemd/system ]; then
  # shellcheck disable=SC2086
  systemctl disable --quiet --now $units > /dev/null 2>&1 || :
  say "these services of the new packages stay off on this machine:$units"
fi

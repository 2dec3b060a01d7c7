# shellcheck shell=sh
# Makes sure of what Flatland stands on: Node, npm packages, the build, Debian packages. Sourced by `flatland` and
# `test/run`, which set $root first. It says what it does in one line each on stderr, and nothing when nothing is missing.

: "${root:?names the folder of Flatland}"

say() { printf 'flatland: %s\n' "$*" >&2; }

# fail MESSAGE HINT: ends with exit code 3, which stands for a machine that lacks something.
fail() {
  printf '✗ %s\n  %s\n' "$1" "$2" >&2
  exit 3
}

# Directories of programs for root, which the PATH of other users may leave out.
PATH="$PATH:/usr/sbin:/sbin"

# Sets $node to a Node that is new enough. A program that was looked at once is known by its inode, size and time.
ensure_node() {
  seen=
  for candidate in node nodejs /usr/local/bin/node; do
    node=$(command -v "$candidate") || continue
    identity=$(stat -L -c '%n %i %s %Y' "$node" 2>/dev/null) || identity=
    known=
    [ ! -r "$root/out/.node" ] || read -r known < "$root/out/.node" || :
    [ -z "$identity" ] || [ "$identity" != "$known" ] || return 0
    version=$("$node" -p process.versions.node 2>/dev/null) || continue
    minor=${version#*.}
    if [ "${version%%.*}" -gt 20 ] || { [ "${version%%.*}" -eq 20 ] && [ "${minor%%.*}" -ge 19 ]; }; then
      [ ! -w "$root/out" ] || printf '%s\n' "$identity" > "$root/out/.node"
      return 0
    fi
    seen="$seen $node is $version;"
  done
  fail "Flatland needs Node 20.19 or newer;${seen:- no node is on the PATH;} nothing was changed." \
    'Install it from https://nodejs.org/en/download or with your package manager, then run the command again.'
}

# Every shell that is a system's sh knows -nt.
# shellcheck disable=SC3013
modules_missing() {
  [ ! -e "$root/node_modules/.package-lock.json" ] ||
    [ "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]
}

build_outdated() {
  [ ! -e "$root/out/cli.js" ] || [ ! -e "$root/out/.stamp" ] || [ -n "$(
    find "$root/contract" "$root/main" "$root/agent" "$root/resources/build" "$root/package.json" \
      "$root/node_modules/.package-lock.json" -newer "$root/out/.stamp" ! -name '*.test.ts' -print -quit 2>/dev/null
  )" ]
}

# Only one launcher installs or builds at a time; the kernel frees the lock with the process that holds it.
lock() {
  mkdir -p "$root/out" 2>/dev/null || :
  [ -w "$root/out" ] || fail "$root/out cannot be written." 'Run this once as the owner of that folder.'
  exec 9> "$root/out/.lock"
  command -v flock > /dev/null || return 0
  flock -n 9 || { say 'waiting for another launcher that installs or builds'; flock 9; }
}
unlock() { exec 9>&-; }

# quietly LOG COMMAND…: runs a command without the lock; when it fails, the end of what it said is shown.
quietly() {
  log=$1
  shift
  "$@" > "$log" 2>&1 9>&- || { status=$?; tail -n 15 "$log" >&2; return "$status"; }
}

ensure_modules() {
  modules_missing || return 0
  npm=$(command -v npm) || fail 'npm is missing.' 'It comes with Node from https://nodejs.org; on Debian: apt-get install npm.'
  say 'installing npm packages, once (npm ci)'
  quietly "$root/out/npm.log" "$npm" ci --prefix "$root" --no-audit --no-fund ||
    fail 'The npm packages could not be installed.' 'See the lines above; run the command again when the cause is gone.'
}

ensure_build() {
  build_outdated || return 0
  say 'building'
  quietly "$root/out/build.log" "$node" "$root/resources/build/build.mjs" ||
    fail 'The build failed.' 'See the lines above.'
}

# Everything that a command line needs that touches no lab.
ensure_program() {
  ensure_node
  if modules_missing || build_outdated; then
    lock
    ensure_modules
    ensure_build
    unlock
  fi
}

screens_outdated() {
  [ ! -e "$root/out/renderer/index.html" ] || [ ! -e "$root/out/.screens" ] || [ -n "$(
    find "$root/contract" "$root/renderer" "$root/resources/icons" "$root/resources/build" \
      "$root/electron.vite.config.ts" "$root/node_modules/.package-lock.json" -newer "$root/out/.screens" \
      ! -name '*.test.ts' ! -name '*.test.tsx' -print -quit 2>/dev/null
  )" ]
}

# What a browser is shown.
ensure_screens() {
  screens_outdated || return 0
  lock
  if screens_outdated; then
    say 'building the screens'
    quietly "$root/out/screens.log" "$node" "$root/resources/build/screens.mjs" ||
      fail 'The screens could not be built.' 'See the lines above.'
  fi
  unlock
}

has() { command -v "$1" > /dev/null; }

# A busybox that names no interpreter runs in a container without libraries.
has_static_busybox() {
  for file in /bin/busybox /usr/bin/busybox; do
    [ ! -x "$file" ] || head -c 4096 "$file" | grep -q '/ld-' || return 0
  done
  return 1
}

# Prints the Debian packages of the lab's programs that are missing; arguments are further PROGRAM=PACKAGE pairs.
missing_packages() {
  for pair in systemd-nspawn=systemd-container dockerd=docker.io containerd=containerd etcd=etcd-server \
    sshd=openssh-server ip=iproute2 iptables=iptables ping=iputils-ping wget=wget nsenter=util-linux "$@"; do
    has "${pair%%=*}" || printf '%s ' "${pair#*=}"
  done
  has_static_busybox || printf 'busybox-static '
}

# Installs what a lab needs; takes the same arguments as missing_packages.
ensure_packages() {
  packages=$(missing_packages "$@")
  packages=${packages% }
  [ -n "$packages" ] || return 0
  has apt-get || fail "This machine lacks what these Debian packages have: $packages" \
    'Install their counterparts with your package manager, then run the command again.'
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    has sudo || fail "These packages are missing: $packages" "As root: apt-get install --no-install-recommends $packages"
    as_root=sudo
  fi
  say "installing Debian packages, once: $packages"
  # The names hold no white space, so they are split here.
  # shellcheck disable=SC2086
  $as_root sh "$root/resources/install/install-packages.sh" $packages || exit 3
}

# shellcheck shell=bash
# Sourced by the builds of the live env and the guest image: messages, host packages, and the cache both keep.

say() { echo "${0##*/}: $*" >&2; }
die() { say "$*"; exit 1; }

# read_list FILE: its words, one a line, without comments.
read_list() { sed 's/#.*//' "$1" | tr -s '[:blank:]' '\n' | sed '/^$/d'; }

# require_host_packages FILE: all that is missing in one message.
require_host_packages() {
  local package missing=()
  command -v dpkg-query >/dev/null || die "needs a Debian or Ubuntu host (dpkg is not here)"
  for package in $(read_list "$1"); do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] || die "missing host packages; run: apt-get install --no-install-recommends ${missing[*]}"
}

# open_cache NAME: sets $cache, and $work inside it, so that a result is renamed into place whole. One build at a time:
# they share the private apt. What a build that died left behind is removed by the next.
open_cache() {
  local base=${XDG_CACHE_HOME:-$HOME/.cache}/bty
  cache=$base/$1
  mkdir -p "$cache"
  exec 9>"$base/build.lock"
  flock -n 9 || { say "waits for another build"; flock 9; }
  rm -rf "$cache"/tmp.*
  work=$(mktemp -d "$cache/tmp.XXXXXX")
  trap 'rm -rf "$work"' EXIT
}

# prune_cache DIR: a result nobody asked for in a month goes.
prune_cache() { find "$1" -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf {} +; }

# weigh FILE: bytes. digest FILE: SHA-256.
weigh() { stat -c %s "$1"; }
digest() { sha256sum "$1" | cut -d ' ' -f 1; }

# pack_cpio DIR FILE: an initramfs archive that depends on nothing but the files' names, modes and bytes.
pack_cpio() {
  find "$1" -exec touch -h -d @0 {} +
  (cd "$1" && find . -mindepth 1 -printf '%P\0' | LC_ALL=C sort -z |
    cpio --quiet --null --create --format=newc --owner=0:0 --reproducible) >"$2"
}

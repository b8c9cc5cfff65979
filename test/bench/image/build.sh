#!/usr/bin/env bash
# Builds the disk images that script/bench flashes, once: they are kept by their recipe, not by the day's archive, so that
# figures of two days can be compared. Prints the directory that holds them. Files:
#   box.img            Debian of a CI machine, 2 GiB, from the release alone
#   box-nightly.img    the same disk a night later: upgrades and more packages installed into its own file system
#   box-rebuilt.img    what box-nightly.img holds, installed anew into a new file system
#   small.img, small-nightly.img   the same for a disk of 1 GiB
set -euo pipefail
repo=$(cd "$(dirname "$0")/../../.." && pwd)
here=$repo/test/bench/image
deploy=$repo/deploy/guest-image
# shellcheck source=deploy/live-env/build-lib.sh
. "$repo/deploy/live-env/build-lib.sh"
# shellcheck source=deploy/live-env/debian.sh
. "$repo/deploy/live-env/debian.sh"
# shellcheck source=deploy/guest-image/disk.sh
. "$deploy/disk.sh"

[ "$(id -u)" = 0 ] || die "needs root: files of the images belong to several users"

image_key() {
  {
    (cd "$deploy" && find . -type f ! -name host-packages ! -name packages | LC_ALL=C sort | xargs sha256sum)
    (cd "$here" && sha256sum ./*)
    sha256sum <"$repo/deploy/live-env/debian.sh"
  } | sha256sum | cut -c 1-32
}

# release_sources: the release as it came out; with_updates: and everything since.
release_sources() { debian_sources | sed -n 1p >"$work/sources.list"; }
with_updates() { debian_sources >"$work/sources.list"; }

build() {
  local name=$1 packages=$2 mib=$3 # further options are for mmdebstrap
  say "builds $name.img"
  install_debian "$work/root" "$packages" "${@:4}"
  make_disk "$work/root" "$images/$name.img" "$mib" >&2
  rm -r "$work/root"
}

# apt_for ROOT: the host's apt at work on another root: downloads here, dpkg and the maintainer scripts in there.
apt_for() {
  cat "$debian_dir/apt.conf"
  cat <<CONF
Dir::State::status "$1/var/lib/dpkg/status";
Dir::State::extended_states "$1/var/lib/apt/extended_states";
Dir::Cache::archives "$1/var/cache/apt/archives";
DPkg::Chroot-Directory "$1";
CONF
}

# logged COMMAND...: apt talks much; what it said is shown when it fails.
logged() {
  "$@" >"$work/apt.log" 2>&1 || { tail -n 20 "$work/apt.log" >&2; die "$* failed"; }
}

# upgrade NAME OLD: copies a disk, mounts its root file system and installs into it, as a nightly build does.
upgrade() (
  disk=$images/$1.img root=$work/mounted
  say "builds $1.img: upgrades $2.img in place"
  cp --sparse=always "$images/$2.img" "$disk"
  mkdir -p "$root"
  mount -o "loop,offset=$(((1 + esp_mib) << 20))" "$disk" "$root"
  trap 'umount -R "$root"' EXIT
  mount -t proc proc "$root/proc"
  # What is downloaded must not leave its bytes behind in the image.
  mount -t tmpfs tmpfs "$root/var/cache/apt"
  mkdir -p "$root/var/cache/apt/archives/partial"
  apt_for "$root" >"$work/apt-for-root.conf"
  export APT_CONFIG=$work/apt-for-root.conf DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
  logged apt-get -qq -y upgrade
  # shellcheck disable=SC2046 # a list of words
  logged apt-get -qq -y install $(read_list "$here/nightly.packages")
  if ls "$root"/boot/vmlinuz-* >/dev/null 2>&1; then fill_esp "$root" "$disk@@1M"; fi
)

open_cache bench
key=$(image_key)
images=$cache/images-$key
if [ ! -d "$images" ]; then
  debian_apt_init "$cache/../debian"
  final=$images images=$work/images
  mkdir "$images"
  release_sources
  build box "$here/box.packages" 2048
  build small "$here/small.packages" 1024 --dpkgopt="$deploy/dpkg-excludes"
  upgrade box-nightly box
  upgrade small-nightly small
  with_updates
  cat "$here"/{box,nightly}.packages >"$work/rebuilt.packages"
  root_uuid=$(cat /proc/sys/kernel/random/uuid)
  build box-rebuilt "$work/rebuilt.packages" 2048
  mv "$images" "$final"
  images=$final
fi
echo "$images"

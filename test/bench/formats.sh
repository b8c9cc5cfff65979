#!/usr/bin/env bash
# formats.sh DIR: what tools need beside the .img files of DIR, made once. .zst at zstd's default level.
set -euo pipefail
cd "$1"

# make FILE COMMAND...: FILE is there whole or not at all; the command writes to $new.
make() {
  local file=$1
  shift
  [ ! -e "$file" ] || return 0
  echo "formats.sh: makes $file" >&2
  rm -rf "$file.new"
  new=$file.new "$@"
  mv "$file.new" "$file"
}

compress() { zstd -q -T0 "$1" -o "$new"; }
convert() { qemu-img convert -O qcow2 "${@:2}" "$1" "$new"; }
map() { bmaptool -q create -o "$new" "$1"; }
cut() { casync make --store="$new" "${1%.img}.caibx" "$1" >/dev/null; }
repeat() { for _ in $(seq "$2"); do cat "$1"; done >"$new"; }

for image in *.img; do
  make "$image.zst" compress "$image"
done
make box.qcow2 convert box.img
make box-compressed.qcow2 convert box.img -c -m 8 -W
for image in box small-nightly; do make "$image.bmap" map "$image.img"; done
make box.castr cut box.img
# A .zst of several frames is one image: larger disks of real data without their size on this disk.
for copies in 1 2 4 8; do make "grown-$copies.img.zst" repeat small.img.zst "$copies"; done

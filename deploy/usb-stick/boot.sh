# shellcheck shell=bash
# Sourced after deploy/live-env/{build-lib,debian}.sh: the boot loaders of the stick. Uses $deploy (this folder) and $work.

# take_boot_loaders ROOT OUT: the boot loaders below OUT: those of Debian as they are signed for UEFI, and for BIOS a GRUB that
# finds its configuration on the third partition of the disk that it was started from. ROOT lends its libraries.
take_boot_loaders() {
  local root=$1 out=$2 deb
  mkdir -p "$work/debs" "$out"
  (cd "$work/debs" && read_list "$deploy/boot-packages" | APT_CONFIG="$debian_dir/apt.conf" xargs apt-get -qq download >&2)
  for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/boot"; done
  cp "$work/boot/usr/lib/shim/shimx64.efi.signed" "$out/BOOTX64.EFI"
  cp "$work/boot/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" "$out/grubx64.efi"
  cp "$work/boot/usr/lib/grub/i386-pc/boot.img" "$out/boot.img"
  "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu" "$work/boot/usr/bin/grub-mkimage" \
    --directory="$work/boot/usr/lib/grub/i386-pc" --format=i386-pc --prefix='(,gpt3)/boot/grub' --output="$out/core.img" \
    biosdisk part_gpt ext2 normal linux configfile echo serial terminal test sleep reboot halt ls cat search search_label
}

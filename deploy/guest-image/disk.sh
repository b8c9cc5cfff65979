# shellcheck shell=bash
# Sourced after deploy/live-env/{build-lib,debian}.sh: makes a directory with Debian in it, and a bootable disk image out
# of such a directory. Uses $deploy (this folder) and $work.

# install_debian ROOT PACKAGES [MMDEBSTRAP-OPTION...]: Debian with the packages of the list in the new directory ROOT.
install_debian() {
  local root=$1 packages=$2
  shift 2
  debian_host_acquire >"$work/apt.conf"
  # The host's locale is not installed in the new root. "$1" is mmdebstrap's to fill in.
  # shellcheck disable=SC2016
  LC_ALL=C.UTF-8 nice mmdebstrap --quiet --mode=root --format=directory --variant=essential \
    --include="$(read_list "$packages" | grep -v '^?' | paste -sd ,)" --aptopt="$work/apt.conf" \
    --customize-hook="$deploy/configure"' "$1"' "$@" "$debian_release" "$root" "$work/sources.list" >&2
}

# fill_esp ROOT ESP-IMAGE[@@OFFSET]: puts the newest kernel of ROOT and its initramfs where both boot loaders find them.
fill_esp() {
  local root=$1 esp=$2 kernel
  kernel=$(cd "$root/boot" && printf '%s\n' vmlinuz-* | sort -V | tail -n 1)
  mcopy -o -i "$esp" "$root/boot/$kernel" ::vmlinuz
  mcopy -o -i "$esp" "$root/boot/initrd.img-${kernel#vmlinuz-}" ::initrd.img
  # A second copy in the root file system would be a tenth of the demo image.
  rm "$root"/boot/{vmlinuz,initrd.img,System.map}-*
}

make_esp() {
  local root=$1 esp=$2
  truncate -s "${esp_mib}M" "$esp"
  mkfs.fat -F 32 -n BTY_ESP -i 0b700001 "$esp" >&2
  mmd -i "$esp" ::EFI ::EFI/BOOT
  mcopy -i "$esp" "$root/usr/lib/systemd/boot/efi/systemd-bootx64.efi" ::EFI/BOOT/BOOTX64.EFI
  mcopy -s -i "$esp" "$deploy"/esp/* ::
  fill_esp "$root" "$esp"
  syslinux --install --directory syslinux "$esp"
}

# The disk, in MiB: the ESP holds both boot loaders, the kernel and the initramfs.
esp_mib=64
root_uuid=b7000000-0000-4000-8000-000000000001

# make_disk ROOT DISK MIB: neither step needs a loop device: file systems are made as files and copied to where the
# partition table says.
make_disk() {
  local root=$1 disk=$2 disk_mib=$3
  local root_mib=$((disk_mib - esp_mib - 2))
  make_esp "$root" "$work/esp.img"
  mke2fs -q -t ext4 -m 0 -L bty-root -U "$root_uuid" \
    -E hash_seed=b7000000-0000-4000-8000-000000000002 -d "$root" "$work/root.img" "${root_mib}M"
  truncate -s "${disk_mib}M" "$disk"
  sfdisk -q --no-reread --no-tell-kernel "$disk" <<TABLE
label: gpt
label-id: B7000000-0000-4000-8000-000000000003
start=1MiB, size=${esp_mib}MiB, type=U, attrs=LegacyBIOSBootable, name=ESP, uuid=B7000000-0000-4000-8000-000000000004
start=$((1 + esp_mib))MiB, size=${root_mib}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root, uuid=B7000000-0000-4000-8000-000000000005
TABLE
  dd if=/usr/lib/syslinux/mbr/gptmbr.bin of="$disk" bs=440 count=1 conv=notrunc status=none
  dd if="$work/esp.img" of="$disk" bs=1M seek=1 conv=notrunc,sparse status=none
  dd if="$work/root.img" of="$disk" bs=1M seek=$((1 + esp_mib)) conv=notrunc,sparse status=none
  rm "$work/esp.img" "$work/root.img"
}

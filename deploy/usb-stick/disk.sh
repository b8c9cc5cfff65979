# shellcheck shell=bash
# Sourced after deploy/live-env/build-lib.sh: makes the disk image of the stick. Uses $deploy (this folder) and $work.

# The disk, in MiB. The first three partitions have the same size on every stick, the last takes the rest but for the MiB with
# the backup of the partition table.
bios_boot_at=1
esp_at=4 esp_mib=40
root_at=44 root_mib=2868
images_at=2912

# make_esp BOOT FILE
make_esp() {
  truncate -s "${esp_mib}M" "$2"
  mkfs.fat -F 32 -n BTY_ESP -i 0b700011 "$2" >/dev/null
  mmd -i "$2" ::EFI ::EFI/BOOT ::EFI/debian
  mcopy -i "$2" "$1/BOOTX64.EFI" "$1/grubx64.efi" ::EFI/BOOT/
  mcopy -i "$2" "$deploy/esp-grub.cfg" ::EFI/debian/grub.cfg
}

# little_endian VALUE BYTES
little_endian() {
  local value=$1 index
  for ((index = 0; index < $2; index++)); do
    # shellcheck disable=SC2059 # the octal escape is made here
    printf "\\x$(printf %02x $((value & 255)))"
    value=$((value >> 8))
  done
}

# patch FILE OFFSET: standard input over what is there
patch() { dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

# put_bios_loader BOOT DISK: what grub-install does on a disk that the kernel shows: boot.img reads the first sector of core.img,
# and that the rest of it, each at the sector that is written into it.
put_bios_loader() {
  local boot=$1 disk=$2 first=$((bios_boot_at << 11)) sectors
  cp "$boot/core.img" "$work/core.img"
  truncate -s %512 "$work/core.img"
  sectors=$(($(weigh "$work/core.img") / 512))
  [ $sectors -le 2048 ] || die "GRUB for BIOS does not fit its partition"
  { little_endian $((first + 1)) 8; little_endian $((sectors - 1)) 2; little_endian $((0x820)) 2; } | patch "$work/core.img" 500
  dd if="$work/core.img" of="$disk" bs=512 seek=$first conv=notrunc status=none
  dd if="$boot/boot.img" of="$disk" bs=440 count=1 conv=notrunc status=none
  little_endian $first 8 | patch "$disk" 92
}

# put FILE DISK MIB: a partition's content to its place; holes stay holes. FILE goes.
put() {
  dd if="$1" of="$2" bs=1M seek="$3" conv=notrunc,sparse status=none
  rm "$1"
}

# make_stick ROOT BOOT DISK MIB: file systems are made as files and copied to where the partition table says, so that no
# device of the host is needed. The root has no journal: nothing ever writes to it.
make_stick() {
  local root=$1 boot=$2 disk=$3 disk_mib=$4
  local images_mib=$((disk_mib - images_at - 1))
  truncate -s "${disk_mib}M" "$disk"
  sfdisk -q --no-reread --no-tell-kernel "$disk" <<TABLE
label: gpt
start=${bios_boot_at}MiB, size=1MiB, type=21686148-6449-6E6F-744E-656564454649, name="BIOS boot"
start=${esp_at}MiB, size=${esp_mib}MiB, type=U, name=ESP
start=${root_at}MiB, size=${root_mib}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=BTY_ROOT
start=${images_at}MiB, size=${images_mib}MiB, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, name=BTY_IMAGES
TABLE
  put_bios_loader "$boot" "$disk"
  make_esp "$boot" "$work/esp.img"
  put "$work/esp.img" "$disk" $esp_at
  mke2fs -q -t ext4 -m 0 -O ^has_journal -L BTY_ROOT -d "$root" "$work/root.img" "${root_mib}M" >/dev/null
  put "$work/root.img" "$disk" $root_at
  truncate -s "${images_mib}M" "$work/images.img"
  mkfs.exfat -L BTY_IMAGES "$work/images.img" >/dev/null
  put "$work/images.img" "$disk" $images_at
}

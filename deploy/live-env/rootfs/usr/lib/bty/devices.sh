# shellcheck shell=dash
# Sourced by /init: drivers and firmware variables.

# While it starts, the kernel calls /sbin/modprobe for optional ciphers, and waits: 2.5 s under emulation, for nothing.
# So the archive has no modprobe, and it appears here.
allow_modprobe() { ln -s ../bin/kmod /usr/sbin/modprobe; }

# The network's drivers first, in one go, before udev has even started: DHCP then runs beside all the rest.
load_nic_drivers() {
  local dir class alias aliases=
  for dir in /sys/bus/pci/devices/* /sys/bus/virtio/devices/* /sys/bus/vmbus/devices/*; do
    [ -e "$dir/modalias" ] || continue
    read -r alias <"$dir/modalias"
    class=
    [ ! -e "$dir/class" ] || read -r class <"$dir/class"
    case $class$alias in 0x02* | virtio:d00000001* | vmbus:*) aliases="$aliases $alias" ;; esac
  done
  # shellcheck disable=SC2086 # a list
  [ -z "$aliases" ] || modprobe -abq $aliases
}

# Nodes whose drivers load when they are first opened: loop devices, device mapper, btrfs. Elsewhere systemd makes them.
make_static_nodes() {
  local module name device
  while read -r module name device; do
    case $module in loop | dm_mod | btrfs) ;; *) continue ;; esac
    device=${device#c}
    mkdir -p "/dev/$(dirname "$name")"
    mknod -m 600 "/dev/$name" c "${device%:*}" "${device#*:}"
  done <"/lib/modules/$(uname -r)/modules.devname"
}

# udev loads the other drivers and makes /dev/disk/by-*. Of the thousand devices of a machine only these matter here;
# terminals, memory blocks and processors would cost seconds.
start_udev() {
  /usr/lib/systemd/systemd-udevd --daemon --resolve-names=never
  udevadm trigger --type=all --action=add --prioritized-subsystem=pci,virtio,net,nvme,scsi,ata_port,block \
    --subsystem-match=pci --subsystem-match=usb --subsystem-match=virtio --subsystem-match=vmbus \
    --subsystem-match=xen --subsystem-match=platform --subsystem-match=scsi \
    --subsystem-match=block --subsystem-match=nvme --subsystem-match=nvme-subsystem --subsystem-match=mmc \
    --subsystem-match=serio --subsystem-match=hid --subsystem-match=net
}

mount_efivars() {
  [ -d /sys/firmware/efi ] || return 0
  modprobe efivarfs
  mount -t efivarfs -o nosuid,nodev,noexec efivarfs /sys/firmware/efi/efivars || say "no EFI variables: BootNext cannot be set"
}

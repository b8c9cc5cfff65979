# shellcheck shell=dash
# Sourced by /init and the network: messages, and where a person may be watching.

# A message goes to the kernel's log: it gets a time, all consoles show it, and the agent uploads it.
say() { echo "<5>bty: $*" >/dev/kmsg; }

# True for a terminal that is really there. A serial port without a chip has a device node all the same, of type 0.
is_fitted() { [ -c "/dev/$1" ] && [ "$(cat "/sys/class/tty/$1/type" 2>/dev/null)" != 0 ]; }

# The screen and every console= of the kernel line, as far as they exist, go to BTY_CONSOLES for the agent to draw on.
find_consoles() {
  local word name speed
  BTY_CONSOLES=
  # shellcheck disable=SC2013 # words, not lines
  for word in console=tty1 $(cat /proc/cmdline); do
    case $word in console=*) ;; *) continue ;; esac
    name=${word#console=} name=${name%%,*}
    speed=${word#*,} speed=${speed%%[!0-9]*}
    [ "$name" != tty0 ] || name=tty1
    is_fitted "$name" || continue
    case " $BTY_CONSOLES " in *" /dev/$name "*) continue ;; esac
    BTY_CONSOLES="$BTY_CONSOLES${BTY_CONSOLES:+ }/dev/$name"
    shown_by_kernel "$name" || mirror_kernel_log "$name" "${speed:-115200}"
  done
  export BTY_CONSOLES
}

shown_by_kernel() {
  case " $(cat /sys/class/tty/console/active) " in
    *" $1 "*) return 0 ;;
    *" tty0 "*) [ "$1" = tty1 ] ;;
    *) return 1 ;;
  esac
}

# Of several serial ports on its line the kernel uses only the first, even one without a chip (6.12), and none means
# no /dev/console. The others get its log from here, from the first line on.
mirror_kernel_log() {
  case $1 in ttyS*) stty -F "/dev/$1" "$2" ;; esac
  # A record is "level,number,microseconds,flags;text"; lines that begin with a space are its properties.
  awk -F , '/^[0-9]/ { at = $3 / 1e6; sub(/^[^;]*;/, ""); printf "[%12.6f] %s\n", at, $0; fflush() }' </dev/kmsg >"/dev/$1" &
}

# Started by a kernel that found no console, /init has no output at all.
open_console() {
  local last=${BTY_CONSOLES##* }
  exec <"${last:-/dev/null}"
  exec >"${last:-/dev/null}" 2>&1
  # Messages of these scripts must not be dropped for being many.
  echo on >/proc/sys/kernel/printk_devkmsg
}

# shellcheck shell=dash
# Sourced by /init and the network: messages, and where a person may be watching.

# Every terminal the agent may draw on: the screen, and the serial consoles of the kernel line that exist. A port that
# is named but not fitted has a device node all the same, and its uart type is 0.
find_consoles() {
  local name
  BTY_CONSOLES=
  for name in tty1 $(cat /sys/class/tty/console/active); do
    case $name in
      tty0 | tty1) name=tty1 ;;
      ttyS*) [ "$(cat "/sys/class/tty/$name/type" 2>/dev/null)" != 0 ] || continue ;;
    esac
    [ -c "/dev/$name" ] || continue
    case " $BTY_CONSOLES " in *" /dev/$name "*) continue ;; esac
    BTY_CONSOLES="$BTY_CONSOLES${BTY_CONSOLES:+ }/dev/$name"
  done
  export BTY_CONSOLES
}

# A kernel whose consoles are all missing has no /dev/console to write to, and /init starts without any output.
open_console() {
  find_consoles
  CONSOLE=/dev/console
  { : >"$CONSOLE"; } 2>/dev/null || CONSOLE=/dev/tty1
  { : >"$CONSOLE"; } 2>/dev/null || CONSOLE=/dev/null
  export CONSOLE
  exec <"$CONSOLE"
  exec >"$CONSOLE" 2>&1
  # Messages of this script must not be dropped for being many.
  echo on >/proc/sys/kernel/printk_devkmsg
}

# A message goes to the kernel's log: all its consoles show it with a time, and it is in what the agent uploads. The
# screen is not one of them when the kernel line names only serial ports.
say() {
  echo "<5>bty: $*" >/dev/kmsg
  grep -qE '^tty[01]$' /sys/class/tty/console/active || echo "bty: $*" >/dev/tty1
} 2>/dev/null

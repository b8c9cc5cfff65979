# shellcheck shell=dash
# Sourced by /init: the agent, for ever.

log=/run/bty/agent.log

# Whether a person sits at the consoles: then the agent has them to itself.
for_person() {
  case " $(cat /proc/cmdline) " in *" bty.mode=tui "*) return 0 ;; esac
  return 1
}

# Shows what the agent prints on the given consoles, and keeps the last MiB or two of it: the log lives in memory.
keep_log() {
  touch "$log"
  awk -v log_file="$log" -v size="$(stat -c %s "$log")" -v consoles="$1" 'BEGIN { n = split(consoles, console, " ") }
  {
    for (i = 1; i <= n; i++) { print > console[i]; fflush(console[i]) }
    print >> log_file; fflush(log_file)
    size += length($0) + 1
    if (size > 1048576) { close(log_file); system("mv " log_file " " log_file ".1"); size = 0 }
  }'
}

# Why the agent ended, for whoever looks at a screen that it had to itself. The kernel speaks again, too.
tell_end() {
  local console
  echo 7 >/proc/sys/kernel/printk
  for console in $BTY_CONSOLES; do
    { printf '\033c'; tail -n 8 "$log"; } >"$console"
  done
}

# An agent that dies is started again, at once if it had worked for a while, slower if it keeps dying.
run_agent() {
  local pause=1 started
  while :; do
    started=$(cut -d . -f 1 /proc/uptime)
    if for_person; then
      echo 1 >/proc/sys/kernel/printk
      { bty agent; echo "bty agent ended with status $?"; } 2>&1 | keep_log ''
      tell_end
    else
      { bty agent; echo "bty agent ended with status $?"; } 2>&1 | keep_log "$BTY_CONSOLES"
    fi
    [ $(($(cut -d . -f 1 /proc/uptime) - started)) -lt 60 ] || pause=1
    say "the agent ended, starts again in $pause s"
    sleep "$pause"
    pause=$((pause * 2))
    [ "$pause" -le 10 ] || pause=10
  done
}

# shellcheck shell=dash
# Sourced by /init: the agent, for ever.

log=/run/bty/agent.log

# Shows what the agent prints on every console, and keeps the last MiB or two of it: the log lives in memory.
keep_log() {
  touch "$log"
  awk -v log_file="$log" -v size="$(stat -c %s "$log")" -v consoles="$BTY_CONSOLES" 'BEGIN { n = split(consoles, console, " ") }
  {
    for (i = 1; i <= n; i++) { print > console[i]; fflush(console[i]) }
    print >> log_file; fflush(log_file)
    size += length($0) + 1
    if (size > 1048576) { close(log_file); system("mv " log_file " " log_file ".1"); size = 0 }
  }'
}

# An agent that dies is started again, at once if it had worked for a while, slower if it keeps dying.
run_agent() {
  local pause=1 started
  while :; do
    started=$(cut -d . -f 1 /proc/uptime)
    { bty agent; echo "bty agent ended with status $?"; } 2>&1 | keep_log
    [ $(($(cut -d . -f 1 /proc/uptime) - started)) -lt 60 ] || pause=1
    say "the agent ended, starts again in $pause s"
    sleep "$pause"
    pause=$((pause * 2))
    [ "$pause" -le 10 ] || pause=10
  done
}

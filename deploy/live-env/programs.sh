# shellcheck shell=bash
# Sourced by the builds of the live env's parts, with $root (unpacked packages) and $work (a folder per part) set.

# add PART PATH: a file of the packages, at the same place in the part.
add() { mkdir -p "$work/$1/${2%/*}" && cp -a "$root/$2" "$work/$1/$2"; }

# add_program PART PATH: a program or library with all the libraries it needs, theirs included. What $present, a list of
# paths, names is in an earlier archive already.
present=/dev/null
add_program() {
  [ ! -e "$work/$1/$2" ] || return 0
  ! grep -qxF "$2" "$present" || return 0
  mkdir -p "$work/$1/${2%/*}"
  cp -L --preserve=mode "$root/$2" "$work/$1/$2"
  add_needed "$1" "$root/$2"
}

# add_needed PART FILE: the libraries that a program or library needs. ld-linux is a program of its own, added once by its
# interpreter path.
add_needed() {
  local needed
  for needed in $(objdump -p "$2" 2>/dev/null | awk '$1 == "NEEDED" && $2 !~ /^ld-linux/ { print $2 }'); do
    add_library "$1" "$needed"
  done
}

add_library() {
  local dir
  for dir in usr/lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu/systemd usr/lib64; do
    if [ -e "$root/$dir/$2" ]; then add_program "$1" "$dir/$2"; return; fi
  done
  die "no package has the library $2"
}

# add_named PART LIST: the programs that LIST names.
add_named() {
  local name path
  for name in $(read_list "$2"); do
    path=$(cd "$root" && find usr/bin usr/sbin -name "$name" ! -lname '../bin/*' | head -n 1)
    [ -n "$path" ] || die "no package has the program $name"
    add_program "$1" "$path"
  done
}

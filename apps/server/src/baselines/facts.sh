# Tells what this system looks like: one fact a line, SECTION TAB NAME TAB VALUE; SECTION alone says that it was looked at,
# though there may be nothing in it. Read by facts.ts.
# Plain POSIX sh and what every Linux system has; nothing is changed.
LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
T=$(printf '\t')
has() { command -v "$1" >/dev/null 2>&1; }

# A function is read whole before it runs: half a script does nothing, and no command can swallow the rest.
main() {
  echo 'bty-facts 1'

  sed -n "s/^\(ID\|VERSION_ID\|VERSION_CODENAME\|PRETTY_NAME\|BUILD_ID\|VARIANT_ID\)=[\"']\{0,1\}\([^\"']*\)[\"']\{0,1\}\$/os$T\1$T\2/p" \
    /etc/os-release

  echo "kernel${T}release$T$(uname -r)"
  echo "kernel${T}version$T$(uname -v)"
  echo "kernel${T}machine$T$(uname -m)"

  if has dpkg-query || has rpm; then echo packages; fi
  if has dpkg-query; then
    dpkg-query -W -f 'packages\t${Package}:${Architecture}\t${Version}\t${db:Status-Status}\n' | sed -n "s/${T}installed\$//p"
  fi
  if has rpm; then
    rpm -qa --qf 'packages\t%{NAME}.%{ARCH}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\n'
  fi

  echo services
  if ! systemctl list-unit-files --state=enabled,enabled-runtime --no-legend --no-pager --plain 2>/dev/null |
    awk -v t="$T" '{ print "services" t $1 t $2; found = 1 } END { exit !found }'; then
    # No systemd answers: what is linked into a target is enabled.
    find /etc/systemd/system -type l -path '*.wants/*' 2>/dev/null |
      awk -F / -v t="$T" '{ print "services" t $NF t "enabled" }'
  fi

  # Of /etc the section below tells more.
  if has dpkg || has rpm; then echo package_files; fi
  {
    has dpkg && dpkg --verify 2>/dev/null
    has rpm && rpm -Va --nodeps --noscripts 2>/dev/null
  } | awk -v t="$T" '
    { at = index($0, "/") }
    at && ($1 == "missing" || length($1) >= 8) && substr($0, at, 5) != "/etc/" { print "package_files" t substr($0, at) t $1 }'

  awk -v t="$T" '$1 ~ /^\// || $3 ~ /^(nfs|cifs|smb|overlay|zfs|9p|virtiofs|ceph)/ { print "mounts" t $2 t $1 " " $3 " " $4 }' \
    /proc/self/mounts

  echo block_devices
  if has lsblk; then
    lsblk -Pbno NAME,TYPE,SIZE,FSTYPE,UUID | grep -v 'TYPE="loop"' |
      sed -n "s/^NAME=\"\([^\"]*\)\" \(.*\)\$/block_devices$T\1$T\2/p"
  else
    awk -v t="$T" 'NR > 2 && $4 !~ /^(loop|ram)/ { print "block_devices" t $4 t $3 " KiB" }' /proc/partitions
  fi

  awk -F : -v t="$T" '{ print "users" t $1 t $3 ":" $4 ":" $6 ":" $7 }' /etc/passwd
  awk -F : -v t="$T" '{ print "groups" t $1 t $3 ":" $4 }' /etc/group

  find /etc -xdev -type f -exec sha256sum {} + 2>/dev/null | sed -n "s/^\\\\\{0,1\}\([0-9a-f]\{64\}\)  \(.*\)\$/etc$T\2$T\1/p"
  # Links to units are services, which have a section of their own.
  find /etc -xdev -type l ! -path '/etc/systemd/*' ! -path '/etc/rc?.d/*' -exec ls -l {} + 2>/dev/null |
    awk -v t="$T" '{ rest = substr($0, index($0, "/etc/")); at = index(rest, " -> ")
      if (at) print "etc" t substr(rest, 1, at - 1) t "link to " substr(rest, at + 4) }'

  for file in /etc/ssh/ssh_host_*_key.pub; do
    [ -r "$file" ] && read -r type key _ <"$file" && echo "host_keys$T$type$T$key"
  done

  echo 'bty-facts end'
}
main </dev/null

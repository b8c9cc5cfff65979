# shellcheck shell=bash
# Sourced by the builds of the live env and the guest image: Debian packages of one release on a host that may run
# another, by a private apt that leaves the host's own state alone but uses its mirror, proxy and credentials.

debian_release=trixie
debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The sources.list lines. A Debian host's own mirror is used, so that a lab behind a mirror works.
debian_sources() {
  local codename mirror security
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  mirror=$(host_mirror "$codename" Debian)
  security=$(host_mirror "$codename-security" Debian-Security)
  [ -n "$mirror" ] || die "the host's apt names no Debian mirror for $codename; add one to its sources"
  local line="deb [signed-by=$debian_keyring] %s %s main non-free-firmware\n"
  # shellcheck disable=SC2059 # the format is ours
  printf "$line" "$mirror" "$debian_release" "$mirror" "$debian_release-updates"
  # shellcheck disable=SC2059
  [ -z "$security" ] || printf "$line" "$security" "$debian_release-security"
}

# host_mirror RELEASE LABEL: where the host's apt finds that archive, if anywhere. Before the first apt-get update apt
# knows neither origin nor label and prints the placeholders: then the release's name decides.
host_mirror() {
  # shellcheck disable=SC2016 # apt's placeholders, not the shell's
  apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' |
    awk -v release="$1" -v label="$2" '
      $2 ~ /main$/ && ($4 == "Debian" && $5 == label || $4 ~ /^\$/ && $1 == release) && !seen++ { print $3 }'
}

# How the host's apt fetches: proxies, certificates, credentials, date checks. Not its index targets, which may name
# catalogues of icons, and not its gzipped lists, which make every look-up slow.
debian_host_acquire() {
  local netrc netrcparts
  apt-config dump | grep '^Acquire::' | grep -vE '^Acquire::(IndexTargets|GzipIndexes)'
  eval "$(apt-config shell netrc Dir::Etc::netrc/f netrcparts Dir::Etc::netrcparts/d)"
  echo "Dir::Etc::netrc \"$netrc\";"
  echo "Dir::Etc::netrcparts \"$netrcparts\";"
}

# debian_apt_init DIR: makes DIR the state of a private apt and refreshes its package lists. Without a network apt
# itself falls back to the lists of the last run.
debian_apt_init() {
  export debian_dir=$1
  mkdir -p "$debian_dir/state/lists/partial" "$debian_dir/cache/archives/partial"
  : >"$debian_dir/status"
  debian_sources >"$debian_dir/sources.list"
  {
    debian_host_acquire
    cat <<CONF
Dir::State "$debian_dir/state";
Dir::State::status "$debian_dir/status";
Dir::Cache "$debian_dir/cache";
Dir::Etc::sourcelist "$debian_dir/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::main "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
CONF
  } >"$debian_dir/apt.conf"
  APT_CONFIG="$debian_dir/apt.conf" apt-get -qq update >&2
  find "$debian_dir" -maxdepth 1 -name 'resolved-*' -mtime +30 -delete
}

# debian_resolve FILE: the packages listed in FILE and their dependencies as "name_version_arch" lines, exactly the
# versions an install would take now. apt needs seconds for it, so the answer is kept for as long as the archive's
# signed indexes and the list stay the same.
debian_resolve() {
  local packages=$1 answer
  answer="$debian_dir/resolved-$(cat "$debian_dir"/state/lists/*InRelease "$packages" | sha256sum | cut -c 1-32)"
  if [ ! -s "$answer" ]; then
    read_list "$packages" | APT_CONFIG="$debian_dir/apt.conf" xargs apt-get -s -qq install >"$answer.log"
    sed -nE 's/^Inst ([^ ]+) (\[[^]]*\] )?\(([^ ]+) .*\[([a-z0-9]+)\]\).*/\1_\3_\4/p' "$answer.log" | sort >"$answer.new"
    rm "$answer.log"
    [ -s "$answer.new" ] || die "apt resolved no packages for $packages"
    mv "$answer.new" "$answer"
  fi
  cat "$answer"
}

# debian_unpack FILE ROOT: downloads what FILE resolves to and unpacks it below ROOT, running no maintainer script.
debian_unpack() {
  local packages=$1 root=$2 deb
  read_list "$packages" | APT_CONFIG="$debian_dir/apt.conf" xargs apt-get -qq -y --download-only install >&2
  mkdir -p "$root"
  for deb in $(debian_resolve "$packages"); do
    dpkg-deb --fsys-tarfile "$debian_dir/cache/archives/${deb//:/%3a}.deb" |
      tar -x -C "$root" --no-same-owner --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale'
  done
  APT_CONFIG="$debian_dir/apt.conf" apt-get -qq autoclean >&2
}

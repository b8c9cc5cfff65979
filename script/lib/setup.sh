# Sourced by the commands in script/. Says what it needs and why, installs it, and stops with one clear line when it
# cannot. Expects $ROOT to be the checkout.

say() { printf '%s\n' "$*" >&2; }
die() { say "$0: $*"; exit 1; }

# root [COMMAND...]: runs a command as root
root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "needs root for: $* (run as root, or install sudo)"
  fi
}

need_node() {
  command -v node >/dev/null && command -v npm >/dev/null ||
    die "needs Node.js >= 20 with npm to begin with (it brings its own Node 24 from npm after that)"
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' ||
    die "needs Node.js >= 20; this is $(node --version)"
}

# node_modules exactly as the lock says; a stamp tells whether it is
need_node_modules() {
  need_node
  stamp=node_modules/.bty-lock
  if ! [ -x node_modules/.bin/node ] || ! cmp -s package-lock.json "$stamp"; then
    need_host_packages script/lib/build-packages
    say "setup: npm packages (npm ci: the server, the agent, Node 24, the linters)"
    # zstd-napi is compiled here, against the headers of the Node that npm brings: no binary that the lock does not vouch for
    case "$(uname -m)" in aarch64) arch=arm64 ;; *) arch=x64 ;; esac
    npm_config_build_from_source=zstd-napi npm_config_nodedir="$ROOT/node_modules/node-linux-$arch" JOBS=max \
      npm ci --no-audit --no-fund --loglevel=error >&2 || die "npm ci failed; its reason stands above"
    cp package-lock.json "$stamp"
  fi
  PATH="$ROOT/node_modules/.bin:$PATH"
  export PATH
}

# need_host_packages FILE...: Debian packages, one a line, each followed by "# why"
need_host_packages() {
  missing=
  for list in "$@"; do
    while read -r package why; do
      case "$package" in ''|'#'*) continue ;; esac
      dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed && continue
      say "setup: Debian package $package ${why:-}"
      missing="$missing $package"
    done < "$list"
  done
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || die "needs these packages, and apt-get to install them:$missing"
  [ -n "$(find /var/lib/apt/lists -name '*Packages*' -print -quit 2>/dev/null)" ] || root apt-get update -qq >&2
  # shellcheck disable=SC2086 # a list of words
  root env DEBIAN_FRONTEND=noninteractive apt-get install -o DPkg::Lock::Timeout=300 -qq --no-install-recommends -y $missing >/dev/null ||
    { root apt-get update -qq >&2
      # shellcheck disable=SC2086
      root env DEBIAN_FRONTEND=noninteractive apt-get install -o DPkg::Lock::Timeout=300 -qq --no-install-recommends -y $missing >/dev/null; } ||
    die "apt-get could not install:$missing"
}

# what test/deploy runs containers with, as far as it can be had: without, those tests are skipped and say so
need_engine() {
  (need_host_packages test/deploy/host-packages) || say "setup: goes on without"
  command -v dockerd >/dev/null && { docker compose version || command -v docker-compose; } >/dev/null 2>&1 ||
    (need_host_packages test/deploy/engine-packages) || say "setup: goes on without"
}

# build: compiles server and agent when a source is newer than what was built last
need_build() {
  stamp=dist/.built
  if ! [ -f "$stamp" ] || [ -n "$(find apps libs script/lib nest-cli.json tsconfig.json package-lock.json -newer "$stamp" -type f -print -quit)" ]; then
    say "setup: compiling"
    began=$(mktemp)
    npm run --silent build >&2 && npm run --silent build:agent >&2 || die "the build failed; its reason stands above"
    mv "$began" "$stamp"
  fi
}

# need_python NAME FOLDER WHAT: a Python environment of its own in dist/NAME, exactly the versions of FOLDER/requirements.txt
need_python() {
  need_host_packages "$2/host-packages"
  stamp=dist/$1/.bty-requirements
  wanted=$(/usr/bin/python3 --version; cat "$2/requirements.txt")
  if [ "$wanted" != "$(cat "$stamp" 2>/dev/null)" ]; then
    say "setup: $3 (from PyPI, into dist/$1)"
    rm -rf "dist/$1"
    mkdir -p dist
    { /usr/bin/python3 -m venv "dist/$1" && "dist/$1/bin/python" -m pip install --quiet --disable-pip-version-check \
        --no-deps --require-hashes --only-binary :all: --requirement "$2/requirements.txt" >&2; } ||
      die "$3 could not be installed; its reason stands above"
    printf '%s\n' "$wanted" > "$stamp"
  fi
}

need_cijoe() { need_python cijoe deploy/cijoe cijoe; }

# what asks the API at random, in the tests
need_schemathesis() { need_python schemathesis test/schemathesis schemathesis; }

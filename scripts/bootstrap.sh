# scripts/server, scripts/test and scripts/check source this file. It makes .venv from one group of requirements.
# Afterwards $python is the Python of the environment. Several scripts may call it at once. If one is interrupted, the
# next one repairs the environment.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
python=$venv/bin/python
# Python keeps what it compiled, whatever the caller's environment says: hundreds of processes start during the tests.
unset PYTHONDONTWRITEBYTECODE

say() { printf '%s\n' "$*" >&2; }

# Prints the path of a Python 3.11 or later that can make environments.
find_python() {
  local candidate old=
  for candidate in python3 python3.13 python3.12 python3.11 python3.14; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      if "$candidate" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        command -v "$candidate"
        return 0
      fi
      old=no-venv
    fi
  done
  if [ -n "$old" ]; then
    say "Python is here, but it can't make environments: on Debian, apt-get install python3-venv python3-pip; then start again."
  else
    say "Holdfast needs Python 3.11 or later, and none was found: on Debian 12, apt-get install python3 python3-venv python3-pip."
  fi
  return 1
}

group_stamp() { printf '%s %s\n' "$1" "$(sha256sum <"$root/requirements/$1.txt" | cut -d' ' -f1)"; }

# The group `dev` contains the group `server` at the same versions.
environment_is_current() {
  local stamp
  stamp=$(cat "$venv/.requirements" 2>/dev/null) || return 1
  [ -x "$python" ] && [ ! -e "$venv/.unfinished" ] || return 1
  [ "$stamp" = "$(group_stamp "$1")" ] || { [ "$1" = server ] && [ "$stamp" = "$(group_stamp dev)" ]; }
}

# Shows the package that pip is at. On a terminal it is one line that changes.
show_progress() {
  local from='' to='\n'
  if [ -t 2 ]; then from='\r\033[K' to=''; fi
  awk -v total="$1" -v from="$from" -v to="$to" '
    /^ *(Collecting|Processing) |^Requirement already satisfied: / {
      seen++; name = /^Requirement/ ? $4 : $2; sub(/.*\//, "", name); sub(/-(py|cp)[0-9].*/, "", name); sub(/[ (\[;].*/, "", name)
      if (seen <= total) { printf "%s  %d/%d %s%s", from, seen, total, name, to; fflush() } }
    /^ *Downloading .*MB\)/ { size = $NF == "MB)" ? $(NF-1) " MB" : $NF; gsub(/[()]/, "", size)
      if (size + 0 >= 10) { printf "%s  %d/%d %s: %s to download%s", from, seen, total, name, size, to; fflush() } }
    /^Installing collected/ { printf "%s  unpacking\n", from; fflush() }
    END { if (to == "") printf "%s", from }
  ' >&2
}

make_environment() {
  local group=$1 base requirements=$root/requirements/$1.txt log=$venv/pip.log
  if [ -e "$venv/.unfinished" ] || ! "$python" -m pip --version >/dev/null 2>&1; then
    base=$(find_python) || return 1
    say "making the environment .venv with $("$base" --version)"
    rm -rf "$venv"
    mkdir -p "$venv" && touch "$venv/.unfinished"
    "$base" -m venv "$venv" || { say "The environment could not be made: on Debian, apt-get install python3-venv python3-pip."; return 1; }
  fi
  touch "$venv/.unfinished"
  rm -f "$venv/.requirements"
  say "installing the packages of requirements/$group.txt (once; a minute or two)"
  if ! "$python" -m pip install --disable-pip-version-check --no-input --progress-bar off --require-hashes \
    -r "$requirements" 2>"$log" | show_progress "$(grep -c '==' "$requirements")"; then
    grep -E '^ *(ERROR|error)' "$log" | head -n 5 >&2
    say "The packages could not be installed; $log has all messages. Check the network and start again."
    return 1
  fi
  group_stamp "$group" >"$venv/.requirements"
  rm -f "$venv/.unfinished"
}

# ensure_environment GROUP: does nothing if the environment is there; else one script at a time makes it.
ensure_environment() {
  environment_is_current "$1" && return 0
  exec 9>"$root/.venv.lock"
  if ! flock -n 9; then
    say "another start is making the environment; waiting for it"
    flock 9
  fi
  environment_is_current "$1" || make_environment "$1" || return 1
  exec 9>&-
}

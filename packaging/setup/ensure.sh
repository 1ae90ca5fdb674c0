# Sourced by `run` and `check`: sets up when something has changed since the last time, quickly does nothing otherwise.
# Expects $here, the checkout. Defines `ensure NAME [OPTION...]`; options go to main.py.

# All that decides what lies in .venv: the locks, the set-up itself, the Python behind it, the processor, the wish.
stamp() {
  local python=$here/.venv/bin/python wish=$here/.venv/alcove-engine-flags
  {
    printf '%s\n' "$here" "$(readlink -f -- "$python")"
    printf '%s\n' "${ALCOVE_ENGINE_FLAGS-$([ -f "$wish" ] && cat -- "$wish")}"
    grep -m1 -E '^(flags|Features)' /proc/cpuinfo || true
    cat -- "$here"/requirements/*.txt "$here"/packaging/setup/*.* "$here"/packaging/setup/alcove_setup/*.py
  } 2>/dev/null | cksum
}

# The first Python 3.11 or newer that is not the checkout's own environment (which may be active).
find_python() {
  local candidate
  while IFS= read -r candidate; do
    case $candidate in "$here"/.venv/*) continue ;; esac
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done < <(type -aP "${ALCOVE_PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11 python)
  echo "Alcove needs Python 3.11 or newer and finds none here (ALCOVE_PYTHON=/path/to/python names one)." >&2
  return 1
}

ensure() {
  local name=$1 note=$here/.venv/alcove-$1.stamp python
  if [ -x "$here/.venv/bin/python" ] && [ -f "$note" ] && [ "$(stamp)" = "$(<"$note")" ]; then
    return
  fi
  shift
  python=$(find_python) || exit 1
  "$python" "$here/packaging/setup/main.py" "$@" || exit $?
  stamp >"$note"
  if [ "$name" = dev ]; then # what ./check needs is more than what ./run needs
    cp -- "$note" "$here/.venv/alcove-app.stamp"
  fi
}

# Finds the Templet SDK, makes its Everest engine talk to the server of this task, and translates the cell with acta.
# Set before: everest_home (may be empty), everest_uses_sdk, everest_uses_server, everest_translates (empty for no).

everest_find_sdk() {
  [ "$everest_home" ] || everest_home=${TEMPLET_HOME:-}
  [ -f "$everest_home/lib/templet.hpp" ] && return 0
  [ "$everest_uses_sdk" ] || { everest_home=; return 0; }
  if [ "$everest_home" ]; then
    echo "error: there is no Templet SDK in $everest_home on this resource (no lib/templet.hpp)" >&2
  else
    echo "error: the Templet SDK is not known on this resource: give the route the setting home, or set TEMPLET_HOME where its agent runs" >&2
  fi
  return 1
}

everest_find_server() {
  [ "$everest_uses_server" ] || return 0
  if [ -z "$EVEREST_TASK_TOKEN" ]; then
    echo "error: the cell uses Everest, and this server gives its tasks no token: set EVEREST_TASK_TOKEN to a token of yours where the agent of this resource runs, and EVEREST_SERVER to the server's address" >&2
    return 1
  fi
  EVEREST_SERVER=${EVEREST_SERVER:-https://everest.distcomp.org}
  export EVEREST_TASK_TOKEN EVEREST_SERVER
}

# The SDK has the address of one server in its text; a copy in this folder asks the environment instead.
everest_redirect() {
  [ -f "$everest_home/lib/everest.hpp" ] || return 0
  mkdir -p everest-templet
  sed -e 's|^const string EVEREST_URL = .*;|inline string everest_host() { string url = getenv("EVEREST_SERVER"); url = url.substr(url.find("://") + 3); return url.substr(0, url.find_first_of(":/")); } const string EVEREST_URL = getenv("EVEREST_SERVER");|' \
    -e 's|^\([[:blank:]]*\)"everest\.distcomp\.org"|\1everest_host() + ""|' "$everest_home/lib/everest.hpp" > everest-templet/everest.hpp
  grep -q 'everest_host() + ""' everest-templet/everest.hpp && grep -q 'EVEREST_URL = getenv' everest-templet/everest.hpp && return 0
  rm everest-templet/everest.hpp
  case $everest_uses_server$EVEREST_SERVER in
    "" | *https://everest.distcomp.org*) ;;
    *) echo "note: the Everest engine of this Templet SDK keeps to the server in its own text, not $EVEREST_SERVER" >&2 ;;
  esac
}

everest_translate() {
  [ "$everest_translates" ] || return 0
  everest_acta=$everest_home/bin/acta
  [ -x "$everest_acta" ] || everest_acta=$(command -v acta) || return 0
  if ! grep -qF '/*$TET$' "$everest_cell"; then
    echo "error: acta keeps only what stands between its marks /*\$TET\$...*/ and /*\$TET\$*/, and the cell has none" >&2
    return 1
  fi
  cp -- "$everest_cell" everest-acta.cpp
  "$everest_acta" everest-acta.cpp > everest-acta 2>&1
  everest_code=$?
  if [ $everest_code -ne 0 ] || grep -q '^ERROR' everest-acta; then
    sed 's/^ERROR: \(.*\) at line #\{0,1\}\([0-9][0-9]*\).*/error: acta: \1 (line \2 of the cell)/; s/^ERROR: /error: acta: /' everest-acta >&2
    grep -q '^ERROR' everest-acta || echo "error: acta ended with status $everest_code" >&2
    return 1
  fi
  if diff --version 2> /dev/null | grep -q GNU; then # the cell's own lines keep their numbers
    diff --unchanged-group-format="#line %df \"$everest_cell\"%c'\\012'%<" --changed-group-format="#line 1 \"what acta made\"%c'\\012'%>" "$everest_cell" everest-acta.cpp > everest-translated.cpp
  else
    { echo '#line 1 "what acta made"'; cat everest-acta.cpp; } > everest-translated.cpp
  fi
  awk -v begin="#line 1 \"$everest_cell\"" '
    $0 == "#line 1 \"everest-main.cpp\"" { skip = 0 }
    !skip
    $0 == begin && !done { while ((getline line < "everest-translated.cpp") > 0) print line; done = skip = 1 }
  ' everest-main.cpp > everest-acta.cpp && mv everest-acta.cpp everest-main.cpp
}

everest_find_sdk && everest_find_server && everest_redirect && everest_translate || return 1

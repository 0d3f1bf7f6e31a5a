# Makes `everest-program` of `everest-main.cpp`, or takes it from the user's cache.
# Set before: everest_cxx (may be empty); everest_cell (the cell's file); everest_where (the variables that go back are);
# everest_locale (of the compiler's messages); everest_flags and everest_libraries (functions that call what follows with
# them).

everest_choose() {
  if [ -z "$everest_cxx" ]; then
    for everest_cxx in g++ clang++ c++; do ! command -v "$everest_cxx" > /dev/null || break; done
  fi
  command -v "$everest_cxx" > /dev/null && return 0
  echo "error: there is no C++ compiler '$everest_cxx' on this resource: install g++, or name another with the setting program" >&2
  return 127
}

everest_compile() {
  (LC_ALL=$everest_locale; export LC_ALL; everest_flags "$everest_cxx" "$@") 2> everest-said
  everest_failed=$?
  if command -v awk > /dev/null; then awk -v where="$everest_where" -v cell="$everest_cell" -f everest-messages.awk everest-said >&2; else cat everest-said >&2; fi
  return $everest_failed
}

everest_sum() {
  if command -v sha256sum > /dev/null; then sha256sum; else shasum -a 256; fi | { read -r everest_digest everest_rest; echo "$everest_digest"; }
}

# The cache is a folder of the user's, whom nobody else can give a program to run.
everest_open_cache() {
  everest_cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
  case $everest_cache in /*) ;; *) return 1 ;; esac
  command -v sha256sum > /dev/null || command -v shasum > /dev/null || return 1
  everest_cache=$everest_cache/everest-kernel/cpp
  (umask 077; mkdir -p "$everest_cache") 2> /dev/null
  [ -d "$everest_cache" ] && [ -O "$everest_cache" ] && [ -w "$everest_cache" ] && chmod 700 "$everest_cache"
}

everest_ours() { [ -s "$1" ] && [ ! -L "$1" ] && [ -O "$1" ]; }

# The headers that the compiler read, one a line, of the rule for make that it wrote.
everest_list_headers() {
  everest_blank=$(printf '\001')
  sed -e 's/^[^ ]*: *//' -e 's/ *\\$//' -e "s/\\\\ /$everest_blank/g" -e 's/\\#/#/g' -e 's/\$\$/$/g' "$1" | tr -s ' ' '\n' | tr '\001' ' ' | sed '/^$/d'
}

# What a program depends on beside its text: the contents of those headers. Fails when one is not there.
everest_full_key() {
  while IFS= read -r everest_file; do
    [ -f "$everest_file" ] && [ -r "$everest_file" ] || return 1
  done < "$1"
  {
    echo "$everest_key"
    while IFS= read -r everest_file; do
      printf '%s\n' "$everest_file"
      cat -- "$everest_file"
    done < "$1"
  } | everest_sum
}

# everest_take FILE NAME: the file from the cache.
everest_take() {
  everest_ours "$everest_cache/$2" && cp -- "$everest_cache/$2" "$1" && touch -c -- "$everest_cache/$2"
}

# everest_keep FILE NAME: the file into the cache, all of it or nothing.
everest_keep() {
  everest_new=$(umask 077; mktemp "$everest_cache/new.XXXXXX") || return 0
  if cat -- "$1" > "$everest_new" && chmod 700 "$everest_new"; then mv -f -- "$everest_new" "$everest_cache/$2"; else rm -f -- "$everest_new"; fi
}

everest_bound_cache() {
  ls -ltn "$everest_cache" | awk 'NF > 8 { files++; bytes += $5; if (files > 400 || bytes > 5e8) print $NF }' | while read -r everest_file; do
    rm -f -- "$everest_cache/$everest_file"
  done
}

everest_support() {
  if [ "$everest_cached" ]; then
    everest_object=$({ echo "$everest_kind"; cat everest-support.cpp; } | everest_sum).o
    everest_take everest-support.o "$everest_object" && return 0
  fi
  everest_compile -w -c everest-support.cpp -o everest-support.o || return 1
  [ -z "$everest_cached" ] || everest_keep everest-support.o "$everest_object"
}

everest_build() {
  everest_choose || return
  everest_cached=
  if everest_open_cache; then
    everest_cached=1
    everest_kind=$(
      command -v "$everest_cxx"; "$everest_cxx" --version; uname -m; everest_flags printf '%s\n'; everest_libraries printf '%s\n'
      everest_flags printf '%s\n' | grep -q native && uname -n
      echo "$CPATH:$CPLUS_INCLUDE_PATH:$LIBRARY_PATH"
    )
    everest_key=$({ echo "$everest_kind"; cat everest-main.cpp everest-*.hpp everest-support.cpp; } | everest_sum)
    if everest_ours "$everest_cache/$everest_key.headers"; then
      everest_full=$(everest_full_key "$everest_cache/$everest_key.headers") && everest_take everest-program "$everest_full" &&
        touch -c -- "$everest_cache/$everest_key.headers" && return 0
    fi
  fi
  everest_support || return 1
  everest_libraries everest_compile -MMD -MF everest-headers.d -o everest-program everest-main.cpp everest-support.o || return 1
  [ "$everest_cached" ] || return 0
  everest_list_headers everest-headers.d > everest-headers
  everest_full=$(everest_full_key everest-headers) || return 0
  everest_keep everest-headers "$everest_key.headers"
  everest_keep everest-program "$everest_full"
  everest_bound_cache
}

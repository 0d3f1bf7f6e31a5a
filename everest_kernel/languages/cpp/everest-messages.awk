# Shows what a compiler said, without what it said of the lines around the cell, which are told in words of their own.
# A report begins with a line that begins with no blank; `output NAME` and `input NAME` stand for files.

function type_of(line) {
  sub(/.*\[with T = /, "", line)
  sub(/; std::enable_if_t.*/, "", line)
  sub(/\] has been explicitly.*/, "", line)
  sub(/\]$/, "", line)
  gsub(/__cxx11::/, "", line)
  return line
}

function tell(type) {
  print "error: " held ": a value of type " type " cannot travel"
  held = ""
}

{ sub(/^everest-main\.cpp:\(/, "cell.cpp:(") } # the linker's

/^ / && dropping { next }

{ dropping = 0 }

held != "" && /\[with T = / { tell(type_of($0)); dropping = 1; next }

/^(output|input) [A-Za-z0-9_]*:[0-9:]* (fatal )?error: / {
  dropping = 1
  kind = $1
  name = $2
  sub(/:.*/, "", name)
  message = $0
  sub(/^[^:]*:[0-9:]* (fatal )?error: /, "", message)
  if (kind == "input")
    print "error: " name ": an input cannot have this name here: " message
  else if (message ~ /deleted function/) {
    held = name
    if (message ~ /\[with T = /) tell(type_of(message))
  } else if (message ~ /not declared|undeclared/)
    print "error: " name ": the cell has no variable of this name" where
  else
    print "error: " name ": " message
  next
}

/^brace [0-9]*:[0-9:]* error: / {
  dropping = 1
  line = $2
  sub(/:.*/, "", line)
  if (!stray++) print cell ":" line ": error: a closing bracket that closes nothing"
  next
}

/^everest-[^ ]*: (fatal )?error: / { print; next } # a fault of ours is not to be hidden

/^(output|input|brace) / || /^everest-/ || /^In file included from everest-/ || /^from everest-/ { dropping = 1; next }

{ print }

END { if (held != "") print "error: " held ": a value of its type cannot travel" }

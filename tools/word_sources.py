"""Where the names of each language's words come from: the programs, or Pygments."""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

__all__ = ["SOURCES", "Names"]

Names = dict[str, tuple[str, str]]
"""Name to kind and usage."""

_R = r"""
packages <- c("stats", "utils", "graphics", "grDevices")
names <- c(ls(baseenv()), unlist(lapply(packages, function(p) ls(paste0("package:", p)))))
for (name in sort(unique(names[grepl("^[A-Za-z][A-Za-z0-9._]*$", names)]))) {
  if (tryCatch(isS3method(name), error = function(e) FALSE)) next
  value <- get(name)
  if (!is.function(value)) { cat("variable\t", name, "\t\n", sep = ""); next }
  form <- args(value)
  given <- if (is.null(form)) character() else names(formals(form))
  cat("function\t", name, "\t", paste(given, collapse = ", "), "\n", sep = "")
}
"""
_MAXIMA = """\
:lisp (progn (do-symbols (s :maxima) (let ((n (symbol-name s)))\
 (when (and (> (length n) 1) (char= (char n 0) #\\$) (not (fboundp s)) (or (boundp s) (get s 'assign)))\
 (format t "~a~%" n)))) ($quit))"""
_SELDOM = ("ctensor", "itensor", "VTK")
"""Chapters on subjects for which few use Maxima: the table is to stay lean."""


def _run(*command: str, text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


def giac() -> Names:
    """The names (not the texts) of the index of commands that Giac installs."""
    index = Path("/usr/share/giac/aide_cas").read_text("utf-8", "replace")
    heads = " ".join(re.findall(r"^# (.*)$", index, re.MULTILINE))
    return {name: ("function", "") for name in heads.split() if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]+", name)}


def octave() -> Names:
    """What Octave says of its functions and keywords."""
    lists = {"function": "[__list_functions__(); __builtins__()]", "keyword": "iskeyword()'"}
    found: Names = {}
    for kind, expression in lists.items():
        for name in _run("octave-cli", "--norc", "--quiet", "--eval", f'printf("%s\\n", ({expression}){{:}})').split():
            if not name.startswith("_") and not re.fullmatch(r"[A-Z]+_[A-Z_]+", name):
                found[name] = (kind, "")
    return found


def r() -> Names:
    """The functions of R's own packages with the names of their arguments; methods of classes are left out."""
    found: Names = {}
    for line in _run("R", "--vanilla", "-s", "-e", _R).splitlines():
        kind, name, arguments = line.split("\t")
        usage = f"{name}({arguments})" if kind == "function" else ""
        found[name] = (kind, usage if len(usage) <= 100 else f"{usage[:95].rpartition(',')[0]}, …)")
    return found


def maxima() -> Names:
    """The entries of Maxima's index, and from the program which of them are variables."""
    indices = [*Path("/usr/share/maxima").rglob("maxima-index.lisp"), *Path("/usr/share/doc/maxima").rglob("*.lisp.gz")]
    if not indices:
        raise FileNotFoundError(2, "no such file", "maxima-index.lisp")
    content = indices[0].read_bytes()
    index = (gzip.decompress(content) if indices[0].suffix == ".gz" else content).decode("utf-8", "replace")
    entries = index.partition("section-pairs")[0]
    variables = {name[1:].lower() for name in _run("maxima", "--very-quiet", "-r", _MAXIMA).split()}
    return {
        name: ("variable" if name.lower() in variables else "function", "")
        for name, chapter in re.findall(r'^\("([^"\s]+)" .*"([^"]*)"\)\)', entries, re.MULTILINE)
        if len(name) > 1 and not chapter.endswith(_SELDOM)
    }


def shell() -> Names:
    """The words that bash itself knows."""
    found: Names = {}
    for option, kind in (("-k", "keyword"), ("-b", "command")):
        for name in _run("bash", "-c", f"compgen {option}").split():
            found.setdefault(name, (kind, ""))
    return found


def maple() -> Names:
    """Pygments' list."""
    from pygments.lexers.maple import MapleLexer

    found: Names = dict.fromkeys(MapleLexer.builtins, ("function", ""))
    return found | dict.fromkeys(MapleLexer.keywords, ("keyword", ""))


def julia() -> Names:
    """Pygments' lists: keywords, constants and types."""
    from pygments.lexers import _julia_builtins as lists

    found: Names = {}
    for names, kind in (
        (lists.BUILTIN_LIST, "type"),
        (lists.LITERAL_LIST, "constant"),
        (lists.KEYWORD_LIST, "keyword"),
    ):
        found |= dict.fromkeys(names, (kind, ""))
    return found


SOURCES: dict[str, Callable[[], Names]] = {
    "giac": giac,
    "julia": julia,
    "maple": maple,
    "maxima": maxima,
    "octave": octave,
    "r": r,
    "shell": shell,
}

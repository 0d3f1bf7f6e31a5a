everest_why <- function(value, depth = 0L) {
  # why a value cannot travel; empty when it can
  if (is.null(value)) {
    return("")
  }
  if (!(is.atomic(value) || is.list(value)) || isS4(value) || depth > 100L) {
    where <- if (depth > 100L) " so deep in lists" else ""
    return(sprintf("a value of class %s cannot travel%s", class(value)[[1L]], where))
  }
  if (inherits(value, "data.frame")) {
    return(everest_why_frame(value))
  }
  if (is.object(value) && !is.factor(value)) {
    return(sprintf("an object of class %s cannot travel: send its parts, or unclass() it", class(value)[[1L]]))
  }
  known <- c("names", "dim", "dimnames", if (is.factor(value)) c("levels", "class"))
  other <- setdiff(names(attributes(value)), known)
  if (length(other) > 0L) {
    return(sprintf("its attribute '%s' cannot travel: remove it, or send it by itself", other[[1L]]))
  }
  if (!is.null(dimnames(value))) {
    return("its rows or columns have names: send unname(...), or as.data.frame(...) of it")
  }
  if (is.factor(value)) {
    plain <- is.null(names(value)) && is.null(dim(value))
    return(if (plain) everest_why_elements(levels(value)) else "a factor with names or dimensions cannot travel")
  }
  if (!is.null(dim(value)) && (is.list(value) || is.character(value))) {
    return(sprintf("a %s matrix cannot travel: send a list, or a data frame", typeof(value)))
  }
  why <- if (is.null(dim(value))) everest_why_names(names(value)) else ""
  if (why != "" || !is.list(value)) {
    return(if (why != "") why else everest_why_elements(value))
  }
  for (item in value) {
    why <- everest_why(item, depth + 1L)
    if (why != "") break
  }
  why
}

everest_why_names <- function(names) {
  if (is.null(names)) {
    return("")
  }
  names <- enc2utf8(names)
  if (anyNA(names) || any(names == "") || anyDuplicated(names) > 0L) {
    return("some of its elements have no name of their own: name all of them or none")
  }
  if (any(nchar(names, "bytes") > 3000L) || !all(validUTF8(names))) "a name in it is too long, or not UTF-8" else ""
}

everest_gone <- function(value) {
  # which elements are NA; a double that is not a number is none
  if (is.complex(value)) {
    return(everest_gone(Re(value)) | everest_gone(Im(value)))
  }
  if (is.raw(value)) logical(length(value)) else if (is.double(value)) is.na(value) & !is.nan(value) else is.na(value)
}

everest_why_elements <- function(value, missing = FALSE) {
  gone <- everest_gone(value)
  if (!missing && any(gone)) {
    kind <- sprintf("element %d is NA, which has no like in Python", which(gone)[[1L]])
    return(paste0(kind, ": replace it, or send it in a data frame"))
  }
  if (is.character(value) && (any(Encoding(value) == "bytes") || !all(validEnc(value[!gone])))) {
    return("a text in it is not valid UTF-8: send charToRaw(...) of it")
  }
  ""
}

everest_why_frame <- function(frame) {
  other <- setdiff(names(attributes(frame)), c("names", "row.names", "class"))
  if (length(other) > 0L) {
    return(sprintf("the attribute '%s' of the data frame cannot travel: remove it", other[[1L]]))
  }
  why <- everest_why_names(names(frame))
  for (name in if (why == "") names(frame)) {
    column <- frame[[name]]
    plain <- is.logical(column) || is.numeric(column) || is.character(column)
    if (!is.factor(column) && (is.object(column) || !plain || !is.null(dim(column)))) {
      return(sprintf("column %s is of class %s, which cannot travel", name, class(column)[[1L]]))
    }
    if (length(setdiff(names(attributes(column)), c("levels", "class"))) > 0L) {
      return(sprintf("column %s has names or attributes, which cannot travel", name))
    }
    why <- if (is.factor(column)) everest_why(column) else everest_why_elements(column, missing = TRUE)
    if (why != "") {
      return(sprintf("column %s: %s", name, why))
    }
  }
  why
}

everest_head <- function(out, name, kind, shape, length) {
  if (!grepl("^[A-Za-z0-9_.-]+$", name)) {
    name <- paste0("%", as.character(charToRaw(enc2utf8(name))), collapse = "")
  }
  writeBin(charToRaw(sprintf("%s %s %s %.0f\n", name, kind, shape, length)), out)
}

everest_record <- function(out, name, kind, content) {
  content <- if (is.character(content)) charToRaw(enc2utf8(content)) else content
  everest_head(out, name, kind, "-", length(content))
  writeBin(content, out)
  writeBin(as.raw(10L), out)
}

everest_put <- function(out, name, value) {
  if (is.null(value)) {
    everest_record(out, name, "none", raw(0L))
  } else if (is.data.frame(value)) {
    everest_put_frame(out, name, value)
  } else if (is.factor(value)) {
    everest_put_factor(out, name, value)
  } else if (!is.null(names(value)) && is.null(dim(value))) {
    everest_head(out, name, "dict", "-", length(value))
    for (key in names(value)) everest_put(out, key, value[[key]])
  } else if (is.list(value)) {
    everest_head(out, name, "list", "-", length(value))
    for (item in value) everest_put(out, "-", item)
  } else if (is.raw(value) && is.null(dim(value))) {
    everest_record(out, name, "bytes", value)
  } else if (length(value) == 1L && is.null(dim(value))) {
    everest_put_scalar(out, name, value)
  } else if (is.character(value)) {
    everest_put_texts(out, name, value)
  } else {
    everest_put_array(out, name, value)
  }
}

everest_number <- function(value) if (is.finite(value)) sprintf("%a", value) else sprintf("%f", value)

everest_put_scalar <- function(out, name, value) {
  switch(typeof(value),
    logical = everest_record(out, name, "bool", sprintf("%d", value)),
    integer = everest_record(out, name, "int", sprintf("%d", value)),
    double = everest_record(out, name, "float", everest_number(value)),
    complex = everest_record(out, name, "complex", paste(everest_number(Re(value)), everest_number(Im(value)))),
    character = everest_record(out, name, "str", value)
  )
}

everest_put_texts <- function(out, name, value) {
  everest_head(out, name, "strs", "-", length(value))
  value <- enc2utf8(value)
  for (part in split(value, (seq_along(value) - 1L) %/% 10000L)) {
    records <- paste0(sprintf("- str - %d\n", nchar(part, "bytes")), part, "\n", collapse = "")
    writeBin(charToRaw(records), out)
  }
}

everest_put_array <- function(out, name, value) {
  kinds <- c(logical = "|b1", integer = "<i4", double = "<f8", complex = "<c16", raw = "|u1")
  bytes <- c(logical = 1, integer = 4, double = 8, complex = 16, raw = 1)
  type <- typeof(value)
  shape <- if (is.null(dim(value))) length(value) else dim(value)
  everest_head(out, name, kinds[[type]], paste(sprintf("%.0f", shape), collapse = "x"), length(value) * bytes[[type]])
  value <- as.vector(value)
  for (start in seq(1, by = 1e6, length.out = ceiling(length(value) / 1e6))) {
    part <- value[start:min(length(value), start + 1e6 - 1)]
    writeBin(if (type == "logical") as.raw(part) else part, out, endian = "little")
  }
  writeBin(as.raw(10L), out)
}

# What records have no kind for is a dictionary with a key that no list of R's can have, `\0`, for what it is.

everest_mark <- function(out, kind) writeBin(charToRaw(sprintf("%%00 str - %d\n%s\n", nchar(kind), kind)), out)

everest_put_factor <- function(out, name, value) {
  everest_head(out, name, "dict", "-", 4)
  everest_mark(out, "factor")
  codes <- as.integer(value)
  codes[is.na(codes)] <- 0L
  everest_put_array(out, "codes", codes)
  everest_put_texts(out, "levels", levels(value))
  everest_record(out, "ordered", "bool", sprintf("%d", is.ordered(value)))
}

everest_put_column <- function(out, value) {
  gone <- if (is.factor(value)) FALSE else everest_gone(value)
  if (any(gone)) {
    everest_head(out, "-", "dict", "-", 3)
    everest_mark(out, "missing")
    everest_put_array(out, "mask", gone)
    value[gone] <- if (is.character(value)) "" else if (is.logical(value)) FALSE else 0L
  }
  inner <- if (any(gone)) "data" else "-"
  if (is.factor(value)) {
    everest_put_factor(out, inner, value)
  } else if (is.character(value)) {
    everest_put_texts(out, inner, value)
  } else {
    everest_put_array(out, inner, value)
  }
}

everest_put_frame <- function(out, name, frame) {
  rows <- attr(frame, "row.names")
  everest_head(out, name, "dict", "-", 4)
  everest_mark(out, "frame")
  everest_put_texts(out, "names", if (is.null(names(frame))) character(0L) else names(frame))
  if (.row_names_info(frame) < 0L || length(rows) == 0L) {
    everest_record(out, "rows", "int", sprintf("%d", length(rows)))
  } else if (is.character(rows)) {
    everest_put_texts(out, "rows", rows)
  } else {
    everest_put_array(out, "rows", as.integer(rows))
  }
  everest_head(out, "columns", "list", "-", length(frame))
  for (column in names(frame)) everest_put_column(out, frame[[column]])
}

everest_write <- function(path, mark, names) {
  options(warn = 1)
  out <- file(file.path(everest_home, path), "wb")
  for (name in names) {
    if (!exists(name, envir = globalenv(), inherits = FALSE)) {
      everest_record(out, name, "missing", raw(0L))
    } else {
      value <- get(name, envir = globalenv(), inherits = FALSE)
      why <- everest_why(value)
      if (why == "") everest_put(out, name, value) else everest_record(out, name, "refused", why)
    }
  }
  writeBin(charToRaw(paste0(mark, "\n")), out)
  close(out)
}

everest_home <- getwd() # the cell may leave it
everest_devices <- 0L

everest_device <- function(...) {
  # a device for a cell that draws without having opened one; each page is a file
  everest_devices <<- everest_devices + 1L
  pages <- file.path(everest_home, sprintf("everest-figure-%03d-%%03d.", everest_devices))
  if (everest_format == "svg" && capabilities("cairo")) {
    return(grDevices::svg(paste0(pages, "svg"), ...))
  }
  if (capabilities("png")) {
    given <- list(...)
    sizes <- list(width = 7, height = 7, units = "in", res = 100)
    return(do.call(grDevices::png, c(paste0(pages, "png"), given, sizes[setdiff(names(sizes), names(given))])))
  }
  message("no picture is shown: this R can write neither SVG nor PNG")
  grDevices::pdf(NULL, ...)
}

everest_close <- function() {
  # end the pictures; a device that was opened and not drawn on has left a file with nothing in it
  try(grDevices::graphics.off(), silent = TRUE)
  for (path in list.files(everest_home, "^everest-figure-.*[.]svg$", full.names = TRUE)) {
    if (file.size(path) < 1000 && sum(grepl("^<(rect|path|use|image|g [^i])", readLines(path, warn = FALSE))) < 2) {
      unlink(path)
    }
  }
}

everest_load <- function(name, what, count, shape = NULL) {
  connection <- file(file.path(everest_home, name), "rb")
  on.exit(close(connection))
  stored <- c(logical = "raw", character = "integer")[what]
  value <- readBin(connection, if (is.na(stored)) what else stored, count, endian = "little")
  if (what == "logical") value <- as.logical(value)
  if (what == "character") { # the lengths in bytes, then the texts
    value <- readChar(connection, value, useBytes = TRUE)
    Encoding(value) <- "UTF-8"
  }
  if (!is.null(shape)) dim(value) <- shape
  value
}

everest_missing <- function(value, positions) {
  value[positions] <- NA
  value
}

everest_dict <- function(names, ...) structure(list(...), names = names)

everest_factor <- function(codes, levels, ordered) {
  structure(codes, levels = levels, class = c(if (ordered) "ordered", "factor"))
}

everest_frame <- function(names, rows, ...) {
  structure(list(...), names = names, row.names = rows, class = "data.frame")
}

everest_set <- function(name, value) assign(name, value, envir = globalenv())

everest_line <- function(calls, otherwise) {
  # the line of the innermost call that stands in the cell
  for (call in rev(calls)) {
    place <- attr(call, "srcref")
    if (!is.null(place) && identical(attr(place, "srcfile")$filename, everest_cell)) {
      return(place[[1L]])
    }
  }
  otherwise
}

everest_fail <- function(text, line, call = NULL) {
  while (sink.number() > 0L) sink()
  sink(type = "message")
  ours <- !is.call(call) || identical(call[[1L]], quote(eval)) # that of a statement, or of local({...})
  where <- if (ours) "Error: " else sprintf("Error in %s: ", deparse(call, nlines = 1L)[[1L]])
  lines <- strsplit(text, "\n", fixed = TRUE)[[1L]]
  first <- sprintf("%s%s (line %d of the cell)", where, c(lines, "")[[1L]], as.integer(line))
  cat(first, lines[-1L], file = stderr(), sep = "\n")
  everest_close()
  quit(save = "no", status = 1L)
}

everest_parse <- function(lines) {
  source <- srcfilecopy(everest_cell, lines)
  tryCatch(parse(text = lines, srcfile = source, keep.source = TRUE, encoding = everest_encoding), error = function(error) {
    text <- conditionMessage(error)
    place <- regmatches(text, regexec("^[^\n]*?:([0-9]+):[0-9]+: ", text, perl = TRUE))[[1L]]
    if (length(place) < 2L) everest_fail(text, 1L)
    everest_fail(substring(text, nchar(place[[1L]]) + 1L), min(as.integer(place[[2L]]), length(lines)))
  })
}

everest_compiled <- function(statement, place) {
  # R compiles loops at top level by itself, and then forgets the lines in them
  if (!is.call(statement) || !as.character(statement[[1L]])[[1L]] %in% c("for", "while", "repeat", "if", "{")) {
    return(statement)
  }
  tryCatch(compiler::compile(statement, globalenv(), list(suppressAll = TRUE), place), error = function(e) statement)
}

everest_run <- function() {
  lines <- sub("\r$", "", readLines(everest_cell, warn = FALSE, encoding = everest_encoding))
  statements <- everest_parse(lines)
  line <- 1L
  for (number in seq_along(statements)) {
    place <- attr(statements, "srcref")[[number]]
    statement <- everest_compiled(statements[[number]], place)
    tryCatch(
      withCallingHandlers(
        {
          line <- place[[1L]]
          result <- withVisible(eval(statement, globalenv()))
          if (result$visible) {
            if (isS4(result$value)) methods::show(result$value) else print(result$value)
          }
        },
        error = function(error) line <<- everest_line(sys.calls(), place[[1L]])
      ),
      error = function(error) everest_fail(conditionMessage(error), line, conditionCall(error))
    )
  }
  while (sink.number() > 0L) sink()
  sink(type = "message")
  everest_close()
}

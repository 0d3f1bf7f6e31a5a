// What reads and writes values, compiled once for all cells.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#ifndef EVEREST_TEXTS
#define EVEREST_TEXTS "str"
#endif

namespace everest_ {

// --- the start: before anything of the cell's

static FILE *source, *written;
static pid_t own;

static FILE *opened(const char *path, const char *mode) {
  FILE *file = std::fopen(path, mode);
  if (file) fcntl(fileno(file), F_SETFD, FD_CLOEXEC);
  return file;
}

static void start() __attribute__((constructor(101)));
static void start() {
  // lines are shown as they come; nobody reads a terminal here
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  own = getpid();
  source = opened("everest-inputs", "r");
  written = opened("everest-written", "w");
}

[[noreturn]] static void fail(const char *why) {
  std::fprintf(stderr, "error: %s\n", why);
  _exit(1);
}

// --- inputs

static char *line;
static size_t line_room;
static char *unescaped;
static FILE *large;
static std::size_t shape[32];
static int levels;

static char *next() {
  ssize_t size = source ? getline(&line, &line_room, source) : -1;
  if (size <= 0) fail("the values of the inputs cannot be read");
  if (line[size - 1] == '\n') line[size - 1] = 0;
  return line;
}

// `@FILE NUMBERS`
static void open_large(char *text) {
  char *rest = std::strchr(text, ' ');
  if (rest) *rest++ = 0;
  large = std::fopen(text + 1, "rb");
  if (!large) fail("a file with the values of an input is missing");
  for (levels = 0; rest && *rest && levels < 32; levels++) shape[levels] = std::strtoull(rest, &rest, 10);
}

long long integer() { return std::strtoll(next(), nullptr, 10); }
unsigned long long natural() { return std::strtoull(next(), nullptr, 10); }
double number() { return std::strtod(next(), nullptr); }
bool in_file() { return large != nullptr; }
std::size_t dimension(int level) { return shape[level]; }

std::size_t length() {
  char *text = next();
  if (*text != '@') return std::strtoull(text, nullptr, 10);
  open_large(text);
  return 0;
}

void bytes(void *to, std::size_t size) {
  if (size && std::fread(to, 1, size, large) != size) fail("a file with the values of an input is cut off");
}

void bytes_end() {
  std::fclose(large);
  large = nullptr;
}

const char *text(std::size_t &size) {
  char *from = next();
  std::free(unescaped);
  if (*from == '@') {
    open_large(from);
    size = shape[0];
    unescaped = static_cast<char *>(std::malloc(size + 1));
    bytes(unescaped, size);
    bytes_end();
    return unescaped;
  }
  char *to = unescaped = static_cast<char *>(std::malloc(std::strlen(from) + 1));
  for (from++; *from; from++) {
    if (*from == '%') {
      char digits[3] = {from[1], from[2], 0};
      *to++ = static_cast<char>(std::strtol(digits, nullptr, 16));
      from += 2;
    } else *to++ = *from;
  }
  size = static_cast<std::size_t>(to - unescaped);
  return unescaped;
}

// --- outputs

static const char *refused;
static long begun;

static void head(const char *name, std::size_t size, const char *kind, const char *dimensions, std::size_t length) {
  if (!name) std::fputc('-', written);
  if (size > 3000) refused = "it has a key of more than 3000 bytes";
  for (std::size_t i = 0; i < size; i++) {
    unsigned char c = static_cast<unsigned char>(name[i]);
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    std::fprintf(written, plain ? "%c" : "%%%02X", c);
  }
  std::fprintf(written, " %s %s %zu\n", kind, dimensions, length);
}

static void record(const char *name, std::size_t size, const char *kind, const char *data, std::size_t length) {
  head(name, size, kind, "-", length);
  std::fwrite(data, 1, length, written);
  std::fputc('\n', written);
}

static void say(const char *name, std::size_t size, const char *kind, const char *text) {
  record(name, size, kind, text, std::strlen(text));
}

// Neither overlong, nor half of a pair, nor beyond Unicode.
static bool is_utf8(const char *data, std::size_t length) {
  const unsigned char *c = reinterpret_cast<const unsigned char *>(data), *end = c + length;
  while (c < end) {
    int more = *c < 0x80 ? 0 : *c >= 0xc2 && *c < 0xe0 ? 1 : *c >= 0xe0 && *c < 0xf0 ? 2 : *c >= 0xf0 && *c < 0xf5 ? 3 : -1;
    if (more < 0 || end - c <= more) return false;
    if ((*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] > 0x9f) || (*c == 0xf0 && c[1] < 0x90) || (*c == 0xf4 && c[1] > 0x8f))
      return false;
    for (c++; more > 0; more--, c++)
      if ((*c & 0xc0) != 0x80) return false;
  }
  return true;
}

void integer(const char *name, std::size_t size, long long value) {
  char text[32];
  std::snprintf(text, sizeof text, "%lld", value);
  say(name, size, "int", text);
}

void natural(const char *name, std::size_t size, unsigned long long value) {
  char text[32];
  std::snprintf(text, sizeof text, "%llu", value);
  say(name, size, "int", text);
}

// With digits of hexadecimal, whatever the locale's decimal point is.
static const char *digits(char *text, std::size_t room, double value) {
  std::snprintf(text, room, "%a", value);
  for (char *c = text; *c; c++)
    if (*c == ',') *c = '.';
  return text;
}

void number(const char *name, std::size_t size, long double value) {
  char text[64];
  double rounded = static_cast<double>(value);
  if (value == value && static_cast<long double>(rounded) != value) refused = "a long double has more digits than a float of Python keeps";
  say(name, size, "float", digits(text, sizeof text, rounded));
}

void complex(const char *name, std::size_t size, double real, double imaginary) {
  char text[128], other[64];
  digits(text, 64, real);
  std::strcat(text, " ");
  std::strcat(text, digits(other, sizeof other, imaginary));
  say(name, size, "complex", text);
}

void text(const char *name, std::size_t size, const char *data, std::size_t length) {
  if (!std::strcmp(EVEREST_TEXTS, "str") && !is_utf8(data, length)) refused = "its text is not UTF-8; a vector of unsigned char brings bytes back";
  record(name, size, EVEREST_TEXTS, data, length);
}

void truth(const char *name, std::size_t size, bool value) { say(name, size, "bool", value ? "1" : "0"); }
void none(const char *name, std::size_t size) { say(name, size, "none", ""); }

void container(const char *name, std::size_t size, const char *kind, std::size_t length) {
  head(name, size, kind, "-", length);
}

void array(const char *name, std::size_t size, char kind, int bytes, const std::size_t *shape, int rank) {
  char code[16], dimensions[512] = "";
  std::snprintf(code, sizeof code, "%c%c%d", bytes == 1 ? '|' : '<', kind, bytes);
  std::size_t total = static_cast<std::size_t>(bytes), used = 0;
  for (int level = 0; level < rank; level++) {
    used += static_cast<std::size_t>(std::snprintf(dimensions + used, sizeof dimensions - used, level ? "x%zu" : "%zu", shape[level]));
    total *= shape[level];
  }
  head(name, size, code, dimensions, total);
}

void array_bytes(const void *data, std::size_t size) { std::fwrite(data, 1, size, written); }
void array_end() { std::fputc('\n', written); }

void *room(std::size_t size) {
  static void *kept;
  std::free(kept);
  kept = std::malloc(size ? size : 1);
  if (!kept) fail("there is no memory for an array that goes back");
  return kept;
}

void begin_output() {
  refused = nullptr;
  begun = std::ftell(written);
}

void end_output(const char *name) {
  if (!refused) return;
  std::fflush(written);
  if (std::fseek(written, begun, SEEK_SET) || ftruncate(fileno(written), begun)) fail("the values that go back cannot be written");
  say(name, std::strlen(name), "refused", refused);
}

// --- the end

static void (*outputs)();

void end() {
  std::fputs(". end - 0\n", written);
  if (std::fclose(written)) fail("the values that go back cannot be written");
  written = nullptr;
}

static void at_exit() {
  if (!written || getpid() != own) return;  // a child that was forked
  if (outputs) outputs();
  end();
}

// To be called last of all constructors, so that the variables of the cell still live when values are written.
int when_it_exits(void (*write)()) {
  outputs = write;
  if (written) std::atexit(at_exit);
  return 0;
}

}  // namespace everest_

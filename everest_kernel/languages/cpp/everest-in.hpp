// Reads the values of inputs. EVEREST_VECTOR and the like tell which classes of the library are wanted, and included.
#pragma GCC system_header
#include <cstddef>
#include <cstdint>

namespace everest_ {

// in the support unit
long long integer();
unsigned long long natural();
double number();
std::size_t length();               // of a list; 0 when the value is in a file, see below
const char *text(std::size_t &size);  // good until the next call
bool in_file();                     // whether the last length was that of an array in a file
std::size_t dimension(int level);
void bytes(void *to, std::size_t size);
void bytes_end();

template <class T> struct reader;

template <class T> T take() { return reader<T>::take(); }

#define EVEREST_READER(type, from) \
  template <> struct reader<type> { static type take() { return static_cast<type>(from()); } };
EVEREST_READER(bool, integer)
EVEREST_READER(float, number)
EVEREST_READER(double, number)
EVEREST_READER(signed char, integer)
EVEREST_READER(short, integer)
EVEREST_READER(int, integer)
EVEREST_READER(long, integer)
EVEREST_READER(long long, integer)
EVEREST_READER(unsigned char, natural)
EVEREST_READER(unsigned short, natural)
EVEREST_READER(unsigned int, natural)
EVEREST_READER(unsigned long, natural)
EVEREST_READER(unsigned long long, natural)
#undef EVEREST_READER

#ifdef EVEREST_COMPLEX
template <class T> struct reader<std::complex<T>> {
  static std::complex<T> take() {
    T real = everest_::take<T>(), imaginary = everest_::take<T>();
    return std::complex<T>(real, imaginary);
  }
};
#endif

#ifdef EVEREST_STRING
template <> struct reader<std::string> {
  static std::string take() {
    std::size_t size;
    const char *data = text(size);
    return std::string(data, size);
  }
};
#endif

#ifdef EVEREST_VECTOR
// Items of a std::vector that is filled from a file: numbers, or vectors of them.
template <class T> struct filler;

template <> struct filler<bool> {
  template <class V> static void fill(V &to, int) {
    for (std::size_t i = 0; i < to.size(); i++) {
      unsigned char byte;
      bytes(&byte, 1);
      to[i] = byte != 0;
    }
  }
};

template <class T> struct filler {
  template <class V> static void fill(V &to, int) { bytes(to.data(), to.size() * sizeof(T)); }
};

template <class T> struct filler<std::vector<T>> {
  template <class W> static void fill(W &to, int level) {
    for (auto &item : to) {
      item.resize(dimension(level));
      filler<T>::fill(item, level + 1);
    }
  }
};

template <class T> struct reader<std::vector<T>> {
  static std::vector<T> take() {
    std::vector<T> value;
    std::size_t size = length();
    if (in_file()) {
      value.resize(dimension(0));
      filler<T>::fill(value, 1);
      bytes_end();
      return value;
    }
    value.reserve(size);
    for (std::size_t i = 0; i < size; i++) value.push_back(everest_::take<T>());
    return value;
  }
};

#endif

#ifdef EVEREST_MAP
template <class T> struct reader<std::map<std::string, T>> {
  static std::map<std::string, T> take() {
    std::map<std::string, T> value;
    for (std::size_t size = length(); size > 0; size--) {
      std::string key = everest_::take<std::string>();
      value.emplace(key, everest_::take<T>());
    }
    return value;
  }
};
#endif

}  // namespace everest_

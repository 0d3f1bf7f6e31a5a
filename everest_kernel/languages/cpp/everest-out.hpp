// Writes the values of outputs. Types of the library are told by what they have, so that none of their headers is needed.
#pragma GCC system_header
#include <cstddef>
#include <type_traits>
#include <utility>

namespace everest_ {

// in the support unit; a null name stands for an item of a list
void integer(const char *name, std::size_t size, long long value);
void natural(const char *name, std::size_t size, unsigned long long value);
void number(const char *name, std::size_t size, long double value);
void complex(const char *name, std::size_t size, double real, double imaginary);
void text(const char *name, std::size_t size, const char *data, std::size_t length);
void truth(const char *name, std::size_t size, bool value);
void none(const char *name, std::size_t size);
void container(const char *name, std::size_t size, const char *kind, std::size_t length);
void array(const char *name, std::size_t size, char kind, int bytes, const std::size_t *shape, int rank);
void array_bytes(const void *data, std::size_t size);
void array_end();
void *room(std::size_t size);  // until the next call
void begin_output();
void end_output(const char *name);

// --- what a type is

template <class T> using bare = std::remove_cv_t<std::remove_reference_t<T>>;
template <class T> T &one();

template <class, class = void> struct is_number : std::false_type {};  // that an array can have
template <class T> struct is_number<T, std::enable_if_t<std::is_arithmetic_v<T>>>
    : std::bool_constant<!std::is_same_v<T, long double> && !std::is_same_v<T, wchar_t> &&
                         !std::is_same_v<T, char16_t> && !std::is_same_v<T, char32_t> && sizeof(T) <= 8> {};

template <class, class = void> struct is_complex : std::false_type {};
template <class T> struct is_complex<T, std::void_t<typename T::value_type, decltype(one<const T>().real()),
                                                    decltype(one<const T>().imag())>>
    : std::bool_constant<sizeof(T) == 2 * sizeof(typename T::value_type) &&
                         (std::is_same_v<typename T::value_type, float> ||
                          std::is_same_v<typename T::value_type, double>)> {};

template <class, class = void> struct is_text : std::false_type {};
template <class T> struct is_text<T, std::void_t<typename T::traits_type, decltype(one<const T>().data())>>
    : std::is_same<typename T::value_type, char> {};
template <> struct is_text<const char *> : std::true_type {};
template <> struct is_text<char *> : std::true_type {};
template <std::size_t N> struct is_text<char[N]> : std::true_type {};
template <std::size_t N> struct is_text<const char[N]> : std::true_type {};

template <class, class = void> struct is_map : std::false_type {};
template <class T>
struct is_map<T, std::void_t<typename T::mapped_type, decltype(one<const T>().at(one<const typename T::key_type>()))>>
    : std::true_type {};

template <class, class = void> struct item_of { using type = void; };
template <class T> struct item_of<T, std::void_t<decltype(begin(one<const T>())), decltype(end(one<const T>()))>> {
  using type = bare<decltype(*begin(one<const T>()))>;
};
template <class T, class = void> struct item_in { using type = typename item_of<T>::type; };
template <class T> struct item_in<T, std::void_t<decltype(one<const T>().begin()), decltype(one<const T>().end())>> {
  using type = bare<decltype(*one<const T>().begin())>;
};
template <class T, std::size_t N> struct item_in<T[N]> { using type = bare<T>; };
template <class T> using item = std::conditional_t<std::is_same_v<typename item_in<T>::type, T>, void,
                                                   typename item_in<T>::type>;  // a path is a list of paths

template <class, class = void> struct is_optional : std::false_type {};
template <class T> struct is_optional<T, std::void_t<decltype(one<const T>().has_value()), decltype(*one<const T>())>>
    : std::true_type {};

template <class, class = void> struct is_tuple : std::false_type {};
template <class T> struct is_tuple<T, std::void_t<decltype(std::tuple_size<T>::value)>> : std::true_type {};

template <class T> constexpr bool travels();

template <class T, std::size_t... I> constexpr bool all_travel(std::index_sequence<I...>) {
  return (travels<bare<std::tuple_element_t<I, T>>>() && ...);
}

template <class T> constexpr bool travels() {
  if constexpr (std::is_enum_v<T> || std::is_null_pointer_v<T> || std::is_same_v<T, long double>) return true;
  else if constexpr (is_number<T>::value || is_complex<T>::value || is_text<T>::value) return true;
  else if constexpr (is_map<T>::value) return is_text<bare<typename T::key_type>>::value && travels<bare<typename T::mapped_type>>();
  else if constexpr (is_optional<T>::value) return travels<bare<decltype(*one<const T>())>>();
  else if constexpr (!std::is_void_v<item<T>>) return travels<item<T>>();
  else if constexpr (is_tuple<T>::value) return all_travel<T>(std::make_index_sequence<std::tuple_size<T>::value>());
  else return false;
}

// --- arrays: ranges of numbers, and ranges of ranges that make a rectangle

template <class T> constexpr int rank() {
  if constexpr (is_number<T>::value || is_complex<T>::value) return 0;
  else if constexpr (is_text<T>::value || is_map<T>::value || is_optional<T>::value) return -1;
  else if constexpr (!std::is_void_v<item<T>>) return rank<item<T>>() < 0 ? -1 : rank<item<T>>() + 1;
  else return -1;
}

template <class T, int R = rank<T>()> struct leaf_of { using type = typename leaf_of<item<T>>::type; };
template <class T> struct leaf_of<T, 0> { using type = T; };

template <class T> constexpr char letter() {
  if constexpr (is_complex<T>::value) return 'c';
  else if constexpr (std::is_same_v<T, bool>) return 'b';
  else return std::is_floating_point_v<T> ? 'f' : std::is_signed_v<T> ? 'i' : 'u';
}

// Takes the shape along the first items, then checks the others against it.
template <int R, class T> bool rectangular(const T &range, std::size_t *shape, bool first) {
  std::size_t size = 0;
  bool fits = true;
  for (const auto &inner : range) {
    if constexpr (R > 1) fits = fits && rectangular<R - 1>(inner, shape + 1, first && size == 0);
    else (void)inner;
    size++;
  }
  if (first) {
    *shape = size;
    if (size == 0)
      for (int level = 1; level < R; level++) shape[level] = 0;
  }
  return fits && *shape == size;
}

// In column-major order.
template <int R, class L, class T> void gather(const T &range, L *to, const std::size_t *shape, std::size_t stride) {
  for (const auto &inner : range) {
    if constexpr (R > 1) gather<R - 1>(inner, to, shape + 1, stride * *shape);
    else *to = inner;
    to += stride;
  }
}

template <class T, class = void> struct is_dense : std::false_type {};
template <class T> struct is_dense<T, std::void_t<decltype(*one<const T>().data())>>
    : std::is_same<bare<decltype(*one<const T>().data())>, item<T>> {};

// --- the records

template <class T> void put(const char *name, std::size_t size, const T &value);

inline std::size_t length_of(const char *text) {
  std::size_t size = 0;
  while (text[size]) size++;
  return size;
}

template <class F, class T> void with_text(const T &value, F &&then) {
  if constexpr (std::is_class_v<T>) then(value.data(), value.size());
  else then(static_cast<const char *>(value), length_of(value));
}

template <class T> bool put_array(const char *name, std::size_t size, const T &range) {
  constexpr int R = rank<T>();
  using L = typename leaf_of<T>::type;
  std::size_t shape[R];
  if (!rectangular<R>(range, shape, true)) return false;
  std::size_t total = 1;
  for (std::size_t part : shape) total *= part;
  array(name, size, letter<L>(), int(sizeof(L)), shape, R);
  if constexpr (R == 1 && is_dense<T>::value) {
    if (total) array_bytes(range.data(), total * sizeof(L));
  } else if (total) {
    L *numbers = static_cast<L *>(room(total * sizeof(L)));
    gather<R>(range, numbers, shape, 1);
    array_bytes(numbers, total * sizeof(L));
  }
  array_end();
  return true;
}

template <class T> void put_range(const char *name, std::size_t size, const T &range) {
  std::size_t length = 0;
  for (const auto &inner : range) (void)inner, length++;
  container(name, size, "list", length);
  for (const auto &inner : range) put<item<T>>(nullptr, 0, inner);
}

template <class T, std::size_t... I>
void put_tuple(const char *name, std::size_t size, const T &value, std::index_sequence<I...>) {
  using std::get;
  container(name, size, "list", sizeof...(I));
  (put<bare<std::tuple_element_t<I, T>>>(nullptr, 0, get<I>(value)), ...);
}

template <class T> void put_map(const char *name, std::size_t size, const T &map) {
  std::size_t length = 0;
  for (const auto &pair : map) (void)pair, length++;
  container(name, size, "dict", length);
  for (const auto &pair : map)
    with_text(pair.first, [&](const char *key, std::size_t n) { put<bare<typename T::mapped_type>>(key, n, pair.second); });
}

template <class T> void put(const char *name, std::size_t size, const T &value) {
  if constexpr (std::is_null_pointer_v<T>) none(name, size);
  else if constexpr (std::is_enum_v<T>) put(name, size, static_cast<std::underlying_type_t<T>>(value));
  else if constexpr (std::is_same_v<T, bool>) truth(name, size, value);
  else if constexpr (std::is_same_v<T, char>) text(name, size, &value, 1);
  else if constexpr (std::is_floating_point_v<T>) number(name, size, value);
  else if constexpr (is_number<T>::value) {
    if constexpr (std::is_signed_v<T>) integer(name, size, value);
    else natural(name, size, value);
  } else if constexpr (is_complex<T>::value) complex(name, size, value.real(), value.imag());
  else if constexpr (is_text<T>::value) {
    if constexpr (std::is_pointer_v<T>) {
      if (!value) return none(name, size);
    }
    with_text(value, [&](const char *data, std::size_t n) { text(name, size, data, n); });
  } else if constexpr (is_map<T>::value) put_map(name, size, value);
  else if constexpr (is_optional<T>::value) {
    if (value.has_value()) put<bare<decltype(*value)>>(name, size, *value);
    else none(name, size);
  } else if constexpr (!std::is_void_v<item<T>>) {
    if constexpr (rank<T>() > 0) {
      if (put_array(name, size, value)) return;
    }
    put_range(name, size, value);
  } else put_tuple(name, size, value, std::make_index_sequence<std::tuple_size<T>::value>());
}

template <class T> std::enable_if_t<travels<T>()> output(const char *name, const T &value) {
  begin_output();
  put<T>(name, length_of(name), value);
  end_output(name);
}
template <class T> std::enable_if_t<!travels<T>()> output(const char *name, const T &value) = delete;

}  // namespace everest_

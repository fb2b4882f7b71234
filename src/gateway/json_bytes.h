// Finding the few bytes of JSON that matter, sixteen at a time: what makes skipping an image of 10
// MB in a prompt cost a few milliseconds. Pure functions; the plain loops beside them say the same
// and are what the tests compare with.
#pragma once
#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#include <bit>
#include <cstdint>

namespace strata::gateway {

/// The first '"' or '\\', or `end`.
inline const char* find_string_special_plain(const char* p, const char* end) {
  while (p != end && *p != '"' && *p != '\\') ++p;
  return p;
}

/// The first of "{}[], or `end`.
inline const char* find_structure_plain(const char* p, const char* end) {
  while (p != end && *p != '"' && *p != '{' && *p != '}' && *p != '[' && *p != ']') ++p;
  return p;
}

/// The first CR or LF, or `end`.
inline const char* find_line_end_plain(const char* p, const char* end) {
  while (p != end && *p != '\n' && *p != '\r') ++p;
  return p;
}

#if defined(__SSE2__)
namespace detail {

template <class Matches, class Plain>
const char* find16(const char* p, const char* end, Matches matches, Plain plain) {
  for (; end - p >= 16; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const auto hits = static_cast<uint32_t>(_mm_movemask_epi8(matches(bytes)));
    if (hits != 0) return p + std::countr_zero(hits);
  }
  return plain(p, end);
}

inline __m128i either(__m128i bytes, char a, char b) {
  return _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(a)),
                      _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b)));
}

}  // namespace detail

inline const char* find_string_special(const char* p, const char* end) {
  return detail::find16(
      p, end, [](__m128i bytes) { return detail::either(bytes, '"', '\\'); },
      find_string_special_plain);
}

inline const char* find_structure(const char* p, const char* end) {
  // '[' and '{', ']' and '}' differ in the bit of lower case alone.
  return detail::find16(
      p, end,
      [](__m128i bytes) {
        const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        return _mm_or_si128(detail::either(lower, '{', '}'),
                            _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
      },
      find_structure_plain);
}

inline const char* find_line_end(const char* p, const char* end) {
  return detail::find16(
      p, end, [](__m128i bytes) { return detail::either(bytes, '\n', '\r'); }, find_line_end_plain);
}
#else
inline const char* find_string_special(const char* p, const char* end) {
  return find_string_special_plain(p, end);
}
inline const char* find_structure(const char* p, const char* end) {
  return find_structure_plain(p, end);
}
inline const char* find_line_end(const char* p, const char* end) {
  return find_line_end_plain(p, end);
}
#endif

}  // namespace strata::gateway

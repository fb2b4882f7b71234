# Third-party libraries: one target each, linked statically where Debian ships an archive, so that
# the binary needs nothing but glibc. tools/check_layers.py says which module may include which.
find_package(Threads REQUIRED)

function(static_library TARGET)
  add_library(${TARGET} INTERFACE)
  foreach(archive ${ARGN})
    find_library(path_${archive} NAMES lib${archive}.a REQUIRED)
    target_link_libraries(${TARGET} INTERFACE ${path_${archive}})
  endforeach()
endfunction()

static_library(lib_re2 re2)
static_library(lib_xxhash xxhash)
static_library(lib_zlib z)
static_library(lib_zstd zstd)
static_library(lib_snappy snappy)
static_library(lib_yaml yaml)
static_library(lib_openssl ssl crypto)
static_library(lib_crypt crypt)
static_library(lib_boost_json boost_json)
target_link_libraries(lib_re2 INTERFACE Threads::Threads)
target_link_libraries(lib_openssl INTERFACE Threads::Threads ${CMAKE_DL_LIBS})

add_library(lib_boost INTERFACE)
target_compile_definitions(lib_boost INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ALL_NO_LIB
  BOOST_ASIO_DISABLE_BOOST_DATE_TIME)
add_library(lib_cli11 INTERFACE)
add_library(lib_spdlog INTERFACE)
target_compile_definitions(lib_spdlog INTERFACE SPDLOG_FMT_EXTERNAL SPDLOG_NO_EXCEPTIONS)

# What only the program links: the allocator (not under sanitizers) and the C++ runtime.
add_library(strata_static_runtime INTERFACE)
target_link_options(strata_static_runtime INTERFACE -static-libstdc++ -static-libgcc)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT STRATA_SANITIZE)
  static_library(lib_jemalloc jemalloc)
  target_link_libraries(strata_static_runtime INTERFACE lib_jemalloc ${CMAKE_DL_LIBS})
endif()

if(STRATA_TESTS)
  find_package(GTest REQUIRED)
  add_library(strata_test_main STATIC ${CMAKE_SOURCE_DIR}/cmake/test_main.cc)
  target_link_libraries(strata_test_main PUBLIC strata_options GTest::gtest GTest::gmock)
  target_precompile_headers(strata_test_main PRIVATE ${CMAKE_SOURCE_DIR}/cmake/test_pch.h)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  find_package(benchmark REQUIRED)
endif()

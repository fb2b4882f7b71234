# Compile options shared by every target of ours: strata_options; and the precompiled headers.
add_library(strata_options INTERFACE)
target_include_directories(strata_options INTERFACE
  ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
target_compile_options(strata_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wthread-safety
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wno-gnu-statement-expression      # TRY (base/result.h)
  -Wno-deprecated-declarations       # libstdc++ 12's own stable_sort
  -fno-omit-frame-pointer
  -fPIE                              # ours, not CMake's, so that libraries and programs can share
                                     # a precompiled header
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(STRATA_WERROR)
  target_compile_options(strata_options INTERFACE -Werror)
endif()
# ccache can serve another checkout only when the precompiled header carries no time stamp.
target_compile_options(strata_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
  # x86-64-v2 is every server since 2009; wider vectors are chosen at run time where they pay.
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    target_compile_options(strata_options INTERFACE -march=x86-64-v2)
  endif()
  target_compile_options(strata_options INTERFACE -gline-tables-only -D_FORTIFY_SOURCE=2
    -ffunction-sections -fdata-sections)
  target_link_options(strata_options INTERFACE -Wl,--gc-sections)
else()
  set(CMAKE_CXX_FLAGS_DEBUG "-O0 -gline-tables-only")
  target_compile_definitions(strata_options INTERFACE _GLIBCXX_ASSERTIONS)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    target_compile_options(strata_options INTERFACE -march=x86-64-v2)
  endif()
endif()
target_link_options(strata_options INTERFACE -fuse-ld=lld -pie)

if(STRATA_SANITIZE)
  set(sanitize -fsanitize=${STRATA_SANITIZE})
  if(STRATA_SANITIZE MATCHES "undefined")
    list(APPEND sanitize -fno-sanitize-recover=all)
  endif()
  # -O1: unoptimised sanitizer builds spend CI's time in std:: accessors.
  target_compile_options(strata_options INTERFACE ${sanitize} -O1)
  target_link_options(strata_options INTERFACE ${sanitize})
endif()
if(STRATA_FUZZ)
  target_compile_options(strata_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

add_library(strata_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/pch.cc)
target_link_libraries(strata_pch PUBLIC strata_options)
target_precompile_headers(strata_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.h)

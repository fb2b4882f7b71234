# module(NAME DEPS module... LIBS library...)
#
# Declares src/NAME as one static library and says, in the one place there is, which modules it may
# include. tools/check_layers.py reads the same lines and fails the build's tests on an #include
# that they do not allow.
#
#   src/NAME/*.cc         the library
#   src/NAME/*_test.cc    one GoogleTest binary, NAME_test
#   src/NAME/*_bench.cc   one Google Benchmark binary, NAME_bench (release preset)
#   src/NAME/*_fuzz.cc    one libFuzzer binary each (fuzz preset)
function(module NAME)
  cmake_parse_arguments(M "" "" "DEPS;LIBS" ${ARGN})
  set(dir ${CMAKE_CURRENT_SOURCE_DIR}/src/${NAME})
  file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.cc)
  file(GLOB tests CONFIGURE_DEPENDS ${dir}/*_test.cc)
  file(GLOB benches CONFIGURE_DEPENDS ${dir}/*_bench.cc)
  file(GLOB fuzzers CONFIGURE_DEPENDS ${dir}/*_fuzz.cc)
  list(REMOVE_ITEM sources ${tests} ${benches} ${fuzzers} "" ${dir}/main.cc)
  if(NOT sources)
    message(FATAL_ERROR "module ${NAME} has no sources in ${dir}")
  endif()

  add_library(${NAME} STATIC ${sources})
  target_link_libraries(${NAME} PUBLIC strata_options ${M_DEPS} PRIVATE ${M_LIBS})
  # Asio's headers redefine too much for a shared precompiled header to be worth it in net.
  if(NOT NAME STREQUAL "net")
    target_precompile_headers(${NAME} REUSE_FROM strata_pch)
  endif()

  if(tests AND STRATA_TESTS)
    add_executable(${NAME}_test ${tests})
    target_link_libraries(${NAME}_test PRIVATE ${NAME} ${M_LIBS} strata_test_main)
    target_precompile_headers(${NAME}_test REUSE_FROM strata_test_main)
    gtest_discover_tests(${NAME}_test DISCOVERY_MODE PRE_TEST TEST_PREFIX ${NAME}/
      PROPERTIES LABELS unit TIMEOUT 300
      WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  if(benches AND CMAKE_BUILD_TYPE STREQUAL "Release")
    add_executable(${NAME}_bench EXCLUDE_FROM_ALL ${benches})
    target_link_libraries(${NAME}_bench PRIVATE ${NAME} ${M_LIBS} benchmark::benchmark_main)
    set_property(GLOBAL APPEND PROPERTY STRATA_BENCHES ${NAME}_bench)
  endif()
  if(STRATA_FUZZ)
    foreach(source ${fuzzers})
      get_filename_component(target ${source} NAME_WE)
      set(target ${NAME}_${target})
      add_executable(${target} ${source})
      target_link_libraries(${target} PRIVATE ${NAME} ${M_LIBS})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    endforeach()
  endif()
endfunction()

# Puts the files of src/ui/assets into the ui library: each gzipped, all named in one table that
# src/ui/assets.cc reads. An assembly file, so that the compiler need not parse the bytes; -n keeps
# the time out of them, so that the same files give the same binary.
function(embed_ui_assets)
  file(GLOB ui_assets CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/ui/assets/*)
  if(NOT TARGET ui OR NOT ui_assets)
    return()
  endif()
  find_program(GZIP gzip REQUIRED)

  set(dir ${CMAKE_CURRENT_BINARY_DIR}/ui_assets)
  file(MAKE_DIRECTORY ${dir})
  set(contents ".section .rodata\n")
  set(table "")
  set(gzipped "")
  set(n 0)
  foreach(asset ${ui_assets})  # a glob is sorted: assets.cc relies on it
    get_filename_component(name ${asset} NAME)
    add_custom_command(OUTPUT ${dir}/${name}.gz
      COMMAND ${GZIP} -9 -n -c ${asset} > ${dir}/${name}.gz
      DEPENDS ${asset} VERBATIM)
    list(APPEND gzipped ${dir}/${name}.gz)
    string(APPEND contents "name_${n}: .asciz \"${name}\"\n"
      "begin_${n}: .incbin \"${dir}/${name}.gz\"\nend_${n}:\n")
    string(APPEND table "  .quad name_${n}, begin_${n}, end_${n}\n")
    math(EXPR n "${n} + 1")
  endforeach()
  file(CONFIGURE OUTPUT ${dir}/table.S CONTENT "// Made by cmake/ui_assets.cmake.
${contents}
.section .data.rel.ro, \"aw\"
.balign 8
.global strata_ui_assets, strata_ui_asset_count
strata_ui_assets:
${table}strata_ui_asset_count: .quad ${n}
.section .note.GNU-stack, \"\", %progbits
" @ONLY)
  set_source_files_properties(${dir}/table.S PROPERTIES OBJECT_DEPENDS "${gzipped}")

  # A library of its own: the C++ options of ours mean nothing to the assembler.
  add_library(ui_asset_bytes OBJECT ${dir}/table.S)
  target_sources(ui PRIVATE $<TARGET_OBJECTS:ui_asset_bytes>)
endfunction()

# Puts the files of catalog/ into the catalog library, named in one table that
# src/catalog/builtin.cc reads. As cmake/ui_assets.cmake does, but as they are: they are read at
# start, and by people with `strings`.
function(embed_catalog)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/catalog/*.yaml)
  set(contents "")
  set(table "")
  set(n 0)
  foreach(file ${files})
    get_filename_component(name ${file} NAME)
    string(APPEND contents "name_${n}: .asciz \"catalog/${name}\"\n"
      "begin_${n}: .incbin \"${file}\"\nend_${n}:\n")
    string(APPEND table "  .quad name_${n}, begin_${n}, end_${n}\n")
    math(EXPR n "${n} + 1")
  endforeach()
  set(made ${CMAKE_CURRENT_BINARY_DIR}/catalog_table.S)
  file(CONFIGURE OUTPUT ${made} CONTENT "// Made by cmake/embed_catalog.cmake.
.section .rodata
${contents}
.section .data.rel.ro, \"aw\"
.balign 8
.global strata_catalog_files, strata_catalog_file_count
strata_catalog_files:
${table}strata_catalog_file_count: .quad ${n}
.section .note.GNU-stack, \"\", %progbits
" @ONLY)
  set_source_files_properties(${made} PROPERTIES OBJECT_DEPENDS "${files}")
  add_library(catalog_bytes OBJECT ${made})
  target_sources(catalog PRIVATE $<TARGET_OBJECTS:catalog_bytes>)
endfunction()

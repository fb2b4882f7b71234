# embed_files(TARGET FOLDER EXT): puts FOLDER/*.EXT into the library TARGET as they are, named in one
# table that its sources know as `strata_FOLDER_files` and `strata_FOLDER_file_count`, with _ for /.
function(embed_files TARGET FOLDER EXT)
  string(REPLACE "/" "_" symbol ${FOLDER})
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${FOLDER}/*.${EXT})
  set(contents "")
  set(table "")
  set(n 0)
  foreach(file ${files})
    get_filename_component(name ${file} NAME)
    string(APPEND contents "name_${n}: .asciz \"${FOLDER}/${name}\"\n"
      "begin_${n}: .incbin \"${file}\"\nend_${n}:\n")
    string(APPEND table "  .quad name_${n}, begin_${n}, end_${n}\n")
    math(EXPR n "${n} + 1")
  endforeach()
  set(made ${CMAKE_CURRENT_BINARY_DIR}/${symbol}_table.S)
  file(CONFIGURE OUTPUT ${made} CONTENT "// Made by cmake/embed_files.cmake.
.section .rodata
${contents}
.section .data.rel.ro, \"aw\"
.balign 8
.global strata_${symbol}_files, strata_${symbol}_file_count
strata_${symbol}_files:
${table}strata_${symbol}_file_count: .quad ${n}
.section .note.GNU-stack, \"\", %progbits
" @ONLY)
  set_source_files_properties(${made} PROPERTIES OBJECT_DEPENDS "${files}")
  add_library(${TARGET}_${symbol}_bytes OBJECT ${made})
  target_sources(${TARGET} PRIVATE $<TARGET_OBJECTS:${TARGET}_${symbol}_bytes>)
endfunction()

# Run while building: gzips each file below PAGES and writes MADE/table.S, which names them all in
# one table that src/ui/assets.cc reads. An assembly file, so that the compiler need not parse the
# bytes; gzip -n keeps the time out of them, so that the same files give the same binary.
file(GLOB_RECURSE files RELATIVE ${PAGES} ${PAGES}/*)
list(SORT files)  # assets.cc relies on it
file(REMOVE_RECURSE ${MADE}/gz)
file(MAKE_DIRECTORY ${MADE}/gz)
set(contents ".section .rodata\n")
set(table "")
set(n 0)
foreach(file ${files})
  execute_process(COMMAND ${GZIP} -9 -n -c ${PAGES}/${file} OUTPUT_FILE ${MADE}/gz/${n}.gz
    COMMAND_ERROR_IS_FATAL ANY)
  string(APPEND contents "name_${n}: .asciz \"${file}\"\n"
    "begin_${n}: .incbin \"${MADE}/gz/${n}.gz\"\nend_${n}:\n")
  string(APPEND table "  .quad name_${n}, begin_${n}, end_${n}\n")
  math(EXPR n "${n} + 1")
endforeach()
file(WRITE ${MADE}/table.S "// Made by cmake/make_ui_table.cmake.
${contents}
.section .data.rel.ro, \"aw\"
.balign 8
.global strata_ui_assets, strata_ui_asset_count
strata_ui_assets:
${table}strata_ui_asset_count: .quad ${n}
.section .note.GNU-stack, \"\", %progbits
")

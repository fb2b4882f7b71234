# The web page, into the ui library. With Node.js it is built from web/ (Vite, into the build
# folder); without it, or with -DSTRATA_WEB=OFF, src/ui/fallback takes its place, so that a C++
# toolchain alone still builds all of Strata. With -DSTRATA_WEB=REQUIRED, as ./dev builds, a page that
# cannot be built is an error. STRATA_WEB_BUILT says which it was.
set(STRATA_WEB ON CACHE STRING "Build the web page with Node.js and embed it: ON, OFF or REQUIRED")

function(no_web_page WHY)
  if(STRATA_WEB STREQUAL "REQUIRED")
    message(FATAL_ERROR "${WHY}")
  endif()
  message(WARNING "${WHY}: built without the web page")
endfunction()

# Installs what web/package-lock.json names, once for each version of it.
function(install_web_packages RESULT)
  set(web ${CMAKE_CURRENT_SOURCE_DIR}/web)
  set(${RESULT} OFF PARENT_SCOPE)
  find_program(NODE NAMES node nodejs)
  find_program(NPM npm)
  if(NOT STRATA_WEB)
    return()
  endif()
  if(NOT NODE OR NOT NPM)
    no_web_page("node or npm is missing (./dev installs both)")
    return()
  endif()
  set(installed ${web}/node_modules/.package-lock.json)
  if(NOT EXISTS ${installed} OR ${web}/package-lock.json IS_NEWER_THAN ${installed})
    message(STATUS "Installing the packages of web/package-lock.json")
    execute_process(COMMAND ${NPM} ci --no-audit --no-fund WORKING_DIRECTORY ${web}
      RESULT_VARIABLE failed OUTPUT_QUIET TIMEOUT 600)
    if(failed)
      no_web_page("npm ci failed in web/")
      return()
    endif()
    file(TOUCH ${installed})
  endif()
  set(${RESULT} ON PARENT_SCOPE)
endfunction()

function(embed_ui_assets)
  find_program(GZIP gzip REQUIRED)
  install_web_packages(built)
  set(STRATA_WEB_BUILT ${built} PARENT_SCOPE)
  set(web ${CMAKE_CURRENT_SOURCE_DIR}/web)
  set(made ${CMAKE_CURRENT_BINARY_DIR}/ui_assets)
  if(built)
    set(pages ${made}/dist)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${web}/src/* ${web}/public/*)
    list(APPEND sources ${web}/index.html ${web}/vite.config.ts ${web}/package-lock.json)
    add_custom_command(OUTPUT ${made}/built
      COMMAND ${CMAKE_COMMAND} -E chdir ${web} ${NODE} node_modules/vite/bin/vite.js build
        --logLevel warn --outDir ${pages} --emptyOutDir
      COMMAND ${CMAKE_COMMAND} -E touch ${made}/built
      DEPENDS ${sources} COMMENT "Building the web page" VERBATIM)
    set(depends ${made}/built)
  else()
    set(pages ${CMAKE_CURRENT_SOURCE_DIR}/src/ui/fallback)
    file(GLOB depends CONFIGURE_DEPENDS ${pages}/*)
  endif()

  # Names have hashes of what is in the files, so they are known when the page has been built.
  set(script ${CMAKE_CURRENT_SOURCE_DIR}/cmake/make_ui_table.cmake)
  add_custom_command(OUTPUT ${made}/table.S
    COMMAND ${CMAKE_COMMAND} -DPAGES=${pages} -DMADE=${made} -DGZIP=${GZIP} -P ${script}
    DEPENDS ${depends} ${script} VERBATIM)
  # A library of its own: the C++ options of ours mean nothing to the assembler.
  add_library(ui_asset_bytes OBJECT ${made}/table.S)
  target_sources(ui PRIVATE $<TARGET_OBJECTS:ui_asset_bytes>)
endfunction()

// A file that cmake/embed_files.cmake or make_ui_table.cmake put into the binary: a row of the
// tables that these make. Lives as long as the process.
#pragma once
#include <string_view>

namespace strata {

struct EmbeddedFile {
  const char* name;  // with its folder: "catalog/vllm.yaml"
  const char* begin;
  const char* end;

  std::string_view bytes() const { return {begin, end}; }
};

}  // namespace strata

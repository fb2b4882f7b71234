#include "app/cli.h"

// Read by jemalloc, where the program has it. Rows of a large query are as much as allocations come
// to; by default such ones go back to the system at once, and every query pays for fresh pages.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "oversize_threshold:0";
}

int main(int argc, char** argv) { return strata::app::run(argc, argv); }

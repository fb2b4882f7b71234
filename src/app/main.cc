#include "app/cli.h"

int main(int argc, char** argv) { return strata::app::run(argc, argv); }

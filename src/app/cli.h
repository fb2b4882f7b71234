// The command line: which words there are, and what each does.
#pragma once

namespace strata::app {

/// Exit codes: 0 done, 1 it failed (a message on standard error says why), 2 the command line is
/// wrong.
int run(int argc, char** argv);

}  // namespace strata::app

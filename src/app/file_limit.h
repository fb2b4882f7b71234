// How many files and sockets the process may have open.
#pragma once

namespace strata::app {

/// As many as the system allows us: a server needs one a connection, a target, a mapped file.
void raise_file_limit();

}  // namespace strata::app

// A field of a form that was posted (multipart/form-data, RFC 7578): the model of an audio request.
// Pure functions; files in the form are passed over at the speed of memchr.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace strata::gateway {

/// The boundary of a Content-Type of multipart/form-data; empty for any other.
std::string form_boundary(std::string_view content_type);

/// The value of the first field of that name; none when there is none, when it is a file, or when
/// it is longer than 1 KiB. `body` is whole.
std::optional<std::string> form_field(std::string_view body, std::string_view boundary,
                                      std::string_view name);

}  // namespace strata::gateway

#include "collect/xid.h"

namespace strata::collect {
namespace {

constexpr Xid kXids[] = {
    {8, "a program's channel stopped answering", false},
    {13, "exception in the graphics or compute engine", false},
    {31, "a program touched memory that is not its own", false},
    {32, "corrupted commands from a program or the bus", false},
    {38, "driver firmware error", true},
    {43, "a program was stopped", false},
    {45, "channels removed after an earlier error", false},
    {46, "the GPU stopped processing", true},
    {48, "double-bit memory error", true},
    {61, "internal microcontroller warning", true},
    {62, "internal microcontroller halt", true},
    {63, "memory row replaced or page retired", true},
    {64, "memory row or page could not be replaced", true},
    {68, "video processor exception", false},
    {69, "graphics engine class error", false},
    {74, "NVLink error", true},
    {79, "the GPU fell off the bus", true},
    {92, "many single-bit memory errors", true},
    {94, "memory error, contained to one program", true},
    {95, "memory error, not contained", true},
    {109, "context switch took too long", false},
    {110, "security fault", true},
    {119, "the GPU's system processor (GSP) did not answer", true},
    {120, "error in the GPU's system processor (GSP)", true},
    {121, "error on the link to the CPU (C2C)", true},
    {122, "infoROM could not be read or written", true},
    {136, "link training failed", true},
    {137, "NVLink memory access fault", true},
    {140, "memory error that was not recovered", true},
    {143, "GPU could not be initialised", true},
    {144, "NVLink: fatal", true},
    {145, "NVLink: link error", true},
    {154, "recovery action changed", true},
};

}  // namespace

std::span<const Xid> known_xids() { return kXids; }

std::string_view xid_meaning(uint32_t code) {
  if (code == 0) return "none";
  for (const Xid& xid : kXids) {
    if (xid.code == code) return xid.meaning;
  }
  return "unknown";
}

}  // namespace strata::collect

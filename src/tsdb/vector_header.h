// The two bytes that an integer vector begins with: shared by its encoder and decoder.
#pragma once
#include "tsdb/int_vector.h"

namespace strata::tsdb {

inline constexpr size_t kVectorHeaderBytes = 2;

struct VectorHeader {
  Predictor predictor = Predictor::kPlain;  // bits 0-1 of the first byte
  Packing packing = Packing::kDense;        // bits 2-3
  bool zigzag = false;                      // bit 4
  bool has_gcd = false;                     // bit 5
  bool patched = false;                     // bit 6; bit 7 is zero
  uint8_t width = 0;                        // the second byte

  void append(std::string& out) const {
    out +=
        static_cast<char>(static_cast<unsigned>(predictor) | static_cast<unsigned>(packing) << 2 |
                          unsigned{zigzag} << 4 | unsigned{has_gcd} << 5 | unsigned{patched} << 6);
    out += static_cast<char>(width);
  }

  static VectorHeader read(ByteReader& in) {
    const unsigned bits = in.u8();
    const VectorHeader header{static_cast<Predictor>(bits & 3),
                              static_cast<Packing>(bits >> 2 & 3),
                              (bits >> 4 & 1) != 0,
                              (bits >> 5 & 1) != 0,
                              (bits >> 6 & 1) != 0,
                              in.u8()};
    if (header.predictor > Predictor::kDelta2 || header.width > 64 || (bits & 0x80) != 0) {
      in.fail();
    }
    return header;
  }
};

}  // namespace strata::tsdb

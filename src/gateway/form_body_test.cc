#include "gateway/form_body.h"

#include <gtest/gtest.h>

namespace strata::gateway {
namespace {

const std::string kForm =
    "preamble\r\n--x y\r\nContent-Type: audio/wav\r\n"
    "Content-Disposition: form-data; name=\"file\"; filename=\"model; "
    "name=\\\"model\\\".wav\"\r\n\r\n"
    "RIFF\r\n--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nin a file\r\n"
    "--x y\r\ncontent-disposition:form-data;name=model\r\n\r\nwhisper-1\r\n"
    "--x y\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nsecond\r\n"
    "--x y\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--x y--\r\n";

TEST(FormBody, FindsAFieldAmongFiles) {
  const std::string boundary = form_boundary("multipart/Form-Data; charset=x; boundary=\"x y\"");
  ASSERT_EQ(boundary, "x y");
  EXPECT_EQ(form_field(kForm, boundary, "model"), "whisper-1");
  EXPECT_EQ(form_field(kForm, boundary, "empty"), "");
  EXPECT_EQ(form_field(kForm, boundary, "file"), std::nullopt);
  EXPECT_EQ(form_field(kForm, boundary, "stream"), std::nullopt);
  EXPECT_EQ(form_field(kForm, "other", "model"), std::nullopt);
}

TEST(FormBody, WhatIsCutHasNoField) {
  const size_t whole = kForm.find("whisper-1\r\n--x y") + 16;
  for (size_t size = 0; size < whole; ++size) {
    EXPECT_EQ(form_field(kForm.substr(0, size), "x y", "model"), std::nullopt) << size;
  }
}

TEST(FormBody, AValueThatIsTooLongIsNone) {
  const std::string form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" +
                           std::string(2000, 'x') + "\r\n--b--";
  EXPECT_EQ(form_field(form, "b", "model"), std::nullopt);
}

TEST(FormBody, OtherTypesHaveNoBoundary) {
  EXPECT_EQ(form_boundary("application/json"), "");
  EXPECT_EQ(form_boundary("multipart/form-data"), "");
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=" + std::string(71, 'b')), "");
}

}  // namespace
}  // namespace strata::gateway

#include "cli/screen_text.h"

#include <gtest/gtest.h>

namespace network_mapper::cli {
namespace {

TEST(ScreenText, LeavesWhatIsPrintableAsItIs) {
  for (const char* text : {"", "checkout", "arn:aws:s3:::b/gr\xC3\xBC\xC3\x9F e.pdf", "a\\b\"c",
                           "\xE6\x97\xA5", "\xF0\x9F\x98\x80", "\xC2\xA0"}) {
    EXPECT_EQ(OnScreen(text), text);
    EXPECT_EQ(LinesOnScreen(text), text);
  }
}

TEST(ScreenText, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(OnScreen("a\nb\tc\r"), "a\\u000ab\\u0009c\\u000d");
  EXPECT_EQ(OnScreen("\x1B[2J\x7F"), "\\u001b[2J\\u007f");
  EXPECT_EQ(OnScreen(std::string_view("\0", 1)), "\\u0000");
  EXPECT_EQ(OnScreen("\xC2\x9B"
                     "2J"),
            "\\u009b2J");
  EXPECT_EQ(OnScreen("a\xE2\x80\xAE"
                     "b\xE2\x81\xA6"
                     "c\xE2\x80\xA8"),
            "a\\u202eb\\u2066c\\u2028");
  EXPECT_EQ(OnScreen("\xEF\xBB\xBF\xD8\x9C"), "\\ufeff\\u061c");
  EXPECT_EQ(OnScreen("\x9B\xC3(\xE2\x80"), "\\x9b\\xc3(\\xe2\\x80");
}

TEST(ScreenText, LinesStayLines) {
  EXPECT_EQ(LinesOnScreen("a\n\tb\x1B\r\n"), "a\n\tb\\u001b\\u000d\n");
}

TEST(ScreenText, JsonMeansWhatItMeant) {
  const Json json = {{"a", {"x\x7F\xC2\x85y", 1, nullptr}}, {"b", {{"c", "\xE2\x80\xA8\n"}}}};
  const std::string shown = LinesOnScreen(json.dump(2));
  EXPECT_EQ(shown.find('\x7F'), std::string::npos);
  EXPECT_EQ(Json::parse(shown), json);
}

TEST(ScreenText, TakesEveryTextOfJson) {
  EXPECT_EQ(TextsOnScreen(Json::parse(R"({"a":["x\ny",1,null,[["\u001b"]]],"b":{"c":"\r"}})")),
            Json::parse(R"({"a":["x\\u000ay",1,null,[["\\u001b"]]],"b":{"c":"\\u000d"}})"));
  EXPECT_EQ(TextsOnScreen(Json("\n")), Json("\\u000a"));
  EXPECT_EQ(TextsOnScreen(Json(7)), Json(7));
}

}  // namespace
}  // namespace network_mapper::cli

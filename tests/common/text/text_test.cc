#include <gtest/gtest.h>

#include "common/text/edit_distance.h"
#include "common/text/json_string.h"
#include "common/text/utf8.h"

namespace network_mapper {
namespace {

TEST(Utf8, KnowsWhatRfc3629Allows) {
  for (const char* text : {"", "abc", "\xC3\xBC", "\xE0\xA0\x80", "\xED\x9F\xBF",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  for (const char* text :
       {"\x80", "\xC3", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xC3("}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

TEST(Utf8, MeasuresTheFirstCharacter) {
  EXPECT_EQ(Utf8SequenceLength(""), 0U);
  EXPECT_EQ(Utf8SequenceLength("a\xFF"), 1U);
  EXPECT_EQ(Utf8SequenceLength("\xF0\x9F\x98\x80x"), 4U);
  EXPECT_EQ(Utf8SequenceLength("\xF0\x9F\x98"), 0U);
}

TEST(Utf8, FindsControlCharacters) {
  EXPECT_TRUE(HasControlCharacter("a\nb"));
  EXPECT_TRUE(HasControlCharacter(std::string_view("\0", 1)));
  EXPECT_TRUE(HasControlCharacter("\x7F"));
  EXPECT_TRUE(HasControlCharacter("a\xC2\x80"));
  EXPECT_TRUE(HasControlCharacter("\xC2\x9B[2J"));
  EXPECT_FALSE(HasControlCharacter(""));
  EXPECT_FALSE(HasControlCharacter("a b~\xC3\xBC"));
  EXPECT_FALSE(HasControlCharacter("\xC2\xA0 \xC3\x9B \xE0\xA2\x80"));
}

TEST(JsonString, EscapesWhatWouldBreakALine) {
  EXPECT_EQ(EscapeJson("a\"b\\c\nd\x01"), "a\\\"b\\\\c\\nd\\u0001");
  EXPECT_EQ(EscapeJson("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(EscapeJson("bad\xFF\xC3"), "bad\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(JsonString, AppendsWithQuotes) {
  std::string out = "x:";
  AppendJsonString(out, "a\tb\r\xED\xA0\x80");
  EXPECT_EQ(out, "x:\"a\\tb\\r\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(EditDistance, CountsInsertionsDeletionsAndSubstitutions) {
  EXPECT_EQ(EditDistance("", ""), 0U);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3U);
  EXPECT_EQ(EditDistance("", "abc"), 3U);
  EXPECT_EQ(EditDistance("namespaces", "namesapces"), 2U);
}

}  // namespace
}  // namespace network_mapper

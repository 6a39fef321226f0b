#include "istio-watcher/metrics/path_cleaner.h"

#include <gtest/gtest.h>

namespace network_mapper::istio {
namespace {

std::string Clean(std::string_view path, size_t max_bytes = 20) {
  const auto result = CleanPath(path, max_bytes);
  if (const auto* refusal = std::get_if<ResourceRefusal>(&result)) {
    return "refused " + std::string(ResourceRefusalName(*refusal));
  }
  return std::string(std::get<std::string_view>(result));
}

TEST(CleanPath, KeepsWhatIsAPath) {
  EXPECT_EQ(Clean("/"), "/");
  EXPECT_EQ(Clean("*"), "*");
  EXPECT_EQ(Clean("/a b"), "/a b");
  EXPECT_EQ(Clean("/caf\xC3\xA9"), "/caf\xC3\xA9");
  EXPECT_EQ(Clean("/a?b?c"), "/a");
  EXPECT_EQ(Clean("unknown"), "");
  EXPECT_EQ(Clean(""), "");
}

TEST(CleanPath, RefusesWhatIsNone) {
  EXPECT_EQ(Clean("/aaaaaaaaaaaaaaaaaaa"), "/aaaaaaaaaaaaaaaaaaa");
  EXPECT_EQ(Clean("/aaaaaaaaaaaaaaaaaaaa"), "refused path_too_long");
  EXPECT_EQ(Clean("/a\x7F"), "refused control_character");
  EXPECT_EQ(Clean("/a\tb"), "refused control_character");
  EXPECT_EQ(Clean("/\xC0\xAF"), "refused path_not_utf8");
}

TEST(FoldIds, FoldsNumbersUuidsAndLongHexadecimalWords) {
  std::string scratch;
  EXPECT_EQ(FoldIds("/cart/8731/items/2", scratch), "/cart/{id}/items/{id}");
  EXPECT_EQ(FoldIds("/u/123E4567-e89b-12d3-a456-426614174000/x", scratch), "/u/{id}/x");
  EXPECT_EQ(FoldIds("/o/507f1f77bcf86cd799439011", scratch), "/o/{id}");
  EXPECT_EQ(FoldIds("8", scratch), "{id}");
}

TEST(FoldIds, LeavesWordsAlone) {
  std::string scratch;
  for (const char* path : {"", "/", "//", "/v1/cart", "/face/beef", "/a/123e4567-e89b-12d3-a456",
                           "/shop.cart.v1.CartService/GetCart", "/2024-01-01/", "/x/12.json",
                           "/u/123E4567xe89b-12d3-a456-426614174000"}) {
    EXPECT_EQ(FoldIds(path, scratch), path);
  }
}

}  // namespace
}  // namespace network_mapper::istio

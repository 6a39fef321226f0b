#include "common/net/byte_reader.h"

#include <array>

#include <gtest/gtest.h>

namespace network_mapper {
namespace {

constexpr std::array<uint8_t, 7> kBytes = {1, 2, 3, 4, 5, 6, 7};

TEST(ByteReader, ReadsBigEndian) {
  ByteReader reader(kBytes);
  EXPECT_EQ(reader.ReadU8(), 1);
  EXPECT_EQ(reader.ReadU16(), 0x0203);
  EXPECT_EQ(reader.ReadU32(), 0x04050607U);
  EXPECT_EQ(reader.Remaining(), 0U);
}

TEST(ByteReader, StaysPutWhenTooLittleRemains) {
  ByteReader reader(kBytes);
  ASSERT_TRUE(reader.Skip(5));
  EXPECT_FALSE(reader.ReadU32().has_value());
  EXPECT_FALSE(reader.ReadBytes(3).has_value());
  EXPECT_FALSE(reader.Skip(3));
  EXPECT_EQ(reader.Position(), 5U);
  EXPECT_EQ(reader.Rest().size(), 2U);
}

}  // namespace
}  // namespace network_mapper

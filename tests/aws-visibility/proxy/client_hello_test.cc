// ClientHello messages, made by OpenSSL and spoilt by hand.
#include "aws-visibility/proxy/client_hello.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace network_mapper::aws {
namespace {

// What OpenSSL's client sends first.
std::string MakeHello(const std::string& name, std::string_view protocols) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = SSL_new(context);
  std::string copy = name;
  if (!name.empty()) {
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, copy.data());
  }
  if (!protocols.empty()) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned int>(protocols.size()));
  }
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
  SSL_connect(ssl);
  char* data = nullptr;
  const long size = BIO_ctrl(out, BIO_CTRL_INFO, 0, &data);
  std::string hello(data, static_cast<size_t>(size));
  SSL_free(ssl);
  SSL_CTX_free(context);
  return hello;
}

// The same message in records of `size` bytes.
std::string InRecordsOf(std::string_view hello, size_t size) {
  std::string all;
  for (std::string_view rest = hello.substr(5); !rest.empty();) {
    const std::string_view part = rest.substr(0, size);
    rest.remove_prefix(part.size());
    all += std::string("\x16\x03\x01\x00", 4) + static_cast<char>(part.size());
    all += part;
  }
  return all;
}

TEST(ClientHello, TellsNameAndProtocols) {
  const ClientHello hello =
      ReadClientHello(MakeHello("SQS.eu-west-1.Amazonaws.com", "\x02h2\x08http/1.1"));
  EXPECT_EQ(hello.state, HelloState::kComplete);
  EXPECT_EQ(hello.server_name, "sqs.eu-west-1.amazonaws.com");
  EXPECT_EQ(hello.protocols, "\x02h2\x08http/1.1");
}

TEST(ClientHello, TakesTheDotOfTheRootOff) {
  EXPECT_EQ(ReadClientHello(MakeHello("sqs.eu-west-1.amazonaws.com.", "")).server_name,
            "sqs.eu-west-1.amazonaws.com");
  EXPECT_EQ(ReadClientHello(MakeHello("sqs.eu-west-1.amazonaws.com..", "")).state,
            HelloState::kMalformed);
  EXPECT_EQ(ReadClientHello(MakeHello(".", "")).state, HelloState::kMalformed);
}

TEST(ClientHello, WorksWithoutEither) {
  const ClientHello hello = ReadClientHello(MakeHello("", ""));
  EXPECT_EQ(hello.state, HelloState::kComplete);
  EXPECT_EQ(hello.server_name, "");
  EXPECT_EQ(hello.protocols, "");
}

TEST(ClientHello, WaitsForTheLastByteHoweverItIsCut) {
  const std::string whole = MakeHello("sqs.amazonaws.com", "\x02h2");
  for (const std::string& hello : {whole, InRecordsOf(whole, 1), InRecordsOf(whole, 100)}) {
    for (size_t size = 0; size < hello.size(); ++size) {
      ASSERT_EQ(ReadClientHello(std::string_view(hello).substr(0, size)).state,
                HelloState::kNeedsMore)
          << size;
    }
    EXPECT_EQ(ReadClientHello(hello).server_name, "sqs.amazonaws.com");
    // What follows is not looked at.
    EXPECT_EQ(ReadClientHello(hello + "x").state, HelloState::kComplete);
  }
}

TEST(ClientHello, TellsOtherProtocolsFromSpoiltOnes) {
  EXPECT_EQ(ReadClientHello("GET / HTTP/1.1\r\n").state, HelloState::kNotTls);
  EXPECT_EQ(ReadClientHello("\x80\x2e\x01").state, HelloState::kNotTls);
  EXPECT_EQ(ReadClientHello("\x16\x02").state, HelloState::kNotTls);
  EXPECT_EQ(ReadClientHello(std::string_view("\x16\x03\x01\x00\x00", 5)).state,
            HelloState::kMalformed);
  EXPECT_EQ(ReadClientHello("\x16\x03\x01\xff\xff").state, HelloState::kMalformed);
  // A ServerHello.
  EXPECT_EQ(ReadClientHello(std::string_view("\x16\x03\x01\x00\x04\x02\x00\x00\x01", 9)).state,
            HelloState::kMalformed);
  // A message of 16 MiB.
  EXPECT_EQ(ReadClientHello(std::string_view("\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9)).state,
            HelloState::kMalformed);
  std::string spoilt = MakeHello("sqs.amazonaws.com", "");
  const size_t name = spoilt.find("sqs.");
  spoilt[name] = '/';
  EXPECT_EQ(ReadClientHello(spoilt).state, HelloState::kMalformed);
  spoilt[name] = 's';
  // The name's length.
  spoilt[name - 1] = static_cast<char>(spoilt[name - 1] + 1);
  EXPECT_EQ(ReadClientHello(spoilt).state, HelloState::kMalformed);
}

TEST(ClientHello, SurvivesEveryFlippedByte) {
  const std::string whole = MakeHello("sqs.amazonaws.com", "\x02h2\x08http/1.1");
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string flipped = whole;
    flipped[i] = static_cast<char>(~flipped[i]);
    const ClientHello hello = ReadClientHello(flipped);
    EXPECT_LE(hello.server_name.size(), 253);
  }
}

}  // namespace
}  // namespace network_mapper::aws

// Certificates made on the spot, as a cluster's authority would issue them. Used by the TLS tests.
#pragma once

#include <chrono>
#include <memory>
#include <string>

namespace network_mapper {

struct CertifiedKey {
  std::string certificate_pem;
  std::string key_pem;
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "test authority");
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;
  ~TestAuthority();

  const std::string& Pem() const;
  // `alternative_name` as OpenSSL writes it: "IP:127.0.0.1", "DNS:a,DNS:b"; empty for none.
  // A `lifetime` below zero makes a certificate that has expired.
  CertifiedKey Issue(const std::string& common_name, const std::string& alternative_name,
                     std::chrono::seconds lifetime = std::chrono::hours(1)) const;

 private:
  struct Keys;
  std::unique_ptr<Keys> keys_;
};

}  // namespace network_mapper

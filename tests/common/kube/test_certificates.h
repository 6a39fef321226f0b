// Certificates made on the spot, as a cluster's authority would issue them. Used by the TLS tests.
#pragma once

#include <memory>
#include <string>

namespace network_mapper {

struct CertifiedKey {
  std::string certificate_pem;
  std::string key_pem;
};

class TestAuthority {
 public:
  TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;
  ~TestAuthority();

  const std::string& Pem() const;
  // `alternative_name` as OpenSSL writes it: "IP:127.0.0.1", "DNS:a,DNS:b"; empty for none.
  CertifiedKey Issue(const std::string& common_name, const std::string& alternative_name) const;

 private:
  struct Keys;
  std::unique_ptr<Keys> keys_;
};

}  // namespace network_mapper

// Reading of certificate and key files (PEM, RFC 7468) for both ends of the report stream, with
// errors that name the option and the file.
#pragma once

#include <string>
#include <string_view>

#include "common/status/status.h"

namespace network_mapper {

// What both programs call the options.
inline constexpr std::string_view kTlsCaFile = "tls-ca-file";
inline constexpr std::string_view kTlsClientCaFile = "tls-client-ca-file";
inline constexpr std::string_view kTlsCertFile = "tls-cert-file";
inline constexpr std::string_view kTlsKeyFile = "tls-key-file";

struct PemKeyPair {
  std::string certificate_chain;
  std::string private_key;
};

// The text of the file that `option` names; an error when it cannot be read or does not begin with
// a certificate.
StatusOr<std::string> ReadPemCertificates(std::string_view option, const std::string& path);

// An error, too, when the key is not the one of the first certificate.
StatusOr<PemKeyPair> ReadPemKeyPair(const std::string& certificate_path,
                                    const std::string& key_path);

}  // namespace network_mapper

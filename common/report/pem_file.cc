#include "common/report/pem_file.h"

#include <cerrno>
#include <fstream>
#include <memory>
#include <sstream>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace network_mapper {

namespace {

struct Deleter {
  void operator()(X509* certificate) const { X509_free(certificate); }

  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

  void operator()(BIO* bio) const { BIO_free(bio); }
};

using X509Ptr = std::unique_ptr<X509, Deleter>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter>;
using BioPtr = std::unique_ptr<BIO, Deleter>;

BioPtr OpenText(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

X509Ptr FirstCertificate(const std::string& text) {
  X509Ptr certificate(PEM_read_bio_X509(OpenText(text).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return certificate;
}

KeyPtr FirstKey(const std::string& text) {
  // An encrypted key must not make OpenSSL ask at the terminal.
  auto* no_password = +[](char*, int, int, void*) { return 0; };
  KeyPtr key(PEM_read_bio_PrivateKey(OpenText(text).get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  return key;
}

StatusOr<std::string> ReadFile(std::string_view option, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  // A directory opens, but cannot be read.
  if (!file || (content << file.rdbuf()).bad()) {
    return ErrnoStatus(errno, fmt::format("option {}: read {}", option, path));
  }
  return content.str();
}

}  // namespace

StatusOr<std::string> ReadPemCertificates(std::string_view option, const std::string& path) {
  ASSIGN_OR_RETURN(std::string content, ReadFile(option, path));
  if (FirstCertificate(content) == nullptr) {
    return InvalidArgument("option {}: {} holds no certificate in PEM form", option, path);
  }
  return content;
}

StatusOr<PemKeyPair> ReadPemKeyPair(const std::string& certificate_path,
                                    const std::string& key_path) {
  PemKeyPair pair;
  ASSIGN_OR_RETURN(pair.certificate_chain, ReadPemCertificates(kTlsCertFile, certificate_path));
  ASSIGN_OR_RETURN(pair.private_key, ReadFile(kTlsKeyFile, key_path));
  KeyPtr key = FirstKey(pair.private_key);
  if (key == nullptr) {
    return InvalidArgument("option {}: {} holds no unencrypted private key in PEM form",
                           kTlsKeyFile, key_path);
  }
  bool matches =
      X509_check_private_key(FirstCertificate(pair.certificate_chain).get(), key.get()) == 1;
  ERR_clear_error();
  if (!matches) {
    return InvalidArgument("option {}: {} is not the key of the certificate in {} (option {})",
                           kTlsKeyFile, key_path, certificate_path, kTlsCertFile);
  }
  return pair;
}

}  // namespace network_mapper

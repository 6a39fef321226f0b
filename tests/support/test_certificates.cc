#include "tests/support/test_certificates.h"

#include <cstdlib>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace network_mapper {

namespace {

// Every certificate began so long ago, so that one may have ended already.
constexpr std::chrono::seconds kBackdate{3600};

struct Deleter {
  void operator()(X509* certificate) const { X509_free(certificate); }

  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

  void operator()(BIO* bio) const { BIO_free(bio); }
};

using X509Ptr = std::unique_ptr<X509, Deleter>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter>;
using BioPtr = std::unique_ptr<BIO, Deleter>;

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_ctrl(bio, BIO_CTRL_INFO, 0, &data);
  return {data, static_cast<size_t>(size)};
}

std::string ToPem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return TextOf(bio.get());
}

std::string ToPem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return TextOf(bio.get());
}

KeyPtr MakeKey() {
  return KeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
}

void AddExtension(X509* certificate, int id, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
  if (extension == nullptr) {
    std::abort();
  }
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509Ptr MakeCertificate(const std::string& common_name, EVP_PKEY* key, X509* issuer,
                        std::chrono::seconds lifetime) {
  static long serial = 1;
  X509Ptr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kBackdate.count());
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), lifetime.count());
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(),
                       issuer == nullptr ? subject : X509_get_subject_name(issuer));
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

}  // namespace

struct TestAuthority::Keys {
  KeyPtr key;
  X509Ptr certificate;
  std::string pem;
};

TestAuthority::TestAuthority(const std::string& name) : keys_(std::make_unique<Keys>()) {
  keys_->key = MakeKey();
  keys_->certificate = MakeCertificate(name, keys_->key.get(), nullptr, std::chrono::hours(1));
  AddExtension(keys_->certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(keys_->certificate.get(), keys_->key.get(), EVP_sha256());
  keys_->pem = ToPem(keys_->certificate.get());
}

TestAuthority::~TestAuthority() = default;

const std::string& TestAuthority::Pem() const {
  return keys_->pem;
}

CertifiedKey TestAuthority::Issue(const std::string& common_name,
                                  const std::string& alternative_name,
                                  std::chrono::seconds lifetime) const {
  const KeyPtr key = MakeKey();
  const X509Ptr certificate =
      MakeCertificate(common_name, key.get(), keys_->certificate.get(), lifetime);
  if (!alternative_name.empty()) {
    AddExtension(certificate.get(), NID_subject_alt_name, alternative_name);
  }
  X509_sign(certificate.get(), keys_->key.get(), EVP_sha256());
  return {ToPem(certificate.get()), ToPem(key.get())};
}

}  // namespace network_mapper

#include "aws-visibility/ca/trust_bundle.h"

#include <array>
#include <cstdint>
#include <iterator>
#include <vector>

#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "aws-visibility/ca/authority.h"
#include "aws-visibility/ca/openssl_types.h"

namespace network_mapper::aws {

namespace {

// Debian trusts about 150.
constexpr size_t kMostPublicRoots = 1'000;

StatusOr<std::vector<CertificatePtr>> ReadOwn(std::string_view pem) {
  ASSIGN_OR_RETURN(std::vector<CertificatePtr> certificates,
                   ReadCertificates(pem, kMostAuthorities));
  if (certificates.empty()) {
    return InvalidArgument("there is no certificate");
  }
  for (const CertificatePtr& certificate : certificates) {
    const int place = X509_get_ext_by_NID(certificate.get(), NID_name_constraints, -1);
    X509_EXTENSION* constraints = place < 0 ? nullptr : X509_get_ext(certificate.get(), place);
    if (X509_check_ca(certificate.get()) != 1 || constraints == nullptr ||
        X509_EXTENSION_get_critical(constraints) != 1) {
      return InvalidArgument("a certificate is not one of an authority with name constraints");
    }
  }
  return certificates;
}

StatusOr<std::string> AllToPem(const std::vector<CertificatePtr>& certificates) {
  std::string pem;
  for (const CertificatePtr& certificate : certificates) {
    ASSIGN_OR_RETURN(const std::string one, ToPem(certificate.get()));
    pem += one;
  }
  return pem;
}

// What Java's key store of version 2 ("JKS") is made of: numbers are big-endian, texts have their
// length in front.
class KeyStoreWriter {
 public:
  template <typename Number>
  void Put(Number number) {
    for (size_t i = sizeof(Number); i-- > 0;) {
      bytes_.push_back(static_cast<char>(static_cast<uint64_t>(number) >> (8 * i) & 0xFFU));
    }
  }

  void PutText(std::string_view text) {
    Put(static_cast<uint16_t>(text.size()));
    bytes_ += text;
  }

  void PutBytes(std::string_view bytes) {
    Put(static_cast<uint32_t>(bytes.size()));
    bytes_ += bytes;
  }

  const std::string& Bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

constexpr std::string_view kPassword = "changeit";

// SHA-1 over the password in UTF-16, a fixed text, and all that is there.
std::string Seal(const std::string& bytes) {
  std::string sealed;
  for (const char c : kPassword) {
    sealed.push_back('\0');
    sealed.push_back(c);
  }
  sealed += "Mighty Aphrodite";
  sealed += bytes;
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(sealed.data()), sealed.size(), digest.data());
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

StatusOr<std::string> ToDer(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) {
    return OpenSslFailure("encode a certificate");
  }
  std::string bytes(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

StatusOr<std::string> MakeKeyStore(const std::vector<CertificatePtr>& certificates) {
  constexpr uint32_t kMagic = 0xFEEDFEED;
  constexpr uint32_t kStoreVersion = 2;
  constexpr uint32_t kTrustedCertificate = 2;
  KeyStoreWriter writer;
  writer.Put(kMagic);
  writer.Put(kStoreVersion);
  writer.Put(static_cast<uint32_t>(certificates.size()));
  for (size_t i = 0; i < certificates.size(); ++i) {
    X509* certificate = certificates[i].get();
    ASSIGN_OR_RETURN(const std::string der, ToDer(certificate));
    ASSIGN_OR_RETURN(const Time begin, NotBefore(certificate));
    writer.Put(kTrustedCertificate);
    writer.PutText(fmt::format("certificate-{}", i + 1));
    // When it was put there: any time will do that is always the same.
    writer.Put(static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(begin.time_since_epoch()).count()));
    writer.PutText("X.509");
    writer.PutBytes(der);
  }
  return writer.Bytes() + Seal(writer.Bytes());
}

}  // namespace

StatusOr<std::string> CheckOwnCertificates(std::string_view pem) {
  ASSIGN_OR_RETURN(const std::vector<CertificatePtr> certificates, ReadOwn(pem));
  return AllToPem(certificates);
}

StatusOr<TrustBundle> MakeTrustBundle(std::string_view own, std::string_view public_roots) {
  ASSIGN_OR_RETURN(std::vector<CertificatePtr> all, ReadOwn(own));
  TrustBundle bundle;
  ASSIGN_OR_RETURN(bundle.own, AllToPem(all));
  StatusOr<std::vector<CertificatePtr>> roots = ReadCertificates(public_roots, kMostPublicRoots);
  if (!roots.ok()) {
    return Annotate(roots.status(), "public roots");
  }
  if (roots->empty()) {
    return InvalidArgument("public roots: there is no certificate");
  }
  ASSIGN_OR_RETURN(bundle.bundle, AllToPem(*roots));
  bundle.bundle += bundle.own;
  std::move(roots->begin(), roots->end(), std::back_inserter(all));
  ASSIGN_OR_RETURN(bundle.trust_store, MakeKeyStore(all));
  return bundle;
}

}  // namespace network_mapper::aws

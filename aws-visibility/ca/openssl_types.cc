#include "aws-visibility/ca/openssl_types.h"

#include <array>
#include <ctime>
#include <limits>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace network_mapper::aws {

namespace {

// 20 octets at most, and positive (RFC 5280, 4.1.2.2).
constexpr size_t kSerialBytes = 16;

StatusOr<std::string> TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_ctrl(bio, BIO_CTRL_INFO, 0, &data);
  if (size <= 0) {
    return OpenSslFailure("write PEM");
  }
  return std::string(data, static_cast<size_t>(size));
}

StatusOr<BioPtr> ReaderOf(std::string_view text) {
  if (text.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return InvalidArgument("the PEM text is too long");
  }
  BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (bio == nullptr) {
    return OpenSslFailure("read PEM");
  }
  return bio;
}

StatusOr<Time> ToTime(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
    return InvalidArgument("a certificate's time is no time");
  }
  const std::time_t seconds = timegm(&parts);
  // What the clock's nanoseconds can hold.
  constexpr std::time_t kLatest = 9'000'000'000;
  if (seconds < 0 || seconds > kLatest) {
    return InvalidArgument("a certificate's time is out of range");
  }
  return Time(std::chrono::seconds(seconds));
}

bool SetTime(ASN1_TIME* target, Time time) {
  return ASN1_TIME_set(target, std::chrono::system_clock::to_time_t(time)) != nullptr;
}

bool SetSerial(X509* certificate) {
  std::array<unsigned char, kSerialBytes> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return false;
  }
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7FU) | 0x40U);
  BIGNUM* number = BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr);
  const bool set = number != nullptr &&
                   BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

bool AddName(X509_NAME* name, const char* field, const std::string& value) {
  return value.empty() ||
         X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.c_str()), -1, -1,
                                    0) == 1;
}

bool AddExtension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

}  // namespace

Status OpenSslFailure(std::string_view what) {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  ERR_clear_error();
  return Internal("{}: {}", what, reason == nullptr ? "OpenSSL failed" : reason);
}

StatusOr<KeyPtr> MakeKey() {
  KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  if (key == nullptr) {
    return OpenSslFailure("make a key");
  }
  return key;
}

StatusOr<std::string> ToPem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return OpenSslFailure("write a certificate");
  }
  return TextOf(bio.get());
}

StatusOr<std::string> ToPem(EVP_PKEY* key) {
  // Of the kind of memory that is wiped when it is freed.
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr ||
      PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpenSslFailure("write a key");
  }
  return TextOf(bio.get());
}

StatusOr<std::vector<CertificatePtr>> ReadCertificates(std::string_view pem, size_t most) {
  ASSIGN_OR_RETURN(const BioPtr bio, ReaderOf(pem));
  std::vector<CertificatePtr> certificates;
  while (true) {
    CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) {
      const unsigned long error = ERR_peek_last_error();
      ERR_clear_error();
      if (ERR_GET_REASON(error) == PEM_R_NO_START_LINE) {
        return certificates;
      }
      return InvalidArgument("certificate {} is no certificate in PEM", certificates.size() + 1);
    }
    if (certificates.size() == most) {
      return InvalidArgument("there are more than {} certificates", most);
    }
    certificates.push_back(std::move(certificate));
  }
}

StatusOr<KeyPtr> ReadKey(std::string_view pem) {
  ASSIGN_OR_RETURN(const BioPtr bio, ReaderOf(pem));
  // An empty password: none is asked for at the terminal.
  char no_password[] = "";
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, no_password));
  ERR_clear_error();
  if (key == nullptr) {
    return InvalidArgument("the key is no private key in PEM");
  }
  return key;
}

StatusOr<Time> NotBefore(const X509* certificate) {
  return ToTime(X509_get0_notBefore(certificate));
}

StatusOr<Time> NotAfter(const X509* certificate) {
  return ToTime(X509_get0_notAfter(certificate));
}

StatusOr<CertificatePtr> MakeCertificate(const CertificatePlan& plan, EVP_PKEY* key, X509* issuer,
                                         EVP_PKEY* issuer_key) {
  CertificatePtr certificate(X509_new());
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !SetSerial(certificate.get()) ||
      !SetTime(X509_getm_notBefore(certificate.get()), plan.not_before) ||
      !SetTime(X509_getm_notAfter(certificate.get()), plan.not_after)) {
    return OpenSslFailure("make a certificate");
  }
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509* signer = issuer == nullptr ? certificate.get() : issuer;
  if (!AddName(subject, "O", plan.organization) || !AddName(subject, "CN", plan.common_name) ||
      X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) != 1 ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return OpenSslFailure("name a certificate");
  }
  for (const auto& [id, value] : plan.extensions) {
    if (!AddExtension(certificate.get(), signer, id, value)) {
      return OpenSslFailure(fmt::format("extend a certificate by {}", OBJ_nid2sn(id)));
    }
  }
  if (X509_sign(certificate.get(), issuer_key, EVP_sha256()) == 0) {
    return OpenSslFailure("sign a certificate");
  }
  return certificate;
}

}  // namespace network_mapper::aws

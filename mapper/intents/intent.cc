#include "mapper/intents/intent.h"

#include <algorithm>

namespace network_mapper {

std::string_view IntentTypeName(IntentType type) {
  switch (type) {
    case IntentType::kHttp:
      return "HTTP";
    case IntentType::kKafka:
      return "KAFKA";
    case IntentType::kDatabase:
      return "DATABASE";
    case IntentType::kAws:
      return "AWS";
    case IntentType::kS3:
      return "S3";
  }
  return "";
}

std::string_view StrengthName(Strength strength) {
  switch (strength) {
    case Strength::kResolved:
      return "resolved";
    case Strength::kAttempted:
      return "attempted";
    case Strength::kConnected:
      return "connected";
    case Strength::kUsed:
      return "used";
  }
  return "";
}

std::string_view ResolutionText(Resolution resolution) {
  switch (resolution) {
    case Resolution::kDns:
      return "handleDNSCaptureResultsAsKubernetesPods";
    case Resolution::kTcp:
      return "handleInternalTrafficTCPResult";
    case Resolution::kSocketScanService:
      return "addSocketScanServiceIntent";
    case Resolution::kSocketScanPod:
      return "addSocketScanPodIntent";
    case Resolution::kKafka:
      return "handleReportKafkaMapperResults";
    case Resolution::kIstio:
      return "handleReportIstioConnectionResults";
    case Resolution::kAws:
      return "handleAWSOperationReport";
  }
  return "";
}

Strength Intent::BestStrength() const {
  Strength best = Strength::kResolved;
  for (const Evidence& record : evidence) {
    best = std::max(best, record.strength);
  }
  return best;
}

std::vector<PortSeen> Intent::Ports() const {
  std::vector<PortSeen> ports;
  for (const Evidence& record : evidence) {
    ports.insert(ports.end(), record.ports.begin(), record.ports.end());
  }
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  return ports;
}

uint64_t Intent::Count() const {
  uint64_t count = 0;
  for (const Evidence& record : evidence) {
    count += record.count;
  }
  return count;
}

}  // namespace network_mapper

// Options that every program of the original suite had and that mean nothing here: accepted by
// name, so that a configuration written for the original keeps working. Each program says why in
// its own words.
#pragma once

#include <array>
#include <string_view>

namespace network_mapper {

inline constexpr std::array<std::string_view, 5> kOriginalCloudOptions = {
    "client-id", "client-secret", "api-address", "api-extra-ca-pem", "cloud-client-timeout"};

inline constexpr std::array<std::string_view, 10> kOriginalTelemetryOptions = {
    "telemetry-enabled",
    "telemetry-usage-enabled",
    "telemetry-errors-enabled",
    "telemetry-errors-stage",
    "telemetry-errors-api-key",
    "telemetry-client-timeout",
    "telemetry-max-batch-size",
    "telemetry-interval-seconds",
    "telemetry-reset-interval-duration",
    "telemetry-active-interval-duration"};

}  // namespace network_mapper

#include "cli/mapper_call.h"

#include <utility>

namespace network_mapper::cli {

namespace {

constexpr int kOk = 200;
constexpr int kUnprocessable = 422;

// The messages of a GraphQL error body, or the body's beginning.
std::string ErrorText(const Json& answer, const std::string& body) {
  constexpr size_t kLongest = 300;
  if (answer.is_object()) {
    std::string messages;
    for (const Json& error : ListOf(answer, "errors")) {
      messages += (messages.empty() ? "" : "; ") + TextOf(error, "message");
    }
    if (!messages.empty()) {
      return messages;
    }
    if (std::string message = TextOf(answer, "message"); !message.empty()) {
      return message;
    }
  }
  return body.substr(0, kLongest);
}

}  // namespace

std::string TextOf(const Json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const Json& ListOf(const Json& object, const char* key) {
  static const Json empty = Json::array();
  auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : empty;
}

const Json& ObjectOf(const Json& object, const char* key) {
  static const Json empty = Json::object();
  auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : empty;
}

std::vector<std::string> TextsOf(const Json& object, const char* key) {
  std::vector<std::string> texts;
  for (const Json& item : ListOf(object, key)) {
    if (item.is_string()) {
      texts.push_back(item.get<std::string>());
    }
  }
  return texts;
}

uint64_t CountOf(const Json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

StatusOr<std::optional<Json>> Ask(const QueryTransport& transport, std::string_view query,
                                  const char* operation, const Json& variables) {
  Json request = {{"query", query}, {"operationName", operation}};
  if (!variables.is_null()) {
    request["variables"] = variables;
  }
  ASSIGN_OR_RETURN(HttpReply reply,
                   transport(request.dump(-1, ' ', false, Json::error_handler_t::replace)));
  if (reply.status == kUnprocessable) {
    return std::optional<Json>();
  }
  Json answer = Json::parse(reply.body, nullptr, false);
  if (reply.status != kOk) {
    return Unavailable("the mapper answered: {} (HTTP error status code: {})",
                       ErrorText(answer, reply.body), reply.status);
  }
  if (!answer.is_object()) {
    return Unavailable("the mapper's answer is not JSON: {}", ErrorText(Json(), reply.body));
  }
  if (!ListOf(answer, "errors").empty()) {
    return Unavailable("the mapper answered with an error: {}", ErrorText(answer, reply.body));
  }
  // Moved out: a copy of a large map's tree takes as long as reading it.
  auto data = answer.find("data");
  return std::optional<Json>(data != answer.end() && data->is_object() ? std::move(*data)
                                                                       : Json::object());
}

}  // namespace network_mapper::cli

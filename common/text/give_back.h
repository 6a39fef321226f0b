// Gives a text's memory back: clear() and `text = {}` keep it for the next one.
#pragma once

#include <string>

namespace network_mapper {

inline void GiveBack(std::string& text) {
  std::string().swap(text);
}

}  // namespace network_mapper

#include "cli/graph_picture.h"

#include <array>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <graphviz/cgraph.h>
#include <graphviz/gvc.h>

#include "cli/screen_text.h"

namespace network_mapper::cli {

namespace {

// A later one prevails where two workloads have several edges.
enum class EdgeStyle { kAttempted, kPlain, kHttp, kKafka, kAws };

struct Node {
  std::string kind;
  bool is_client = false;
  bool is_server = false;
};

// namespace -> workload -> node.
using Namespaces = std::map<std::string, std::map<std::string, Node>>;
using NodeKey = std::pair<std::string, std::string>;

struct Graph {
  Namespaces namespaces;
  std::map<std::pair<NodeKey, NodeKey>, EdgeStyle> edges;
};

struct Palette {
  std::string_view fill;
  std::string_view border;
};

// Soft fills with darker borders of the same hue, one pair a namespace in turn.
constexpr std::array<Palette, 8> kPalettes = {{
    {"#E8F1FB", "#2F6DB5"},
    {"#E9F6EC", "#2E8B57"},
    {"#FDF1E3", "#C8741A"},
    {"#F4ECFA", "#7D4BB0"},
    {"#FCEBEE", "#C03A55"},
    {"#E6F6F6", "#1D8A8A"},
    {"#F7F4DF", "#8F7F14"},
    {"#EEF0F3", "#5B6675"},
}};

// Inside of a double-quoted DOT string.
std::string Quote(std::string_view text) {
  std::string quoted = "\"";
  for (char c : OnScreen(text)) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
    }
    quoted += c;
  }
  return quoted + "\"";
}

// Text inside of an HTML-like label.
std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (char c : OnScreen(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string NodeId(const NodeKey& node) {
  return Quote(fmt::format("{}.{}", node.second, node.first));
}

EdgeStyle StyleOf(const Target& target) {
  if (target.attempted_only) {
    return EdgeStyle::kAttempted;
  }
  if (target.kind == Target::Kind::kKafka) {
    return EdgeStyle::kKafka;
  }
  if (target.kind == Target::Kind::kAws) {
    return EdgeStyle::kAws;
  }
  return target.http.empty() ? EdgeStyle::kPlain : EdgeStyle::kHttp;
}

Graph Collect(const std::vector<ClientIntents>& clients) {
  Graph graph;
  for (const ClientIntents& client : clients) {
    NodeKey from{client.name_space, client.name};
    Node& client_node = graph.namespaces[from.first][from.second];
    client_node.is_client = true;
    client_node.kind = client.workload_kind;
    for (const Target& target : client.targets) {
      // No namespace has capitals in its name.
      NodeKey to{
          target.kind == Target::Kind::kAws ? "AWS" : std::string(ServerNamespace(target, client)),
          std::string(ServerName(target))};
      Node& server_node = graph.namespaces[to.first][to.second];
      server_node.is_server = true;
      if (server_node.kind.empty()) {
        server_node.kind = target.kind == Target::Kind::kService ? "Service" : target.workload_kind;
      }
      EdgeStyle style = StyleOf(target);
      EdgeStyle& edge = graph.edges.try_emplace({from, to}, style).first->second;
      edge = std::max(edge, style);
    }
  }
  return graph;
}

std::string NodeStatement(const NodeKey& key, const Node& node, const Palette& palette) {
  std::string label = fmt::format("<B>{}</B>", EscapeHtml(key.second));
  if (!node.kind.empty()) {
    label += fmt::format("<BR/><FONT POINT-SIZE=\"9\" COLOR=\"#6B7480\">{}</FONT>",
                         EscapeHtml(node.kind));
  }
  return fmt::format("    {} [label=<{}>, color=\"{}\", tooltip={}];\n", NodeId(key), label,
                     palette.border,
                     Quote(fmt::format("{} in namespace {}", key.second, key.first)));
}

std::string_view EdgeColor(EdgeStyle style) {
  switch (style) {
    case EdgeStyle::kAttempted:
    case EdgeStyle::kPlain:
      return "#7A8594";
    case EdgeStyle::kHttp:
      return "#2F6DB5";
    case EdgeStyle::kKafka:
      return "#C8741A";
    case EdgeStyle::kAws:
      return "#7D4BB0";
  }
  return "#7A8594";
}

// One key line for each kind of edge that is in the picture beside plain ones.
std::string Legend(const Graph& graph) {
  std::set<EdgeStyle> styles;
  for (const auto& [ends, style] : graph.edges) {
    styles.insert(style);
  }
  std::string legend;
  if (styles.contains(EdgeStyle::kHttp)) {
    legend += fmt::format("<FONT COLOR=\"{}\">&#8594; HTTP</FONT>   ", EdgeColor(EdgeStyle::kHttp));
  }
  if (styles.contains(EdgeStyle::kKafka)) {
    legend +=
        fmt::format("<FONT COLOR=\"{}\">&#8594; Kafka</FONT>   ", EdgeColor(EdgeStyle::kKafka));
  }
  if (styles.contains(EdgeStyle::kAws)) {
    legend += fmt::format("<FONT COLOR=\"{}\">&#8594; AWS</FONT>   ", EdgeColor(EdgeStyle::kAws));
  }
  if (styles.contains(EdgeStyle::kAttempted)) {
    legend += "dashed: attempted only   ";
  }
  return legend;
}

struct GvcDeleter {
  void operator()(GVC_t* context) const { gvFreeContext(context); }
};

struct GraphDeleter {
  void operator()(Agraph_t* graph) const { agclose(graph); }
};

}  // namespace

std::string DotDocument(const std::vector<ClientIntents>& clients) {
  Graph graph = Collect(clients);
  size_t nodes = 0;
  for (const auto& [name_space, workloads] : graph.namespaces) {
    nodes += workloads.size();
  }
  // Larger graphs get more room between ranks, so that bundles of edges stay apart, and orthogonal
  // merging of arrows.
  std::string out = fmt::format(
      "digraph \"network map\" {{\n"
      "  graph [rankdir=LR, bgcolor=white, pad=0.4, nodesep=0.28, ranksep={}, fontname=\"DejaVu "
      "Sans\", "
      "labelloc=b, labeljust=r, fontsize=11, label=<{}{} workloads, {} connections>];\n"
      "  node [shape=box, style=\"rounded,filled\", fillcolor=white, penwidth=1.4, "
      "margin=\"0.2,0.09\", "
      "fontname=\"DejaVu Sans\", fontsize=12, fontcolor=\"#1F2933\"];\n"
      "  edge [color=\"{}\", penwidth=1.2, arrowsize=0.75];\n",
      nodes > 40 ? 1.6 : 0.9, Legend(graph), nodes, graph.edges.size(),
      EdgeColor(EdgeStyle::kPlain));
  size_t index = 0;
  for (const auto& [name_space, workloads] : graph.namespaces) {
    const Palette& palette = kPalettes[index % kPalettes.size()];
    out += fmt::format(
        "  subgraph cluster_{} {{\n"
        "    label=<<B>{}</B>>; labeljust=l; labelloc=t; fontsize=14; fontcolor=\"{}\"; "
        "margin=16;\n"
        "    style=\"rounded,filled\"; fillcolor=\"{}\"; color=\"{}\"; penwidth=1;\n",
        index, EscapeHtml(name_space.empty() ? "(no namespace)" : name_space), palette.border,
        palette.fill, palette.border);
    for (const auto& [name, node] : workloads) {
      out += NodeStatement({name_space, name}, node, palette);
    }
    out += "  }\n";
    ++index;
  }
  for (const auto& [ends, style] : graph.edges) {
    out += fmt::format("  {} -> {}", NodeId(ends.first), NodeId(ends.second));
    if (style == EdgeStyle::kAttempted) {
      out += " [style=dashed]";
    } else if (style != EdgeStyle::kPlain) {
      out += fmt::format(" [color=\"{}\", penwidth=1.8]", EdgeColor(style));
    }
    out += ";\n";
  }
  return out + "}\n";
}

StatusOr<std::string> RenderPicture(const std::string& dot, std::string_view format) {
  if (format == "dot") {
    return dot;
  }
  // One for the process: Graphviz's text plugin compares with a font of the context before, even
  // when that is gone.
  static const std::unique_ptr<GVC_t, GvcDeleter> context(gvContext());
  std::unique_ptr<Agraph_t, GraphDeleter> graph(agmemread(dot.c_str()));
  if (context == nullptr || graph == nullptr) {
    return Internal("Graphviz did not accept the graph");
  }
  if (gvLayout(context.get(), graph.get(), "dot") != 0) {
    return Internal(
        "Graphviz could not lay the graph out; is its \"dot\" layout plugin installed?");
  }
  char* data = nullptr;
  unsigned length = 0;
  // Cairo draws smoother text than gd, where it is installed.
  std::string renderer = format == "png" ? "png:cairo" : std::string(format);
  int failed = gvRenderData(context.get(), graph.get(), renderer.c_str(), &data, &length);
  if (failed != 0 && renderer != format) {
    failed = gvRenderData(context.get(), graph.get(), std::string(format).c_str(), &data, &length);
  }
  gvFreeLayout(context.get(), graph.get());
  if (failed != 0 || data == nullptr) {
    return Internal(
        "Graphviz could not render {}; is the plugin for it installed (Debian package graphviz)?",
        format);
  }
  std::string picture(data, length);
  gvFreeRenderData(data);
  return picture;
}

}  // namespace network_mapper::cli

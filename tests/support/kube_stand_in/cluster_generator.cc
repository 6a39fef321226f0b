#include "tests/support/kube_stand_in/cluster_generator.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

namespace network_mapper::stand_in {

namespace {

constexpr const char* kCreated = "2026-01-01T00:00:00Z";
constexpr size_t kEndpointsPerSlice = 100;

// What the kubelet's status updates leave behind: the bulk of a pod's JSON in a real cluster.
constexpr std::string_view kKubeletFields =
    R"({"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:conditions":{"k:{\"type\":\"ContainersReady\"}":{".":{},"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:observedGeneration":{},"f:status":{},"f:type":{}},"k:{\"type\":\"Initialized\"}":{".":{},"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:observedGeneration":{},"f:status":{},"f:type":{}},"k:{\"type\":\"PodReadyToStartContainers\"}":{".":{},"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:observedGeneration":{},"f:status":{},"f:type":{}},"k:{\"type\":\"Ready\"}":{".":{},"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:observedGeneration":{},"f:status":{},"f:type":{}}},"f:containerStatuses":{},"f:hostIP":{},"f:hostIPs":{},"f:observedGeneration":{},"f:phase":{},"f:podIP":{},"f:podIPs":{".":{},"k:{\"ip\":\"%IP%\"}":{".":{},"f:ip":{}}},"f:startTime":{}}},"manager":"kubelet","operation":"Update","subresource":"status","time":"2026-01-01T00:00:03Z"})";
constexpr std::string_view kControllerFields =
    R"({"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{},"f:checksum/config":{},"f:prometheus.io/port":{},"f:prometheus.io/scrape":{}},"f:generateName":{},"f:labels":{".":{},"f:app":{},"f:app.kubernetes.io/component":{},"f:app.kubernetes.io/instance":{},"f:app.kubernetes.io/name":{},"f:app.kubernetes.io/part-of":{},"f:app.kubernetes.io/version":{},"f:pod-template-hash":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"%RS%\"}":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"server\"}":{".":{},"f:args":{},"f:env":{".":{},"k:{\"name\":\"LOG_LEVEL\"}":{".":{},"f:name":{},"f:value":{}},"k:{\"name\":\"POD_IP\"}":{".":{},"f:name":{},"f:valueFrom":{".":{},"f:fieldRef":{}}},"k:{\"name\":\"POD_NAME\"}":{".":{},"f:name":{},"f:valueFrom":{".":{},"f:fieldRef":{}}},"k:{\"name\":\"PORT\"}":{".":{},"f:name":{},"f:value":{}}},"f:image":{},"f:imagePullPolicy":{},"f:livenessProbe":{".":{},"f:failureThreshold":{},"f:httpGet":{".":{},"f:path":{},"f:port":{},"f:scheme":{}},"f:periodSeconds":{},"f:successThreshold":{},"f:timeoutSeconds":{}},"f:name":{},"f:ports":{".":{},"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}}},"f:readinessProbe":{".":{},"f:failureThreshold":{},"f:httpGet":{".":{},"f:path":{},"f:port":{},"f:scheme":{}},"f:periodSeconds":{},"f:successThreshold":{},"f:timeoutSeconds":{}},"f:resources":{".":{},"f:limits":{".":{},"f:cpu":{},"f:memory":{}},"f:requests":{".":{},"f:cpu":{},"f:memory":{}}},"f:securityContext":{".":{},"f:allowPrivilegeEscalation":{},"f:capabilities":{".":{},"f:drop":{}},"f:readOnlyRootFilesystem":{}},"f:terminationMessagePath":{},"f:terminationMessagePolicy":{}}},"f:dnsPolicy":{},"f:enableServiceLinks":{},"f:restartPolicy":{},"f:schedulerName":{},"f:securityContext":{},"f:terminationGracePeriodSeconds":{}}},"manager":"kube-controller-manager","operation":"Update","time":"2026-01-01T00:00:00Z"})";
constexpr std::string_view kPodSpec =
    R"("spec":{"containers":[{"args":["--listen=:8080","--config=/etc/config/config.yaml","--feature-gates=TracePropagation=true"],"env":[{"name":"PORT","value":"8080"},{"name":"LOG_LEVEL","value":"info"},{"name":"POD_NAME","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.name"}}},{"name":"POD_IP","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"status.podIP"}}}],"image":"registry.example/team/%APP%:1.14.2","imagePullPolicy":"IfNotPresent","livenessProbe":{"failureThreshold":3,"httpGet":{"path":"/healthz","port":8080,"scheme":"HTTP"},"periodSeconds":10,"successThreshold":1,"timeoutSeconds":1},"name":"server","ports":[{"containerPort":8080,"name":"http","protocol":"TCP"}],"readinessProbe":{"failureThreshold":3,"httpGet":{"path":"/readyz","port":8080,"scheme":"HTTP"},"periodSeconds":10,"successThreshold":1,"timeoutSeconds":1},"resources":{"limits":{"cpu":"500m","memory":"256Mi"},"requests":{"cpu":"100m","memory":"128Mi"}},"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","volumeMounts":[{"mountPath":"/etc/config","name":"config","readOnly":true},{"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount","name":"kube-api-access-x7k2p","readOnly":true}]}],"dnsPolicy":"ClusterFirst","enableServiceLinks":true,"nodeName":"%NODE%","preemptionPolicy":"PreemptLowerPriority","priority":0,"restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{"runAsNonRoot":true,"runAsUser":65532},"serviceAccount":"%APP%","serviceAccountName":"%APP%","terminationGracePeriodSeconds":30,"tolerations":[{"effect":"NoExecute","key":"node.kubernetes.io/not-ready","operator":"Exists","tolerationSeconds":300},{"effect":"NoExecute","key":"node.kubernetes.io/unreachable","operator":"Exists","tolerationSeconds":300}],"volumes":[{"configMap":{"defaultMode":420,"name":"%APP%-config"},"name":"config"},{"name":"kube-api-access-x7k2p","projected":{"defaultMode":420,"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"items":[{"key":"ca.crt","path":"ca.crt"}],"name":"kube-root-ca.crt"}},{"downwardAPI":{"items":[{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"},"path":"namespace"}]}}]}}]},"status":{"conditions":[{"lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:02Z","observedGeneration":1,"status":"True","type":"PodReadyToStartContainers"},{"lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:00Z","observedGeneration":1,"status":"True","type":"Initialized"},{"lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:03Z","observedGeneration":1,"status":"True","type":"Ready"},{"lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:03Z","observedGeneration":1,"status":"True","type":"ContainersReady"},{"lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:00Z","observedGeneration":1,"status":"True","type":"PodScheduled"}],"containerStatuses":[{"containerID":"containerd://%ID%","image":"registry.example/team/%APP%:1.14.2","imageID":"registry.example/team/%APP%@sha256:%ID%","lastState":{},"name":"server","ready":true,"resources":{"limits":{"cpu":"500m","memory":"256Mi"},"requests":{"cpu":"100m","memory":"128Mi"}},"restartCount":0,"started":true,"state":{"running":{"startedAt":"2026-01-01T00:00:02Z"}},"volumeMounts":[{"mountPath":"/etc/config","name":"config","readOnly":true,"recursiveReadOnly":"Disabled"}]}],"hostIP":"%HOST%","hostIPs":[{"ip":"%HOST%"}],"observedGeneration":1,"phase":"Running","podIP":"%IP%","podIPs":[{"ip":"%IP%"}],"qosClass":"Burstable","startTime":"2026-01-01T00:00:00Z"})";

std::string Fill(std::string_view text, const Pairs& values) {
  std::string filled;
  filled.reserve(text.size() + 256);
  while (!text.empty()) {
    const size_t begin = text.find('%');
    filled += text.substr(0, begin);
    if (begin == std::string_view::npos) {
      break;
    }
    const size_t end = text.find('%', begin + 1);
    filled += ValueOf(values, text.substr(begin + 1, end - begin - 1));
    text.remove_prefix(end + 1);
  }
  return filled;
}

std::string Uid(std::string_view kind, int number) {
  return fmt::format("{:02x}{:02x}{:04x}-0000-4000-8000-{:012x}", kind.front(), kind.back(),
                     kind.size(), number);
}

std::string Address(uint32_t network, int number) {
  const uint32_t address = network + static_cast<uint32_t>(number);
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255,
                     address & 255);
}

std::string PodAddress(int pod) {
  return Address(0x0a800002, pod);
}

std::string NodeAddress(int node) {
  return Address(0xac100001, node);
}

// One workload of the made-up cluster: a Deployment and what hangs on it.
struct App {
  int number = 0;
  std::string name;
  std::string name_space;
  std::string replica_set;
  int first_pod = 0;
  int last_pod = 0;
};

std::string PodName(const App& app, int pod) {
  return fmt::format("{}-{:05x}", app.replica_set, pod + 0x10000);
}

StoredObject Named(std::string name, std::string name_space, const std::string& uid,
                   std::string_view extra_metadata) {
  StoredObject object;
  object.metadata =
      fmt::format(R"("name":"{}",{}"uid":"{}","creationTimestamp":"{}"{})", name,
                  name_space.empty() ? "" : fmt::format(R"("namespace":"{}",)", name_space), uid,
                  kCreated, extra_metadata);
  object.fields = {{"metadata.name", name},
                   {"metadata.namespace", name_space},
                   {"metadata.uid", uid},
                   {"metadata.creationTimestamp", kCreated}};
  object.name = std::move(name);
  object.name_space = std::move(name_space);
  return object;
}

std::string OwnedBy(std::string_view api_version, std::string_view kind, std::string_view name,
                    const std::string& uid) {
  return fmt::format(
      R"(,"ownerReferences":[{{"apiVersion":"{}","kind":"{}","name":"{}","uid":"{}","controller":true,"blockOwnerDeletion":true}}])",
      api_version, kind, name, uid);
}

StoredObject MakePod(const App& app, int pod, int nodes) {
  const int node = pod % nodes;
  const std::string replica_set_uid = Uid("ReplicaSet", app.number);
  const Pairs values = {
      {"IP", PodAddress(pod)},     {"RS", replica_set_uid},
      {"APP", app.name},           {"NODE", fmt::format("node-{}", node)},
      {"HOST", NodeAddress(node)}, {"ID", fmt::format("{:064x}", pod + 0x7000000)},
  };
  const std::string extra = fmt::format(
      R"(,"generateName":"{}-","labels":{{"app":"{}","app.kubernetes.io/component":"server","app.kubernetes.io/instance":"{}","app.kubernetes.io/name":"{}","app.kubernetes.io/part-of":"generated","app.kubernetes.io/version":"1.14.2","pod-template-hash":"{}"}},"annotations":{{"checksum/config":"{:064x}","prometheus.io/port":"8080","prometheus.io/scrape":"true"}}{},"managedFields":[{},{}])",
      app.replica_set, app.name, app.name, app.name,
      app.replica_set.substr(app.replica_set.rfind('-') + 1), app.number,
      OwnedBy("apps/v1", "ReplicaSet", app.replica_set, replica_set_uid),
      Fill(kControllerFields, values), Fill(kKubeletFields, values));
  StoredObject object = Named(PodName(app, pod), app.name_space, Uid("Pod", pod), extra);
  object.labels = {{"app", app.name}};
  object.fields.emplace_back("spec.nodeName", fmt::format("node-{}", node));
  object.fields.emplace_back("status.phase", "Running");
  object.fields.emplace_back("status.podIP", PodAddress(pod));
  object.rest = Fill(kPodSpec, values);
  return object;
}

void InsertOwners(const App& app, ObjectStore& store) {
  const std::string labels = fmt::format(R"(,"labels":{{"app":"{}"}})", app.name);
  StoredObject deployment = Named(app.name, app.name_space, Uid("Deployment", app.number), labels);
  StoredObject replica_set =
      Named(app.replica_set, app.name_space, Uid("ReplicaSet", app.number),
            labels + OwnedBy("apps/v1", "Deployment", app.name, Uid("Deployment", app.number)));
  deployment.rest = replica_set.rest = fmt::format(
      R"("spec":{{"replicas":{},"selector":{{"matchLabels":{{"app":"{}"}}}}}},"status":{{}})",
      app.last_pod - app.first_pod, app.name);
  store.Insert("apps/v1", "Deployment", std::move(deployment));
  store.Insert("apps/v1", "ReplicaSet", std::move(replica_set));
}

void InsertSlices(const App& app, int nodes, ObjectStore& store) {
  std::vector<std::string> endpoints;
  for (int pod = app.first_pod; pod < app.last_pod; ++pod) {
    endpoints.push_back(fmt::format(
        R"({{"addresses":["{}"],"conditions":{{"ready":true,"serving":true,"terminating":false}},"nodeName":"node-{}","targetRef":{{"kind":"Pod","name":"{}","namespace":"{}","uid":"{}"}},"zone":"zone-a"}})",
        PodAddress(pod), pod % nodes, PodName(app, pod), app.name_space, Uid("Pod", pod)));
  }
  for (size_t first = 0; first < endpoints.size(); first += kEndpointsPerSlice) {
    const size_t last = std::min(endpoints.size(), first + kEndpointsPerSlice);
    StoredObject slice = Named(
        fmt::format("{}-{:05x}", app.name, first + 0x10000), app.name_space,
        Uid("EndpointSlice", app.number * 1000 + static_cast<int>(first / kEndpointsPerSlice)),
        fmt::format(
            R"(,"labels":{{"endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io","kubernetes.io/service-name":"{}"}}{})",
            app.name, OwnedBy("v1", "Service", app.name, Uid("Service", app.number))));
    slice.labels = {{"kubernetes.io/service-name", app.name}};
    slice.rest = fmt::format(
        R"("addressType":"IPv4","endpoints":[{}],"ports":[{{"name":"http","port":8080,"protocol":"TCP"}}])",
        fmt::join(endpoints.begin() + static_cast<ptrdiff_t>(first),
                  endpoints.begin() + static_cast<ptrdiff_t>(last), ","));
    store.Insert("discovery.k8s.io/v1", "EndpointSlice", std::move(slice));
  }
}

void InsertService(const App& app, ObjectStore& store) {
  const std::string ip = Address(0x0a60000a, app.number);
  StoredObject service = Named(app.name, app.name_space, Uid("Service", app.number),
                               fmt::format(R"(,"labels":{{"app":"{}"}})", app.name));
  service.labels = {{"app", app.name}};
  service.rest = fmt::format(
      R"("spec":{{"clusterIP":"{}","clusterIPs":["{}"],"internalTrafficPolicy":"Cluster","ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack","ports":[{{"name":"http","port":80,"protocol":"TCP","targetPort":8080}}],"selector":{{"app":"{}"}},"sessionAffinity":"None","type":"ClusterIP"}},"status":{{"loadBalancer":{{}}}})",
      ip, ip, app.name);
  store.Insert("v1", "Service", std::move(service));
}

void InsertNodes(int nodes, ObjectStore& store) {
  for (int node = 0; node < nodes; ++node) {
    StoredObject object = Named(fmt::format("node-{}", node), "", Uid("Node", node), "");
    object.rest = fmt::format(
        R"("spec":{{"podCIDR":"10.128.0.0/9"}},"status":{{"addresses":[{{"address":"{}","type":"InternalIP"}},{{"address":"node-{}","type":"Hostname"}}]}})",
        NodeAddress(node), node);
    store.Insert("v1", "Node", std::move(object));
  }
}

}  // namespace

StatusOr<ClusterSize> ParseClusterSize(std::string_view text) {
  ClusterSize size;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const size_t equals = item.find('=');
    int* const field = item.starts_with("pods=")         ? &size.pods
                       : item.starts_with("services=")   ? &size.services
                       : item.starts_with("nodes=")      ? &size.nodes
                       : item.starts_with("namespaces=") ? &size.namespaces
                                                         : nullptr;
    const char* const end = item.data() + item.size();
    if (field == nullptr || std::from_chars(item.data() + equals + 1, end, *field).ptr != end ||
        *field < 0) {
      return InvalidArgument("not a cluster size: {:?}", std::string(item));
    }
  }
  return size;
}

void GenerateCluster(const ClusterSize& size, ObjectStore& store) {
  const int services = std::max(1, size.services);
  const int nodes = size.nodes > 0 ? size.nodes : std::max(1, size.pods / 100);
  const int namespaces = size.namespaces > 0 ? size.namespaces : std::max(1, services / 10);
  InsertNodes(nodes, store);
  for (int number = 0; number < namespaces; ++number) {
    StoredObject object = Named(fmt::format("team-{}", number), "", Uid("Namespace", number), "");
    object.rest = R"("spec":{},"status":{"phase":"Active"})";
    store.Insert("v1", "Namespace", std::move(object));
  }
  for (int number = 0; number < services; ++number) {
    App app{.number = number,
            .name = fmt::format("app-{}", number),
            .name_space = fmt::format("team-{}", number % namespaces),
            .replica_set = fmt::format("app-{}-{:08x}", number, 0x6b000000 + number),
            .first_pod = static_cast<int>(int64_t{size.pods} * number / services),
            .last_pod = static_cast<int>(int64_t{size.pods} * (number + 1) / services)};
    InsertOwners(app, store);
    InsertService(app, store);
    InsertSlices(app, nodes, store);
    for (int pod = app.first_pod; pod < app.last_pod; ++pod) {
      store.Insert("v1", "Pod", MakePod(app, pod, nodes));
    }
  }
}

}  // namespace network_mapper::stand_in

{{/* Names are fixed, as in the original: the command line and its collectors look for them. */}}
{{- define "network-mapper.mapper" -}}otterize-network-mapper{{- end }}
{{- define "network-mapper.sniffer" -}}otterize-network-sniffer{{- end }}
{{- define "network-mapper.kafkaWatcher" -}}otterize-kafka-watcher{{- end }}
{{- define "network-mapper.kafkaWatcherState" -}}otterize-kafka-watcher-state{{- end }}

{{/* metadata of an object. Takes a dict: root, name, component, and clusterScoped for objects outside namespaces. */}}
{{- define "network-mapper.metadata" -}}
name: {{ .name }}
{{- if not .clusterScoped }}
namespace: {{ .root.Release.Namespace }}
{{- end }}
labels:
  {{- include "network-mapper.labels" . | nindent 2 }}
annotations:
  {{- include "network-mapper.annotations" . | nindent 2 }}
{{- end }}

{{- define "network-mapper.labels" -}}
{{- $own := dict
  "app.kubernetes.io/name" "network-mapper"
  "app.kubernetes.io/part-of" "otterize"
  "app.kubernetes.io/version" .root.Chart.Version
  "app.kubernetes.io/component" .component }}
{{- toYaml (mergeOverwrite (dict) (.root.Values.global.commonLabels | default dict) $own) }}
{{- end }}

{{- define "network-mapper.annotations" -}}
{{- $own := dict "app.kubernetes.io/version" .root.Chart.Version }}
{{- toYaml (mergeOverwrite (dict) (.root.Values.global.commonAnnotations | default dict) $own) }}
{{- end }}

{{/* metadata of a workload's pods. Takes a dict: root, app (the selector's label), component. */}}
{{- define "network-mapper.podMetadata" -}}
{{- $labels := include "network-mapper.labels" . | fromYaml }}
{{- $labels = mergeOverwrite (dict) (.root.Values.global.podLabels | default dict) $labels (dict "app" .app) }}
{{- $annotations := include "network-mapper.annotations" . | fromYaml }}
{{- $annotations = mergeOverwrite (dict) (.root.Values.global.podAnnotations | default dict) $annotations -}}
labels:
  {{- toYaml $labels | nindent 2 }}
annotations:
  {{- toYaml $annotations | nindent 2 }}
{{- end }}

{{/* Takes a dict: root, values (mapper, sniffer or kafkawatcher). */}}
{{- define "network-mapper.image" -}}
{{- $repository := .values.repository | default .root.Values.global.imageRegistry | default "localhost" }}
{{- $image := printf "%s/%s" (trimSuffix "/" $repository) .values.image }}
{{- if .values.digest -}}
{{ $image }}@{{ .values.digest }}
{{- else -}}
{{ $image }}:{{ .values.tag | default .root.Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* What all workloads have alike in their pod specs. Takes a dict: root, values. */}}
{{- define "network-mapper.podSpec" -}}
# Variables made of Services would look like options.
enableServiceLinks: false
{{- $own := .values.pullSecrets | default list }}
{{- $own = kindIs "string" $own | ternary (list $own) $own }}
{{- $names := list }}
{{- range concat (.root.Values.global.imagePullSecrets | default list) $own }}
{{- if kindIs "map" . }}
{{- $names = append $names .name }}
{{- else }}
{{- $names = append $names . }}
{{- end }}
{{- end }}
{{- with uniq $names }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What all workloads have alike in their containers. Takes a dict: root, values. */}}
{{- define "network-mapper.container" -}}
image: {{ include "network-mapper.image" . }}
{{- with .values.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- with .values.containerSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A list of variables: those of `own` (a dict of name to value) that `extra` does not name, then `extra`. */}}
{{- define "network-mapper.env" -}}
{{- $extra := .extra | default list }}
{{- $named := dict }}
{{- range $extra }}{{ $_ := set $named .name true }}{{ end }}
{{- $all := list }}
{{- range $name, $value := .own }}
{{- if not (hasKey $named $name) }}
{{- $all = append $all (dict "name" $name "value" $value) }}
{{- end }}
{{- end }}
{{- toYaml (concat $all $extra) }}
{{- end }}

{{/* The Secret with the mapper's certificate and key. */}}
{{- define "network-mapper.tlsSecret" -}}
{{- .Values.tls.secretName | default (printf "%s-tls" (include "network-mapper.mapper" .)) }}
{{- end }}

{{/* The ConfigMap with ca.crt; empty: the sniffers take it from the Secret. */}}
{{- define "network-mapper.caConfigMap" -}}
{{- if eq .Values.tls.source "chart" -}}
{{ include "network-mapper.mapper" . }}-ca
{{- else -}}
{{ .Values.tls.caConfigMapName }}
{{- end }}
{{- end }}

{{/* Where a durable map is: "claim" or "emptyDir"; empty: it is in memory. */}}
{{- define "network-mapper.storeVolume" -}}
{{- $persistence := .Values.mapper.store.persistence }}
{{- if ne .Values.mapper.store.type "sqlite" }}
{{- else if ne (toString $persistence.enabled) "auto" -}}
{{ ternary "claim" "emptyDir" $persistence.enabled }}
{{- else if or $persistence.existingClaim $persistence.storageClassName (not (lookup "v1" "Namespace" "" "kube-system")) -}}
claim
{{- else if lookup "v1" "PersistentVolumeClaim" .Release.Namespace (include "network-mapper.mapper" .) -}}
claim
{{- else }}
{{- $volume := "emptyDir" }}
{{- range (lookup "storage.k8s.io/v1" "StorageClass" "" "").items }}
{{- if eq "true" (index (.metadata.annotations | default dict) "storageclass.kubernetes.io/is-default-class" | default "") }}
{{- $volume = "claim" }}
{{- end }}
{{- end -}}
{{ $volume }}
{{- end }}
{{- end }}

{{/* Whether collectors show a token: text, empty for no. */}}
{{- define "network-mapper.collectorTokens" -}}
{{- if and .Values.tls.enabled .Values.tls.collectorTokens }}yes{{ end }}
{{- end }}

{{/* Volumes by which a collector checks the mapper and shows who it is: a list, or nothing. */}}
{{- define "network-mapper.collectorVolumes" -}}
{{- if .Values.tls.enabled -}}
- name: tls
  {{- with include "network-mapper.caConfigMap" . }}
  configMap:
    name: {{ . }}
  {{- else }}
  secret:
    secretName: {{ include "network-mapper.tlsSecret" . }}
  {{- end }}
    items:
      - key: ca.crt
        path: ca.crt
{{- end }}
{{- if include "network-mapper.collectorTokens" . }}
# Good for the mapper only: the API server refuses a token with this audience.
- name: token
  projected:
    sources:
      - serviceAccountToken:
          audience: {{ include "network-mapper.tokenAudience" . }}
          expirationSeconds: 3600
          path: token
{{- end }}
{{- end }}

{{/* Where these volumes are in the container: a list, or nothing. */}}
{{- define "network-mapper.collectorMounts" -}}
{{- if .Values.tls.enabled -}}
- name: tls
  mountPath: /etc/network-mapper/tls
  readOnly: true
{{- end }}
{{- if include "network-mapper.collectorTokens" . }}
- name: token
  mountPath: /etc/network-mapper/token
  readOnly: true
{{- end }}
{{- end }}

{{/* For whom their tokens are issued. */}}
{{- define "network-mapper.tokenAudience" -}}network-mapper{{- end }}

{{/* Takes a dict: path, port, host (optional), period, timeout (optional). */}}
{{- define "network-mapper.probe" -}}
httpGet:
  path: {{ .path }}
  port: {{ .port }}
  {{- with .host }}
  host: {{ quote . }}
  {{- end }}
initialDelaySeconds: {{ .period }}
periodSeconds: {{ .period }}
timeoutSeconds: {{ .timeout | default 5 }}
{{- end }}

{{/* Whose logs the Kafka watcher reads, as YAML: servers, selectors, namespaces to look in (none: all), scopes: the namespaces that it
needs rights in (none: all), pods: by namespace, the pods whose logs alone it reads there (none: all). */}}
{{- define "network-mapper.kafkaWatched" -}}
{{- $servers := .Values.kafkawatcher.kafkaServers | default list }}
{{- $selectors := .Values.kafkawatcher.kafkaSelectors | default list }}
{{- if not (or $servers $selectors) }}
{{- /* Strimzi's and Bitnami's brokers and controllers. */}}
{{- $selectors = list "app.kubernetes.io/name=kafka" }}
{{- end }}
{{- $namespaces := .Values.kafkawatcher.kafkaNamespaces | default list }}
{{- $scopes := $namespaces }}
{{- $pods := dict }}
{{- if or (not $selectors) $namespaces }}
{{- range $servers }}
{{- $namespace := last (splitList "." .) }}
{{- if not (and $selectors (has $namespace $namespaces)) }}
{{- $_ := set $pods $namespace (append (index $pods $namespace | default list) (first (splitList "." .))) }}
{{- end }}
{{- $scopes = append $scopes $namespace }}
{{- end }}
{{- end }}
{{- toYaml (dict "servers" $servers "selectors" $selectors "namespaces" $namespaces "scopes" (uniq $scopes | sortAlpha) "pods" $pods) }}
{{- end }}

{{/* Takes a dict: pods, those whose logs alone may be read (none: all). */}}
{{- define "network-mapper.kafkaRules" -}}
# Which pods are brokers and controllers, and when they start anew? Is one still the pod whose log was read, not another of its name?
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods/log]
  {{- with .pods }}
  resourceNames: {{ toJson . }}
  {{- end }}
  verbs: [get]
{{- end }}

{{/* Of AWS visibility; the webhook's own defaults are the same. */}}
{{- define "network-mapper.awsProxy" -}}otterize-aws-visibility-proxy{{- end }}
{{- define "network-mapper.awsNames" -}}otterize-aws-visibility-names{{- end }}
{{- define "network-mapper.awsDns" -}}otterize-aws-visibility-dns{{- end }}
{{- define "network-mapper.awsWebhook" -}}otterize-aws-visibility-webhook{{- end }}
{{- define "network-mapper.awsCa" -}}otterize-aws-visibility-ca{{- end }}

{{/* Two of a kind are not to be on one node where that can be helped. Takes the label app. */}}
{{- define "network-mapper.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        app: {{ . }}
    # Pods that an upgrade is about to end do not count, or all that stay may be on one node. Kubernetes 1.27 and later.
    matchLabelKeys: [pod-template-hash]
{{- end }}

{{/* The domains that AWS's endpoints are in, of all partitions. */}}
{{- define "network-mapper.awsDomains" -}}
amazonaws.com amazonaws.com.cn amazonaws.eu api.aws api.amazonwebservices.com.cn api.amazonwebservices.eu c2s.ic.gov api.aws.ic.gov sc2s.sgov.gov api.aws.scloud cloud.adc-e.uk api.cloud-aws.adc-e.uk csp.hci.ic.gov api.aws.hci.ic.gov
{{- end }}

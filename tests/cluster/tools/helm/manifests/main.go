// Reads Kubernetes manifests from standard input, decodes each strictly (an unknown field is an error) and prints which
// Pod Security level every workload's pods meet, with the checks that keep them from a stricter one.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// Kinds of these groups come with operators; their types are not part of Kubernetes.
var foreignGroups = []string{"cert-manager.io/", "monitoring.coreos.com/", "security.openshift.io/"}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return err
	}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(in))
	objects := 0
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if isForeign(string(document)) || isEmpty(string(document)) {
			continue
		}
		object, kind, err := decoder.Decode(document, nil, nil)
		if err != nil {
			return fmt.Errorf("%w in\n%s", err, document)
		}
		objects++
		if name, template := podTemplate(object); template != nil {
			fmt.Fprintf(out, "%s %s: %s\n", kind.Kind, name, podSecurity(evaluator, template))
		}
	}
	if objects == 0 {
		return errors.New("no manifest in the input")
	}
	return nil
}

func isForeign(document string) bool {
	for _, group := range foreignGroups {
		if strings.Contains("\n"+document, "\napiVersion: "+group) {
			return true
		}
	}
	return false
}

func isEmpty(document string) bool {
	for _, line := range strings.Split(document, "\n") {
		line = strings.TrimSpace(line)
		if line != "" && line != "---" && !strings.HasPrefix(line, "#") {
			return false
		}
	}
	return true
}

func podTemplate(object runtime.Object) (string, *corev1.PodTemplateSpec) {
	switch workload := object.(type) {
	case *appsv1.Deployment:
		return workload.Name, &workload.Spec.Template
	case *appsv1.DaemonSet:
		return workload.Name, &workload.Spec.Template
	}
	return "", nil
}

func podSecurity(evaluator policy.Evaluator, template *corev1.PodTemplateSpec) string {
	var broken []string
	for _, level := range []api.Level{api.LevelRestricted, api.LevelBaseline} {
		version := api.LevelVersion{Level: level, Version: api.LatestVersion()}
		broken = nil
		for _, result := range evaluator.EvaluatePod(version, &template.ObjectMeta, &template.Spec) {
			if !result.Allowed {
				broken = append(broken, result.ForbiddenReason)
			}
		}
		if len(broken) == 0 {
			return string(level)
		}
	}
	sort.Strings(broken)
	return "privileged, because of " + strings.Join(broken, ", ")
}
